"""Tests of the recipes of doorbells and gates."""

import pytest

from tests.pbx.ari import StubAri
from tests.pbx.common import until

from .conftest import CALLER_ID, DOOR, GROUP, MOBILE, House, answer

BELL = "binary_sensor.doorbell"


async def ring(house: House) -> None:
    """Press the doorbell."""
    await house.change(BELL, "off", "on")


async def test_doorbell(house: House) -> None:
    """The kitchen phone rings, once, and is connected to the door station."""
    await house.use("doorbell")
    await ring(house)
    await ring(house)

    assert house.rung == [("101", DOOR)]
    (call,) = house.sandbox.calls
    assert (call.caller_id, call.timeout, call.call_limit) == ("106", 20, 300)
    await house.live(1)
    assert call.second_leg is None
    await house.live(4)
    assert call.state == "connected"
    # The next visitor.
    await house.live(30)
    await ring(house)
    assert len(house.rung) == 2


async def test_doorbell_that_comes_back(house: House) -> None:
    """A doorbell that was unavailable has not been pressed."""
    await house.use("doorbell")
    await house.change(BELL, "unavailable", "on")

    assert not house.rung


async def test_together(asterisk_house: House, ari: StubAri) -> None:
    """All phones ring, the first is connected to the door, the others stop."""
    await asterisk_house.use("ring-group")
    for state in ("off", "on"):
        asterisk_house.hass.states.async_set(BELL, state)
    await until(lambda: len(ari.originated) == 3)
    kitchen, living_room, workshop = ari.originated

    await answer(ari, living_room)
    continued = f"channels/{living_room['channelId']}/continue"
    await until(lambda: continued in ari.paths("POST"))
    others = {f"channels/{each['channelId']}" for each in (kitchen, workshop)}
    await until(lambda: others <= set(ari.paths("DELETE")))


async def test_together_until(asterisk_house: House, ari: StubAri) -> None:
    """All phones stop when someone opens the door."""
    await asterisk_house.use("ring-group")
    for state in ("off", "on"):
        asterisk_house.hass.states.async_set(BELL, state)
    await until(lambda: len(ari.originated) == 3)
    asterisk_house.hass.states.async_set("binary_sensor.front_door", "on")
    asterisk_house.tick()

    phones = {f"channels/{each['channelId']}" for each in ari.originated}
    await until(lambda: phones <= set(ari.paths("DELETE")))


async def test_ring_group(house: House) -> None:
    """The door station is connected to the group."""
    await house.use("ring-group", 1)
    await ring(house)
    await ring(house)

    assert house.rung == [(DOOR, GROUP)]
    (call,) = house.sandbox.calls
    await house.live(2)
    assert house.sandbox.phones.state(GROUP) == "Ringing"
    await house.live(3)
    assert call.state == "connected"


async def test_ring_group_no_answer(house: House) -> None:
    """The ringing ends by itself, and the doorbell works again."""
    house.silence_phones()
    await house.use("ring-group", 1)
    await ring(house)
    await house.live(31)

    assert house.sandbox.calls[0].result == "no_answer"
    await ring(house)
    assert len(house.rung) == 2


async def test_house_then_mobile(house: House) -> None:
    """The mobile does not ring if the house answers."""
    await house.use("house-then-mobile")
    await ring(house)
    await house.live(30)

    assert house.rung == [(DOOR, GROUP)]
    assert house.sandbox.calls[0].result == "answered"
    assert not house.messages


async def test_house_then_mobile_rings_mobile(house: House) -> None:
    """The mobile rings if the house does not answer."""
    house.sandbox.change_phone(GROUP, behavior="no_answer")
    await house.use("house-then-mobile")
    await ring(house)
    await house.live(35)

    assert house.rung == [(DOOR, GROUP), (DOOR, MOBILE)]
    assert house.sandbox.calls[1].answered is not None
    assert house.sandbox.calls[1].caller_id == CALLER_ID
    await house.live(45)
    assert not house.messages


@pytest.mark.parametrize("fault", ["no answer", "refused", "gone"])
async def test_house_then_mobile_fails(house: House, fault: str) -> None:
    """A message is sent if no one answers or no call can be placed."""
    await house.fail(fault)
    await house.use("house-then-mobile")
    await ring(house)
    await house.live(60)

    assert len(house.rung) == (2 if fault == "no answer" else 0)
    assert house.messages == ["Someone is at the door, and no one answered."]


@pytest.mark.parametrize(
    ("mom", "dad", "rung"),
    [
        ("home", "home", ["101", "102"]),
        ("not_home", "home", ["102"]),
        ("unknown", "Work", [MOBILE]),
    ],
)
async def test_at_home(house: House, mom: str, dad: str, rung: list[str]) -> None:
    """The phones of those at home ring in order, else the mobile."""
    house.silence_phones()
    await house.change("person.mom", mom)
    await house.change("person.dad", dad)
    await house.use("at-home")
    await ring(house)
    await house.live(50)

    assert house.rung == [(DOOR, number) for number in rung]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (MOBILE, "Mom"),
        ("+989120000000", "Neighbor"),
        ("09123333333", None),
        ("", None),
    ],
)
async def test_gate(house: House, number: str, name: str | None) -> None:
    """Only contacts open the gate."""
    house.hass.config.country = "IR"
    house.record("cover.open_cover")
    await house.use("gate")
    house.sandbox.incoming(number, "104")
    await house.live(2)

    assert len(house.acted["cover.open_cover"]) == bool(name)
    shown = [f"The gate was opened for {name}."] if name else []
    assert [data["message"] for data in house.notifications] == shown


async def test_gate_at_night(house: House) -> None:
    """The gate stays closed outside of the hours that are set."""
    house.record("cover.open_cover")
    await house.use("gate")
    await house.live(16 * 3600, step=1800)
    house.sandbox.incoming(MOBILE, "104")
    await house.live(2)

    assert not house.done

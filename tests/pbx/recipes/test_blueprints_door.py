"""Tests of the blueprints for doorbells and buttons, which run at the sandbox."""

import pytest

from tests.pbx.ari import StubAri
from tests.pbx.common import until

from .conftest import DOOR, House, answer, use_help_button

BELL = "binary_sensor.bell"
PRESS, NEXT_PRESS = "2026-11-24T10:00:00+00:00", "2026-11-24T10:05:00+00:00"


async def use_doorbell(house: House, *names: str, **inputs: object) -> None:
    """Set the doorbell up for some phones."""
    house.record("test.unanswered")
    await house.apply(
        "doorbell",
        **{
            "doorbell": BELL,
            "phones": house.devices(*(names or ("Kitchen", "Living room"))),
            "door_station": "Door station",
            "unanswered": [{"action": "test.unanswered"}],
            **inputs,
        },
    )


async def test_doorbell(house: House) -> None:
    """The first phone rings, once, and is connected to the door station."""
    await use_doorbell(house)
    await house.change(BELL, "off", "on", "off", "on")
    await house.live(5)

    assert house.rung == [("101", DOOR)]
    (call,) = house.sandbox.calls
    assert (call.state, call.timeout, call.call_limit) == ("connected", 20, 300)
    # Presses are ignored for another while, and then they count again.
    await house.change(BELL, "off", "on", "off")
    await house.live(35, step=5)
    await house.change(BELL, "on")
    assert len(house.rung) == 2
    assert not house.done


@pytest.mark.parametrize("station", ["0106", "+98217"])
async def test_doorbell_number(house: House, station: str) -> None:
    """A door station without a contact keeps its zero and its plus sign."""
    await use_doorbell(house, door_station=station)
    await house.change(BELL, "off", "on")

    assert house.rung == [("101", station)]


async def test_doorbell_in_turn(house: House) -> None:
    """One phone rings after another, and actions run when no one answers."""
    house.silence_phones()
    await use_doorbell(house)
    await house.change(BELL, "off", "on")
    await house.live(22)
    assert house.rung == [("101", DOOR), ("102", DOOR)]
    assert not house.done
    await house.live(22)

    assert house.done == ["test.unanswered"]


async def test_doorbell_together_simotel(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A Simotel cannot stop a ringing phone, which the log says."""
    await use_doorbell(house, mode="together")
    await house.change(BELL, "off", "on")

    assert not house.rung
    assert house.done == ["test.unanswered"]
    assert "ring group" in caplog.text


async def test_doorbell_together(asterisk_house: House, ari: StubAri) -> None:
    """With an Asterisk, all phones ring, and the first is connected to the door."""
    await use_doorbell(asterisk_house, mode="together")
    asterisk_house.hass.states.async_set(BELL, "off")
    asterisk_house.hass.states.async_set(BELL, "on")
    await until(lambda: len(ari.originated) > 1)
    first, second = ari.originated
    assert [each["endpoint"] for each in (first, second)] == ["PJSIP/101", "PJSIP/102"]

    await answer(ari, second)
    continued = f"channels/{second['channelId']}/continue"
    await until(lambda: continued in ari.paths("POST"))
    await until(lambda: f"channels/{first['channelId']}" in ari.paths("DELETE"))
    assert f"channels/{second['channelId']}" not in ari.paths("DELETE")


@pytest.mark.parametrize(
    ("bell", "before", "press"),
    [
        ("event.bell", ("unavailable", PRESS, "unavailable", PRESS), NEXT_PRESS),
        ("event.bell", ("unavailable", "unknown"), PRESS),
        ("button.bell", (PRESS, "unavailable", PRESS), NEXT_PRESS),
        ("input_button.bell", ("unknown",), PRESS),
        (BELL, ("off", "unavailable", "off"), "on"),
        (BELL, ("off", "unavailable"), "on"),
        (BELL, ("off", "unknown"), "on"),
        (BELL, ("on", "off"), "on"),
    ],
)
@pytest.mark.parametrize("blueprint", ["doorbell", "help_button"])
async def test_button_that_comes_back(
    house: House, blueprint: str, bell: str, before: tuple[str, ...], press: str
) -> None:
    """A button that comes back has not been pressed; one that turns on has."""
    if blueprint == "doorbell":
        await use_doorbell(house, doorbell=bell)
    else:
        await use_help_button(house, bell)
    await house.change(bell, *before)
    assert not house.rung

    await house.change(bell, press)
    assert len(house.rung) == 1


@pytest.mark.parametrize(
    ("quiet", "hours", "rings"),
    [
        (("22:00:00", "07:00:00"), 0, 0),
        (("22:00:00", "06:59:00"), 0, 1),
        (("06:00:00", "07:00:00"), 0, 0),
        (("06:00:00", "06:59:00"), 0, 1),
        (("22:00:00", "07:00:00"), 16, 0),
        (("00:00:00", "00:00:00"), 0, 1),
    ],
)
async def test_quiet_hours(
    house: House, quiet: tuple[str, str], hours: int, rings: int
) -> None:
    """No phone rings at night, before or after midnight."""
    house.freezer.tick(hours * 3600)
    await use_doorbell(house, quiet_from=quiet[0], quiet_to=quiet[1])
    await house.change(BELL, "off", "on")

    assert len(house.rung) == rings


@pytest.mark.parametrize(
    ("state", "rings"), [("on", 0), ("off", 1), ("unavailable", 1)]
)
async def test_mute(house: House, state: str, rings: int) -> None:
    """No phone rings while the switch is on."""
    await house.change("input_boolean.nap", state)
    await use_doorbell(house, mute="input_boolean.nap")
    await house.change(BELL, "off", "on")

    assert len(house.rung) == rings

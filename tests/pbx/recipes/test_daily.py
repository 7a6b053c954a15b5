"""Tests of the recipes for wake-up calls, music, lamps and signals."""

from homeassistant.setup import async_setup_component
import pytest

from tests.pbx.ari import StubAri
from tests.pbx.common import until

from .conftest import ANNOUNCEMENT, BEDROOM, MOBILE, House, answer

KITCHEN, LIVING_ROOM = "sensor.kitchen_state", "sensor.living_room_state"


async def wake_up_at(house: House, time: str) -> None:
    """Set the time of the wake-up call."""
    helper = {"wake_up": {"has_time": True, "initial": time}}
    assert await async_setup_component(
        house.hass, "input_datetime", {"input_datetime": helper}
    )
    house.record("light.turn_on")
    await house.use("wake-up-call")


async def test_wake_up_call(house: House) -> None:
    """The phone rings at the time, and once only if it is answered."""
    await wake_up_at(house, "07:00:00")
    await house.live(55, step=5)
    assert not house.rung
    await house.live(15)
    assert house.rung == [(BEDROOM, ANNOUNCEMENT)]
    await house.live(900, step=30)

    assert len(house.rung) == 1
    assert not house.done


async def test_wake_up_call_is_retried(house: House) -> None:
    """A call that is not answered is repeated after five minutes."""
    house.silence_phones()
    await wake_up_at(house, "07:00:00")
    await house.live(60 + 50)
    await house.live(280, step=20)
    assert len(house.rung) == 1
    house.sandbox.change_phone(BEDROOM, as_caller=None)
    await house.live(60)

    assert house.rung == [(BEDROOM, ANNOUNCEMENT)] * 2
    await house.live(900, step=30)
    assert len(house.rung) == 2
    assert not house.done


@pytest.mark.parametrize(
    ("fault", "rung"), [("no answer", 3), ("refused", 0), ("gone", 0)]
)
async def test_wake_up_call_fails(house: House, fault: str, rung: int) -> None:
    """The light turns on if no call is answered or can be placed."""
    await house.fail(fault)
    await wake_up_at(house, "07:00:00")
    await house.live(1200, step=5)

    assert len(house.rung) == rung
    assert house.data("light.turn_on") == [
        {"entity_id": ["light.bedroom"], "brightness_pct": 100}
    ]


async def test_wake_up_call_at_the_weekend(house: House) -> None:
    """There is no wake-up call on a Saturday."""
    house.freezer.tick(4 * 24 * 3600)
    await wake_up_at(house, "07:00:00")
    await house.live(120, step=10)

    assert not house.rung


async def test_quiet_music(house: House) -> None:
    """The radio is muted as long as at least one phone rings or is in use."""
    house.record("media_player.volume_mute")
    await house.use("quiet-music")
    house.sandbox.incoming(MOBILE, "101")
    await house.live(1)
    assert house.hass.states.get(KITCHEN).state == "ringing"  # type: ignore[union-attr]
    house.sandbox.incoming("02188880000", "102")
    await house.live(60)

    muted = [data["is_volume_muted"] for data in house.data("media_player.volume_mute")]
    # The kitchen talks for 20 seconds, the living room for 30.
    assert house.hass.states.get(LIVING_ROOM).state == "idle"  # type: ignore[union-attr]
    assert muted == [True] * (len(muted) - 1) + [False]
    assert len(muted) > 3


async def test_quiet_music_pbx_gone(house: House) -> None:
    """The radio does not stay muted if the PBX becomes unreachable."""
    house.record("media_player.volume_mute")
    await house.use("quiet-music")
    house.sandbox.incoming(MOBILE, "101")
    await house.live(3)
    assert house.data("media_player.volume_mute")[-1]["is_volume_muted"]
    await house.vanish()
    house.sandbox.configure(events=None)
    await house.live(65, step=5)

    assert not house.data("media_player.volume_mute")[-1]["is_volume_muted"]


async def test_lamps_blink(house: House) -> None:
    """The lamps blink until the phone stops ringing, and are then as before."""
    house.record("light.toggle", "scene.create", "scene.turn_on")
    house.sandbox.change_phone("101", after=6)
    await house.use("lamps-blink")
    house.sandbox.incoming(MOBILE, "101")
    await house.live(4)
    assert house.data("scene.create") == [
        {
            "scene_id": "before_the_phone_rang",
            "snapshot_entities": ["light.living_room"],
        }
    ]
    assert 3 <= len(house.acted["light.toggle"]) <= 5
    assert not house.acted["scene.turn_on"]
    await house.live(20)

    assert len(house.acted["light.toggle"]) <= 7
    assert house.data("scene.turn_on") == [
        {"entity_id": ["scene.before_the_phone_rang"]}
    ]


async def test_short_ring(house: House) -> None:
    """The phone rings for five seconds, and connects to nothing."""
    house.sandbox.change_phone("101", behavior="no_answer")
    await house.use("short-ring", 1)
    await house.change("binary_sensor.washing_machine", "on", "off")
    assert house.sandbox.phones.state("101") == "Ringing"
    await house.live(5)

    (call,) = house.sandbox.calls
    assert house.sandbox.phones.state("101") == "Idle"
    assert call.result == "caller_unreachable"
    assert call.second_leg is None
    assert call.caller_id == "200"


async def test_short_ring_answered(house: House) -> None:
    """A person who answers in time hears the announcement."""
    await house.use("short-ring", 1)
    await house.change("binary_sensor.washing_machine", "on", "off")
    await house.live(4)

    assert house.rung == [("101", ANNOUNCEMENT)]
    assert house.sandbox.calls[0].state == "connected"


async def test_short_ring_of_asterisk(asterisk_house: House, ari: StubAri) -> None:
    """All phones ring; who answers hears a tone."""
    asterisk_house.hass.states.async_set("binary_sensor.washing_machine", "on")
    await asterisk_house.use("short-ring")
    asterisk_house.hass.states.async_set("binary_sensor.washing_machine", "off")
    await until(lambda: len(ari.originated) > 1)
    kitchen, workshop = ari.originated
    assert [kitchen["endpoint"], workshop["endpoint"]] == ["PJSIP/101", "PJSIP/103"]
    assert all("Washing machine" in each["callerId"] for each in ari.originated)
    assert all(each["timeout"] == 5 for each in ari.originated)

    await answer(ari, kitchen)
    await until(lambda: ari.played)


async def test_short_ring_of_simotel(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A Simotel cannot ring a phone alone, and the error names the recipe."""
    await house.use("short-ring")
    await house.change("binary_sensor.washing_machine", "on", "off")

    assert not house.rung
    assert "short-ring" in caplog.text

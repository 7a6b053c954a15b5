"""Tests of the recipes of alarms and of help."""

import pytest

from sandbox import Fault
from tests.pbx.ari import StubAri
from tests.pbx.common import ORIGINATE, until

from .conftest import (
    ANNOUNCEMENT,
    BEDROOM,
    CALLER_ID,
    CHECK,
    MOBILE,
    NEIGHBOR,
    House,
)

ALARM = "alarm_control_panel.home"
ALL = [(MOBILE, ANNOUNCEMENT), (NEIGHBOR, ANNOUNCEMENT)]
LEAK, REACTION = "binary_sensor.water_leak", "mobile_app_notification_action"
MOTION = "binary_sensor.motion"

FAULTS = pytest.mark.parametrize(
    ("fault", "rounds"),
    [("no answer", 2), ("refused", 0), ("gone", 0), ("not loaded", 0)],
)


async def test_alarm(house: House) -> None:
    """The first to answer hears the announcement, and no siren sounds."""
    house.record("siren.turn_on")
    await house.use("alarm")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(20)

    assert house.rung == ALL[:1]
    (asked,) = house.asked
    assert (asked["trunk_name"], asked["caller_id"]) == ("main_trunk", CALLER_ID)
    assert (asked["timeout"], asked["call_limit"]) == ("30", "60")
    assert house.sandbox.calls[0].result == "answered"
    shown = [data["message"] for data in house.notifications]
    assert shown == ["Mom answered the alarm call."]
    assert not house.acted["siren.turn_on"]


@FAULTS
async def test_alarm_fails(house: House, fault: str, rounds: int) -> None:
    """The siren sounds if no one answers or no call can be placed."""
    house.record("siren.turn_on")
    await house.fail(fault)
    await house.use("alarm")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(4 * 40)

    assert house.rung == ALL * rounds
    assert len(house.acted["siren.turn_on"]) == 1
    message = "The alarm was triggered, and no one answered the phone."
    assert house.messages == [message]
    assert not house.notifications


async def test_alarm_disarmed(house: House) -> None:
    """Disarming ends the calls, and no siren sounds."""
    house.record("siren.turn_on")
    house.silence_phones()
    await house.use("alarm")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(10)
    await house.change(ALARM, "disarmed")
    await house.live(120)

    assert house.rung == ALL[:1]
    assert not house.done


async def test_until_disarmed(house: House) -> None:
    """Calls are repeated until the alarm is disarmed."""
    await house.use("until-disarmed")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(300)
    assert house.rung == ALL[:1] * 3

    await house.change(ALARM, "disarmed")
    await house.live(300, step=5)
    assert len(house.rung) == 3
    # The next alarm.
    await house.change(ALARM, "armed_away", "triggered")
    assert len(house.rung) == 4
    await house.change(ALARM, "disarmed")


async def test_until_disarmed_without_answers(house: House) -> None:
    """Each round calls the whole list; disarming stops it in the middle."""
    house.silence_phones()
    await house.use("until-disarmed")
    await house.change(ALARM, "armed_away", "triggered", "unavailable")
    await house.live(60 + 4 + 120 + 2)
    assert house.rung == [*ALL, ALL[0]]

    await house.change(ALARM, "disarmed")
    await house.live(200, step=2)
    assert len(house.rung) == 3


async def test_until_disarmed_pbx_comes_back(house: House) -> None:
    """A PBX that is unreachable in one round is tried again in the next."""
    await house.vanish()
    await house.use("until-disarmed")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(30)
    assert not house.rung
    await house.come_back()
    await house.live(180)

    assert house.rung == ALL[:1]
    await house.change(ALARM, "disarmed")


async def test_until_disarmed_stops_the_phone(
    asterisk_house: House, ari: StubAri
) -> None:
    """With an Asterisk, disarming ends the call that is ringing, and no other."""
    hass = asterisk_house.hass
    await asterisk_house.use("until-disarmed")
    call = {"caller": "557", "callee": "552"}
    await hass.services.async_call("pbx", "originate", call, blocking=True)
    for state in ("armed_home", "triggered"):
        hass.states.async_set(ALARM, state)
    await until(lambda: len(ari.originated) > 1)
    other, ringing = (f"channels/{each['channelId']}" for each in ari.originated)
    assert ari.originated[1]["endpoint"] == f"PJSIP/{MOBILE}@main_trunk"

    hass.states.async_set(ALARM, "disarmed")
    asterisk_house.tick()
    await until(lambda: ringing in ari.paths("DELETE"))
    assert other not in ari.paths("DELETE")


async def test_alarm_lost_answers(house: House) -> None:
    """If answers are lost, phones may ring, so the siren waits for the last one."""
    house.record("siren.turn_on")
    house.sandbox.faults.set(ORIGINATE, Fault("reset"))
    await house.use("alarm")
    await house.change(ALARM, "armed_away", "triggered")
    await house.live(60, step=5)
    assert not house.acted["siren.turn_on"]
    await house.live(4 * 140, step=5)

    assert [asked["caller"] for asked in house.asked] == [MOBILE, NEIGHBOR] * 2
    assert len(house.acted["siren.turn_on"]) == 1


async def leak(house: House) -> str:
    """Report a leak, and return the action of the notification's button."""
    house.record("notify.mobile_app_mom", "valve.close_valve")
    await house.use("push-then-call")
    await house.change(LEAK, "off", "on")
    (data,) = house.data("notify.mobile_app_mom")
    (button,) = data["data"]["actions"]
    return str(button["action"])


async def test_push_then_call_reaction(house: House) -> None:
    """A reaction to the notification prevents the calls."""
    button = await leak(house)
    await house.live(60)
    house.hass.bus.async_fire(REACTION, {"action": "LEAK_of_another_day"})
    await house.settle()
    house.hass.bus.async_fire(REACTION, {"action": button})
    await house.live(120, step=5)

    assert not house.rung
    assert not house.acted["valve.close_valve"]


async def test_push_then_call(house: House) -> None:
    """Without a reaction, the calls begin after two minutes."""
    await leak(house)
    await house.live(118, step=2)
    assert not house.rung
    await house.live(22)

    assert house.rung == ALL[:1]
    assert not house.acted["valve.close_valve"]


@FAULTS
async def test_push_then_call_fails(house: House, fault: str, rounds: int) -> None:
    """The water is turned off if no one answers or no call can be placed."""
    await house.fail(fault)
    await leak(house)
    await house.live(120, step=5)
    await house.live(70)

    assert len(house.acted["valve.close_valve"]) == 1
    assert house.rung == (ALL if rounds else [])


async def test_help_button(house: House) -> None:
    """The first relative to answer talks to the phone in the room."""
    await house.use("help-button")
    house.sandbox.change_phone(BEDROOM, after=0)
    await house.change("binary_sensor.help_button", "off", "on")
    await house.live(10)

    assert house.rung == [(MOBILE, BEDROOM)]
    (call,) = house.sandbox.calls
    assert (call.state, call.call_limit) == ("connected", 1800)
    assert call.caller_id == CALLER_ID
    assert not house.messages


@FAULTS
async def test_help_button_fails(house: House, fault: str, rounds: int) -> None:
    """A message is sent if no one answers or no call can be placed."""
    await house.fail(fault)
    await house.use("help-button")
    await house.change("binary_sensor.help_button", "off", "on")
    await house.live(170)

    assert house.rung == [(MOBILE, BEDROOM), (NEIGHBOR, BEDROOM)] * rounds
    message = "The help button was pressed, and no one answered the phone."
    assert house.messages == [message]


async def nothing_moves(house: House, person: str = "home") -> None:
    """Report the last motion just before seven."""
    await house.change("person.grandma", person)
    await house.use("no-motion")
    await house.change(MOTION, "on", "off")


async def test_no_motion(house: House) -> None:
    """The resident is called after four hours, and relatives only without an answer."""
    await nothing_moves(house)
    await house.live(4 * 3600 - 60, step=1770)
    assert not house.rung
    await house.live(60, step=10)
    await house.live(100, step=2)

    assert house.rung == [(BEDROOM, CHECK)]
    assert not house.messages


async def test_no_motion_no_answer(house: House) -> None:
    """Relatives are called if the resident does not answer."""
    house.sandbox.change_phone(BEDROOM, behavior="no_answer")
    await nothing_moves(house)
    await house.live(4 * 3600 + 10, step=1801)
    await house.live(130)

    assert house.rung == [(BEDROOM, CHECK), (MOBILE, ANNOUNCEMENT)]
    assert not house.messages


@FAULTS
async def test_no_motion_fails(house: House, fault: str, rounds: int) -> None:
    """A message is sent if no one answers or no call can be placed."""
    await house.fail(fault)
    await nothing_moves(house)
    await house.live(4 * 3600 + 10, step=1801)
    await house.live(250)

    message = "There was no motion for four hours, and no one answered the phone."
    assert house.messages == [message]
    assert house.rung[1:] == ALL * rounds


async def test_no_motion_since_the_night(house: House) -> None:
    """No motion since the night is noticed in the morning."""
    house.freezer.tick(-3 * 3600)
    await nothing_moves(house)
    house.freezer.tick(3 * 3600)
    await house.settle()
    assert not house.rung
    # It is off for four hours at seven, which is too early to call.
    await house.live(2 * 3600, step=1800)
    assert not house.rung
    await house.live(3700, step=100)

    assert house.rung == [(BEDROOM, CHECK)]


@pytest.mark.parametrize("person", ["not_home", "unknown"])
async def test_no_motion_away(house: House, person: str) -> None:
    """An empty house causes no calls."""
    await nothing_moves(house, person)
    await house.live(5 * 3600, step=1800)

    assert not house.rung

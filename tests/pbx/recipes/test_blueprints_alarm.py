"""Tests of the blueprints for alarms and help, which run at the sandbox."""

import pytest

from .conftest import (
    ANNOUNCEMENT,
    BEDROOM,
    CALLER_ID,
    CHECK,
    MOBILE,
    NEIGHBOR,
    House,
    use_help_button,
)

BELL = "binary_sensor.bell"
SMOKE, PANEL = "binary_sensor.smoke", "alarm_control_panel.home"
LEAK, TAP = "binary_sensor.leak", "mobile_app_notification_action"
MOTION = "binary_sensor.motion"
BOTH = [(MOBILE, ANNOUNCEMENT), (NEIGHBOR, ANNOUNCEMENT)]

FAULTS = pytest.mark.parametrize(
    ("fault", "rounds"),
    [("no answer", 2), ("refused", 0), ("gone", 0), ("not loaded", 0)],
)


async def use_alarm(house: House, *alarm: str, **inputs: object) -> None:
    """Set the alarm up."""
    house.record("homeassistant.turn_on", "test.answered")
    who = "{{ escalation.answered_by_contact }}"
    await house.apply(
        "alarm",
        **{
            "alarm": list(alarm),
            "people": house.devices("Mom", "Neighbor"),
            "announcement": "Announcement",
            "siren": ["siren.house"],
            "notifier": ["notify.me"],
            "answered": [{"action": "test.answered", "data": {"who": who}}],
            **inputs,
        },
    )


async def test_alarm(house: House) -> None:
    """After an answer, no further calls are placed, and the actions run."""
    await use_alarm(house, SMOKE)
    await house.change(SMOKE, "off", "on")
    await house.live(12)

    assert house.rung == BOTH[:1]
    (asked,) = house.asked
    # A mobile is called through its trunk, from a number of the house.
    assert (asked["trunk_name"], asked["caller_id"]) == ("main_trunk", CALLER_ID)
    assert (asked["timeout"], asked["call_limit"]) == ("30", "120")
    assert house.data("test.answered") == [{"who": "Mom"}]
    assert house.done == ["test.answered"]


@FAULTS
async def test_alarm_fails(house: House, fault: str, rounds: int) -> None:
    """The siren and a notification follow if no one answers, or can be called."""
    await house.fail(fault)
    await use_alarm(house, SMOKE, PANEL)
    await house.change(PANEL, "armed_away", "triggered")
    await house.live(4 * 37)

    assert house.rung == BOTH * rounds
    assert house.data("homeassistant.turn_on") == [{"entity_id": ["siren.house"]}]
    assert house.messages == ["No one has answered: home."]
    assert not house.acted["test.answered"]


async def test_alarm_without_siren(house: House) -> None:
    """A siren and a notifier are not required."""
    await house.fail("refused")
    await use_alarm(house, SMOKE, siren=[], notifier=[])
    await house.change(SMOKE, "off", "on")

    assert not house.done


async def test_alarm_disarmed(house: House) -> None:
    """A panel that is disarmed ends the calls, and no siren sounds."""
    house.silence_phones()
    await use_alarm(house, PANEL)
    await house.change(PANEL, "armed_away", "triggered")
    await house.live(10)
    await house.change(PANEL, "disarmed")
    await house.live(60)

    assert house.rung == BOTH[:1]
    assert not house.done


async def test_alarm_until(house: House) -> None:
    """A condition that is met ends the calls, and no siren sounds."""
    house.silence_phones()
    await house.change("input_boolean.seen", "off")
    seen = {
        "condition": "state",
        "entity_id": "input_boolean.seen",
        "state": "on",
    }
    await use_alarm(house, SMOKE, PANEL, until=[seen])
    await house.change(PANEL, "triggered", "disarmed")
    await house.change(SMOKE, "off", "on", "off")
    await house.live(40)
    assert house.rung == BOTH
    await house.change("input_boolean.seen", "on")
    await house.live(60)

    assert house.rung == BOTH
    assert not house.done


@pytest.mark.parametrize(
    ("alarm", "before", "goes_off"),
    [
        (SMOKE, "unavailable", "on"),
        (SMOKE, "unknown", "on"),
        (PANEL, "unavailable", "triggered"),
        (PANEL, "unknown", "triggered"),
        (PANEL, "disarming", "triggered"),
    ],
)
async def test_alarm_that_comes_back(
    house: House, alarm: str, before: str, goes_off: str
) -> None:
    """An alarm that was away when it went off calls as any other."""
    await use_alarm(house, alarm)
    await house.change(alarm, before)
    assert not house.rung

    await house.change(alarm, goes_off)
    assert len(house.rung) == 1


async def test_help_button(house: House) -> None:
    """The first to answer talks to the phone in the room."""
    house.sandbox.change_phone(BEDROOM, after=0)
    await use_help_button(house, BELL)
    await house.change(BELL, "off", "on")
    await house.live(10)

    assert house.rung == [(MOBILE, BEDROOM)]
    (call,) = house.sandbox.calls
    assert (call.state, call.call_limit) == ("connected", 1800)
    assert not house.done


@FAULTS
async def test_help_button_fails(house: House, fault: str, rounds: int) -> None:
    """A notification is sent if no one answers, or can be called."""
    await house.fail(fault)
    await use_help_button(house, BELL)
    await house.change(BELL, "off", "on")
    await house.live(170)

    assert house.rung == [(MOBILE, BEDROOM), (NEIGHBOR, BEDROOM)] * rounds
    message = "The help button was pressed, and no one has answered the phone."
    assert house.messages == [message]


async def leak(house: House, **inputs: object) -> str:
    """Report a leak, and return the action of the notification's button."""
    house.record("test.unanswered")
    pushed = house.install_app()
    await house.apply(
        "notification_first",
        sensor=[LEAK],
        mobile=house.mobile,
        people=house.devices("Mom", "Neighbor"),
        announcement="Announcement",
        unanswered=[{"action": "test.unanswered"}],
        **inputs,
    )
    await house.change(LEAK, "off", "on")
    (notification,) = pushed
    assert notification["title"] == "leak"
    (button,) = notification["data"]["actions"]
    return str(button["action"])


async def test_notification_first(house: House) -> None:
    """A tap on the button of this notification prevents the calls."""
    button = await leak(house)
    house.hass.bus.async_fire(TAP, {"action": "PBX_REACTION_of_another_day"})
    await house.live(110, step=5)
    house.hass.bus.async_fire(TAP, {"action": button})
    await house.settle()
    await house.live(60, step=5)

    assert not house.rung
    assert not house.done


async def test_notification_first_without_reaction(house: House) -> None:
    """People are called after two minutes."""
    await leak(house)
    await house.live(115, step=5)
    assert not house.rung
    await house.live(20)

    assert house.rung == BOTH[:1]
    assert not house.done


@FAULTS
async def test_notification_first_fails(house: House, fault: str, rounds: int) -> None:
    """Actions run if no one answers, or can be called."""
    await house.fail(fault)
    await leak(house)
    await house.live(120, step=5)
    await house.live(4 * 32)

    assert house.rung == BOTH * rounds
    assert house.done == ["test.unanswered"]


async def test_notification_first_until(house: House) -> None:
    """No one is called when the leak is over, and no actions run."""
    dry = {"condition": "state", "entity_id": LEAK, "state": "off"}
    await leak(house, until=[dry])
    await house.change(LEAK, "off")
    await house.live(180, step=5)

    assert not house.rung
    assert not house.done


async def use_no_motion(house: House, **inputs: object) -> None:
    """Set the check of the resident up, and report the last motion."""
    (resident,) = house.devices("Bedroom")
    await house.apply(
        "no_motion",
        motion=[MOTION, "binary_sensor.hall"],
        resident=resident,
        check=CHECK,
        people=house.devices("Mom", "Neighbor"),
        announcement="Announcement",
        notifier=["notify.me"],
        **inputs,
    )
    await house.change("binary_sensor.hall", "off")
    house.freezer.tick(60)
    await house.change(MOTION, "on", "off")


async def four_hours(house: House) -> None:
    """Let four hours pass since the last motion."""
    await house.live(4 * 3600 - 100, step=1430)
    await house.live(110, step=10)


async def test_no_motion(house: House) -> None:
    """The resident is called after four hours, and relatives only without an answer."""
    await use_no_motion(house)
    await house.live(4 * 3600 - 60, step=1770)
    assert not house.rung
    await house.live(60, step=10)
    await house.live(60, step=2)

    assert house.rung == [(BEDROOM, CHECK)]
    assert not house.done


@FAULTS
async def test_no_motion_fails(house: House, fault: str, rounds: int) -> None:
    """A notification is sent if no one answers, or can be called."""
    await house.fail(fault)
    await use_no_motion(house)
    await four_hours(house)
    await house.live(5 * 47)

    assert house.rung[1:] == BOTH * rounds
    message = "There was no motion, and no one has answered the phone."
    assert house.messages == [message]


async def test_no_motion_ends(house: House) -> None:
    """Motion ends the calls, and no notification is sent."""
    house.silence_phones()
    await use_no_motion(house)
    await four_hours(house)
    await house.live(60)
    assert house.rung[1:] == BOTH[:1]
    await house.change(MOTION, "on")
    await house.live(120, step=2)

    assert house.rung[1:] == BOTH[:1]
    assert not house.done


async def test_no_motion_since_the_night(house: House) -> None:
    """No motion since the night is noticed in the morning."""
    house.freezer.tick(-3 * 3600)
    await use_no_motion(house)
    house.freezer.tick(3 * 3600)
    await house.live(2 * 3600 - 60, step=1785)
    assert not house.rung
    await house.live(120, step=10)

    assert house.rung == [(BEDROOM, CHECK)]


@pytest.mark.parametrize(("person", "rings"), [("home", 1), ("not_home", 0)])
async def test_no_motion_away(house: House, person: str, rings: int) -> None:
    """An empty house causes no calls."""
    await house.change("person.grandma", person)
    await use_no_motion(house, home=["person.grandma"])
    await four_hours(house)

    assert len(house.rung) == rings


async def test_no_motion_in_another_room(house: House) -> None:
    """All sensors count."""
    await use_no_motion(house)
    await house.live(2 * 3600, step=1800)
    await house.change("binary_sensor.hall", "on", "off")
    await house.live(2 * 3600 + 60, step=1800)
    assert not house.rung
    await house.live(2 * 3600, step=1800)

    assert len(house.rung) == 1

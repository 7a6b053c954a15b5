"""Tests of the blueprints that speak and take keys, which run at a toy PBX."""

import pytest

from custom_components.pbx.backends.announcement import Played
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, CallState, Side
from tests.pbx.common import until
from tests.pbx.speech.engines import Engine
from tests.pbx.toy import ToyBackend

from .conftest import ANNOUNCEMENT, DOOR, MOBILE, NEIGHBOR, House

PANEL = "alarm_control_panel.home"
DONE = "input_boolean.laundry"


async def called(house: House, toy: ToyBackend, *numbers: str) -> None:
    """Wait until these numbers were called, in this order, and no others."""
    # Speech is prepared in a thread.
    await until(lambda: len(toy.requests) >= len(numbers))
    await house.settle()
    assert [request.callee for request in toy.requests] == [*numbers]


async def hear(house: House, toy: ToyBackend, **heard: object) -> None:
    """Let the person who was called last answer, hear the message and hang up."""
    toy.announce(Played.FULL, **heard)  # type: ignore[arg-type]
    toy.end()
    await house.settle()


async def use_alarm(house: House, **inputs: object) -> None:
    """Set the alarm up."""
    house.record("homeassistant.turn_on", "test.confirmed")
    who = "{{ escalation.answered_by_contact }}"
    await house.apply(
        "alarm_confirmed",
        alarm=[PANEL],
        people=house.devices("Mom", "Neighbor"),
        siren=["siren.house"],
        notifier=["notify.me"],
        confirmed=[{"action": "test.confirmed", "data": {"who": who}}],
        **inputs,
    )
    await house.change(PANEL, "armed_away", "triggered")


async def test_alarm(speaking_house: House, toy: ToyBackend, engine: Engine) -> None:
    """A mailbox that picks up is followed by the next person, who presses the key."""
    await use_alarm(speaking_house)
    await called(speaking_house, toy, MOBILE)
    await hear(speaking_house, toy, confirmed=False)
    await speaking_house.live(6)
    await called(speaking_house, toy, MOBILE, NEIGHBOR)
    await hear(speaking_house, toy, confirmed=True)
    await speaking_house.live(120, step=10)

    await called(speaking_house, toy, MOBILE, NEIGHBOR)
    assert [each[0] for each in engine.asked] == ["Alarm: home. Press 1 to confirm."]
    announcement = toy.requests[0].announcement
    assert announcement is not None
    assert (announcement.confirm_key, announcement.repeat) == ("1", 3)
    assert speaking_house.data("test.confirmed") == [{"who": "Neighbor"}]
    assert speaking_house.done == ["test.confirmed"]


async def test_alarm_not_confirmed(speaking_house: House, toy: ToyBackend) -> None:
    """The siren and a notification follow when no one has confirmed."""
    await use_alarm(speaking_house)
    numbers = (MOBILE, NEIGHBOR) * 2
    for count in range(1, 5):
        await called(speaking_house, toy, *numbers[:count])
        await hear(speaking_house, toy, confirmed=False)
        await speaking_house.live(6)

    await called(speaking_house, toy, *(MOBILE, NEIGHBOR) * 2)
    turned_on = speaking_house.data("homeassistant.turn_on")
    assert turned_on == [{"entity_id": ["siren.house"]}]
    assert speaking_house.messages == ["No one has confirmed: home."]
    assert not speaking_house.acted["test.confirmed"]


@pytest.mark.parametrize("fault", ["speech", "PBX"])
async def test_alarm_fails(speaking_house: House, toy: ToyBackend, fault: str) -> None:
    """The siren and a notification follow when nothing can be said or placed."""
    error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    if fault == "speech":
        toy.speech_error = error
    else:
        toy.error = error
    await use_alarm(speaking_house)
    await speaking_house.live(60, step=5)

    assert speaking_house.messages == ["No one has confirmed: home."]
    assert "homeassistant.turn_on" in speaking_house.done


async def test_alarm_not_spoken(speaking_house: House, toy: ToyBackend) -> None:
    """A message that cannot be made does not keep the phones from ringing."""
    toy.speech_error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await use_alarm(speaking_house, announcement="Announcement")
    await until(lambda: toy.requests)
    (request,) = toy.requests
    assert (request.caller, request.callee) == (MOBILE, ANNOUNCEMENT)
    assert request.announcement is None
    toy.report(CallState.CONNECTED)
    toy.end()
    await speaking_house.live(6)

    assert speaking_house.data("test.confirmed") == [{"who": "Mom"}]
    assert speaking_house.done == ["test.confirmed"]


async def use_spoken_alarm(house: House) -> None:
    """Set the alarm up that is not confirmed, with a message."""
    house.record("homeassistant.turn_on", "test.answered")
    await house.apply(
        "alarm",
        alarm=[PANEL],
        people=house.devices("Mom", "Neighbor"),
        announcement="Announcement",
        message="Alarm: {{ name }}.",
        siren=["siren.house"],
        notifier=["notify.me"],
        answered=[{"action": "test.answered"}],
    )
    await house.change(PANEL, "armed_away", "triggered")


async def test_spoken_alarm(
    speaking_house: House, toy: ToyBackend, engine: Engine
) -> None:
    """With a message, the person who answers hears it, and no announcement."""
    await use_spoken_alarm(speaking_house)
    await called(speaking_house, toy, MOBILE)
    await hear(speaking_house, toy)
    await speaking_house.live(60, step=5)

    await called(speaking_house, toy, MOBILE)
    assert [each[0] for each in engine.asked] == ["Alarm: home."]
    assert speaking_house.done == ["test.answered"]


async def test_spoken_alarm_fails(speaking_house: House, toy: ToyBackend) -> None:
    """If it cannot be spoken, the announcement is called, as without a message."""
    toy.speech_error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await use_spoken_alarm(speaking_house)
    await until(lambda: toy.requests)
    (request,) = toy.requests
    assert (request.caller, request.callee) == (MOBILE, ANNOUNCEMENT)
    toy.report(CallState.CONNECTED)
    toy.end()
    await speaking_house.live(6)

    assert speaking_house.done == ["test.answered"]


async def test_alarm_disarmed(speaking_house: House, toy: ToyBackend) -> None:
    """A panel that is disarmed ends the calls, and no siren sounds."""
    await use_alarm(speaking_house)
    await called(speaking_house, toy, MOBILE)
    await speaking_house.change(PANEL, "disarmed")
    await speaking_house.live(2)
    assert toy.hung_up == [toy.requests[0].call_id]
    toy.end(CallResult.NO_ANSWER)
    await speaking_house.live(60, step=5)

    await called(speaking_house, toy, MOBILE)
    assert not speaking_house.done


async def use_reminder(house: House, **inputs: object) -> None:
    """Set the reminder up, and let the laundry be done."""
    house.record("test.unanswered")
    (mom,) = house.devices("Mom")
    await house.apply(
        "reminder",
        triggers=[{"trigger": "state", "entity_id": DONE, "to": "on"}],
        contact=mom,
        unanswered=[{"action": "test.unanswered"}],
        **inputs,
    )
    await house.change(DONE, "off", "on")


async def test_reminder(speaking_house: House, toy: ToyBackend, engine: Engine) -> None:
    """The key asks for another call, ten minutes after the end of the one before."""
    await use_reminder(speaking_house)
    await called(speaking_house, toy, MOBILE)
    await hear(speaking_house, toy, digits="1")
    await speaking_house.live(590, step=10)
    await called(speaking_house, toy, MOBILE)
    await speaking_house.live(15, step=5)
    await called(speaking_house, toy, MOBILE, MOBILE)
    await hear(speaking_house, toy, digits="")
    await speaking_house.live(1200, step=60)

    await called(speaking_house, toy, MOBILE, MOBILE)
    assert not speaking_house.done
    said = "The laundry is done. Press 1 to be reminded in ten minutes."
    assert {each[0] for each in engine.asked} == {said}


async def test_reminder_without_end(speaking_house: House, toy: ToyBackend) -> None:
    """There are only so many calls."""
    await use_reminder(speaking_house, calls=2, key="2")
    for count in (1, 2):
        await called(speaking_house, toy, *[MOBILE] * count)
        await hear(speaking_house, toy, digits="2")
        await speaking_house.live(620, step=10)

    await called(speaking_house, toy, MOBILE, MOBILE)
    assert not speaking_house.done


@pytest.mark.parametrize("is_first", [True, False])
async def test_reminder_unanswered(
    speaking_house: House, toy: ToyBackend, *, is_first: bool
) -> None:
    """Actions run if a call is not answered, and no further call follows."""
    await use_reminder(speaking_house)
    await called(speaking_house, toy, MOBILE)
    if not is_first:
        await hear(speaking_house, toy, digits="1")
        await speaking_house.live(610, step=10)
        await called(speaking_house, toy, MOBILE, MOBILE)
    toy.end(CallResult.NO_ANSWER)
    await speaking_house.live(700, step=50)

    assert len(toy.requests) == 2 - is_first
    assert speaking_house.done == ["test.unanswered"]


@pytest.mark.parametrize("is_first", [True, False])
async def test_reminder_fails(
    speaking_house: House, toy: ToyBackend, *, is_first: bool
) -> None:
    """Actions run if no call can be placed, also after one that was answered."""
    if is_first:
        toy.error = PbxError(PbxErrorCode.REFUSED)
    await use_reminder(speaking_house)
    if not is_first:
        await called(speaking_house, toy, MOBILE)
        await hear(speaking_house, toy, digits="1")
        toy.error = PbxError(PbxErrorCode.REFUSED)
    await speaking_house.live(700, step=50)
    await until(lambda: speaking_house.done)

    assert speaking_house.done == ["test.unanswered"]


@pytest.mark.parametrize(
    ("keys", "pressed", "side", "opens"),
    [
        ("9", "9", Side.CALLER, True),
        ("42#", "142#", Side.CALLER, True),
        ("9", "8", Side.CALLER, False),
        # A visitor at the door station.
        ("9", "9", Side.CALLEE, False),
    ],
)
async def test_gate_key(
    speaking_house: House,
    toy: ToyBackend,
    keys: str,
    pressed: str,
    side: Side,
    *,
    opens: bool,
) -> None:
    """The key of a contact opens the gate; that of another party does not."""
    house = speaking_house
    house.record("cover.open_cover")
    await house.apply(
        "gate_key",
        contacts=house.devices("Kitchen", "Mom"),
        keys=keys,
        open=[
            {
                "action": "cover.open_cover",
                "data": {"entity_id": "cover.gate", "who": "{{ trigger.name }}"},
            }
        ],
    )
    await house.hass.services.async_call(
        "pbx", "originate", {"caller": "Kitchen", "callee": DOOR, "keys": True}
    )
    await house.settle()
    toy.report(CallState.CONNECTED)
    for digit in pressed:
        toy.press(digit, side)
    await house.settle()

    opened = house.data("cover.open_cover")
    expected = [{"entity_id": "cover.gate", "who": "Kitchen"}]
    assert opened == (expected if opens else [])

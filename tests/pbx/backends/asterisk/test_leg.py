"""Tests of the leg of a person who hears an announcement."""

from collections.abc import Iterable
from typing import Any

import pytest

from custom_components.pbx.backends.announcement import Announcement
from custom_components.pbx.backends.asterisk.channels import ChannelTemplates
from custom_components.pbx.backends.asterisk.leg import Conversation, Leg
from custom_components.pbx.backends.asterisk.legs import Fact, Legs
from custom_components.pbx.backends.base import OpenCall
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate

from .scene import OURS, dial, ended, request, up, went_up

NOW = 1_795_485_600.0
MINUTE = "2026-11-24T02:00"
ASKED = request(caller="557", callee="557", announcement=Announcement(connect_to="552"))
ANSWERED, NO_ANSWER = CallResult.ANSWERED, CallResult.NO_ANSWER
FAILED = CallResult.FAILED
CONNECTED, RINGING = CallState.CONNECTED, CallState.RINGING_CALLEE
RINGS = {"type": "ChannelStateChange", "channel": {"id": OURS, "state": "Ringing"}}
HANGS_UP = {"type": "ChannelHangupRequest", "channel": {"id": OURS, "state": "Up"}}


def timed(event: dict[str, Any], second: int) -> dict[str, Any]:
    """Return an event with a time of the PBX's clock."""
    return {**event, "timestamp": f"{MINUTE}:{second:02}.000+0000"}


def following() -> tuple[Legs, Leg]:
    """Return the leg of an announcement that is about to be placed."""
    legs = Legs(ChannelTemplates())
    legs.expect(ASKED)
    leg = legs.get(OURS)
    assert leg is not None
    return legs, leg


def read(legs: Legs, *events: dict[str, Any], now: float = NOW) -> list[CallUpdate]:
    """Return the updates about the call."""
    facts: Iterable[Fact] = [
        fact for event in events for fact in legs.handle_event(event, now)
    ]
    updates = [fact for fact in facts if isinstance(fact, CallUpdate)]
    assert {each.originated_call_id for each in updates} <= {OURS}
    return updates


def test_heard() -> None:
    """The person is the callee, rings until the answer, and then has the call."""
    legs, leg = following()
    assert leg.is_spoken_to
    connected, end = read(
        legs,
        timed(RINGS, 1),
        timed(went_up(), 5),
        HANGS_UP,
        timed(ended(), 17),
    )

    assert (connected.state, end.state) == (CONNECTED, CallState.ENDED)
    assert {(each.caller, each.callee) for each in (connected, end)} == {("", "557")}
    assert (end.result, end.cause) == (ANSWERED, "normal_clearing")
    assert (end.ring_time, end.talk_time) == (4, 12)


@pytest.mark.parametrize(
    ("events", "cause", "result", "name"),
    [
        ([RINGS], 19, NO_ANSWER, "no_answer"),
        ([RINGS], 0, NO_ANSWER, "no_answer"),
        ([RINGS], 16, NO_ANSWER, "normal_clearing"),
        ([RINGS], 26, NO_ANSWER, "answered_elsewhere"),
        ([RINGS], 21, CallResult.DECLINED, "call_rejected"),
        ([RINGS], 17, CallResult.BUSY, "user_busy"),
        ([], 17, CallResult.BUSY, "user_busy"),
        ([], 18, NO_ANSWER, "no_user_response"),
        ([], 20, NO_ANSWER, "subscriber_absent"),
        ([], 0, NO_ANSWER, "unknown"),
        ([], 1, FAILED, "unallocated_number"),
        ([], 3, FAILED, "no_route_to_destination"),
        ([RINGS], 38, FAILED, "network_out_of_order"),
        ([], 23, FAILED, "redirected_to_new_destination"),
    ],
)
def test_not_answered(
    events: list[dict[str, Any]], cause: int, result: CallResult, name: str
) -> None:
    """The results are those of a callee: there is no caller who is unreachable."""
    legs, _ = following()
    *before, end = read(
        legs, *(timed(each, 1) for each in events), timed(ended(cause=cause), 9)
    )

    assert before == []
    assert (end.result, end.cause) == (result, name)
    assert (end.ring_time, end.talk_time) == (8 if events else None, None)


@pytest.mark.parametrize("cause", [0, 16, 17, 26, 38])
def test_answered(cause: int) -> None:
    """A person who picked up has answered, whatever ends the call."""
    legs, _ = following()
    *_, end = read(legs, timed(went_up(), 5), timed(ended(cause=cause), 6))

    assert end.result is ANSWERED
    assert (end.ring_time, end.talk_time) == (0, 1)


@pytest.mark.parametrize(
    ("status", "has_second_party"),
    [("ANSWER", True), ("BUSY", False), ("NOANSWER", False)],
)
def test_second_party(*, status: str, has_second_party: bool) -> None:
    """The result and the times are those of the person, not of the second party."""
    legs, leg = following()
    read(legs, timed(RINGS, 1), timed(went_up(), 5))
    leg.connect(NOW)
    assert not leg.is_spoken_to
    updates = read(
        legs, timed(dial(""), 20), timed(dial("RINGING"), 21), timed(dial(status), 30)
    )
    assert updates[0].state is RINGING
    assert (CONNECTED in [each.state for each in updates]) == has_second_party
    assert leg.has_second_party == has_second_party

    (end,) = read(legs, timed(ended(), 50))
    assert (end.result, end.callee) == (ANSWERED, "557")
    assert (end.ring_time, end.talk_time) == (4, 45)


def test_listens() -> None:
    """A list of channels shows that the person still hears the message."""
    legs, leg = following()
    read(legs, went_up())
    speaking = up(app="Stasis")
    leg.catch_up(speaking, speaking, None, NOW + 5)

    assert leg.is_spoken_to
    assert leg.no_callee_from(is_connected=True) is None


def test_answer_missed() -> None:
    """An answer that is found in a list of channels has no ring time."""
    legs, leg = following()
    speaking = {**up(app="Stasis"), "creationtime": f"{MINUTE}:05.000+0000"}
    leg.catch_up(speaking, speaking, None, NOW)
    assert (leg.is_spoken_to, leg.is_partial) == (True, True)

    (end,) = read(legs, timed(ended(), 9))
    assert (end.result, end.ring_time, end.talk_time) == (ANSWERED, None, 4)


def restored(state: CallState) -> tuple[Legs, Leg]:
    """Return the leg of an announcement that was open before a reload."""
    legs = Legs(ChannelTemplates())
    call = OpenCall(
        call_id=OURS,
        state=state,
        since=NOW - 10,
        began_at=NOW - 20,
        is_requested=False,
        is_uncertain=False,
        request=ASKED,
    )
    legs.restore(call, 0)
    leg = legs.get(OURS)
    assert leg is not None
    return legs, leg


def test_restored_while_it_rings() -> None:
    """After a reload, a phone that rings has not been answered."""
    legs, leg = restored(CallState.PLACED)
    assert (leg.up_since, leg.is_waiting) == (None, True)

    (end,) = read(legs, ended(cause=17))
    assert end.result is CallResult.BUSY


def test_restored_in_speech() -> None:
    """After a reload, the second party counts once a list of channels shows it."""
    legs, leg = restored(CONNECTED)
    assert (leg.is_spoken_to, leg.has_second_party) == (True, False)
    talking = up(app="Dial")
    leg.catch_up(talking, talking, Conversation(NOW - 3, NOW - 3), NOW)
    assert (leg.is_spoken_to, leg.has_second_party) == (False, True)

    (end,) = read(legs, ended())
    assert end.result is ANSWERED

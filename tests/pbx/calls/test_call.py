"""Tests of the record of one call."""

from dataclasses import replace
import json

import pytest

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Played,
)
from custom_components.pbx.backends.base import CallRequest, OpenCall
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)
from custom_components.pbx.calls.call import Call

UNREACHED = CallResult.CALLER_UNREACHABLE


def requested(call: Call) -> CallRequest:
    """Return the request of a call."""
    assert call.request is not None
    return call.request


def call_with(**fields: object) -> Call:
    """Return a call with these fields."""
    request = CallRequest(
        call_id="ha-1",
        caller="557",
        callee="09121234567",
        context="main_routing",
        caller_id="02112345678",
        trunk_name="line 02112345678",
        timeout=30,
        call_limit=None,
    )
    known = {"began_at": 1.0, "deadline": 99.0, "is_requested": True, **fields}
    parties = {"caller": request.caller, "callee": request.callee}
    return Call(request=request, **parties | known)  # type: ignore[arg-type]


def test_no_caller_id() -> None:
    """A missing caller ID is stored and shown as missing."""
    call = call_with()
    call.request = replace(requested(call), caller_id=None)

    assert requested(Call.from_dict(call.as_dict())).caller_id is None
    assert call.redacted()["request"]["caller_id"] is None


def test_name_as_caller_id() -> None:
    """A name as the caller ID is redacted like a number."""
    call = call_with()
    call.request = replace(requested(call), caller_id="Reza at home")

    assert call.redacted()["request"]["caller_id"] == "************"


def test_redacted() -> None:
    """A call in diagnostics has everything but its numbers."""
    call = call_with(originated_call_id="orig.call.1.2", error="Refused")

    shown = call.redacted()
    assert shown["request"] == requested(call).redacted()
    assert (shown["caller"], shown["callee"]) == ("***", "*********67")
    assert (shown["originated_call_id"], shown["error"]) == ("orig.call.1.2", "Refused")
    assert shown["state"] == "placed"
    for private in ("09121234567", "02112345678", "Sara"):
        assert private not in str(shown)


@pytest.mark.parametrize(
    ("fields", "caller_answered"),
    [
        ({}, None),
        ({"reached": CallState.RINGING_CALLEE}, True),
        ({"result": CallResult.BUSY, "source": Source.EVENT}, True),
        (
            {
                "result": CallResult.CALLER_UNREACHABLE,
                "source": Source.REPORT,
            },
            False,
        ),
        (
            {"result": CallResult.UNDETERMINED, "source": Source.DEADLINE},
            None,
        ),
        # A refused request has rung no phone.
        ({"result": CallResult.FAILED}, None),
        # Of phones that ring together, another one was first.
        (
            {
                "result": CallResult.NO_ANSWER,
                "source": Source.EVENT,
                "cause": "answered_elsewhere",
            },
            False,
        ),
    ],
)
def test_caller_answered(
    fields: dict[str, object], caller_answered: bool | None
) -> None:
    """Whether the caller answered follows from the state and the result."""
    assert call_with(**fields).caller_answered is caller_answered


@pytest.mark.parametrize(
    ("fields", "is_missed"),
    [
        ({"result": None}, False),
        ({"result": CallResult.ANSWERED}, False),
        ({"result": CallResult.ANSWERED, "is_unattended": True}, True),
        ({"result": CallResult.NO_ANSWER}, True),
        ({"result": CallResult.BUSY}, True),
        ({"result": CallResult.FAILED}, True),
        ({"result": CallResult.NO_ANSWER, "direction": Direction.OUTGOING}, False),
        ({"result": CallResult.NO_ANSWER, "direction": None}, False),
    ],
)
def test_is_missed(fields: dict[str, object], is_missed: bool) -> None:
    """A call from outside that no person answered is missed; ours never is."""
    call = call_with(**{"direction": Direction.INCOMING, **fields})
    assert not call.is_missed
    call.request = None

    assert call.is_missed is is_missed
    assert "request" not in call.redacted()


def test_outcome_is_plain() -> None:
    """The outcome has plain values, which templates can print."""
    ended = call_with(
        originated_call_id="id",
        result=CallResult.BUSY,
        source=Source.EVENT,
        ring_time=2.0,
    )
    assert repr(ended.outcome()) == (
        "{'originated_call_id': 'id', 'result': 'busy', 'caller_answered': True,"
        " 'ring_time': 2.0, 'talk_time': None, 'cause': None}"
    )
    assert call_with().outcome()["originated_call_id"] is None


def test_stored() -> None:
    """A call that was stored as JSON is equal to the original."""
    call = call_with(reached=CallState.CONNECTED, is_requested=False)
    again = Call.from_dict(json.loads(json.dumps(call.as_dict())))

    assert again.as_dict() == call.as_dict()
    assert again.reached is CallState.CONNECTED
    # Without any update, it is uncertain whether the call was placed.
    assert Call.from_dict(call_with().as_dict()).is_uncertain


def test_stored_before_the_answer() -> None:
    """A stored call whose request had no answer is uncertain."""
    call = call_with()
    again = Call.from_dict(json.loads(json.dumps(call.as_dict())))

    assert (call.is_requested, call.is_uncertain) == (True, False)
    assert (again.is_requested, again.is_uncertain) == (False, True)


def test_details() -> None:
    """The details of `placed` hold no outcome, however late they are reported."""
    call = call_with(originated_call_id="id-1", is_requested=False)
    call.result, call.source = CallResult.BUSY, Source.EVENT
    call.ring_time, call.cause = 4, "user_busy"

    details = call.details(CallState.PLACED)
    assert details["originated_call_id"] == "id-1"
    assert (details["result"], details["ring_time"], details["cause"]) == (
        None,
        None,
        None,
    )
    assert details["callee"] == "09121234567"
    ended = call.details(CallState.ENDED)
    assert ended == details | call.outcome()
    assert ended["result"] == "busy"


def test_stored_with_a_provisional_end() -> None:
    """A provisional end is stored completely."""
    end = CallUpdate(
        state=CallState.ENDED,
        result=CallResult.NO_ANSWER,
        direction=Direction.OUTGOING,
        is_provisional=True,
        ring_time=30.0,
    )
    call = call_with(provisional=end, is_requested=False)

    assert Call.from_dict(json.loads(json.dumps(call.as_dict()))).provisional == end


def announced_call(announced: Announced, **fields: object) -> Call:
    """Return the call of an announcement."""
    call = call_with(caller="", announced=announced, **fields)
    said = Announcement(
        audio=Audio(b"hello"), digits=4, send_keys="*71", connect_to="02188881234"
    )
    call.request = replace(requested(call), announcement=said)
    return call


def test_stored_announcement() -> None:
    """An announcement is stored without what is said, sent and pressed."""
    end = CallUpdate(
        state=CallState.ENDED,
        result=CallResult.ANSWERED,
        announced=Announced(digits="8264"),
    )
    call = announced_call(Announced(played=Played.PART, digits="8264"), provisional=end)
    written = json.dumps(call.as_dict())
    for private in ("hello", "*71", "8264"):
        assert private not in written
    restored = Call.from_dict(json.loads(written))
    assert requested(restored).announcement == Announcement(
        digits=4, connect_to="02188881234"
    )
    assert restored.announced == Announced(digits="", connected=False)
    assert restored.provisional == replace(end, announced=None)
    shown = str(call.redacted())
    for private in ("hello", "*71", "8264", "02188881234"):
        assert private not in shown


def test_is_announced() -> None:
    """An announcement is over at the end of the call, or when two parties talk."""
    over = {
        "connected": announced_call(Announced(connected=True)),
        "ended": announced_call(Announced(), result=CallResult.BUSY),
    }
    assert all(call.is_announced for call in over.values())
    end = CallUpdate(state=CallState.ENDED, result=CallResult.BUSY)
    for call in (
        announced_call(Announced()),
        announced_call(Announced(connected=False), reached=CallState.CONNECTED),
        announced_call(Announced(), provisional=end),
    ):
        assert not call.is_announced


def test_announcement_outcome() -> None:
    """What came of an announcement has plain values; there is no caller."""
    call = announced_call(Announced(played=Played.FULL, digits="12"))
    call.reached = CallState.CONNECTED
    assert repr(call.announcement_outcome()) == (
        "{'played': 'full', 'confirmed': None, 'digits': '12', 'connected': None}"
    )
    assert call.outcome()["caller_answered"] is None
    assert call_with().announcement_outcome()["played"] == "none"


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "busy"},
        {"reached": "flying"},
        {"call_id": None},
        {"callee": 200},
        {"deadline": float("inf")},
        {"began_at": "soon"},
        {"provisional": {"state": "connected", "result": "busy"}},
        {"provisional": {"state": "ended", "result": None}},
        {"request": None},
        {"unknown": 1},
    ],
)
def test_invalid_stored_call(changes: dict[str, object]) -> None:
    """An edited call that cannot be tracked is refused."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        Call.from_dict(call_with().as_dict() | changes)


def test_as_open_call() -> None:
    """A backend gets the PBX's ID of the call, or otherwise ours."""
    call = call_with(reached_at=5.0, is_requested=False)
    assert call.as_open_call().call_id == "ha-1"
    call.originated_call_id = "id-1"

    assert call.as_open_call() == OpenCall(
        call_id="id-1",
        state=CallState.PLACED,
        since=5.0,
        began_at=1.0,
        is_requested=False,
        is_uncertain=False,
        request=call.request,
    )

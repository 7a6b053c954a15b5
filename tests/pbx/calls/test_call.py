"""Tests of what is known of one call."""

from dataclasses import replace
import json

import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import CallResult, CallState, EvidenceSource
from custom_components.pbx.calls.call import Call

UNREACHED = CallResult.CALLER_UNREACHABLE


def call_with(**fields: object) -> Call:
    """Return a call of which this is known."""
    request = CallRequest(
        caller="557",
        callee="09121234567",
        context="main_routing",
        caller_id="02112345678",
        trunk_name="line 02112345678",
        timeout=30,
        call_limit=None,
    )
    known = {"requested_at": 1.0, "requested_at_pbx": 2.0, "deadline": 99.0, **fields}
    return Call(request=request, **known)  # type: ignore[arg-type]


def test_no_caller_id() -> None:
    """It is kept over a restart, and shown as what it is."""
    call = call_with()
    call.request = replace(call.request, caller_id=None)

    assert Call.from_dict(call.as_dict()).request.caller_id is None
    assert call.redacted()["request"]["caller_id"] is None


def test_name_as_caller_id() -> None:
    """A name is as private as a number."""
    call = call_with()
    call.request = replace(call.request, caller_id="Reza at home")

    assert call.redacted()["request"]["caller_id"] == "************"


def test_redacted() -> None:
    """A call leaves for diagnostics with all but its numbers."""
    call = call_with(originated_call_id="orig.call.1.2", error="Refused")

    assert call.redacted() == {
        "request": {
            "caller": "***",
            "callee": "*********67",
            "caller_id": "*********78",
            "caller_name": None,
            "context": "main_routing",
            "trunk_name": "line *********78",
            "timeout": 30,
            "call_limit": None,
        },
        "requested_at": 1.0,
        "requested_at_pbx": 2.0,
        "deadline": 99.0,
        "originated_call_id": "orig.call.1.2",
        "conversation_id": "",
        "is_requested": True,
        "is_uncertain": False,
        "error": "Refused",
        "reached": "placed",
        "reached_at": 0,
        "ending": None,
        "result": None,
        "cause": "",
        "evidence": None,
        "ring_time": None,
        "talk_time": None,
        "state": "placed",
    }


@pytest.mark.parametrize(
    ("fields", "caller_answered"),
    [
        ({}, None),
        ({"reached": CallState.RINGING_CALLEE}, True),
        ({"result": CallResult.BUSY, "evidence": EvidenceSource.EVENT}, True),
        (
            {
                "result": CallResult.CALLER_UNREACHABLE,
                "evidence": EvidenceSource.REPORT,
            },
            False,
        ),
        (
            {"result": CallResult.UNDETERMINED, "evidence": EvidenceSource.DEADLINE},
            None,
        ),
        # A refused request has rung nobody.
        ({"result": CallResult.FAILED}, None),
    ],
)
def test_caller_answered(
    fields: dict[str, object], caller_answered: bool | None
) -> None:
    """Whether the caller has answered follows from how far the call has come."""
    assert call_with(**fields).caller_answered is caller_answered


def test_outcome_is_plain() -> None:
    """What actions tell prints as it is, in a template too."""
    ended = call_with(
        originated_call_id="id",
        result=CallResult.BUSY,
        evidence=EvidenceSource.EVENT,
        ring_time=2.0,
    )
    assert repr(ended.outcome()) == (
        "{'originated_call_id': 'id', 'result': 'busy', 'caller_answered': True,"
        " 'ring_time': 2.0, 'talk_time': None, 'cause': None, 'evidence': 'event'}"
    )
    assert call_with().outcome()["originated_call_id"] is None


def test_stored() -> None:
    """A call that was stored as JSON is the same call, though nobody waits for it."""
    call = call_with(reached=CallState.CONNECTED, is_requested=False)
    again = Call.from_dict(json.loads(json.dumps(call.as_dict())))

    assert again.as_dict() == call.as_dict()
    assert again.reached is CallState.CONNECTED
    # Of one of which nothing was heard yet, nobody knows whether it was placed.
    assert Call.from_dict(call_with().as_dict()).is_uncertain


def test_stored_before_the_answer() -> None:
    """Whether a call was placed whose answer nobody waits for any more is not known."""
    call = call_with()
    again = Call.from_dict(json.loads(json.dumps(call.as_dict())))

    assert (call.is_requested, call.is_uncertain) == (True, False)
    assert (again.is_requested, again.is_uncertain) == (False, True)


def test_numbers() -> None:
    """An event finds a call though it has lost the number's zero."""
    assert call_with().numbers == ("557", "9121234567")


def test_outcome_at() -> None:
    """That a call was placed says no more, however late it is told."""
    call = call_with(originated_call_id="id-1", is_requested=False)
    call.result, call.evidence = CallResult.BUSY, EvidenceSource.EVENT
    call.ring_time, call.cause = 4, "user_busy"

    told = call.outcome_at(CallState.PLACED)
    assert told.pop("originated_call_id") == "id-1"
    assert set(told.values()) == {None}
    assert told.keys() < call.outcome().keys()
    assert call.outcome_at(CallState.ENDED) == call.outcome()
    assert call.outcome()["result"] == "busy"

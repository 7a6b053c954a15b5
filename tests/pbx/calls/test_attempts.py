"""Tests of what an escalation reports of its attempts."""

from typing import Any

import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import CallResult, CallState, Source
from custom_components.pbx.calls.attempts import Attempt, summary
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.targets import Target

REQUEST = CallRequest(
    call_id="ha-1", caller="101", callee="200", context="main", timeout=30
)
ALI = Target(number="101", name="Ali", request=REQUEST)
CALLER, CALLEE = CallState.RINGING_CALLEE, CallState.CONNECTED


def attempt(
    answered_state: CallState = CALLER,
    **facts: Any,  # noqa: ANN401 - any field of a call
) -> Attempt:
    """Return an attempt whose call has these facts."""
    call = Call(
        request=REQUEST, began_at=0.0, reached_at=0.0, deadline=9.0, caller="101"
    )
    for name, value in facts.items():
        setattr(call, name, value)
    return Attempt(
        target=ALI, round=1, answered_state=answered_state, parties={}, call=call
    )


@pytest.mark.parametrize(
    ("answered_state", "facts", "result"),
    [
        (CALLER, {}, "undetermined"),
        (CALLER, {"reached": CallState.RINGING_CALLEE}, "answered"),
        (CALLER, {"reached": CallState.CONNECTED}, "answered"),
        (CALLER, {"result": CallResult.BUSY, "source": Source.EVENT}, "answered"),
        (CALLER, {"result": CallResult.CALLER_UNREACHABLE}, "caller_unreachable"),
        (
            CALLER,
            {
                "result": CallResult.NO_ANSWER,
                "source": Source.EVENT,
                "cause": "answered_elsewhere",
            },
            "no_answer",
        ),
        (CALLEE, {"reached": CallState.RINGING_CALLEE}, "undetermined"),
        (CALLEE, {"reached": CallState.CONNECTED}, "answered"),
        (CALLEE, {"result": CallResult.ANSWERED}, "answered"),
        (CALLEE, {"result": CallResult.BUSY, "source": Source.EVENT}, "busy"),
    ],
)
def test_result(answered_state: CallState, facts: dict[str, Any], result: str) -> None:
    """The result is that of the person, regardless of the other party."""
    made = attempt(answered_state, **facts)
    assert made.result == result
    assert made.is_answered is (result == "answered")
    assert made.outcome()["result"] == result


def test_not_called() -> None:
    """A person who was not called has failed, and their attempt has all fields."""
    made = Attempt(target=ALI, round=2, answered_state=CALLER, parties={})
    made.add_error("No color.")
    made.add_error("No line.")

    assert not made.is_answered
    assert made.outcome() == {
        **attempt().outcome(),
        "round": 2,
        "result": "failed",
        "error": "No color.; No line.",
    }


def test_summary() -> None:
    """The first one to answer is named, and all who did are listed."""
    answered = attempt(reached=CallState.CONNECTED)
    shown = summary([attempt(), answered, answered], "answered", ["No light."])

    ali = {"number": "101", "contact": "Ali"}
    assert shown["answered_by"] == "101"
    assert shown["answered_by_contact"] == "Ali"
    assert shown["answered"] == [ali, ali]
    assert shown["until_errors"] == ["No light."]
    assert "until_errors" not in summary([answered], "answered")

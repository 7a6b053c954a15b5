"""Tests of which of several reported ends of a call counts."""

from typing import Any

import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.ends import (
    contradicts,
    is_better,
    is_final,
    start_time,
)

NOW = 1_700_000_000.0
DAY = 86_400
ANSWERED, BUSY = CallResult.ANSWERED, CallResult.BUSY
NO_ANSWER, UNREACHABLE = CallResult.NO_ANSWER, CallResult.CALLER_UNREACHABLE
PLACED, RINGING = CallState.PLACED, CallState.RINGING_CALLEE
CONNECTED = CallState.CONNECTED
PROVISIONAL = {"is_provisional": True}
UNATTENDED = {"is_unattended": True}


def end(result: CallResult | None, **fields: Any) -> CallUpdate:  # noqa: ANN401 - any field
    """Return an end of a call."""
    return CallUpdate(state=CallState.ENDED, result=result, **fields)


def incoming(**fields: Any) -> Call:  # noqa: ANN401 - any field
    """Return a call that came in."""
    return Call(began_at=NOW, deadline=NOW, direction=Direction.INCOMING, **fields)


def placed(reached: CallState) -> Call:
    """Return a call that was placed by this integration."""
    request = CallRequest(
        call_id="ha-1", caller="101", callee="102", context="house", timeout=30
    )
    return Call(began_at=NOW, deadline=NOW, request=request, reached=reached)


@pytest.mark.parametrize(
    ("new", "old", "is_so"),
    [
        (end(ANSWERED), end(BUSY), True),
        (end(BUSY), end(ANSWERED), False),
        (end(ANSWERED), end(ANSWERED), False),
        (end(ANSWERED), end(ANSWERED, **UNATTENDED), True),
        (end(ANSWERED, **UNATTENDED), end(ANSWERED), False),
        (end(ANSWERED, **UNATTENDED), end(ANSWERED, **UNATTENDED), False),
        (end(NO_ANSWER), end(None), True),
        (end(None), end(None), True),
        (end(None), end(NO_ANSWER), False),
    ],
)
def test_better(*, new: CallUpdate, old: CallUpdate, is_so: bool) -> None:
    """The better result counts; of two that are the same, that of a person."""
    assert is_better(new, old) == is_so


@pytest.mark.parametrize(
    ("began_at", "expected"),
    [
        (None, NOW),
        (NOW - 60, NOW - 60),
        (NOW - DAY + 1, NOW - DAY + 1),
        (NOW - DAY, NOW),
        (NOW, NOW),
        (NOW + 60, NOW),
    ],
)
def test_start_time(began_at: float | None, expected: float) -> None:
    """A beginning that is in the future or a day old is that of the update."""
    assert start_time(CallUpdate(state=PLACED, began_at=began_at), NOW) == expected


@pytest.mark.parametrize(
    ("call", "update", "is_so"),
    [
        (placed(PLACED), end(UNREACHABLE), False),
        (placed(RINGING), end(UNREACHABLE), True),
        (placed(CONNECTED), end(UNREACHABLE), True),
        (placed(CONNECTED), end(NO_ANSWER), False),
        (placed(CONNECTED), end(ANSWERED, **PROVISIONAL), False),
        (incoming(), end(NO_ANSWER, **PROVISIONAL), False),
        (incoming(reached=CONNECTED), end(NO_ANSWER, **PROVISIONAL), True),
        (incoming(reached=CONNECTED), end(ANSWERED, **PROVISIONAL), False),
        (incoming(reached=CONNECTED), end(NO_ANSWER), False),
    ],
)
def test_contradicts(*, call: Call, update: CallUpdate, is_so: bool) -> None:
    """A caller who answered is reachable; a phone of a group is not the call."""
    assert contradicts(call, update) == is_so


@pytest.mark.parametrize(
    ("call", "update", "is_so"),
    [
        (placed(RINGING), end(BUSY), True),
        (placed(RINGING), end(BUSY, **PROVISIONAL), False),
        (incoming(reached=CONNECTED), end(NO_ANSWER, **PROVISIONAL), True),
        (incoming(), end(ANSWERED), True),
        (incoming(), end(ANSWERED, **PROVISIONAL), False),
        (incoming(), end(NO_ANSWER, **PROVISIONAL), False),
        # The end of the whole call, as an Asterisk reports it.
        (incoming(), end(NO_ANSWER), True),
        (incoming(), end(ANSWERED, **UNATTENDED), True),
    ],
)
def test_final(*, call: Call, update: CallUpdate, is_so: bool) -> None:
    """A phone of a group is not the call, unless another one was answered."""
    assert is_final(call, update) == is_so

"""The result of a call that has ended, by what its legs have reported."""

from ..updates import CallResult
from .causes import (
    ANSWERED_ELSEWHERE,
    NO_ANSWER,
    NORMAL_CLEARING,
    UNKNOWN_CAUSE,
    best_of,
    result_of_callee,
    result_of_dial,
    result_of_dialplan,
)
from .leg import Leg


def result_of(leg: Leg, cause: int) -> CallResult:
    """Return the result of a call.

    Args:
        leg: the first leg.
        cause: hangup cause of the call, as reported.
    """
    if leg.is_announcement:
        return _result_of_announcement(leg, cause)
    if leg.is_answered:
        return CallResult.ANSWERED
    return _result_of_call(leg, cause)


def cause_of(leg: Leg, cause: int) -> int:
    """Return the hangup cause of a call, inferred if Asterisk reports none.

    Older versions report an unknown cause for most calls.

    Args:
        leg: the first leg.
        cause: as reported.
    """
    if _is_elsewhere(leg, cause):
        return ANSWERED_ELSEWHERE
    if cause == UNKNOWN_CAUSE and leg.is_hung_up:
        return NORMAL_CLEARING
    if cause == UNKNOWN_CAUSE and leg.has_rung and leg.up_since is None:
        return NO_ANSWER
    return cause


def _result_of_announcement(leg: Leg, cause: int) -> CallResult:
    """Return the result for the person, whoever is connected afterward."""
    if leg.up_since is not None:
        return CallResult.ANSWERED
    if _is_elsewhere(leg, cause):
        return CallResult.NO_ANSWER
    return result_of_callee(cause_of(leg, cause))


def _result_of_call(leg: Leg, cause: int) -> CallResult:
    """Return the result of a call that no callee has answered."""
    if leg.dialed:
        return best_of({_result_of_dial(leg, each, cause) for each in leg.dialed})
    if _is_elsewhere(leg, cause):
        return CallResult.NO_ANSWER
    if leg.is_waiting and leg.up_since is not None:
        return _result_of_waiting(leg)
    if leg.up_since is None:
        # The caller of any other call is reachable: the dialplan refused the call.
        is_own = leg.request is not None and leg.request.held_call is None
        return CallResult.CALLER_UNREACHABLE if is_own else result_of_callee(cause)
    # The dialplan itself has answered, and the phone hung up; or the dialplan ended
    # the call, for example because the number does not exist.
    return CallResult.ANSWERED if leg.is_hung_up else result_of_dialplan(cause)


def _result_of_dial(leg: Leg, callee_id: str, cause: int) -> CallResult:
    # With a single callee, the call has the same cause as the callee's leg.
    usual = cause if len(leg.dialed) == 1 else UNKNOWN_CAUSE
    return result_of_dial(leg.dialed[callee_id], leg.causes.get(callee_id, usual))


def _result_of_waiting(leg: Leg) -> CallResult:
    """Return the result of a call that was answered, and not connected.

    A signal needs no more than the answer.
    """
    if leg.request is not None and leg.request.is_signal:
        return CallResult.ANSWERED
    return CallResult.NO_ANSWER if leg.is_hung_up else CallResult.FAILED


def _is_elsewhere(leg: Leg, cause: int) -> bool:
    """Return whether another phone of the group was answered first.

    Of two that are answered at once, the later one may hang up by itself.
    """
    if leg.is_waiting and cause == ANSWERED_ELSEWHERE:
        return True
    is_ended_by_us = leg.up_since is not None or cause == UNKNOWN_CAUSE
    return leg.is_late and is_ended_by_us

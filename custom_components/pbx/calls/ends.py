"""Which of several reported ends of a call counts."""

from ..backends.updates import CallResult, CallState, CallUpdate
from .call import Call
from .open_calls import PLAUSIBLE_AGE


def is_better(end: CallUpdate, other: CallUpdate) -> bool:
    """Return whether an end of a call takes precedence over another one."""
    if end.result is None or other.result is None:
        return other.result is None
    if end.result is other.result:
        return other.is_unattended and not end.is_unattended
    return end.result.is_better_than(other.result)


def start_time(update: CallUpdate, at: float) -> float:
    """Return when a call began, according to its first update."""
    began_at = update.began_at
    return (
        at if began_at is None or not at - PLAUSIBLE_AGE < began_at < at else began_at
    )


def contradicts(call: Call, end: CallUpdate) -> bool:
    """Return whether an end of a call contradicts the reached state.

    A caller who answered cannot be unreachable. Of an incoming call that one phone has
    answered, the others of a ring group report ends. (Of any other call, all results
    override `connected`, which may come from the state of a single phone.)
    """
    if call.is_incoming and call.reached is CallState.CONNECTED:
        return end.is_provisional and end.result is not CallResult.ANSWERED
    is_unreachable = end.result is CallResult.CALLER_UNREACHABLE
    return is_unreachable and call.reached is not CallState.PLACED


def is_final(call: Call, end: CallUpdate) -> bool:
    """Return whether no better end of a call can follow.

    Of an incoming call that a person has answered, other phones report ends as well.
    """
    is_answered = call.is_incoming and call.reached is CallState.CONNECTED
    return is_answered or not end.is_provisional

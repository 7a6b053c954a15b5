"""The caller who stays on the line while one callee after another is tried."""

from collections.abc import Sequence
from dataclasses import replace
import logging
from typing import Final

from ..backends.base import CallRequest
from ..backends.errors import CallNotFoundError, PbxError
from ..backends.updates import CallResult
from .attempts import Attempt
from .manager import CallManager

_LOGGER = logging.getLogger(__name__)

# Seconds in which the next callee is called after the pause, even if the PBX refuses
# the first one after it.
_MARGIN: Final = 30


def held_call(attempts: Sequence[Attempt]) -> str | None:
    """Return the id of the call whose caller waits on the line; None for no one."""
    if any(each.is_answered for each in attempts):
        return None
    held = None
    for attempt in attempts:
        held = _held_after(attempt, held)
    return held


def _held_after(attempt: Attempt, held: str | None) -> str | None:
    """Return the id of the call whose caller waits after an attempt.

    Args:
        attempt: the attempt, which no one has answered.
        held: id of the call whose caller waited before it.
    """
    call = attempt.call
    if call is None or call.request is None or not was_placed(attempt):
        return held
    if is_caller_gone(attempt):
        return None
    keeps = call.request.hold_time is not None
    if call.request.held_call is not None:
        # Until the end of the call, the caller is on the line in any case.
        return call.request.held_call if keeps or not call.is_over else None
    has_begun = keeps and call.is_over and call.caller_answered
    return call.originated_call_id or call.request_id if has_begun else None


def was_placed(attempt: Attempt) -> bool:
    """Return whether a call was placed, as far as known."""
    call = attempt.call
    # Only a refused request has a result from no source.
    return call is not None and (call.result is None or call.source is not None)


def is_caller_gone(attempt: Attempt) -> bool:
    """Return whether the caller has hung up before anyone answered."""
    call = attempt.call
    if call is None or attempt.is_answered:
        return False
    return call.is_caller_gone and call.result is not CallResult.CALLER_UNREACHABLE


def keep_caller(
    request: CallRequest, attempts: Sequence[Attempt], pause: int, *, is_last: bool
) -> CallRequest:
    """Return a request that uses and keeps a caller on the line.

    Args:
        request: for the next call.
        attempts: the attempts so far.
        pause: seconds between two attempts.
        is_last: whether no other callee is called afterwards.
    """
    hold_time = None if is_last else pause + _MARGIN
    return replace(request, held_call=held_call(attempts), hold_time=hold_time)


async def async_let_go(manager: CallManager, attempts: Sequence[Attempt]) -> None:
    """Hang up a caller who waits on the line, if any.

    Never raises: the PBX ends the call when its hold time is over.
    """
    call_id, backend = held_call(attempts), manager.link.backend
    if call_id is None or backend is None:
        return
    try:
        await backend.hang_up(call_id)
    except CallNotFoundError:
        _LOGGER.debug("The caller on the line has hung up")
    except PbxError as err:
        _LOGGER.warning("Failed to hang up a caller on the line: %s", err)

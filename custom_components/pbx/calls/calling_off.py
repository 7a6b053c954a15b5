"""Hang up calls that still ring, as what they were placed for is over."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
import logging
from typing import Final

from homeassistant.core import callback

from ..backends.base import CallRequest, Feature
from ..backends.errors import CallNotFoundError, PbxError
from ..backends.updates import CallState
from .attempts import Attempt
from .call import Call
from .manager import CallManager

_LOGGER = logging.getLogger(__name__)

# Seconds before each request to hang up a call whose own request had no response: it
# may have begun to ring in the meantime.
_UNCERTAIN_PAUSES: Final = (0, 1, 4)
# Seconds in which a PBX reports the end of a call that was hung up.
_END_TIMEOUT: Final = 2


@callback
def calls_to_end(
    manager: CallManager, attempts: Iterable[Attempt], *, talking: bool = False
) -> list[Call]:
    """Return the calls to hang up, marked as such: those that no one has answered.

    There are none if the PBX cannot hang up. When Home Assistant stops, only those that
    need it are left: the PBX itself connects and ends the others.

    Args:
        manager: of the PBX.
        attempts: some attempts.
        talking: whether answered calls are included.
    """
    if not manager.link.supports(Feature.HANG_UP):
        return []
    calls = [
        each.call
        for each in attempts
        if each.call is not None
        and not each.call.is_over
        and (talking or not (each.is_answered or each.is_connected))
    ]
    if manager.is_closing:
        calls = [call for call in calls if call.request and _needs_us(call.request)]
    for call in calls:
        # The same request again does not join a call that is about to end.
        call.is_ending = True
    return calls


def _needs_us(request: CallRequest) -> bool:
    """Return whether a call ends when Home Assistant stops."""
    is_spoken = request.announcement is not None
    return is_spoken or request.is_bridged or request.ring_group is not None


async def async_call_off(
    manager: CallManager, attempts: Iterable[Attempt], *, talking: bool = False
) -> None:
    """Hang up the calls of some attempts that no one has answered, where the PBX can.

    Never raises: what cannot be hung up rings until its ring time is over.

    Args:
        manager: of the PBX.
        attempts: some attempts.
        talking: whether answered calls are hung up as well.
    """
    calls = calls_to_end(manager, attempts, talking=talking)
    await asyncio.gather(
        *(async_call_off_one(manager, call, talking=talking) for call in calls)
    )


async def async_call_off_one(
    manager: CallManager, call: Call, *, talking: bool = False
) -> None:
    """Hang up a call that is not connected, or may be; never raises."""
    # Hanging up a call before the response to its request has no effect.
    await manager.requests.wait_for_response(call)
    pauses = _UNCERTAIN_PAUSES if call.is_uncertain else (0,)
    for pause in pauses:
        if pause:
            await asyncio.sleep(pause)
        backend = manager.link.backend
        is_spared = call.state is CallState.CONNECTED and not talking
        if backend is None or call.is_over or is_spared:
            return
        try:
            await backend.hang_up(call.originated_call_id or call.request_id)
        except CallNotFoundError:
            continue
        except PbxError as err:
            call.is_ending = False
            _LOGGER.warning("Failed to call off a call: %s", err)
            return
        return


async def async_wait_for_ends(
    manager: CallManager, attempts: Iterable[Attempt]
) -> None:
    """Wait for the results of calls that were hung up, for a moment.

    Raises:
        HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
    """
    calls = [each.call for each in attempts if each.call and each.call.is_ending]
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_TIMEOUT):
            for call in calls:
                await manager.waiters.wait(call, CallState.ENDED)

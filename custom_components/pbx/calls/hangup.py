"""Ending calls that were placed from here."""

import asyncio
from collections.abc import Sequence

from homeassistant.exceptions import HomeAssistantError

from ..backends.base import CallNotFoundError, HangUpNotSupportedError, PbxError
from ..coordinator import PbxConfigEntry
from ..errors import translated


async def async_hang_up(entry: PbxConfigEntry, originated_call_id: str) -> None:
    """End one call.

    Raises:
        HomeAssistantError: it has ended already, was not placed from here, or
            the PBX did not end it.
    """
    _check_can_hang_up(entry)
    try:
        if originated_call_id not in _outstanding(entry):
            raise CallNotFoundError("")
        await entry.runtime_data.client.hang_up(originated_call_id)
    except PbxError as err:
        raise translated(HomeAssistantError, err, entry.title) from err


async def async_hang_up_all(entry: PbxConfigEntry) -> Sequence[str]:
    """End all calls that were placed from here, and return their ids.

    One that ends by itself meanwhile is none of them.

    Raises:
        HomeAssistantError: the PBX did not end one of them; the others have
            been asked for all the same.
    """
    _check_can_hang_up(entry)
    client = entry.runtime_data.client
    call_ids = _outstanding(entry)
    answers = await asyncio.gather(
        *map(client.hang_up, call_ids), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, PbxError) and not isinstance(answer, CallNotFoundError):
            raise translated(HomeAssistantError, answer, entry.title) from answer
        if answer is not None and not isinstance(answer, PbxError):
            raise answer
    told = zip(call_ids, answers, strict=True)
    return [call_id for call_id, answer in told if answer is None]


def _outstanding(entry: PbxConfigEntry) -> Sequence[str]:
    """Return the ids of the calls that have not ended, the oldest first."""
    calls = entry.runtime_data.tracking.tracker.outstanding
    return [call.originated_call_id for call in calls if call.originated_call_id]


def _check_can_hang_up(entry: PbxConfigEntry) -> None:
    """Check that this kind of PBX can end calls at all.

    Raises:
        HomeAssistantError: it cannot.
    """
    if not entry.runtime_data.client.can_hang_up:
        err = HangUpNotSupportedError("")
        raise translated(HomeAssistantError, err, entry.title)

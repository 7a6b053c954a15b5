"""Hang up calls, whichever PBX has them."""

import asyncio
from collections.abc import Sequence

from homeassistant.exceptions import HomeAssistantError

from ..backends.base import Feature, PbxErrorCode
from ..errors import action_error
from .manager import CallManager


async def async_hang_up_anywhere(
    managers: Sequence[CallManager], originated_call_id: str | None = None
) -> list[str]:
    """Hang up one or all calls that we placed and return their IDs.

    Args:
        managers: of the PBXs that may have the call; at least one.
        originated_call_id: the ID of the call; None for all calls.

    Raises:
        HomeAssistantError: no PBX has the call, none of them can hang up, or not one
            call was hung up, although there were some.
    """
    if originated_call_id is not None:
        manager = _manager_of(managers, originated_call_id)
        return list(await manager.hang_up(originated_call_id))
    answers = await asyncio.gather(
        *(manager.hang_up() for manager in _to_ask(managers)), return_exceptions=True
    )
    hung_up: list[str] = []
    errors: list[HomeAssistantError] = []
    for answer in answers:
        if isinstance(answer, HomeAssistantError):
            errors.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            hung_up.extend(answer)
    if errors and not hung_up:
        raise errors[0]
    return hung_up


def _manager_of(
    managers: Sequence[CallManager], originated_call_id: str
) -> CallManager:
    """Return the manager of the PBX that has a call.

    Raises:
        HomeAssistantError: several PBXs can hang up, and none of them has the call.
    """
    for manager in managers:
        if originated_call_id in _calls_of(manager):
            return manager
    able = [each for each in managers if each.link.supports(Feature.HANG_UP)]
    if len(able) > 1:
        titles = ", ".join(each.entry.title for each in able)
        raise action_error(PbxErrorCode.CALL_NOT_FOUND, pbx=titles)
    # Its error says that it cannot hang up, or does not have the call.
    return (able or managers)[0]


def _to_ask(managers: Sequence[CallManager]) -> Sequence[CallManager]:
    """Return the managers of the PBXs that can hang up, or should.

    The error of a PBX that cannot counts only where it has a call.
    """
    asked = [
        each
        for each in managers
        if each.link.supports(Feature.HANG_UP) or _calls_of(each)
    ]
    return asked or managers


def _calls_of(manager: CallManager) -> list[str]:
    return [
        call.originated_call_id
        for call in manager.tracker.open.placed
        if call.originated_call_id and not call.is_over
    ]

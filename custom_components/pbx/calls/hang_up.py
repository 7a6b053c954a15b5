"""Hang up calls that Home Assistant has placed, or any call by its row in the log."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeassistant.exceptions import HomeAssistantError

from ..backends.base import Backend, Feature
from ..backends.errors import CallNotFoundError, PbxError, PbxErrorCode
from ..backends.updates import CallState
from ..const import CONF_CALLEE, CONF_CALLER, CONF_RINGING_ONLY
from ..errors import translated_error, unknown_contact_error, user_error
from .action_data import ATTR_ORIGINATED_CALL_ID
from .call import Call
from .calling_off import async_call_off_one
from .contacts import PhoneBook, nearest_names
from .manager import CallManager
from .number import InvalidNumberError, is_unquoted, parse_number
from .resolve import is_contact_name


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The outcome for the calls to hang up.

    Attributes:
        ids: of the calls that were hung up.
        errors: by the id of a call that was not.
        fault: why the PBX can hang up no call at all; None if it can.
    """

    ids: Sequence[str] = ()
    errors: Mapping[str, HomeAssistantError] = field(default_factory=dict)
    fault: HomeAssistantError | None = None


type Wanted = Callable[[CallManager, Call], bool]


def calls_wanted(data: Mapping[str, Any], managers: Sequence[CallManager]) -> Wanted:
    """Return which calls an action is about; without a field, all that were placed.

    Only the id of a row can stand for a call that was not placed from here.

    Args:
        data: of the action, validated: id of the call or of its row in the log,
            `caller`, `callee` (numbers or names), and whether only ringing calls are
            wanted. A call has to fit all.
        managers: of the PBXs that the action is about.

    Raises:
        ServiceValidationError: a field is empty or is no number, or no PBX has a
            contact with that name.
    """
    call_id = data.get(ATTR_ORIGINATED_CALL_ID)
    parties = {
        name: _party(name, data[name], managers)
        for name in (CONF_CALLER, CONF_CALLEE)
        if name in data
    }
    ringing_only = data.get(CONF_RINGING_ONLY, False)

    def is_wanted(manager: CallManager, call: Call) -> bool:
        if call_id is None:
            if call.request is None:
                return False
        elif not _has_id(manager, call, call_id):
            return False
        if ringing_only and call.state is CallState.CONNECTED:
            return False
        numbers = {CONF_CALLER: call.caller, CONF_CALLEE: call.callee}
        return all(
            _is_party(manager.book, numbers[name], text)
            for name, text in parties.items()
        )

    return is_wanted


def _has_id(manager: CallManager, call: Call, call_id: str) -> bool:
    """Return whether an id is one of a placed call, or of a call's row in the log."""
    if (row := manager.log.row(call_id)) is not None:
        return manager.log.open_call(row) is call
    return call.request is not None and call_id in call.ids


def _party(name: str, value: str | int, managers: Sequence[CallManager]) -> str:
    """Return a number as dialed, or the name of a contact that one PBX has.

    Raises:
        ServiceValidationError: it is neither.
    """
    books = [manager.book for manager in managers]
    if is_unquoted(value, max(book.plan.internal_digits for book in books)):
        raise user_error("number_unquoted", field=name)
    text = str(value)
    try:
        return parse_number(text)
    except InvalidNumberError as err:
        if not err.is_other_text:
            raise user_error(err.fault, field=name, character=err.character) from err
    if not any(book.find(text) for book in books):
        raise unknown_contact_error(text, nearest_names(books, text))
    return text


def _is_party(book: PhoneBook, number: str, wanted: str) -> bool:
    if is_contact_name(wanted):
        owner = book.owner_of(number)
        return owner is not None and owner in book.find(wanted)
    return book.plan.is_same(number, wanted)


async def async_hang_up(
    managers: Sequence[CallManager], is_wanted: Wanted | None = None
) -> HungUp:
    """Hang up calls; those that have ended in the meantime are left out.

    Args:
        managers: of the PBXs; at least one.
        is_wanted: returns whether a call is to be hung up; None for all that were
            placed.

    Raises:
        HomeAssistantError: not one call was hung up, although there were some, or none
            of the PBXs can hang up.
    """
    wanted = is_wanted or _all
    outcomes = await asyncio.gather(
        *(_async_hang_up_of(each, wanted) for each in managers)
    )
    hung_up = HungUp(
        ids=[call_id for each in outcomes for call_id in each.ids],
        errors={k: err for each in outcomes for k, err in each.errors.items()},
    )
    errors = [*hung_up.errors.values()]
    if not errors and all(each.fault for each in outcomes):
        errors = [each.fault for each in outcomes if each.fault]
    if errors and not hung_up.ids:
        raise errors[0]
    return hung_up


def _all(_manager: CallManager, call: Call) -> bool:
    return call.request is not None


async def _async_hang_up_of(manager: CallManager, is_wanted: Wanted) -> HungUp:
    """Hang up calls of one PBX."""
    try:
        backend = await _async_backend(manager)
    except HomeAssistantError as err:
        failed = map(_id_of, _calls(manager, is_wanted))
        return HungUp(errors=dict.fromkeys(failed, err), fault=err)
    calls = _calls(manager, is_wanted)
    for call in calls:
        call.is_ending = True
    answers = await asyncio.gather(
        *(_async_hang_up(manager, backend, call) for call in calls),
        return_exceptions=True,
    )
    ids: list[str] = []
    errors: dict[str, HomeAssistantError] = {}
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer, PbxError):
            error = translated_error(HomeAssistantError, answer, manager)
            errors[_id_of(call)] = error
        elif isinstance(answer, BaseException):
            raise answer
        elif answer:
            ids.append(_id_of(call))
    return HungUp(ids=ids, errors=errors)


async def _async_backend(manager: CallManager) -> Backend:
    """Return the backend of a PBX that can hang up.

    Raises:
        HomeAssistantError: it cannot, or is not loaded.
    """
    if not manager.link.supports(Feature.HANG_UP):
        error = PbxError(PbxErrorCode.HANG_UP_NOT_SUPPORTED)
        raise translated_error(HomeAssistantError, error, manager)
    return await manager.link.wait_for_backend()


def _calls(manager: CallManager, is_wanted: Wanted) -> list[Call]:
    return [
        call
        for call in manager.tracker.open
        if not call.is_over and is_wanted(manager, call)
    ]


def _id_of(call: Call) -> str:
    return call.originated_call_id or call.request_id or call.call_id


async def _async_hang_up(manager: CallManager, backend: Backend, call: Call) -> bool:
    """Hang up a call, and return whether it was still there.

    Raises:
        PbxError: the PBX did not hang it up.
    """
    # Hanging up a call before the response to its request has no effect.
    await manager.requests.wait_for_response(call)
    if call.is_over:
        return False
    try:
        await backend.hang_up(_id_of(call))
    except CallNotFoundError:
        if call.is_uncertain:
            # It may begin to ring in a moment.
            manager.hass.async_create_task(
                async_call_off_one(manager, call), "pbx hang up an uncertain call"
            )
        return False
    except PbxError:
        call.is_ending = False
        raise
    return True

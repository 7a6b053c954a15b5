"""From what an action says to one complete request, and its way to the PBX."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
import logging
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..backends.base import (
    CallerUnreachableError,
    CallRequest,
    CallUncertainError,
    InvalidCredentialsError,
    PbxClient,
    PbxError,
)
from ..backends.names import is_name, parse_caller_id
from ..backends.redaction import mask_number
from ..backends.updates import CallEvidence, CallResult, CallState, EvidenceSource
from ..const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DEFAULT_TIMEOUT,
)
from ..coordinator import PbxConfigEntry, PbxData
from ..errors import invalid, translated
from .call import Call
from .contacts import Contact, button_of, plan_of
from .guard import BY_ITSELF, Asking, async_get_guard
from .manager import CallTracking
from .number import InvalidNumberError, is_external, is_unquoted, parse_number
from .permissions import async_user_of, check_control

_LOGGER = logging.getLogger(__name__)

_NUMBERS = (CONF_CALLER, CONF_CALLEE, CONF_CALLER_ID)


def build_request(
    data: Mapping[str, Any], options: Mapping[str, Any], client: PbxClient
) -> CallRequest:
    """Return the complete request for a call.

    Args:
        data: of the action. What stands here counts, even an empty text: a
            template that found no number must not ring the default phone.
        options: of the config entry, the call defaults, and over them those of
            contacts.
        client: of the PBX, which says what it takes.

    Raises:
        ServiceValidationError: something is missing, or is no number.
    """
    fields = {CONF_TIMEOUT: DEFAULT_TIMEOUT, **options, **data}
    internal_digits = fields.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    for name in _NUMBERS:
        if is_unquoted(fields.get(name, ""), internal_digits):
            raise invalid("number_unquoted", field=name)
    fields |= {name: str(fields[name]) for name in _NUMBERS if name in fields}
    required = (CONF_CALLER, CONF_CONTEXT)
    missing = [] if CONF_CALLEE in fields else [CONF_CALLEE]
    missing += [name for name in required if not fields.get(name, "").strip()]
    if missing:
        raise invalid("missing_fields", fields=", ".join(missing))
    caller = _number(fields, CONF_CALLER)
    trunk_name = _name(fields, CONF_TRUNK_NAME)
    is_outside = is_external(caller, internal_digits)
    # Through a trunk, an internal number is a stranger's. What the action itself
    # names goes to a PBX that knows that.
    is_asked_for = CONF_TRUNK_NAME in data and client.keeps_internal_calls
    if not is_outside and not is_asked_for:
        trunk_name = ""
    if is_outside and not trunk_name:
        raise invalid(
            "trunk_required",
            caller=mask_number(caller),
            internal_digits=str(internal_digits),
        )
    # Networks bar a call that comes from the very number that it rings.
    own_number = None if is_outside else caller
    return CallRequest(
        caller=caller,
        callee=_number(fields, CONF_CALLEE),
        context=_name(fields, CONF_CONTEXT),
        caller_id=_caller_id(fields, client) or own_number,
        caller_name=_name(fields, CONF_CALLER_NAME) or None,
        trunk_name=trunk_name or None,
        timeout=fields[CONF_TIMEOUT],
        call_limit=fields.get(CONF_CALL_LIMIT),
    )


async def async_dial(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    request: CallRequest,
    asking: Asking = BY_ITSELF,
) -> Call:
    """Place a call, and return it: it is tracked from here on.

    A caller that is cancelled does not tear the request: its answer is taken.

    Raises:
        ServiceValidationError: a dialling rule is against it.
        HomeAssistantError: the PBX did not place the call, or may have.
    """
    call, error = await async_try_to_dial(hass, entry, request, asking)
    if error is not None:
        raise translated(HomeAssistantError, error, entry.title) from error
    return call


async def async_call_contact(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    contact: Contact,
    data: Mapping[str, Any] | None = None,
    asking: Asking = BY_ITSELF,
) -> Call:
    """Place a call to a contact, and return it.

    Args:
        hass: Home Assistant.
        entry: of the PBX that the contact belongs to.
        contact: who is called.
        data: fields of the action that count more than the contact's own.
        asking: who asks for it.

    Raises:
        ServiceValidationError: something is missing among the defaults, or a
            dialling rule is against it.
        Unauthorized: the user may not press the contact's button.
        HomeAssistantError: the PBX did not place the call, or may have.
    """
    user = await async_user_of(hass, asking.context)
    button = button_of(hass, contact)
    check_control(user, asking.context, [button] if button else [])
    fields = {**(data or {}), CONF_CALLEE: contact.number}
    options = {**entry.options, **contact.overrides}
    request = build_request(fields, options, entry.runtime_data.client)
    return await async_dial(hass, entry, request, asking)


async def async_try_to_dial(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    request: CallRequest,
    asking: Asking = BY_ITSELF,
) -> tuple[Call, PbxError | None]:
    """Place a call; return it with what went wrong, if anything did.

    A `CallUncertainError` is the only error whose call may be on its way.

    Raises:
        ServiceValidationError: a dialling rule is against it.
    """
    guard = async_get_guard(hass, entry)
    tracking = entry.runtime_data.tracking
    await guard.async_check(tracking, request, asking)
    # It starts at once, so that the next one that is checked finds this one.
    placing = hass.async_create_task(
        _async_place(hass, entry, request), f"pbx originate {entry.entry_id}"
    )
    try:
        outcome = await asyncio.shield(placing)
    except asyncio.CancelledError:
        # Who asked is gone; the answer is taken all the same.
        placing.add_done_callback(partial(_placed_for_nobody, tracking))
        raise
    # The action that asked for the call goes on first.
    hass.loop.call_soon(tracking.async_tell_placed)
    return outcome


@callback
def _placed_for_nobody(
    tracking: CallTracking, placing: asyncio.Task[tuple[Call, PbxError | None]]
) -> None:
    """Tell of a call whose action has ended before the PBX answered."""
    tracking.async_tell_placed()
    if placing.cancelled():
        return
    _, error = placing.result()
    if error is not None:
        _LOGGER.warning("After the script that asked for a call had ended: %s", error)


async def _async_place(
    hass: HomeAssistant, entry: PbxConfigEntry, request: CallRequest
) -> tuple[Call, PbxError | None]:
    """Ask the PBX for the call once, and track what came of it."""
    data = entry.runtime_data
    tracker = data.tracking.tracker
    request = replace(request, call_id=data.client.name_call())
    call = tracker.request(request)
    call.callee_identity = plan_of(hass, entry).identity(request.callee)
    tracker.set_clock(call, data.client.clock_offset)
    data.tracking.async_save()
    data.tracking.history.note(call.requested_at, call.callee_identity)
    if _LOGGER.isEnabledFor(logging.DEBUG):
        parties = mask_number(request.caller), mask_number(request.callee)
        _LOGGER.debug("Placing a call from %s to %s", *parties)
    try:
        originated_call_id = await data.client.originate(request)
    except CallUncertainError as err:
        _doubt(data, call, str(err), err.originated_call_id)
        return call, err
    except CallerUnreachableError as err:
        tracker.confirm(call, err.originated_call_id)
        tracker.observe(_unreachable(err))
        return call, None
    except PbxError as err:
        tracker.reject(call, str(err))
        data.tracking.history.take_back(call.requested_at, call.callee_identity)
        # Or a restart would bring it back from the store, as a call.
        data.tracking.async_save()
        if isinstance(err, InvalidCredentialsError) and _is_current(hass, entry, data):
            entry.async_start_reauth(hass)
        return call, err
    except BaseException:
        # Home Assistant is stopping, or we are at fault: nobody knows.
        _doubt(data, call, "The request was interrupted")
        raise
    tracker.confirm(call, originated_call_id)
    return call, None


@callback
def _doubt(data: PbxData, call: Call, error: str, originated_call_id: str = "") -> None:
    """Take a lost answer: the call holds up others while it may be ringing."""
    until = call.requested_at + call.request.timeout
    data.tracking.history.doubt(call.requested_at, call.callee_identity, until)
    data.tracking.tracker.doubt(call, error, originated_call_id)


def _unreachable(err: CallerUnreachableError) -> CallEvidence:
    """Return the evidence in the PBX's answer that the caller cannot be rung."""
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.ENDED,
        originated_call_id=err.originated_call_id,
        result=CallResult.CALLER_UNREACHABLE,
    )


def _is_current(hass: HomeAssistant, entry: PbxConfigEntry, data: PbxData) -> bool:
    """Tell whether an entry is as it was: not removed, unloaded or loaded anew."""
    known = hass.config_entries.async_get_entry(entry.entry_id)
    # Unloading takes the attribute away.
    return known is entry and getattr(entry, "runtime_data", None) is data


def _name(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that names something in the PBX, empty if it is missing.

    Raises:
        ServiceValidationError: there are line breaks or the like in it.
    """
    text: str = fields.get(name, "").strip()
    if not is_name(text):
        raise invalid("not_printable", field=name)
    return text


def _caller_id(fields: Mapping[str, Any], client: PbxClient) -> str | None:
    """Return the caller ID, None where none is set.

    Raises:
        ServiceValidationError: the PBX does not take it.
    """
    if not (text := fields.get(CONF_CALLER_ID, "").strip()):
        return None
    try:
        return parse_caller_id(text, may_be_name=client.takes_named_caller_id)
    except InvalidNumberError as err:
        raise invalid(err.fault, field=CONF_CALLER_ID, character=err.character) from err
    except ValueError as err:
        raise invalid("not_printable", field=CONF_CALLER_ID) from err


def _number(fields: Mapping[str, Any], name: str) -> str:
    """Return a field as a number that can be dialled.

    Raises:
        ServiceValidationError: it is none; the number itself is not repeated.
    """
    try:
        return parse_number(fields[name])
    except InvalidNumberError as err:
        raise invalid(err.fault, field=name, character=err.character) from err

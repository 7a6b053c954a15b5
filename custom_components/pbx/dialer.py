"""From what an action says to one complete request, and its way to the PBX."""

import asyncio
from collections.abc import Mapping
import logging
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .calls import Call
from .client import CallRequest, InvalidCredentialsError, PbxError
from .const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DEFAULT_TIMEOUT,
)
from .coordinator import PbxConfigEntry
from .errors import invalid, translated
from .names import is_name
from .phone_number import InvalidNumberError, is_outside_number, normalise_number
from .redaction import mask_number

_LOGGER = logging.getLogger(__name__)


def build_request(data: Mapping[str, Any], options: Mapping[str, Any]) -> CallRequest:
    """Return the complete request for a call.

    Args:
        data: of the action. What stands here counts, even an empty text: a
            template that found no number must not ring the default phone.
        options: of the config entry, the call defaults.

    Raises:
        ServiceValidationError: something is missing, or is no number.
    """
    fields = {CONF_TIMEOUT: DEFAULT_TIMEOUT, **options, **data}
    required = (CONF_CALLER, CONF_CONTEXT)
    if missing := [name for name in required if not fields.get(name, "").strip()]:
        raise invalid("missing_fields", fields=", ".join(missing))
    caller = _number(fields, CONF_CALLER)
    trunk_name = _name(fields, CONF_TRUNK_NAME)
    internal_digits = fields.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    if not trunk_name and is_outside_number(caller, internal_digits):
        raise invalid(
            "trunk_required",
            caller=mask_number(caller),
            internal_digits=str(internal_digits),
        )
    has_caller_id = bool(fields.get(CONF_CALLER_ID, "").strip())
    return CallRequest(
        caller=caller,
        callee=_number(fields, CONF_CALLEE),
        context=_name(fields, CONF_CONTEXT),
        caller_id=_number(fields, CONF_CALLER_ID) if has_caller_id else caller,
        trunk_name=trunk_name or None,
        timeout=fields[CONF_TIMEOUT],
        call_limit=fields.get(CONF_CALL_LIMIT),
    )


async def async_dial(
    hass: HomeAssistant, entry: PbxConfigEntry, data: Mapping[str, Any]
) -> Call:
    """Place the call that an action asks for, and return it.

    A caller that is cancelled does not tear the request: its answer is taken.

    Raises:
        ServiceValidationError: the action's data are at fault; nothing was sent.
        HomeAssistantError: the PBX did not place the call, or may have.
    """
    request = build_request(data, entry.options)
    placing = hass.async_create_task(
        _async_place(hass, entry, request), f"pbx originate {entry.entry_id}"
    )
    try:
        call, error = await asyncio.shield(placing)
    except asyncio.CancelledError:
        placing.add_done_callback(_log_outcome)
        raise
    if error is not None:
        raise translated(HomeAssistantError, error, entry.title) from error
    return call


async def _async_place(
    hass: HomeAssistant, entry: PbxConfigEntry, request: CallRequest
) -> tuple[Call, PbxError | None]:
    """Ask the PBX for the call once, and remember what came of it."""
    data = entry.runtime_data
    call = Call(request=request, requested_at=dt_util.utcnow())
    data.recent_calls.append(call)
    try:
        call.originated_call_id = await data.client.originate(request)
    except PbxError as err:
        call.error = str(err)
        if isinstance(err, InvalidCredentialsError):
            entry.async_start_reauth(hass)
        return call, err
    return call, None


@callback
def _log_outcome(placing: asyncio.Task[tuple[Call, PbxError | None]]) -> None:
    """Say what nobody waits for any longer, where it is a fault."""
    if placing.cancelled():
        return
    _, error = placing.result()
    if error is not None:
        _LOGGER.warning("After the script that asked for a call had ended: %s", error)


def _name(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that names something in the PBX, empty if it is missing.

    Raises:
        ServiceValidationError: there are line breaks or the like in it.
    """
    text: str = fields.get(name, "").strip()
    if not is_name(text):
        raise invalid("not_printable", field=name)
    return text


def _number(fields: Mapping[str, Any], name: str) -> str:
    """Return a field as a number that can be dialled.

    Raises:
        ServiceValidationError: it is none; the number itself is not repeated.
    """
    try:
        return normalise_number(fields[name])
    except InvalidNumberError as err:
        raise invalid(err.fault, field=name, character=err.character) from err

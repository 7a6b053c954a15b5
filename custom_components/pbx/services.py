"""The actions of the integration."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .backends.updates import CallState
from .calls.escalation import async_escalate, build_escalation, summary
from .calls.manager import CallManager
from .calls.permissions import async_user, origin_for_pbx
from .calls.request import resolve_manager, resolve_request
from .calls.rules import COOLDOWN_RANGE, Origin
from .const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLEE_CONTACTS,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_CONTACTS,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CALLERS,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DOMAIN,
    PAUSE_RANGE,
    ROUNDS_RANGE,
    TIMEOUT_RANGE,
)
from .filters import number_given

SERVICE_ORIGINATE = "originate"
SERVICE_ESCALATE = "escalate"
SERVICE_HANGUP = "hangup"

ATTR_ORIGINATED_CALL_ID = "originated_call_id"
ATTR_HUNG_UP = "hung_up"
ATTR_WAIT_UNTIL = "wait_until"

_WAIT_UNTIL: Final = {"answered": CallState.CONNECTED, "ended": CallState.ENDED}

# The first contact that one of them names tells which PBX is meant.
_CONTACT_FIELDS: Final = (
    CONF_CALLEE_CONTACT,
    CONF_CALLER_CONTACT,
    CONF_CALLEE_CONTACTS,
    CONF_CALLER_CONTACTS,
)


def _whole_number(limits: tuple[int, int]) -> vol.All[int]:
    """Return the validator of a whole number, as of seconds, within the limits."""
    return vol.All(_whole, vol.Range(*limits))


def _whole(value: object) -> int:
    # A template gives text, the editor a float; true is no number.
    number: float = vol.Coerce(float)(None if isinstance(value, bool) else value)
    if not number.is_integer():
        raise vol.Invalid("expected a whole number")
    return int(number)


_NUMBERS = vol.All(cv.ensure_list, [number_given], vol.Length(min=1))

_CONTACTS = vol.All(cv.ensure_list, [cv.string], vol.Length(min=1))

_CALL_FIELDS = {
    vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    vol.Optional(CONF_CALLER): number_given,
    vol.Optional(CONF_CALLEE_CONTACT): cv.string,
    vol.Optional(CONF_CALLER_CONTACT): cv.string,
    vol.Optional(CONF_CONTEXT): cv.string,
    vol.Optional(CONF_CALLER_ID): number_given,
    vol.Optional(CONF_CALLER_NAME): cv.string,
    vol.Optional(CONF_TRUNK_NAME): cv.string,
    vol.Optional(CONF_TIMEOUT): _whole_number(TIMEOUT_RANGE),
    vol.Optional(CONF_CALL_LIMIT): _whole_number(CALL_LIMIT_RANGE),
    vol.Optional(CONF_COOLDOWN): _whole_number(COOLDOWN_RANGE),
}

ORIGINATE_SCHEMA = vol.Schema(
    {
        **_CALL_FIELDS,
        vol.Optional(CONF_CALLEE): number_given,
        vol.Optional(ATTR_WAIT_UNTIL): vol.In(_WAIT_UNTIL),
    }
)

# Which of the lists goes with what is explained in whole sentences, not here.
ESCALATE_SCHEMA = vol.Schema(
    {
        **_CALL_FIELDS,
        vol.Optional(CONF_CALLEE): number_given,
        vol.Optional(CONF_CALLEES): _NUMBERS,
        vol.Optional(CONF_CALLERS): _NUMBERS,
        vol.Optional(CONF_CALLEE_CONTACTS): _CONTACTS,
        vol.Optional(CONF_CALLER_CONTACTS): _CONTACTS,
        vol.Optional(CONF_ROUNDS, default=1): _whole_number(ROUNDS_RANGE),
        vol.Optional(CONF_PAUSE, default=0): _whole_number(PAUSE_RANGE),
    }
)

HANGUP_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Optional(ATTR_ORIGINATED_CALL_ID): cv.string,
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_ORIGINATE,
        _async_originate,
        schema=ORIGINATE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_ESCALATE,
        _async_escalate,
        schema=ESCALATE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_HANGUP,
        _async_hang_up,
        schema=HANGUP_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_originate(call: ServiceCall) -> ServiceResponse:
    """Place a call."""
    manager, origin = await _async_origin(call)
    request = resolve_request(call.hass, manager, call.data)
    placed = await manager.place(request, origin)
    until = call.data.get(ATTR_WAIT_UNTIL)
    if until is None:
        return {ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None}
    await manager.wait(placed, _WAIT_UNTIL[until])
    return dict(placed.outcome())


async def _async_escalate(call: ServiceCall) -> ServiceResponse:
    """Ring one person after another until somebody answers."""
    manager, origin = await _async_origin(call)
    escalation = build_escalation(call.hass, manager, call.data)
    return summary(await async_escalate(manager, escalation, origin))


async def _async_hang_up(call: ServiceCall) -> ServiceResponse:
    """End one call, or all."""
    manager, _ = await _async_origin(call)
    hung_up = await manager.hang_up(call.data.get(ATTR_ORIGINATED_CALL_ID))
    return {ATTR_HUNG_UP: list(hung_up)}


async def _async_origin(call: ServiceCall) -> tuple[CallManager, Origin]:
    """Return the manager of the PBX that an action is about, and who asks.

    Raises:
        ServiceValidationError: there is no such PBX, or it is not loaded.
        Unauthorized: the user may not control it, or was removed.
    """
    # Who was removed does not get to know what there is.
    user = await async_user(call.hass, call.context)
    manager = resolve_manager(call.hass, call.data, _references(call.data))
    cooldown = call.data.get(CONF_COOLDOWN)
    return manager, origin_for_pbx(manager, user, call.context, cooldown)


def _references(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the contacts that an action names."""
    for name in _CONTACT_FIELDS:
        given = data.get(name, ())
        yield from [given] if isinstance(given, str) else given

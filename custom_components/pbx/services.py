"""Actions of the PBX integration."""

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
import voluptuous as vol

from .backends.updates import CallState
from .calls.action_data import (
    ATTR_ORIGINATED_CALL_ID,
    ATTR_WAIT_UNTIL,
    validate_action_data,
)
from .calls.escalation import async_escalate, summary
from .calls.escalation_targets import build_escalation, has_no_targets
from .calls.manager import CallManager
from .calls.permissions import async_get_user, origin_for_pbx
from .calls.request import resolve_manager, resolve_request
from .calls.rules import CallOrigin
from .calls.running_automation import async_running_automation
from .const import (
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
)
from .repairs import async_update_escalation_issue

SERVICE_ORIGINATE = "originate"
SERVICE_ESCALATE = "escalate"
SERVICE_HANG_UP = "hang_up"

ATTR_HUNG_UP = "hung_up"

_WAIT_UNTIL: Final = {"answered": CallState.CONNECTED, "ended": CallState.ENDED}

# The first contact in these fields determines the PBX if none is set.
_CONTACT_FIELDS: Final = (CONF_CALLEE_CONTACT, CONF_CALLER_CONTACT)
_CONTACT_LISTS: Final = (CONF_CALLEE_CONTACTS, CONF_CALLER_CONTACTS)

_CALL_FIELDS: Final = (
    ATTR_CONFIG_ENTRY_ID,
    CONF_CALLER,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLER_CONTACT,
    CONF_CONTEXT,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_TRUNK_NAME,
    CONF_TIMEOUT,
    CONF_CALL_LIMIT,
    CONF_COOLDOWN,
)


def _schema(*names: str) -> vol.Schema:
    """Return the schema of an action with these fields.

    It accepts any value: a schema error ends a script even with
    `continue_on_error`. `validate_action_data` validates values, later steps required
    fields.
    """
    return vol.Schema({vol.Optional(name): object for name in names})


ORIGINATE_SCHEMA = _schema(*_CALL_FIELDS, ATTR_WAIT_UNTIL)

ESCALATE_SCHEMA = _schema(
    *_CALL_FIELDS,
    CONF_CALLEES,
    CONF_CALLERS,
    CONF_CALLEE_CONTACTS,
    CONF_CALLER_CONTACTS,
    CONF_ROUNDS,
    CONF_PAUSE,
)

HANG_UP_SCHEMA = _schema(ATTR_CONFIG_ENTRY_ID, ATTR_ORIGINATED_CALL_ID)


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
        SERVICE_HANG_UP,
        _async_hang_up,
        schema=HANG_UP_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_originate(call: ServiceCall) -> ServiceResponse:
    """Handle the originate action: place a call."""
    data = validate_action_data(call.data)
    manager, origin = await _async_origin(call, data)
    request = resolve_request(call.hass, manager, data)
    placed = await manager.place(request, origin)
    until = data.get(ATTR_WAIT_UNTIL)
    if until is None:
        return {ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None}
    await manager.wait(placed, _WAIT_UNTIL[until])
    return dict(placed.outcome())


async def _async_escalate(call: ServiceCall) -> ServiceResponse:
    """Handle the escalate action: call one person after another until one answers."""
    data = validate_action_data(call.data)
    # An empty list is valid, and does not need a PBX.
    if has_no_targets(data):
        return summary([])
    # The calling automation can only be determined before the first await.
    automation = async_running_automation(call.hass, call.context)
    manager, origin = await _async_origin(call, data)
    escalation = build_escalation(call.hass, manager, data, origin)
    if automation is not None:
        async_update_escalation_issue(call.hass, manager, automation, escalation.faults)
    return summary(await async_escalate(manager, escalation, origin))


async def _async_hang_up(call: ServiceCall) -> ServiceResponse:
    """Handle the hang up action: end one call, or all calls."""
    data = validate_action_data(call.data)
    manager, _ = await _async_origin(call, data)
    hung_up = await manager.hang_up(data.get(ATTR_ORIGINATED_CALL_ID))
    return {ATTR_HUNG_UP: list(hung_up)}


async def _async_origin(
    call: ServiceCall, data: Mapping[str, Any]
) -> tuple[CallManager, CallOrigin]:
    """Return the manager of the PBX that an action is for, and the call's origin.

    Raises:
        ServiceValidationError: the PBX does not exist, or is not loaded.
        Unauthorized: the user is not allowed to control it, or was removed.
    """
    # First the user: a removed user must not learn which PBXs exist.
    user = await async_get_user(call.hass, call.context)
    manager = resolve_manager(call.hass, data, _references(data))
    cooldown = data.get(CONF_COOLDOWN)
    return manager, origin_for_pbx(manager, user, call.context, cooldown)


def _references(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the contacts in the fields of an action."""
    yield from (data[name] for name in _CONTACT_FIELDS if name in data)
    for name in _CONTACT_LISTS:
        yield from (each for each in data.get(name, ()) if isinstance(each, str))

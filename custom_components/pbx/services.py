"""Actions of the PBX integration."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    State,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .backends.updates import CallState
from .calls.action_data import (
    ATTR_ORIGINATED_CALL_ID,
    ATTR_WAIT_UNTIL,
    validate_action_data,
)
from .calls.escalation import async_escalate, summary
from .calls.escalation_targets import build_escalation, has_no_targets
from .calls.hang_up import async_hang_up_anywhere
from .calls.manager import CallManager
from .calls.people import parties
from .calls.permissions import async_get_user, origin_for_pbx, permitted_managers
from .calls.request import resolve_request
from .calls.resolve import resolve_manager, resolve_managers
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
from .errors import is_contact_fault
from .repairs import async_update_contact_issue, async_update_escalation_issue

SERVICE_ORIGINATE = "originate"
SERVICE_ESCALATE = "escalate"
SERVICE_HANG_UP = "hang_up"

ATTR_HUNG_UP = "hung_up"

_WAIT_UNTIL: Final = {"answered": CallState.CONNECTED, "ended": CallState.ENDED}

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
    automation = _running_automation(call)
    manager, origin, request = await _async_build(
        call, data, automation, lambda manager, _: resolve_request(manager, data)
    )
    placed = await manager.place(request, origin)
    until = data.get(ATTR_WAIT_UNTIL)
    outcome: JsonObjectType = {
        ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None
    }
    if until is not None:
        await manager.wait(placed, _WAIT_UNTIL[until])
        outcome = {**placed.outcome()}
    return {**outcome, **parties(placed, manager.book)}


async def _async_escalate(call: ServiceCall) -> ServiceResponse:
    """Handle the escalate action: call one person after another until one answers."""
    data = validate_action_data(call.data)
    # An empty list is valid, and does not need a PBX.
    if has_no_targets(data):
        return summary([])
    automation = _running_automation(call)
    manager, origin, escalation = await _async_build(
        call,
        data,
        automation,
        lambda manager, origin: build_escalation(manager, data, origin),
    )
    if automation is not None:
        async_update_escalation_issue(call.hass, manager, automation, escalation.faults)
    return summary(await async_escalate(manager, escalation, origin))


async def _async_hang_up(call: ServiceCall) -> ServiceResponse:
    """Handle the hang up action: end one call, or all calls."""
    data = validate_action_data(call.data)
    user = await async_get_user(call.hass, call.context)
    managers = resolve_managers(call.hass, data)
    permitted = permitted_managers(managers, user, call.context)
    hung_up = await async_hang_up_anywhere(permitted, data.get(ATTR_ORIGINATED_CALL_ID))
    return {ATTR_HUNG_UP: [*hung_up]}


@callback
def _running_automation(call: ServiceCall) -> State | None:
    """Return the automation that runs an action; only before the first await."""
    return async_running_automation(call.hass, call.context)


async def _async_build[BuiltT](
    call: ServiceCall,
    data: Mapping[str, Any],
    automation: State | None,
    build: Callable[[CallManager, CallOrigin], BuiltT],
) -> tuple[CallManager, CallOrigin, BuiltT]:
    """Return the PBX that an action is for, the calls' origin, and what to place.

    Args:
        call: the action.
        data: of the action, validated.
        automation: that runs the action; a fault in a contact that it names becomes a
            repair issue, which the next run without one deletes.
        build: returns what to place.

    Raises:
        ServiceValidationError: the PBX does not exist or is not loaded, or the data
            are invalid.
        Unauthorized: the user is not allowed to control it, or was removed.
    """
    # First the user: a removed user must not learn which PBXs exist.
    user = await async_get_user(call.hass, call.context)
    manager: CallManager | None = None
    try:
        manager = resolve_manager(call.hass, data)
        origin = origin_for_pbx(manager, user, call.context, data.get(CONF_COOLDOWN))
        built = build(manager, origin)
    except ServiceValidationError as err:
        if automation is not None and is_contact_fault(err):
            entry = manager.entry if manager else None
            async_update_contact_issue(call.hass, entry, automation, call.service, err)
        raise
    if automation is not None:
        async_update_contact_issue(call.hass, manager.entry, automation, call.service)
    return manager, origin, built

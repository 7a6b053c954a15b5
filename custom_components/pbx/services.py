"""Actions of the PBX integration."""

from collections.abc import Callable, Mapping
from dataclasses import replace
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

from .backends.base import CallRequest
from .backends.updates import CallState
from .calls.action_data import (
    ATTR_ORIGINATED_CALL_ID,
    ATTR_WAIT_UNTIL,
    validate_action_data,
)
from .calls.announcement import (
    ANNOUNCEMENT_FIELDS,
    MESSAGE_FIELDS,
    async_announce,
    async_wait_until_announced,
    resolve_announcement,
)
from .calls.attempts import summary
from .calls.call_query import find_calls
from .calls.escalation import ENDED_BY_NOBODY, EscalationRun
from .calls.escalation_targets import (
    Escalation,
    build_escalation,
    build_signal,
    has_no_targets,
)
from .calls.hang_up import async_hang_up, calls_wanted
from .calls.keys import async_send_keys, parse_takes_keys
from .calls.manager import CallManager
from .calls.people import announcement_response, parties
from .calls.permissions import (
    async_get_user,
    check_auto_answer,
    origin_for_action,
    permitted_calls,
    permitted_managers,
    readable_managers,
    usable_managers,
)
from .calls.request import resolve_request
from .calls.resolve import parse_lists, resolve_manager, resolve_managers
from .calls.rules import CallOrigin
from .calls.running_automation import async_running_automation
from .calls.until import async_create_until
from .const import (
    CONF_AUTO_ANSWER,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CALLERS,
    CONF_CONNECT_TO,
    CONF_CONTACT,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_DIRECTION,
    CONF_KEYS,
    CONF_LIMIT,
    CONF_MISSED,
    CONF_MODE,
    CONF_PAUSE,
    CONF_RING_TONE,
    CONF_RINGING_ONLY,
    CONF_ROUNDS,
    CONF_SINCE,
    CONF_TIMEOUT,
    CONF_TO,
    CONF_TRUNK_NAME,
    CONF_UNTIL,
    DOMAIN,
)
from .errors import is_contact_fault
from .repairs import async_update_contact_issue, async_update_escalation_issue

SERVICE_ORIGINATE = "originate"
SERVICE_ANNOUNCE = "announce"
SERVICE_ESCALATE = "escalate"
SERVICE_RING = "ring"
SERVICE_HANG_UP = "hang_up"
SERVICE_SEND_KEYS = "send_keys"
SERVICE_GET_CALLS = "get_calls"
SERVICE_MARK_SEEN = "mark_missed_calls_seen"

ATTR_HUNG_UP = "hung_up"
ATTR_FAILED = "failed"
ATTR_CALLS = "calls"

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
    CONF_AUTO_ANSWER,
    CONF_RING_TONE,
)


def _schema(*names: str) -> vol.Schema:
    """Return the schema of an action with these fields.

    It accepts any value: a schema error ends a script even with
    `continue_on_error`. `validate_action_data` validates values, later steps required
    fields.
    """
    return vol.Schema({vol.Optional(name): object for name in names})


ORIGINATE_SCHEMA = _schema(*_CALL_FIELDS, ATTR_WAIT_UNTIL, CONF_KEYS)

# The person called is the callee, and there is no caller.
ANNOUNCE_SCHEMA = _schema(
    *(each for each in _CALL_FIELDS if each not in (CONF_CALLER, CONF_CALLER_CONTACT)),
    *ANNOUNCEMENT_FIELDS,
    CONF_CONNECT_TO,
    CONF_KEYS,
)

ESCALATE_SCHEMA = _schema(
    *_CALL_FIELDS,
    CONF_CALLEES,
    CONF_CALLERS,
    CONF_MODE,
    CONF_ROUNDS,
    CONF_PAUSE,
    CONF_UNTIL,
    *MESSAGE_FIELDS,
)

RING_SCHEMA = _schema(
    ATTR_CONFIG_ENTRY_ID,
    CONF_CALLERS,
    CONF_CALLER_NAME,
    CONF_RING_TONE,
    CONF_TIMEOUT,
)

HANG_UP_SCHEMA = _schema(
    ATTR_CONFIG_ENTRY_ID,
    ATTR_ORIGINATED_CALL_ID,
    CONF_CALLER,
    CONF_CALLEE,
    CONF_RINGING_ONLY,
)

SEND_KEYS_SCHEMA = _schema(
    ATTR_CONFIG_ENTRY_ID, ATTR_ORIGINATED_CALL_ID, CONF_KEYS, CONF_TO
)

GET_CALLS_SCHEMA = _schema(
    ATTR_CONFIG_ENTRY_ID,
    CONF_DIRECTION,
    CONF_MISSED,
    CONF_CONTACT,
    CONF_SINCE,
    CONF_LIMIT,
)

MARK_SEEN_SCHEMA = _schema(ATTR_CONFIG_ENTRY_ID)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    optional, only = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    for name, handler, schema, response in (
        (SERVICE_ORIGINATE, _async_originate, ORIGINATE_SCHEMA, optional),
        (SERVICE_ANNOUNCE, _async_announce, ANNOUNCE_SCHEMA, optional),
        (SERVICE_ESCALATE, _async_escalate, ESCALATE_SCHEMA, optional),
        (SERVICE_RING, _async_ring, RING_SCHEMA, optional),
        (SERVICE_HANG_UP, _async_hang_up, HANG_UP_SCHEMA, optional),
        (SERVICE_SEND_KEYS, _async_send_keys, SEND_KEYS_SCHEMA, optional),
        (SERVICE_GET_CALLS, _async_get_calls, GET_CALLS_SCHEMA, only),
        (SERVICE_MARK_SEEN, _async_mark_seen, MARK_SEEN_SCHEMA, SupportsResponse.NONE),
    ):
        hass.services.async_register(
            DOMAIN, name, handler, schema=schema, supports_response=response
        )


async def _async_originate(call: ServiceCall) -> ServiceResponse:
    """Handle the originate action: place a call."""
    data = validate_action_data(call.data)
    automation = _running_automation(call)
    manager, origin, request = await _async_build(
        call, data, automation, lambda manager, _: _request(manager, data)
    )
    placed = await manager.place(request, origin)
    until = data.get(ATTR_WAIT_UNTIL)
    outcome: JsonObjectType = {
        ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None
    }
    if until is not None:
        await manager.waiters.wait(placed, _WAIT_UNTIL[until])
        outcome = {**placed.outcome()}
    return {**outcome, **parties(placed, manager.book)}


@callback
def _request(manager: CallManager, data: Mapping[str, Any]) -> CallRequest:
    """Return the request of the originate action, whose call may take keys."""
    request = resolve_request(manager, data)
    return replace(request, takes_keys=parse_takes_keys(manager, data))


async def _async_announce(call: ServiceCall) -> ServiceResponse:
    """Handle the announce action: call one person and play a message."""
    data = validate_action_data(call.data)
    automation = _running_automation(call)
    manager, origin, (request, speech) = await _async_build(
        call, data, automation, lambda manager, _: resolve_announcement(manager, data)
    )
    placed = await async_announce(manager, request, speech, origin)
    await async_wait_until_announced(manager, placed)
    return {**announcement_response(placed, manager.book)}


async def _async_escalate(call: ServiceCall) -> ServiceResponse:
    """Handle the escalate action: call the people of a list."""
    data = parse_lists(call.hass, validate_action_data(call.data))
    return await _async_run(call, data, build_escalation)


async def _async_ring(call: ServiceCall) -> ServiceResponse:
    """Handle the ring action: let phones ring as a sign."""
    data = parse_lists(call.hass, validate_action_data(call.data))
    return await _async_run(call, data, build_signal)


async def _async_run(
    call: ServiceCall,
    data: Mapping[str, Any],
    build: Callable[[CallManager, Mapping[str, Any], CallOrigin], Escalation],
) -> ServiceResponse:
    """Call the people of a list and return the response of the action."""
    # An empty list is valid, and does not need a PBX.
    if has_no_targets(data):
        return summary([], ENDED_BY_NOBODY)
    automation = _running_automation(call)
    manager, origin, escalation = await _async_build(
        call, data, automation, lambda manager, origin: build(manager, data, origin)
    )
    if automation is not None:
        async_update_escalation_issue(call.hass, manager, automation, escalation.faults)
    until = await async_create_until(call.hass, data.get(CONF_UNTIL, ()))
    run = EscalationRun(manager, escalation, origin, until)
    try:
        ended_by = await run.run()
    finally:
        until.close()
    return summary(run.attempts, ended_by, until.errors)


async def _async_hang_up(call: ServiceCall) -> ServiceResponse:
    """Handle the hang up action: end the calls that fit, of one PBX or of all."""
    data = validate_action_data(call.data)
    user = await async_get_user(call.hass, call.context)
    managers = resolve_managers(call.hass, data)
    usable = usable_managers(managers, user, call.context)
    wanted = calls_wanted(data, usable)
    permitted = permitted_calls(usable, user, call.context, wanted)
    hung_up = await async_hang_up(usable, permitted)
    return {
        ATTR_HUNG_UP: [*hung_up.ids],
        ATTR_FAILED: [
            {ATTR_ORIGINATED_CALL_ID: call_id, "error": str(err)}
            for call_id, err in hung_up.errors.items()
        ],
    }


async def _async_send_keys(call: ServiceCall) -> ServiceResponse:
    """Handle the send keys action: send keys to one party of a call."""
    data = validate_action_data(call.data)
    user = await async_get_user(call.hass, call.context)
    managers = resolve_managers(call.hass, data)
    permitted = permitted_managers(managers, user, call.context)
    sent_to = await async_send_keys(permitted, data)
    return {ATTR_ORIGINATED_CALL_ID: sent_to.originated_call_id or None}


async def _async_get_calls(call: ServiceCall) -> ServiceResponse:
    """Handle the get calls action: return calls of the log."""
    data = validate_action_data(call.data)
    user = await async_get_user(call.hass, call.context)
    managers = resolve_managers(call.hass, data)
    readable = readable_managers(managers, user, call.context)
    return {ATTR_CALLS: [*find_calls(readable, data, user)]}


async def _async_mark_seen(call: ServiceCall) -> None:
    """Handle the mark missed calls seen action: somebody has looked at them."""
    data = validate_action_data(call.data)
    user = await async_get_user(call.hass, call.context)
    managers = resolve_managers(call.hass, data)
    for manager in permitted_managers(managers, user, call.context):
        manager.log.async_mark_seen()


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
        origin = origin_for_action(manager, user, call.context, data)
        check_auto_answer(data, origin)
        built = build(manager, origin)
    except ServiceValidationError as err:
        if automation is not None and is_contact_fault(err):
            entry = manager.entry if manager else None
            async_update_contact_issue(call.hass, entry, automation, call.service, err)
        raise
    if automation is not None:
        async_update_contact_issue(call.hass, manager.entry, automation, call.service)
    return manager, origin, built

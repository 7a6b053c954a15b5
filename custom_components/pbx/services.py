"""The actions of the integration."""

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry
import voluptuous as vol

from .backends.updates import CallState
from .calls.contacts import find_contact, with_contacts, with_entry_of_contact
from .calls.escalation import (
    CONF_CALLEE_CONTACTS,
    CONF_CALLEES,
    CONF_CALLER_CONTACTS,
    CONF_CALLERS,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONTACT_LISTS,
    PAUSE_RANGE,
    ROUNDS_RANGE,
    async_escalate,
    build_escalation,
    summary,
)
from .calls.guard import Asking
from .calls.hangup import async_hang_up, async_hang_up_all
from .calls.permissions import async_user_of, check_control, entities_of_pbx
from .calls.request import async_dial, build_request
from .calls.rules import COOLDOWN_RANGE
from .calls.stopping import async_until_stop
from .const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DOMAIN,
    TIMEOUT_RANGE,
)
from .coordinator import PbxConfigEntry
from .filters import number_given

SERVICE_ORIGINATE = "originate"
SERVICE_ESCALATE = "escalate"
SERVICE_HANGUP = "hangup"

ATTR_ORIGINATED_CALL_ID = "originated_call_id"
ATTR_HUNG_UP = "hung_up"
ATTR_WAIT_FOR_RESULT = "wait_for_result"
ATTR_WAIT_UNTIL = "wait_until"

_WAIT_UNTIL = {"answered": CallState.CONNECTED, "ended": CallState.ENDED}


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
        vol.Optional(ATTR_WAIT_FOR_RESULT): cv.boolean,
        vol.Optional(ATTR_WAIT_UNTIL): vol.In(_WAIT_UNTIL),
    }
)

# Which of the lists goes with what is told in whole sentences, not here.
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
    entry = await _async_entry(call, CONF_CALLEE_CONTACT, CONF_CALLER_CONTACT)
    # It outlives an unloading of the entry in the middle of the request.
    tracking = entry.runtime_data.tracking
    fields, options = with_contacts(call.hass, entry, call.data)
    request = build_request(fields, options, entry.runtime_data.client)
    placed = await async_dial(call.hass, entry, request, _asking(call))
    wait_until = call.data.get(ATTR_WAIT_UNTIL)
    if call.data.get(ATTR_WAIT_FOR_RESULT, wait_until is not None):
        until = _WAIT_UNTIL[wait_until or "ended"]
        async with async_until_stop(call.hass):
            await tracking.async_wait(placed, until)
        return dict(placed.outcome())
    return {ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None}


async def _async_escalate(call: ServiceCall) -> ServiceResponse:
    """Ring one person after another until somebody answers."""
    entry = await _async_entry(
        call, CONF_CALLEE_CONTACT, CONF_CALLER_CONTACT, *CONTACT_LISTS.values()
    )
    contacts = {
        numbers: [
            find_contact(call.hass, reference, entry.entry_id)[1]
            for reference in call.data[name]
        ]
        for numbers, name in CONTACT_LISTS.items()
        if name in call.data
    }
    fields, options = with_contacts(call.hass, entry, call.data)
    client = entry.runtime_data.client
    escalation = build_escalation(fields, options, contacts, client)
    return summary(await async_escalate(call.hass, entry, escalation, _asking(call)))


def _asking(call: ServiceCall) -> Asking:
    """Return who asks for a call, and how."""
    return Asking(context=call.context, cooldown=call.data.get(CONF_COOLDOWN))


async def _async_hang_up(call: ServiceCall) -> ServiceResponse:
    """End one call, or all."""
    entry = await _async_entry(call)
    call_id = call.data.get(ATTR_ORIGINATED_CALL_ID)
    if call_id is None:
        return {ATTR_HUNG_UP: list(await async_hang_up_all(entry))}
    await async_hang_up(entry, call_id)
    return {ATTR_HUNG_UP: [call_id]}


async def _async_entry(call: ServiceCall, *contacts: str) -> PbxConfigEntry:
    """Return the PBX that an action is about, which is loaded.

    Args:
        call: the action.
        contacts: its fields whose contacts tell which PBX it is.

    Raises:
        ServiceValidationError: there is no such PBX, or it is not loaded.
        Unauthorized: the user may not control it. Home Assistant itself checks
            nothing for an action that has no entities.
    """
    user = await async_user_of(call.hass, call.context)
    data = with_entry_of_contact(call.hass, call.data, *contacts)
    entry: PbxConfigEntry = async_get_config_entry(
        call.hass, DOMAIN, data.get(ATTR_CONFIG_ENTRY_ID)
    )
    check_control(user, call.context, entities_of_pbx(call.hass, entry))
    return entry

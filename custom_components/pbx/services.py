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

from .const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CONTEXT,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DOMAIN,
    TIMEOUT_RANGE,
)
from .coordinator import PbxConfigEntry
from .dialer import async_dial, build_request
from .evidence import CallState

SERVICE_ORIGINATE = "originate"

ATTR_ORIGINATED_CALL_ID = "originated_call_id"
ATTR_WAIT_FOR_RESULT = "wait_for_result"
ATTR_WAIT_UNTIL = "wait_until"

_WAIT_UNTIL = {"answered": CallState.CONNECTED, "ended": CallState.ENDED}


def _number(value: object) -> str:
    """Take a number as text or as YAML's integer; the dialer reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise vol.Invalid("expected a number, in quotes")


def _whole_seconds(limits: tuple[int, int]) -> vol.All[int]:
    """Return the validator of a duration in whole seconds within the limits."""
    return vol.All(_whole, vol.Range(*limits))


def _whole(value: object) -> int:
    # A template gives text, the editor a float; true is no duration.
    number: float = vol.Coerce(float)(None if isinstance(value, bool) else value)
    if not number.is_integer():
        raise vol.Invalid("expected whole seconds")
    return int(number)


ORIGINATE_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Required(CONF_CALLEE): _number,
        vol.Optional(CONF_CALLER): _number,
        vol.Optional(CONF_CONTEXT): cv.string,
        vol.Optional(CONF_CALLER_ID): _number,
        vol.Optional(CONF_TRUNK_NAME): cv.string,
        vol.Optional(CONF_TIMEOUT): _whole_seconds(TIMEOUT_RANGE),
        vol.Optional(CONF_CALL_LIMIT): _whole_seconds(CALL_LIMIT_RANGE),
        vol.Optional(ATTR_WAIT_FOR_RESULT): cv.boolean,
        vol.Optional(ATTR_WAIT_UNTIL): vol.In(_WAIT_UNTIL),
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


async def _async_originate(call: ServiceCall) -> ServiceResponse:
    """Place a call."""
    entry: PbxConfigEntry = async_get_config_entry(
        call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID)
    )
    request = build_request(call.data, entry.options)
    placed = await async_dial(call.hass, entry, request)
    wait_until = call.data.get(ATTR_WAIT_UNTIL)
    if call.data.get(ATTR_WAIT_FOR_RESULT, wait_until is not None):
        until = _WAIT_UNTIL[wait_until or "ended"]
        await entry.runtime_data.tracking.async_wait(placed, until)
        return dict(placed.outcome())
    return {ATTR_ORIGINATED_CALL_ID: placed.originated_call_id or None}

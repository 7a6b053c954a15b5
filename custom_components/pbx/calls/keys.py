"""Calls that take keys, and keys that are sent to one of their parties."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..backends.base import Feature
from ..backends.errors import CallNotFoundError, PbxError
from ..backends.updates import CallState, Side
from ..const import CONF_KEYS, CONF_TO
from ..errors import translated_error, user_error
from .action_data import ATTR_ORIGINATED_CALL_ID, validate_keys, validate_switch
from .call import Call
from .manager import CallManager


@callback
def parse_takes_keys(manager: CallManager, data: Mapping[str, Any]) -> bool:
    """Return whether the call of an action takes keys while both parties talk.

    Raises:
        ServiceValidationError: the PBX cannot take them, or it is not a boolean.
    """
    if CONF_KEYS not in data:
        return False
    try:
        is_on = validate_switch(CONF_KEYS, data[CONF_KEYS])
    except ServiceValidationError:
        # The error does not contain keys that were meant to be sent.
        raise user_error("keys_no_boolean", field=CONF_KEYS) from None
    if not is_on:
        return False
    if not manager.link.supports(Feature.KEYS):
        kind = manager.kind.name
        raise user_error("field_not_supported", field=CONF_KEYS, kind=kind)
    return True


async def async_send_keys(
    managers: Sequence[CallManager], data: Mapping[str, Any]
) -> Call:
    """Send the keys of an action, and return the call.

    Args:
        managers: of the PBXs that the action is about; at least one.
        data: of the action: the keys, to whom (the callee, if it is not given), and
            the ID of the call, if several calls take keys.

    Raises:
        ServiceValidationError: a field is missing or invalid, or it is not clear which
            call is meant, or that call does not take keys or is not connected.
        HomeAssistantError: the PBX did not send the keys.
    """
    if CONF_KEYS not in data:
        raise user_error("missing_fields", fields=CONF_KEYS)
    keys = validate_keys(CONF_KEYS, data[CONF_KEYS])
    manager, call = _call_of(managers, data.get(ATTR_ORIGINATED_CALL_ID))
    backend = await manager.link.wait_for_backend()
    call_id = call.originated_call_id or call.request_id
    try:
        await backend.send_keys(call_id, keys, Side(data.get(CONF_TO, Side.CALLEE)))
    except CallNotFoundError as err:
        raise user_error("no_call_for_keys") from err
    except PbxError as err:
        raise translated_error(HomeAssistantError, err, manager) from err
    return call


@callback
def _call_of(
    managers: Sequence[CallManager], call_id: str | None
) -> tuple[CallManager, Call]:
    """Return the call to whose party keys are sent, and the manager of its PBX.

    Raises:
        ServiceValidationError: there is none, or there are several.
    """
    able = [each for each in managers if each.link.supports(Feature.KEYS)]
    if not able:
        titles = ", ".join(each.entry.title for each in managers)
        raise user_error("keys_not_supported", pbx=titles)
    calls = [
        (manager, call)
        for manager in able
        for call in manager.tracker.open.placed
        if not call.is_over and (call_id is None or call_id in call.ids)
    ]
    if not calls:
        raise user_error("no_call_for_keys")
    with_keys = [each for each in calls if _takes_keys(each[1])]
    if not with_keys:
        raise user_error("placed_without_keys", pbx=calls[0][0].entry.title)
    connected = [each for each in with_keys if _is_connected(each[1])]
    if not connected:
        raise user_error("keys_before_connected")
    if len(connected) > 1:
        raise user_error("several_calls_for_keys")
    return connected[0]


def _takes_keys(call: Call) -> bool:
    return call.request is not None and call.request.takes_keys


def _is_connected(call: Call) -> bool:
    """Return whether two parties talk, and none hears an announcement."""
    if call.state is not CallState.CONNECTED:
        return False
    return call.announced is None or call.announced.connected is True

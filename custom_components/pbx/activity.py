"""The event that is fired at the end of each call, for *Activity* and automations."""

from typing import Any, Final

from homeassistant.const import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    Platform,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .backends.updates import CallState
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.contact_registry import button_of, device_of
from .calls.contacts import Contact
from .calls.manager import SIGNAL_CHANGE, CallManager
from .calls.people import describe, other_side
from .const import DOMAIN

# On Home Assistant's event bus: the recorder stores it with the names of that time.
EVENT_CALL_ENDED: Final = f"{DOMAIN}_call_ended"

ATTR_MISSED: Final = "missed"
# What came of an announcement; None for any other call.
ATTR_PLAYED: Final = "played"
ATTR_CONFIRMED: Final = "confirmed"


@callback
def async_fire_call_events(hass: HomeAssistant) -> None:
    """Fire an event at the end of each call of any PBX, loaded or not."""

    @callback
    def changed(manager: CallManager, change: Change) -> None:
        if isinstance(change, CallChanged) and change.state is CallState.ENDED:
            hass.bus.async_fire(EVENT_CALL_ENDED, _data(hass, manager, change.call))

    async_dispatcher_connect(hass, SIGNAL_CHANGE, changed)


@callback
def _data(hass: HomeAssistant, manager: CallManager, call: Call) -> dict[str, Any]:
    """Return the data of the event for a call that has ended."""
    owner = _owner(manager, call)
    device = device_of(hass, owner.subentry_id) if owner else None
    button = button_of(hass, owner.subentry_id) if owner else None
    entry_id, announced = manager.entry.entry_id, call.announced
    return {
        ATTR_CONFIG_ENTRY_ID: entry_id,
        ATTR_DEVICE_ID: device.id
        if device
        else dr.async_get_device_id_by_identifier(
            hass, (DOMAIN, entry_id), config_entry_id=entry_id
        ),
        # A logbook card shows the lines of entities only.
        ATTR_ENTITY_ID: button.entity_id
        if button
        else er.async_get(hass).async_get_entity_id(
            Platform.BINARY_SENSOR, DOMAIN, f"{entry_id}_connected"
        ),
        ATTR_MISSED: call.is_missed,
        ATTR_PLAYED: announced and announced.played.value,
        ATTR_CONFIRMED: announced and announced.confirmed,
        **call.details(CallState.ENDED),
        **describe(hass, call, manager.book),
    }


@callback
def _owner(manager: CallManager, call: Call) -> Contact | None:
    """Return the contact on whose page the call is shown; None for that of the PBX.

    That is the other side's, or else the callee's, or else the caller's.
    """
    callee, caller = map(manager.book.owner_of, (call.callee, call.caller))
    return other_side(call, manager.book).contact or callee or caller

"""Event entity of a PBX: its calls and voicemails."""

from typing import Any, Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .backends.updates import CallState, VoicemailUpdate
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.people import describe, describe_voicemail
from .coordinator import PbxConfigEntry
from .entity import PbxPushEntity

# Nothing is polled.
PARALLEL_UPDATES = 0

EVENT_INCOMING: Final = "incoming"
EVENT_VOICEMAIL: Final = "voicemail"
_EVENT_TYPES: Final = [
    CallState.PLACED.value,
    EVENT_INCOMING,
    CallState.CONNECTED.value,
    CallState.ENDED.value,
    EVENT_VOICEMAIL,
]


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entity of a PBX."""
    async_add_entities([CallsEvent(entry, "calls")])


class CallsEvent(PbxPushEntity, EventEntity):
    """The events of all calls that the PBX reports, and of its voicemails.

    A ringing callee is not an event: it follows the caller's answer within the same
    second, and not every PBX reports it. The names are those of the event's time.
    """

    _attr_entity_registry_enabled_default = False
    _attr_event_types = _EVENT_TYPES

    @callback
    @override
    def _changed(self, change: Change) -> None:
        match change:
            case CallChanged(call=call, state=state):
                if (event := _event_type(call, state)) in _EVENT_TYPES:
                    people = describe(self.hass, call, self.manager.book)
                    self._fire(event, {**call.details(state), **people})
            case VoicemailUpdate():
                people = describe_voicemail(self.hass, change, self.manager.book)
                self._fire(EVENT_VOICEMAIL, {**change._asdict(), **people})

    def _fire(self, event: str, attributes: dict[str, Any]) -> None:
        self._trigger_event(event, attributes)
        self.async_write_ha_state()


def _event_type(call: Call, state: CallState) -> str:
    """Return the event type for a call that has reached a state."""
    if state is CallState.PLACED and call.is_incoming:
        return EVENT_INCOMING
    return state.value

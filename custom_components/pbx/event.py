"""What happens to calls, as it happens."""

from typing import Any, Final, override

from homeassistant.components.event import EventEntity
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .backends.updates import CALL_EVENTS, CallState, PbxEvent, PbxEventType
from .calls.call import Call
from .calls.contacts import Contact, contacts_of, plan_of
from .const import CONF_CALLEE, CONF_CALLER, DOMAIN
from .coordinator import PbxConfigEntry
from .entity import PbxPushEntity, Subdevice, contact_device
from .signals import SIGNAL_CALL, SIGNAL_PBX_EVENT

# Nothing is asked, everything is told.
PARALLEL_UPDATES = 0

# On Home Assistant's event bus, for the logbook: of an entity it shows no more
# than the type of an event, which says neither whom nor how long.
EVENT_CALL_ENDED: Final = f"{DOMAIN}_call_ended"
EVENT_INCOMING_CALL: Final = f"{DOMAIN}_incoming_call"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of a PBX and of its contacts."""
    async_add_entities([OriginatedCallEvent(entry), PbxCallEvent(entry)])
    for contact in contacts_of(entry):
        device = contact_device(hass, entry, contact)
        async_add_entities(
            [ContactCallEvent(entry, contact, device)],
            config_subentry_id=contact.subentry_id,
        )


class _CallEvent(PbxPushEntity, EventEntity):
    """Calls that were asked for here, each with its numbers and its times.

    That the callee is ringing is no event: it follows the caller's answer in
    the same second, and not every PBX tells it.
    """

    def __init__(
        self, entry: PbxConfigEntry, key: str, device: Subdevice | None = None
    ) -> None:
        """Have an event type for each state that matters to people."""
        super().__init__(entry, key, device)
        self._attr_event_types = [
            CallState.PLACED,
            CallState.CONNECTED,
            CallState.ENDED,
        ]

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the tracker."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(self.hass, SIGNAL_CALL, self._call_changed)
        )

    @callback
    def _call_changed(self, entry_id: str, call: Call, state: CallState) -> None:
        is_told = state in self.event_types and self._concerns(call)
        if entry_id == self.entry_id and is_told:
            self._tell(call, state)

    def _concerns(self, _call: Call) -> bool:
        """Tell whether a call of this PBX is one of those."""
        return True

    @callback
    def _tell(self, call: Call, state: CallState) -> dict[str, Any]:
        """Tell what a call has come to, and return what was told."""
        attributes = {
            CONF_CALLER: call.request.caller,
            CONF_CALLEE: call.request.callee,
            **call.outcome_at(state),
        }
        self._trigger_event(state, attributes)
        self.async_write_ha_state()
        return attributes


class OriginatedCallEvent(_CallEvent):
    """All calls that were asked for here."""

    def __init__(self, entry: PbxConfigEntry) -> None:
        """Belong to the PBX."""
        super().__init__(entry, "originated_call")

    @callback
    @override
    def _tell(self, call: Call, state: CallState) -> dict[str, Any]:
        attributes = super()._tell(call, state)
        if state is CallState.ENDED:
            self.hass.bus.async_fire(EVENT_CALL_ENDED, {**_origin(self), **attributes})
        return attributes


class ContactCallEvent(_CallEvent):
    """The calls that were asked for here, to one contact."""

    def __init__(
        self, entry: PbxConfigEntry, contact: Contact, device: Subdevice
    ) -> None:
        """Belong to the contact."""
        super().__init__(entry, "contact_call", device)
        self._number = contact.number

    @override
    def _concerns(self, call: Call) -> bool:
        plan = plan_of(self.hass, self.coordinator.config_entry)
        return plan.is_same(call.request.callee, self._number)


class PbxCallEvent(PbxPushEntity, EventEntity):
    """The calls of all phones, as far as the PBX sends events about them."""

    def __init__(self, entry: PbxConfigEntry) -> None:
        """Have an event type for each kind of event that is about a call."""
        super().__init__(entry, "pbx_call")
        self._attr_event_types = list(CALL_EVENTS)

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the PBX."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(self.hass, SIGNAL_PBX_EVENT, self._event_came)
        )

    @callback
    def _event_came(self, entry_id: str, event: PbxEvent) -> None:
        if entry_id != self.entry_id or event.type not in self.event_types:
            return
        self._trigger_event(event.type, dict(event.attributes))
        self.async_write_ha_state()
        if event.type is PbxEventType.INCOMING:
            self.hass.bus.async_fire(
                EVENT_INCOMING_CALL, {**event.attributes, **_origin(self)}
            )


def _origin(entity: PbxPushEntity) -> dict[str, str]:
    """Return the part of a bus event by which the logbook finds its entity."""
    return {ATTR_ENTITY_ID: entity.entity_id, ATTR_CONFIG_ENTRY_ID: entity.entry_id}

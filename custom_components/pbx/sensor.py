"""How many calls are on, and what came of the last one."""

from typing import override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .backends.updates import CallResult, CallState
from .calls.call import Call
from .calls.contacts import Contact, contacts_of, plan_of
from .calls.extensions import extensions_of
from .const import CONF_CALLEE, CONF_CALLER
from .coordinator import PbxConfigEntry
from .entity import PbxPushEntity, Subdevice, contact_device
from .extension_sensor import ExtensionSensor
from .signals import SIGNAL_CALL

# Nothing is asked, everything is told.
PARALLEL_UPDATES = 0

ATTR_PLACED_AT = "placed_at"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a PBX, of its contacts and of its phones."""
    async_add_entities(
        [
            ActiveCallsSensor(entry, "active_calls"),
            LastResultSensor(entry, "last_result"),
        ]
    )
    for contact in contacts_of(entry):
        device = contact_device(hass, entry, contact)
        async_add_entities(
            [ContactResultSensor(entry, contact, device)],
            config_subentry_id=contact.subentry_id,
        )
    for extension in extensions_of(entry):
        async_add_entities(
            [ExtensionSensor(hass, entry, extension)],
            config_subentry_id=extension.subentry_id,
        )


class _CallSensor(PbxPushEntity, SensorEntity):
    """A sensor that is told of originated calls."""

    def __init__(
        self, entry: PbxConfigEntry, key: str, device: Subdevice | None = None
    ) -> None:
        """Know where to look for what was told before."""
        super().__init__(entry, key, device)
        self._tracker = entry.runtime_data.tracking.tracker

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the tracker."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(self.hass, SIGNAL_CALL, self._call_changed)
        )

    @callback
    def _call_changed(self, entry_id: str, call: Call, state: CallState) -> None:
        if entry_id == self.entry_id and self._concerns(call):
            self._take(call, state)
            self.async_write_ha_state()

    def _concerns(self, _call: Call) -> bool:
        """Tell whether a call of this PBX is one of those."""
        return True

    def _take(self, call: Call, state: CallState) -> None:
        """Take note of the state that a call has come to."""
        raise NotImplementedError


class ActiveCallsSensor(_CallSensor):
    """The calls that have been placed and have not ended."""

    _attr_state_class = SensorStateClass.MEASUREMENT

    # The tracker's own count has the calls in it that are being requested. Those
    # that the PBX refuses nobody is told of, and the number would stay too high.
    _calls: set[Call]

    @override
    async def async_added_to_hass(self) -> None:
        """Begin with the calls that are on."""
        outstanding = self._tracker.outstanding
        self._calls = {call for call in outstanding if not call.is_requested}
        await super().async_added_to_hass()

    @property
    @override
    def native_value(self) -> int:
        """The number of calls."""
        return len(self._calls)

    @override
    def _take(self, call: Call, state: CallState) -> None:
        if state is CallState.ENDED:
            self._calls.discard(call)
        else:
            self._calls.add(call)


class LastResultSensor(_CallSensor, RestoreSensor):
    """What came of the call that ended last."""

    _attr_device_class = SensorDeviceClass.ENUM

    def __init__(
        self, entry: PbxConfigEntry, key: str, device: Subdevice | None = None
    ) -> None:
        """Show nothing yet."""
        super().__init__(entry, key, device)
        self._attr_options = list(CallResult)

    @override
    async def async_added_to_hass(self) -> None:
        """Begin with what was shown before, or has ended in the meantime."""
        await super().async_added_to_hass()
        # A refused request has no evidence: there was no call.
        ended = [
            call
            for call in self._tracker.recent
            if call.evidence is not None and self._concerns(call)
        ]
        if ended:
            self._show(ended[-1])
        else:
            await self._restore()

    async def _restore(self) -> None:
        data = await self.async_get_last_sensor_data()
        state = await self.async_get_last_state()
        if data is None or state is None or data.native_value not in tuple(CallResult):
            return
        self._attr_native_value = data.native_value
        self._attr_extra_state_attributes = {
            name: state.attributes.get(name)
            for name in (CONF_CALLER, CONF_CALLEE, ATTR_PLACED_AT)
        }

    @override
    def _take(self, call: Call, state: CallState) -> None:
        if state is CallState.ENDED:
            self._show(call)

    def _show(self, call: Call) -> None:
        self._attr_native_value = call.result
        self._attr_extra_state_attributes = {
            CONF_CALLER: call.request.caller,
            CONF_CALLEE: call.request.callee,
            ATTR_PLACED_AT: dt_util.utc_from_timestamp(call.requested_at).isoformat(),
        }


class ContactResultSensor(LastResultSensor):
    """What came of the last call to a contact."""

    def __init__(
        self, entry: PbxConfigEntry, contact: Contact, device: Subdevice
    ) -> None:
        """Belong to the contact."""
        super().__init__(entry, "contact_result", device)
        self._number = contact.number

    @override
    def _concerns(self, call: Call) -> bool:
        plan = plan_of(self.hass, self.coordinator.config_entry)
        return plan.is_same(call.request.callee, self._number)

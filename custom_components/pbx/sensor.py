"""Sensors of a PBX: its active calls, and the states of its extensions."""

from operator import attrgetter
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .backends.base import Channel
from .backends.updates import ExtensionState, ExtensionUpdate
from .calls.changes import CallChanged, Change, HealthChanged, SettingsChanged
from .calls.contacts import Extension
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, PbxPushEntity, async_add_for_each

# Nothing is polled.
PARALLEL_UPDATES = 0

_BUSY: Final = (ExtensionState.RINGING, ExtensionState.IN_USE)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a PBX and of its extensions."""
    async_add_entities([ActiveCallsSensor(entry, "active_calls")])
    async_add_for_each(
        entry,
        attrgetter("extensions"),
        lambda extension: [ExtensionSensor(entry, extension)],
        async_add_entities,
    )


class ActiveCallsSensor(PbxPushEntity, SensorEntity):
    """The number of active calls that the PBX reports."""

    _attr_state_class = SensorStateClass.MEASUREMENT

    @override
    async def async_added_to_hass(self) -> None:
        """Initialize the state."""
        self._update_count()
        await super().async_added_to_hass()

    @callback
    @override
    def _changed(self, change: Change) -> None:
        if isinstance(change, CallChanged) and self._update_count():
            self.async_write_ha_state()

    def _update_count(self) -> bool:
        """Count the active calls, and return whether their number has changed."""
        before = self._attr_native_value
        self._attr_native_value = self.manager.tracker.active
        return before != self._attr_native_value


class ExtensionSensor(PbxEntity, SensorEntity):
    """The state of an extension, as the PBX reports it.

    It is unknown until the first report: the state before a restart may be outdated.
    """

    _attr_device_class = SensorDeviceClass.ENUM

    def __init__(self, entry: PbxConfigEntry, extension: Extension) -> None:
        """Initialize the sensor."""
        super().__init__(entry, "extension_state", extension)
        self._attr_options = list(ExtensionState)
        self._number = extension.number

    @property
    @override
    def available(self) -> bool:
        """Return whether the PBX responds, and its events are received."""
        events = self.manager.kind.channels - {Channel.REPORT}
        return super().available and all(map(self.manager.link.is_channel_ok, events))

    @property
    @override
    def native_value(self) -> str | None:
        """Return the state of the extension."""
        update = self._update
        return update.state if update else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the other party and the direction of its call."""
        update = self._update
        if update is None or update.state not in _BUSY:
            return {"participant": None, "direction": None}
        return {
            "participant": update.participant or None,
            "direction": update.direction and update.direction.value,
        }

    @property
    def _update(self) -> ExtensionUpdate | None:
        return self.manager.link.extensions.get(self._number)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Reset the state after a failed ping: events may have been missed."""
        if not self.coordinator.last_update_success:
            self.manager.link.extensions.pop(self._number, None)
        super()._handle_coordinator_update()

    @callback
    @override
    def _changed(self, change: Change) -> None:
        match change:
            case ExtensionUpdate() if change.number == self._number:
                self.async_write_ha_state()
            case HealthChanged():
                self.async_write_ha_state()
            case SettingsChanged():
                extension = self.manager.book.member(self._subentry_id)
                if extension is not None and extension.number != self._number:
                    self._number = extension.number
                    self.async_write_ha_state()

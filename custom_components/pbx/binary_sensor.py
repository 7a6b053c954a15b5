"""Whether a PBX is connected."""

from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .calls.changes import Change, HealthChanged
from .coordinator import PbxConfigEntry
from .entity import PbxEntity

# The coordinator polls, not the entities.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a PBX."""
    async_add_entities([ConnectedBinarySensor(entry, "connected")])


class ConnectedBinarySensor(PbxEntity, BinarySensorEntity):
    """On while the PBX responds and accepts our requests."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def available(self) -> bool:
        """Return True: the sensor itself shows whether the PBX is connected."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the last ping succeeded."""
        return self.coordinator.last_update_success

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the health of each channel through which the PBX reports."""
        health = self.manager.link.health
        return {
            str(channel): health[channel].value if channel in health else None
            for channel in sorted(self.manager.kind.channels)
        }

    @callback
    @override
    def _changed(self, change: Change) -> None:
        if isinstance(change, HealthChanged):
            self.async_write_ha_state()

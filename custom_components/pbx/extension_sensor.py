"""What the phones of the house are doing."""

from typing import Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .backends.updates import PbxEvent, PbxEventType
from .calls.extensions import HouseExtension
from .const import SUBENTRY_EXTENSION
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, subdevice
from .signals import SIGNAL_PBX_EVENT

STATES: Final = ["idle", "ringing", "in_use", "paused", "offline"]
_TOLD = ("participant", "direction")


class ExtensionSensor(PbxEntity, SensorEntity):
    """What one phone is doing, as the PBX's events tell it.

    Nothing is known until the first event: what was known before a restart may be
    long past.
    """

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = STATES

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, extension: HouseExtension
    ) -> None:
        """Know nothing yet."""
        device = subdevice(
            hass, entry, extension.subentry_id, extension.name, SUBENTRY_EXTENSION
        )
        super().__init__(entry, "extension_state", device)
        self._number = extension.number
        self._events = entry.runtime_data.events

    @property
    @override
    def available(self) -> bool:
        """Whether the PBX is there, and its events have not stopped."""
        return super().available and self._events.is_connected is not False

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the PBX."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(self.hass, SIGNAL_PBX_EVENT, self._event_came)
        )

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Forget what was known when something may have been missed."""
        if not self.available:
            self._attr_native_value = None
            self._attr_extra_state_attributes = {}
        super()._handle_coordinator_update()

    @callback
    def _event_came(self, entry_id: str, event: PbxEvent) -> None:
        told = event.attributes
        is_ours = (
            entry_id == self.coordinator.config_entry.entry_id
            and event.type is PbxEventType.EXTENSION_STATE
            and told.get("extension") == self._number
        )
        if not is_ours:
            return
        state = told.get("state")
        self._attr_native_value = str(state) if state in STATES else None
        is_busy = self._attr_native_value in ("ringing", "in_use")
        self._attr_extra_state_attributes = {
            name: told.get(name) if is_busy else None for name in _TOLD
        }
        self.async_write_ha_state()

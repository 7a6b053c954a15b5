"""What all entities of a PBX have in common."""

from typing import override

from homeassistant.const import CONF_URL
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from yarl import URL

from .const import DOMAIN
from .coordinator import PbxConfigEntry, PbxCoordinator


class PbxEntity(CoordinatorEntity[PbxCoordinator]):
    """An entity of the PBX itself."""

    _attr_has_entity_name = True

    def __init__(self, entry: PbxConfigEntry, key: str) -> None:
        """Belong to the PBX's device; `key` tells its entities apart."""
        super().__init__(entry.runtime_data.coordinator)
        self._attr_translation_key = key
        self._attr_unique_id = f"{entry.entry_id}_{key}"
        self._attr_device_info = DeviceInfo(
            configuration_url=str(URL(entry.data[CONF_URL]).origin()),
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=entry.runtime_data.client.manufacturer,
            name=entry.title,
        )


class PbxPushEntity(PbxEntity):
    """An entity that is told what happens.

    It does not depend on the ping: events come in while the PBX's API is out of
    reach, and how a call ended stays true whoever is away.
    """

    @property
    @override
    def available(self) -> bool:
        """Be available always."""
        return True

    @property
    def entry_id(self) -> str:
        """The config entry whose signals are ours."""
        return self.coordinator.config_entry.entry_id

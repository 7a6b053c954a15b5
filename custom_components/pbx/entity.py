"""What all entities of a PBX have in common."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from yarl import URL

from .calls.contacts import Contact
from .const import DOMAIN, SUBENTRY_CONTACT
from .coordinator import PbxConfigEntry, PbxCoordinator


@dataclass(frozen=True, slots=True, kw_only=True)
class Subdevice:
    """A device below that of the PBX, which a config subentry is.

    Attributes:
        subentry_id: of the subentry.
        info: of the device.
    """

    subentry_id: str
    info: DeviceInfo


@callback
def pbx_device(entry: PbxConfigEntry, manufacturer: str) -> dict[str, Any]:
    """Return what the device registry is told of a PBX."""
    return {
        "configuration_url": str(URL(entry.data[CONF_URL]).origin()),
        "entry_type": dr.DeviceEntryType.SERVICE,
        "identifiers": {(DOMAIN, entry.entry_id)},
        "manufacturer": manufacturer,
        "name": entry.title,
    }


@callback
def contact_device(
    hass: HomeAssistant, entry: PbxConfigEntry, contact: Contact
) -> Subdevice:
    """Return the device of a contact."""
    return subdevice(hass, entry, contact.subentry_id, contact.name, SUBENTRY_CONTACT)


@callback
def subdevice(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    subentry_id: str,
    name: str,
    model_id: str,
) -> Subdevice:
    """Return the device of a subentry, below that of its PBX."""
    info = DeviceInfo(
        entry_type=dr.DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, subentry_id)},
        # By this one, the editor finds contacts among devices.
        model_id=model_id,
        name=name,
        via_device_id=dr.async_get_device_id_by_identifier(
            hass, (DOMAIN, entry.entry_id), config_entry_id=entry.entry_id
        ),
    )
    return Subdevice(subentry_id=subentry_id, info=info)


class PbxEntity(CoordinatorEntity[PbxCoordinator]):
    """An entity of the PBX, or of a device below it."""

    _attr_has_entity_name = True

    def __init__(
        self, entry: PbxConfigEntry, key: str, device: Subdevice | None = None
    ) -> None:
        """Belong to a device, the PBX's if none is named.

        Args:
            entry: of the PBX.
            key: tells the entities of a device apart.
            device: one below the PBX's.
        """
        super().__init__(entry.runtime_data.coordinator)
        manufacturer = entry.runtime_data.client.manufacturer
        owner = device.subentry_id if device else entry.entry_id
        self._attr_translation_key = key
        self._attr_unique_id = f"{owner}_{key}"
        self._attr_device_info = (
            device.info if device else DeviceInfo(**pbx_device(entry, manufacturer))  # type: ignore[typeddict-item]
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

"""Base entities and devices of the PBX integration."""

from collections.abc import Callable
from typing import Any, Final, override

from homeassistant.const import CONF_URL, Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from yarl import URL

from .backends.base import Feature
from .calls.changes import Change, SettingsChanged
from .calls.contacts import Contact
from .const import DOMAIN
from .coordinator import PbxConfigEntry, PbxCoordinator, PbxData

# Shown by the editor's pickers and on the device's page.
MODEL_PBX: Final = "PBX"
MODEL_CONTACT: Final = "Contact"
MODEL_EXTENSION: Final = "Extension"

# The only entity that not every contact has.
KEY_EXTENSION_STATE: Final = "extension_state"


@callback
def pbx_device(data: PbxData) -> dict[str, Any]:
    """Return the device information of a PBX."""
    entry, kind = data.manager.entry, data.manager.kind
    origin = str(URL(entry.data[CONF_URL]).origin())
    return {
        "configuration_url": origin if Feature.WEB_INTERFACE in kind.features else None,
        "entry_type": dr.DeviceEntryType.SERVICE,
        "identifiers": {(DOMAIN, entry.entry_id)},
        "manufacturer": kind.name,
        "model": MODEL_PBX,
        "name": entry.title,
        "sw_version": data.coordinator.data or None,
    }


@callback
def contact_device(contact: Contact) -> dict[str, Any]:
    """Return what the device registry stores of a contact."""
    return {
        "model": MODEL_EXTENSION if contact.is_extension else MODEL_CONTACT,
        # The page of a device shows it beside the model.
        "model_id": contact.number,
        "name": contact.name,
    }


@callback
def async_follow_devices(hass: HomeAssistant, data: PbxData) -> CALLBACK_TYPE:
    """Keep devices as their PBX and contacts are; return a function that stops it."""
    registry = dr.async_get(hass)
    manager, coordinator = data.manager, data.coordinator
    entry_id = manager.entry.entry_id

    @callback
    def update() -> None:
        wanted = {
            contact.subentry_id: contact_device(contact)
            for contact in manager.book.contacts
        }
        pbx = pbx_device(data)
        wanted[entry_id] = {name: pbx[name] for name in ("name", "sw_version")}
        for device in dr.async_entries_for_config_entry(registry, entry_id):
            for _, identifier in device.identifiers:
                fields = wanted.get(identifier, {})
                if any(getattr(device, k) != v for k, v in fields.items()):
                    registry.async_update_device(device.id, **fields)

    @callback
    def changed(change: Change) -> None:
        if isinstance(change, SettingsChanged):
            update()

    stops = (manager.subscribe(changed), coordinator.async_add_listener(update))

    @callback
    def stop() -> None:
        for each in stops:
            each()

    return stop


@callback
def async_add_for_contacts(
    entry: PbxConfigEntry,
    create: Callable[[PbxConfigEntry, Contact], Entity],
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    only_extensions: bool = False,
) -> None:
    """Add an entity for each contact: for those of now, and later ones.

    Home Assistant removes the entities of a contact that is removed. The entity of an
    extension is removed when its contact is no longer one.
    """
    manager = entry.runtime_data.manager
    added: set[str] = set()

    @callback
    def update() -> None:
        for contact in manager.book.contacts:
            subentry_id = contact.subentry_id
            if only_extensions and not contact.is_extension:
                added.discard(subentry_id)
                _remove_state(manager.hass, contact)
            elif subentry_id not in added:
                added.add(subentry_id)
                entity = create(entry, contact)
                async_add_entities([entity], config_subentry_id=subentry_id)

    @callback
    def changed(change: Change) -> None:
        if isinstance(change, SettingsChanged):
            update()

    update()
    entry.async_on_unload(manager.subscribe(changed))


@callback
def _remove_state(hass: HomeAssistant, contact: Contact) -> None:
    """Remove the state of an extension, if the contact still has one."""
    registry = er.async_get(hass)
    unique_id = f"{contact.subentry_id}_{KEY_EXTENSION_STATE}"
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
    if entity_id is not None:
        registry.async_remove(entity_id)


class PbxEntity(CoordinatorEntity[PbxCoordinator]):
    """An entity of the PBX, or of one of its contacts."""

    _attr_has_entity_name = True
    # Whether `_changed` is called on each change of the PBX.
    _follows_changes = True

    def __init__(
        self, entry: PbxConfigEntry, key: str, contact: Contact | None = None
    ) -> None:
        """Initialize an entity of the device of the PBX, or of a contact's.

        Args:
            entry: of the PBX.
            key: distinguishes the entities of a device.
            contact: whose entity it is; None for one of the PBX itself.
        """
        super().__init__(entry.runtime_data.coordinator)
        self.manager = entry.runtime_data.manager
        self._subentry_id = contact.subentry_id if contact else ""
        owner = self._subentry_id or entry.entry_id
        self._attr_translation_key = key
        self._attr_unique_id = f"{owner}_{key}"
        self._attr_device_info = (
            DeviceInfo(**pbx_device(entry.runtime_data))  # type: ignore[typeddict-item]
            if contact is None
            else self._contact_device(entry, contact)
        )

    def _contact_device(self, entry: PbxConfigEntry, contact: Contact) -> DeviceInfo:
        """Return the device of a contact, below that of its PBX."""
        hass = self.manager.hass
        # A suggestion creates an area that does not exist.
        has_area = ar.async_get(hass).async_get_area_by_name(contact.name) is not None
        return DeviceInfo(  # type: ignore[no-any-return]
            entry_type=dr.DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, contact.subentry_id)},
            suggested_area=contact.name if has_area else None,
            **contact_device(contact),  # type: ignore[typeddict-item]
            via_device_id=dr.async_get_device_id_by_identifier(
                hass,
                (DOMAIN, entry.entry_id),
                config_entry_id=entry.entry_id,
            ),
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the changes of the PBX."""
        await super().async_added_to_hass()
        if self._follows_changes:
            self.async_on_remove(self.manager.subscribe(self._changed))

    @callback
    def _changed(self, change: Change) -> None:
        """Handle a change."""


class PbxPushEntity(PbxEntity):
    """Base entity whose availability does not depend on the ping.

    Events can arrive while the API of the PBX is unreachable, and the last event
    stays valid.
    """

    @property
    @override
    def available(self) -> bool:
        """Return True: the entity is always available."""
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Ignore updates of the coordinator: a ping does not change the state."""

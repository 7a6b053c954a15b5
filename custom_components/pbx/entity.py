"""Base entities and devices of the PBX integration."""

from collections.abc import Callable
from typing import Any, override

from homeassistant.const import CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from yarl import URL

from .calls.changes import Change, SettingsChanged
from .calls.contacts import Contact, Extension, PhoneBook
from .calls.manager import CallManager
from .const import DOMAIN
from .coordinator import PbxConfigEntry, PbxCoordinator

type Member = Contact | Extension


@callback
def pbx_device(manager: CallManager) -> dict[str, Any]:
    """Return the device information of a PBX."""
    entry = manager.entry
    return {
        "configuration_url": str(URL(entry.data[CONF_URL]).origin()),
        "entry_type": dr.DeviceEntryType.SERVICE,
        "identifiers": {(DOMAIN, entry.entry_id)},
        "manufacturer": manager.kind.name,
        "name": entry.title,
    }


@callback
def async_follow_devices(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Rename devices when their PBX, contact or extension is renamed.

    Returns:
        A callback that stops this.
    """
    registry = dr.async_get(hass)

    @callback
    def changed(change: Change) -> None:
        if not isinstance(change, SettingsChanged):
            return
        names = {each.subentry_id: each.name for each in manager.book.members}
        names[manager.entry.entry_id] = manager.entry.title
        for device in dr.async_entries_for_config_entry(
            registry, manager.entry.entry_id
        ):
            for _, identifier in device.identifiers:
                name = names.get(identifier)
                if name is not None and name != device.name:
                    registry.async_update_device(device.id, name=name)

    return manager.subscribe(changed)


@callback
def async_add_for_each[MemberT: Member](
    entry: PbxConfigEntry,
    members: Callable[[PhoneBook], list[MemberT]],
    make: Callable[[MemberT], list[Entity]],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add entities for each contact or extension, also for those added later.

    Home Assistant removes the entities together with their subentry.
    """
    manager = entry.runtime_data.manager
    added: set[str] = set()

    @callback
    def add() -> None:
        present = members(manager.book)
        for member in present:
            if member.subentry_id not in added:
                async_add_entities(make(member), config_subentry_id=member.subentry_id)
        added.clear()
        added.update(member.subentry_id for member in present)

    @callback
    def changed(change: Change) -> None:
        if isinstance(change, SettingsChanged):
            add()

    add()
    entry.async_on_unload(manager.subscribe(changed))


class PbxEntity(CoordinatorEntity[PbxCoordinator]):
    """Base entity of a PBX, or of one of its contacts or extensions."""

    _attr_has_entity_name = True

    def __init__(
        self, entry: PbxConfigEntry, key: str, member: Member | None = None
    ) -> None:
        """Initialize the entity.

        Args:
            entry: of the PBX.
            key: unique within the device; also the translation key.
            member: the contact or extension; None for an entity of the PBX.
        """
        super().__init__(entry.runtime_data.coordinator)
        self.manager = entry.runtime_data.manager
        self._subentry_id = member.subentry_id if member else ""
        owner = self._subentry_id or entry.entry_id
        self._attr_translation_key = key
        self._attr_unique_id = f"{owner}_{key}"
        self._attr_device_info = (
            DeviceInfo(**pbx_device(self.manager))  # type: ignore[typeddict-item]
            if member is None
            else self._member_device(entry, member)
        )

    def _member_device(self, entry: PbxConfigEntry, member: Member) -> DeviceInfo:
        """Return the device of a contact or extension, connected via its PBX."""
        return DeviceInfo(
            entry_type=dr.DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, member.subentry_id)},
            # Device selectors of the actions filter by this.
            model_id=member.subentry_type,
            name=member.name,
            via_device_id=dr.async_get_device_id_by_identifier(
                self.manager.hass,
                (DOMAIN, entry.entry_id),
                config_entry_id=entry.entry_id,
            ),
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the changes of the PBX."""
        await super().async_added_to_hass()
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

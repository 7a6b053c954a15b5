"""What Home Assistant's registries hold about contacts: names, areas, what is disabled.

Each contact has one device and one call button, which are known by the id of its
config subentry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

# An entity that is enabled, or disabled together with its PBX, which reports that
# itself.
_NOT_BY_USER: Final = frozenset(
    (
        None,
        dr.DeviceEntryDisabler.CONFIG_ENTRY,
        er.RegistryEntryDisabler.CONFIG_ENTRY,
    )
)

_DATA_CHANGES: HassKey[_Changes] = HassKey(f"{DOMAIN}_registry_changes")


@dataclass(slots=True)
class _Changes:
    """Counts the changes of the registries that may affect names of contacts."""

    count: int = 0

    @callback
    def entity_changed(self, event: Event[Any]) -> None:
        """Count a change of a button."""
        if event.data["entity_id"].startswith(f"{Platform.BUTTON}."):
            self.count += 1

    @callback
    def device_changed(self, event: Event[Any]) -> None:
        """Count a device that is new, removed or renamed."""
        changes: Mapping[str, Any] | None = event.data.get("changes")
        if changes is None or "name_by_user" in changes:
            self.count += 1


@callback
def registry_changes(hass: HomeAssistant) -> int:
    """Return a count that changes whenever a name in the registries may have.

    The first call starts the counting.
    """
    if (changes := hass.data.get(_DATA_CHANGES)) is None:
        changes = hass.data[_DATA_CHANGES] = _Changes()
        listen = hass.bus.async_listen
        listen(er.EVENT_ENTITY_REGISTRY_UPDATED, changes.entity_changed)
        listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, changes.device_changed)
    return changes.count


@callback
def button_of(hass: HomeAssistant, subentry_id: str) -> er.RegistryEntry | None:
    """Return the call button of a contact; None where there is none yet."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        Platform.BUTTON, DOMAIN, f"{subentry_id}_call"
    )
    return registry.async_get(entity_id) if entity_id else None


@callback
def device_of(hass: HomeAssistant, subentry_id: str) -> dr.AnyDeviceEntry | None:
    """Return the device of a contact; None where there is none yet."""
    return _device_with(hass, button_of(hass, subentry_id))


@callback
def _device_with(
    hass: HomeAssistant, button: er.RegistryEntry | None
) -> dr.AnyDeviceEntry | None:
    if button is None or button.device_id is None:
        return None
    return dr.async_get(hass).async_get(button.device_id)


@callback
def names_given(hass: HomeAssistant, subentry_id: str) -> list[str]:
    """Return the names that users have given to a contact in the registries."""
    button = button_of(hass, subentry_id)
    device = _device_with(hass, button)
    names = [device.name_by_user] if device and device.name_by_user else []
    # Anything but a text stands for the entity's own name, which is the contact's.
    aliases = button.aliases if button else ()
    return names + [alias for alias in aliases if isinstance(alias, str)]


@callback
def area_of(hass: HomeAssistant, subentry_id: str) -> str | None:
    """Return the area of a contact's device."""
    device = device_of(hass, subentry_id)
    return device.area_id if device else None


@callback
def is_disabled(hass: HomeAssistant, subentry_id: str) -> bool:
    """Return whether a user has disabled a contact's device or its button."""
    button = button_of(hass, subentry_id)
    device = _device_with(hass, button)
    disabled_by = {device and device.disabled_by, button and button.disabled_by}
    return not disabled_by <= _NOT_BY_USER


@callback
def subentries_of(hass: HomeAssistant, reference: str) -> set[str]:
    """Return the subentry that the id of a device or an entity of ours belongs to."""
    entity = er.async_get(hass).async_get(reference.lower())
    if entity is not None and entity.platform == DOMAIN:
        return {entity.config_subentry_id} if entity.config_subentry_id else set()
    device = dr.async_get(hass).async_get(reference)
    identifiers = device.identifiers if device else ()
    return {each[1] for each in identifiers if each[0] == DOMAIN}

"""Helpers for PBXs with contacts."""

from typing import Any

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentryData,
)
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import (
    CONF_ALIASES,
    CONF_IS_EXTENSION,
    CONF_NUMBER,
    DOMAIN,
    SUBENTRY_CONTACT,
)


def contact(
    name: str,
    number: str,
    *aliases: str,
    **overrides: Any,  # noqa: ANN401 - any field of the call defaults
) -> ConfigSubentryData:
    """Return a contact as its form stores it."""
    return ConfigSubentryData(
        data={CONF_NUMBER: number, CONF_ALIASES: list(aliases), **overrides},
        subentry_type=SUBENTRY_CONTACT,
        title=name,
        unique_id=f"contact_{number}",
    )


def phone(name: str, number: str, **places: Any) -> ConfigSubentryData:  # noqa: ANN401 - as above
    """Return a contact that is an extension as its form stores it."""
    return contact(name, number, **{CONF_IS_EXTENSION: True}, **places)


def known(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return all PBXs."""
    return hass.config_entries.async_entries(DOMAIN)


async def set_up(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    *subentries: ConfigSubentryData,
    title: str = "",
    **options: Any,  # noqa: ANN401 - any option
) -> MockConfigEntry:
    """Set up a copy of an entry with contacts."""
    made = MockConfigEntry(
        domain=DOMAIN,
        title=title or entry.title,
        data={**entry.data, CONF_WEBHOOK_ID: f"hook_{title}"},
        options={**entry.options, "caller": "101", **options},
        subentries_data=subentries,
    )
    # Remove the original if it is not loaded: only one PBX is expected.
    if entry.state is ConfigEntryState.NOT_LOADED and entry in known(hass):
        await hass.config_entries.async_remove(entry.entry_id)
    made.add_to_hass(hass)
    assert await hass.config_entries.async_setup(made.entry_id)
    await hass.async_block_till_done()
    return made


def entity_of(hass: HomeAssistant, entry: MockConfigEntry, name: str, key: str) -> str:
    """Return the entity of a contact."""
    (subentry_id,) = (
        each.subentry_id for each in entry.subentries.values() if each.title == name
    )
    platform = {"call": "button", "announcement": "notify"}.get(key, "sensor")
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"{subentry_id}_{key}"
    )
    assert entity_id is not None
    return entity_id


def rename(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, given: str | None
) -> None:
    """Rename the device of a contact."""
    registry = dr.async_get(hass)
    registry.async_update_device(device_of(hass, entry, name), name_by_user=given)


def give_aliases(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    name: str,
    *aliases: str,
    key: str = "call",
) -> None:
    """Set the aliases of a contact's button, like Home Assistant's dialog."""
    registry = er.async_get(hass)
    entity_id = entity_of(hass, entry, name, key)
    registry.async_update_entity(entity_id, aliases=[er.COMPUTED_NAME, *aliases])


def disable(hass: HomeAssistant, entry: MockConfigEntry, name: str, what: str) -> None:
    """Disable the device of a contact, or its button."""
    if what == "device":
        dr.async_get(hass).async_update_device(
            device_of(hass, entry, name), disabled_by=dr.DeviceEntryDisabler.USER
        )
        return
    er.async_get(hass).async_update_entity(
        entity_of(hass, entry, name, "call"), disabled_by=er.RegistryEntryDisabler.USER
    )


def device_of(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> str:
    """Return the device of a contact."""
    (device,) = (
        each
        for each in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if each.name == name
    )
    return device.id

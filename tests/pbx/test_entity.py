"""Tests of the base entities and devices."""

from types import MappingProxyType

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import ExtensionState, ExtensionUpdate
from custom_components.pbx.const import (
    CONF_ALIASES,
    CONF_NUMBER,
    DOMAIN,
    SUBENTRY_CONTACT,
    SUBENTRY_EXTENSION,
)

from .common import settle
from .people import contact, device_of, phone, set_up
from .toy import Toys

CONNECTED = "binary_sensor.toy_connected"


async def test_device(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """A PBX is one device with its manufacturer and a link to its web page."""
    registry = dr.async_get(hass)
    (device,) = dr.async_entries_for_config_entry(registry, toy_entry.entry_id)
    assert device.name == "Toy"
    assert device.manufacturer == "Toy"
    assert device.entry_type is DeviceEntryType.SERVICE
    assert device.configuration_url == "http://toy.test"
    assert device.identifiers == {(DOMAIN, toy_entry.entry_id)}


async def test_entity(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """An entity is named after its PBX; its unique ID has the entry and the key."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.unique_id == f"{toy_entry.entry_id}_connected"
    assert entity.has_entity_name
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.name == "Toy Connected"


async def test_renamed(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A device is renamed with its PBX, contact or extension."""
    made = await set_up(hass, new_toy, contact("Mum", "09121234567"))
    device_id = device_of(hass, made, "Mum")
    (subentry,) = made.subentries.values()
    hass.config_entries.async_update_subentry(made, subentry, title="Mother")
    hass.config_entries.async_update_entry(made, title="Reception")
    await hass.async_block_till_done()

    assert device_of(hass, made, "Mother") == device_id
    assert device_of(hass, made, "Reception")


async def test_come_and_go(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Entities of contacts and extensions come and go while the PBX stays loaded."""
    subentry = ConfigSubentry(
        data=MappingProxyType({CONF_NUMBER: "101"}),
        subentry_type=SUBENTRY_EXTENSION,
        title="Kitchen",
        unique_id="extension_101",
    )
    mum = ConfigSubentry(
        data=MappingProxyType({CONF_NUMBER: "09121234567", CONF_ALIASES: []}),
        subentry_type=SUBENTRY_CONTACT,
        title="Mum",
        unique_id="contact_09121234567",
    )
    registry = er.async_get(hass)
    before = {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(registry, toy_entry.entry_id)
    }
    for added in (subentry, mum):
        hass.config_entries.async_add_subentry(toy_entry, added)
    await settle(hass)
    after = er.async_entries_for_config_entry(registry, toy_entry.entry_id)
    new = [entity for entity in after if entity.entity_id not in before]
    assert {entity.domain for entity in new} == {"button", "sensor"}
    assert all(hass.states.get(entity.entity_id) for entity in new)

    for added in (subentry, mum):
        hass.config_entries.async_remove_subentry(toy_entry, added.subentry_id)
    await settle(hass)
    assert not any(hass.states.get(entity.entity_id) for entity in new)
    assert len(toys.made) == 1


async def test_extension_after_a_reload(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """After a reload, the state of an extension is unknown until the next report."""
    made = await set_up(hass, new_toy, phone("Kitchen", "101"))
    (entity,) = [
        each.entity_id
        for each in er.async_entries_for_config_entry(er.async_get(hass), made.entry_id)
        if each.unique_id.endswith("extension_state")
    ]
    update = ExtensionUpdate("101", ExtensionState.IN_USE)
    toys.latest.sink.extension(update)
    await settle(hass)
    assert hass.states.is_state(entity, ExtensionState.IN_USE)

    before = toys.latest.sink
    assert await hass.config_entries.async_reload(made.entry_id)
    await settle(hass)
    before.extension(update)
    assert hass.states.is_state(entity, "unknown")
    toys.latest.sink.extension(update)
    assert hass.states.is_state(entity, ExtensionState.IN_USE)

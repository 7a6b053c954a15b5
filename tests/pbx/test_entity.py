"""Tests of what all entities of a PBX have in common."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN

from .people import contact, device_of, set_up

CONNECTED = "binary_sensor.toy_connected"


async def test_device(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """A PBX is one device, of its maker, with a link to its own page."""
    registry = dr.async_get(hass)
    (device,) = dr.async_entries_for_config_entry(registry, toy_entry.entry_id)
    assert device.name == "Toy"
    assert device.manufacturer == "Toy"
    assert device.entry_type is DeviceEntryType.SERVICE
    assert device.configuration_url == "http://toy.test"
    assert device.identifiers == {(DOMAIN, toy_entry.entry_id)}


async def test_entity(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """An entity is named after its PBX and is told apart by entry and key."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.unique_id == f"{toy_entry.entry_id}_connected"
    assert entity.has_entity_name
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.name == "Toy Connected"


async def test_renamed(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A device is renamed with what it stands for."""
    made = await set_up(hass, new_toy, contact("Mum", "09121234567"))
    device_id = device_of(hass, made, "Mum")
    (subentry,) = made.subentries.values()
    hass.config_entries.async_update_subentry(made, subentry, title="Mother")
    hass.config_entries.async_update_entry(made, title="Reception")
    await hass.async_block_till_done()

    assert device_of(hass, made, "Mother") == device_id
    assert device_of(hass, made, "Reception")

"""Tests of what all entities of a PBX have in common."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN
from sandbox import Sandbox

from .common import CONNECTED


async def test_device(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A PBX is one device, of its maker, with a link to its own page."""
    (device,) = dr.async_entries_for_config_entry(
        dr.async_get(hass), loaded_entry.entry_id
    )
    assert device.name == "Sandbox"
    assert device.manufacturer == "Simotel"
    assert device.entry_type is DeviceEntryType.SERVICE
    assert device.configuration_url == sandbox.url
    assert device.identifiers == {(DOMAIN, loaded_entry.entry_id)}


async def test_entity(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """An entity is named after its PBX and is told apart by entry and key."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.unique_id == f"{loaded_entry.entry_id}_connected"
    assert entity.has_entity_name
    assert entity.device_id is not None
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.name == "Sandbox Connected"

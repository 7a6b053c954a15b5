"""Tests of the base entities and devices."""

from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.device_registry import DeviceEntry, DeviceEntryType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.updates import ExtensionState, ExtensionUpdate
from custom_components.pbx.const import DOMAIN

from .common import let_time_pass, settle
from .people import contact, device_of, entity_of, phone, set_up
from .reporting import state_of
from .toy import Toys

CONNECTED = "binary_sensor.toy_connected"
MUM = contact("Mum", "09121234567")
KITCHEN = phone("Kitchen", "101")


def device(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> DeviceEntry:
    """Return the device of a PBX or a contact."""
    found = dr.async_get(hass).async_get(device_of(hass, entry, name))
    assert isinstance(found, DeviceEntry)
    return found


def names(hass: HomeAssistant, entry: MockConfigEntry) -> list[str | None]:
    """Return the names of the devices of a PBX."""
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    return [each.name for each in devices]


def entities(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> list[str]:
    """Return the enabled entities of the device of a PBX or a contact."""
    found = er.async_entries_for_device(
        er.async_get(hass), device_of(hass, entry, name)
    )
    return sorted(each.entity_id for each in found)


def subentry_of(entry: MockConfigEntry, name: str) -> ConfigSubentry:
    """Return the subentry of a contact."""
    return next(each for each in entry.subentries.values() if each.title == name)


async def change(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    name: str,
    *,
    title: str = "",
    **data: Any,  # noqa: ANN401 - any field of a contact
) -> None:
    """Change a contact, as its form does."""
    subentry = subentry_of(entry, name)
    hass.config_entries.async_update_subentry(
        entry, subentry, title=title or name, data={**subentry.data, **data}
    )
    await settle(hass)


# --- the PBX ---


async def test_pbx(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """A PBX is one device with its kind and version, and without a link."""
    found = device(hass, toy_entry, "Toy")
    assert (found.manufacturer, found.model) == ("Toy", "PBX")
    assert found.sw_version == "1.0"
    assert found.entry_type is DeviceEntryType.SERVICE
    assert found.configuration_url is None
    assert found.identifiers == {(DOMAIN, toy_entry.entry_id)}
    assert entities(hass, toy_entry, "Toy") == [
        "binary_sensor.toy_connected",
        "button.toy_hang_up",
        "sensor.toy_active_calls",
        "sensor.toy_missed_calls",
    ]


@pytest.mark.parametrize("toy_features", [(Feature.WEB_INTERFACE,)])
async def test_link(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """The device links to the website of the PBX, if it has one."""
    assert device(hass, toy_entry, "Toy").configuration_url == "http://toy.test"


async def test_simotel(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """A Simotel has a website, and does not report its version."""
    found = device(hass, loaded_entry, "Sandbox")
    assert found.manufacturer == "Simotel"
    assert found.sw_version is None
    assert f"{found.configuration_url}/api/v4" == loaded_entry.data["url"]


async def test_asterisk(hass: HomeAssistant, asterisk_entry: MockConfigEntry) -> None:
    """An Asterisk reports its version; a browser cannot open its interface."""
    found = device(hass, asterisk_entry, "Stub")
    assert found.manufacturer == "Asterisk"
    assert found.sw_version == "22.10.1"
    assert found.configuration_url is None


async def test_update_of_the_pbx(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """The device shows a new version of the PBX after the next ping."""
    toys.latest.version = "1.1"
    await let_time_pass(hass, 61)
    assert device(hass, toy_entry, "Toy").sw_version == "1.1"
    assert len(toys.made) == 1


async def test_entity(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """An entity is named after its PBX; its unique ID has the entry and the key."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.unique_id == f"{toy_entry.entry_id}_connected"
    assert entity.has_entity_name
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.name == "Toy Connected"


# --- contacts ---


async def test_contacts(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A contact is one device with its number and at most two entities."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    mum, kitchen = device(hass, made, "Mum"), device(hass, made, "Kitchen")
    assert (mum.model, mum.model_id) == ("Contact", "09121234567")
    assert (kitchen.model, kitchen.model_id) == ("Extension", "101")
    assert entities(hass, made, "Mum") == ["button.mum"]
    assert entities(hass, made, "Kitchen") == ["button.kitchen", "sensor.kitchen_state"]
    assert mum.via_device_id == device(hass, made, "Toy").id
    assert mum.config_subentry_id == subentry_of(made, "Mum").subentry_id


async def test_area(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A device begins in the area with its name; no area is created."""
    area = ar.async_get(hass).async_create("kitchen")
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    assert device(hass, made, "Kitchen").area_id == area.id
    assert device(hass, made, "Mum").area_id is None
    assert len(ar.async_get(hass).areas) == 1

    # The user moves it away.
    registry = dr.async_get(hass)
    registry.async_update_device(device_of(hass, made, "Kitchen"), area_id=None)
    assert await hass.config_entries.async_reload(made.entry_id)
    assert device(hass, made, "Kitchen").area_id is None


async def test_changed(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A device follows the name, the number and the kind of its contact."""
    made = await set_up(hass, new_toy, MUM)
    before = device(hass, made, "Mum")
    await change(hass, made, "Mum", title="Mother", number="103", is_extension=True)
    hass.config_entries.async_update_entry(made, title="Reception")
    await settle(hass)

    after = device(hass, made, "Mother")
    assert after.id == before.id
    assert (after.model, after.model_id) == ("Extension", "103")
    assert "Reception" in names(hass, made)


async def test_changed_while_not_loaded(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> None:
    """What changes while the PBX is not loaded is applied when it is."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    assert await hass.config_entries.async_unload(made.entry_id)
    await change(hass, made, "Mum", title="Mother")
    await change(hass, made, "Kitchen", is_extension=False)
    assert await hass.config_entries.async_setup(made.entry_id)
    await settle(hass)

    assert "Mother" in names(hass, made)
    assert device(hass, made, "Kitchen").model == "Contact"
    assert entities(hass, made, "Kitchen") == ["button.kitchen"]


async def test_no_longer_an_extension(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The state goes when a contact is no extension anymore, and comes back."""
    made = await set_up(hass, new_toy, KITCHEN)
    state = entity_of(hass, made, "Kitchen", "extension_state")
    update = ExtensionUpdate("101", ExtensionState.IN_USE)
    toys.latest.sink.extension(update)
    for _ in range(2):
        assert state_of(hass, state) == "in_use"
        await change(hass, made, "Kitchen", is_extension=False)
        assert hass.states.get(state) is None
        assert entities(hass, made, "Kitchen") == ["button.kitchen"]
        await change(hass, made, "Kitchen", is_extension=True)
    assert state_of(hass, state) == "in_use"
    assert len(toys.made) == 1


async def test_come_and_go(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Contacts come and go with their devices, while the PBX stays loaded."""
    before = names(hass, toy_entry)
    added = [ConfigSubentry(**_fields(each)) for each in (MUM, KITCHEN)]
    for subentry in added:
        hass.config_entries.async_add_subentry(toy_entry, subentry)
    await settle(hass)
    new = ["button.kitchen", "button.mum", "sensor.kitchen_state"]
    assert all(map(hass.states.get, new))
    assert names(hass, toy_entry) == [*before, "Mum", "Kitchen"]

    for subentry in added:
        hass.config_entries.async_remove_subentry(toy_entry, subentry.subentry_id)
    await settle(hass)
    assert not any(map(hass.states.get, new))
    assert names(hass, toy_entry) == before
    assert len(toys.made) == 1


def _fields(data: Any) -> dict[str, Any]:  # noqa: ANN401 - a subentry's data
    return {name: value for name, value in data.items() if name != "subentry_id"}

"""Tests of what the registries hold about contacts."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.calls.contact_registry import (
    area_of,
    button_of,
    device_of as registered_device,
    is_disabled,
    names_given,
    registry_changes,
    subentries_of,
)

from ..people import contact, device_of, disable, entity_of, phone, rename, set_up
from ..toy import Toys

pytestmark = pytest.mark.usefixtures("toys")


async def made_of(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> tuple[MockConfigEntry, str]:
    """Return a PBX with an extension, and the id of its subentry."""
    made = await set_up(hass, new_toy, phone("Kitchen", "102"))
    return made, next(iter(made.subentries))


async def test_of_a_contact(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A contact has a button, a device, and the area of that."""
    made, subentry_id = await made_of(hass, new_toy)
    button, device = button_of(hass, subentry_id), registered_device(hass, subentry_id)

    assert button is not None
    assert button.entity_id == "button.kitchen"
    assert device is not None
    assert device.id == device_of(hass, made, "Kitchen")
    assert area_of(hass, subentry_id) is None
    area = ar.async_get(hass).async_create("Ground floor")
    dr.async_get(hass).async_update_device(device.id, area_id=area.id)
    assert area_of(hass, subentry_id) == area.id


async def test_of_none(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Nothing is known of a contact that has no entities."""
    await made_of(hass, new_toy)

    assert button_of(hass, "gone") is None
    assert registered_device(hass, "gone") is None
    assert area_of(hass, "gone") is None
    assert names_given(hass, "gone") == []
    assert not is_disabled(hass, "gone")


async def test_names(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The name of the device and the aliases of the button are names."""
    made, subentry_id = await made_of(hass, new_toy)
    assert names_given(hass, subentry_id) == []
    rename(hass, made, "Kitchen", "Cooking")
    er.async_get(hass).async_update_entity(
        "button.kitchen", aliases=[er.COMPUTED_NAME, "Oven"]
    )
    assert names_given(hass, subentry_id) == ["Cooking", "Oven"]


@pytest.mark.parametrize("what", ["device", "button"])
async def test_disabled(
    hass: HomeAssistant, new_toy: MockConfigEntry, what: str
) -> None:
    """A contact is disabled with its device or its button."""
    made, subentry_id = await made_of(hass, new_toy)
    assert not is_disabled(hass, subentry_id)
    disable(hass, made, "Kitchen", what)
    assert is_disabled(hass, subentry_id)


async def test_references(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The device and each entity of a contact stand for it, and nothing else does."""
    made, subentry_id = await made_of(hass, new_toy)
    state = entity_of(hass, made, "Kitchen", "extension_state")
    for reference in ("button.kitchen", "BUTTON.kitchen", state):
        assert subentries_of(hass, reference) == {subentry_id}
    assert subentries_of(hass, device_of(hass, made, "Kitchen")) == {subentry_id}

    for reference in ("Kitchen", "102", "", "sensor.toy_active_calls"):
        assert subentries_of(hass, reference) == set()
    other = MockConfigEntry()
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", subentry_id)}
    )
    light = er.async_get(hass).async_get_or_create("light", "other", "1")
    assert subentries_of(hass, device.id) == set()
    assert subentries_of(hass, light.entity_id) == set()


async def test_changes(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Only what may change a name is counted, at the moment of the change."""
    made, _ = await made_of(hass, new_toy)
    devices, entities = dr.async_get(hass), er.async_get(hass)
    count = registry_changes(hass)

    devices.async_update_device(device_of(hass, made, "Kitchen"), model="Phone")
    entities.async_update_entity("sensor.toy_active_calls", name="Calls")
    assert registry_changes(hass) == count
    rename(hass, made, "Kitchen", "Cooking")
    assert registry_changes(hass) == count + 1
    entities.async_update_entity("button.kitchen", aliases=["Oven"])
    assert registry_changes(hass) == count + 2


async def test_index(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> None:
    """A name that is given is found at once, and a former one is not."""
    made = await set_up(hass, new_toy, contact("Mum", "1"), contact("Dad", "2"))
    book = made.runtime_data.manager.book
    assert [each.name for each in book.find("mum")] == ["Mum"]
    rename(hass, made, "Mum", "Granny")
    assert [each.name for each in book.find("granny")] == ["Mum"]
    rename(hass, made, "Mum", None)
    assert book.find("Granny") == []
    rename(hass, made, "Dad", "Mum")
    assert [each.name for each in book.find("MUM")] == ["Mum", "Dad"]
    assert len(toys.made) == 1

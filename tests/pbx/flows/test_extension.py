"""Tests of the subentry flow of an extension."""

from collections.abc import Sequence
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.calls.contacts import Extension, PhoneBook

from ..people import phone, set_up

KITCHEN = phone("Kitchen", "101")


def extensions_of(entry: MockConfigEntry) -> Sequence[Extension]:
    """Return the extensions of a PBX."""
    return PhoneBook(entry, None).extensions


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ({"number": "101"}, "Kitchen"),
        ({"number": "101", "name": " Cook "}, "Cook"),
        ({"number": "9-9-9"}, "999"),
    ],
)
async def test_add(
    hass: HomeAssistant, new_toy: MockConfigEntry, typed: dict[str, Any], name: str
) -> None:
    """Extensions of the directory are suggested; any number is accepted."""
    made = await set_up(hass, new_toy, phone("Living room", "102"))
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((made.entry_id, "extension"), context=context)
    schema = step["data_schema"]
    assert schema is not None
    offered = [each["value"] for each in schema.schema["number"].config["options"]]
    assert "101" in offered
    assert "102" not in offered
    places = {"areas": ["kitchen"], "satellites": []}
    step = await flow.async_configure(step["flow_id"], {**typed, **places})
    await hass.async_block_till_done()

    assert step["type"] is FlowResultType.CREATE_ENTRY
    added = extensions_of(made)[1]
    assert (added.name, added.areas) == (name, ("kitchen",))


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"number": "101"}, {"number": "number_taken"}),
        ({"number": "1-0-1"}, {"number": "number_taken"}),
        ({"number": "+"}, {"number": "number_empty"}),
        ({"number": "x"}, {"number": "number_invalid_character"}),
        ({"number": "1", "name": "a\nb"}, {"name": "name_invalid"}),
    ],
)
async def test_wrong(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    typed: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Errors are shown, and nothing is added."""
    made = await set_up(hass, new_toy, KITCHEN)
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((made.entry_id, "extension"), context=context)
    step = await flow.async_configure(step["flow_id"], typed)

    assert step["errors"] == errors
    assert len(extensions_of(made)) == 1


async def test_change(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """An extension is changed in place."""
    made = await set_up(hass, new_toy, KITCHEN)
    (subentry_id,) = made.subentries
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    flow = hass.config_entries.subentries
    await flow.async_configure(step["flow_id"], {"number": "x"})
    done = await flow.async_configure(
        step["flow_id"], {"number": "101", "name": "Cook", "areas": ["kitchen"]}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (changed,) = extensions_of(made)
    assert (changed.name, changed.areas) == ("Cook", ("kitchen",))

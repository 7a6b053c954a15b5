"""Tests of the subentry flow of a contact."""

from collections.abc import Sequence
from typing import Any

from homeassistant.config_entries import SOURCE_USER, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.calls.contacts import Contact, PhoneBook
from custom_components.pbx.flows.contact import CONTACT_SCHEMA, parse_contact

from ..common import SIMOTEL
from ..people import contact, set_up

MUM = contact("Mum", "09121234567", "Mama", call_limit=60, caller_id="2188")
FORM = {"name": " Mum ", "number": "0912 123-4567", "overrides": {}}


def contacts_of(entry: MockConfigEntry) -> Sequence[Contact]:
    """Return the contacts of a PBX."""
    return PhoneBook(entry, None).contacts


async def add(
    hass: HomeAssistant, entry: MockConfigEntry, form: dict[str, Any]
) -> SubentryFlowResult:
    """Submit the form of a new contact."""
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((entry.entry_id, "contact"), context=context)
    assert step["type"] is FlowResultType.FORM
    step = await flow.async_configure(step["flow_id"], form)
    await hass.async_block_till_done()
    return step


async def test_add(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A new contact is normalized, and has its button immediately."""
    made = await set_up(hass, entry)
    form = {
        **FORM,
        "aliases": [" Mama ", ""],
        "voice": False,
        "overrides": {"caller": "1 0 2", "context": " night ", "timeout": 9.0},
    }
    step = await add(hass, made, form)

    assert step["type"] is FlowResultType.CREATE_ENTRY
    (added,) = contacts_of(made)
    assert (added.name, added.number, added.aliases) == (
        "Mum",
        "09121234567",
        ("Mama",),
    )
    assert added.overrides == {"caller": "102", "context": "night", "timeout": 9}
    assert not added.by_voice
    assert hass.states.get("button.mum_call")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"name": " "}, {"name": "name_invalid"}),
        ({"name": "a\nb"}, {"name": "name_invalid"}),
        ({"aliases": ["a\nb"]}, {"aliases": "name_invalid"}),
        ({"number": "mum"}, {"number": "number_invalid_character"}),
        ({"number": " - "}, {"number": "number_empty"}),
        # The same number, however it is written.
        ({"number": "0912/123 45 67"}, {"number": "number_taken"}),
        ({"number": "+98 (0)912 1234567"}, {"number": "number_taken"}),
        ({"number": "00989121234567"}, {"number": "number_taken"}),
        ({"number": "++98"}, {"number": "number_misplaced_plus"}),
        ({"number": "552.0"}, {"number": "number_decimal"}),
        ({"number": "unknown"}, {"number": "number_no_state"}),
        ({"overrides": {"caller": "x"}}, {"base": "number_invalid_character"}),
        ({"overrides": {"context": "a\nb"}}, {"base": "not_printable"}),
        ({"overrides": {"caller_id": "a\nb"}}, {"base": "not_printable"}),
    ],
)
async def test_wrong(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    change: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Errors are shown, and nothing is added."""
    hass.config.country = "IR"
    made = await set_up(hass, entry, MUM)
    step = await add(hass, made, {**FORM, "number": "1", **change})

    assert step["errors"] == errors
    assert len(contacts_of(made)) == 1


@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("IR", ["0300", "300", "+300"]),
        ("IR", ["09121234567", "9121234567", "989121234567"]),
        (None, ["09121234567", "+989121234567"]),
    ],
)
async def test_alike(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    country: str | None,
    numbers: list[str],
) -> None:
    """Similar but different numbers are separate contacts."""
    hass.config.country = country
    made = await set_up(hass, entry)
    for number in numbers:
        step = await add(hass, made, {**FORM, "name": number, "number": number})
        assert step["type"] is FlowResultType.CREATE_ENTRY, number

    assert [each.number for each in contacts_of(made)] == numbers


async def test_country_changed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """If a change of the country makes two numbers equal, both contacts are kept."""
    hass.config.country = "IR"
    made = await set_up(hass, entry)
    await add(hass, made, FORM)
    await hass.config.async_update(country="DE")
    step = await add(hass, made, {**FORM, "number": "+989121234567"})
    # It would be the id of the first one, too.
    assert step["errors"] == {"number": "number_taken"}

    await hass.config.async_update(country="IR")
    step = await add(hass, made, {**FORM, "number": "00989121234567"})
    assert step["errors"] == {"number": "number_taken"}


async def test_caller_id_is_a_name(
    hass: HomeAssistant, entry: MockConfigEntry, asterisk_entry: MockConfigEntry
) -> None:
    """Simotel accepts a name as the caller ID, but Asterisk only a number."""
    made = await set_up(hass, entry)
    form = {**FORM, "overrides": {"caller_id": " Front door "}}
    await add(hass, made, form)

    (added,) = contacts_of(made)
    assert added.overrides == {"caller_id": "Front door"}
    step = await add(hass, asterisk_entry, form)
    assert step["errors"] == {"base": "number_invalid_character"}


async def test_change(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A contact is changed in place; its entities stay the same."""
    mum = contact("Mum", "09121234567", "Mama", voice=False)
    made = await set_up(hass, entry, mum, contact("Dad", "552"))
    subentry_id = next(iter(made.subentries))
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    schema = step["data_schema"]
    assert schema is not None
    shown = {
        str(name): name.description["suggested_value"]
        for name in schema.schema
        if name.description and "suggested_value" in name.description
    }
    assert (shown["number"], shown["voice"]) == ("09121234567", False)
    flow = hass.config_entries.subentries
    wrong = await flow.async_configure(step["flow_id"], {**FORM, "number": "552"})
    assert wrong["errors"] == {"number": "number_taken"}
    done = await flow.async_configure(
        step["flow_id"], {**FORM, "name": "Mother", "number": "553"}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    changed = contacts_of(made)[0]
    assert (changed.subentry_id, changed.name) == (subentry_id, "Mother")
    assert (changed.number, changed.overrides) == ("553", {})
    # The default, also for contacts without the field.
    assert [each.by_voice for each in contacts_of(made)] == [True, True]


@given(
    name=st.text(),
    number=st.text() | st.from_regex(r"\A\+?[0-9 -]{1,10}\Z"),
    aliases=st.lists(st.text(), max_size=3),
    caller=st.text(),
)
def test_anything(name: str, number: str, aliases: list[str], caller: str) -> None:
    """Any input gives an error, or a contact that is stable when parsed again."""
    form = {
        "name": name,
        "number": number,
        "aliases": aliases,
        "overrides": {"caller": caller},
    }
    data, errors = parse_contact(CONTACT_SCHEMA(form), SIMOTEL)
    if not errors:
        again, _ = parse_contact({**form, "number": data["number"]}, SIMOTEL)
        assert again == data

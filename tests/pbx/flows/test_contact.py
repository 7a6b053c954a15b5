"""Tests of the form of a contact."""

from collections.abc import Sequence
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import SelectSelector, TextSelector
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.base import DirectoryExtension, Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.kind import PbxKind
from custom_components.pbx.calls.contacts import Contact, PhoneBook
from custom_components.pbx.flows.contact import contact_schema, parse_contact

from ..common import ASTERISK, SIMOTEL, place_call
from ..people import contact, phone, rename, set_up
from ..toy import SPEECH, Toys

MUM = contact("Mum", "09121234567", "Mama", call_limit=60, caller_id="2188")
FORM = {"name": " Mum ", "number": "0912 123-4567", "overrides": {}, "extension": {}}
KNOWN = (DirectoryExtension("101", "Kitchen"), DirectoryExtension("102", "102"))


def contacts_of(entry: MockConfigEntry) -> Sequence[Contact]:
    """Return the contacts of a PBX."""
    book: PhoneBook = entry.runtime_data.manager.book
    return book.contacts


async def open_form(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Open the form of a new contact."""
    context: Any = {"source": SOURCE_USER}
    step = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "contact"), context=context
    )
    assert step["type"] is FlowResultType.FORM
    return step


async def add(
    hass: HomeAssistant, entry: MockConfigEntry, form: dict[str, Any]
) -> SubentryFlowResult:
    """Submit the form of a new contact."""
    step = await open_form(hass, entry)
    flow = hass.config_entries.subentries
    step = await flow.async_configure(step["flow_id"], form)
    await hass.async_block_till_done()
    return step


def fields_of(step: SubentryFlowResult) -> dict[str, Any]:
    """Return the selectors of a form and of its sections."""
    schema = step["data_schema"]
    assert schema is not None
    return flat(schema)


def flat(schema: vol.Schema) -> dict[str, Any]:
    """Return the selectors of a form and of its sections."""
    fields = {str(name): field for name, field in schema.schema.items()}
    for section in ("overrides", "announcements", "extension"):
        if section in fields:
            inner = fields.pop(section).schema.schema
            fields |= {str(name): field for name, field in inner.items()}
    return fields


def shown(
    step: SubentryFlowResult | ConfigFlowResult, section: str = ""
) -> dict[str, Any]:
    """Return the suggested values of a form, or of one of its sections."""
    schema = step["data_schema"]
    assert schema is not None
    if section:
        schema = next(
            field.schema for name, field in schema.schema.items() if name == section
        )
    return {
        str(name): name.description["suggested_value"]
        for name in schema.schema
        if name.description and "suggested_value" in name.description
    }


def offered(field: SelectSelector) -> list[tuple[str, str]]:
    """Return the values and the labels that a field suggests."""
    options: Any = field.config["options"]
    return [(option["value"], option["label"]) for option in options]


async def test_add(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A new contact is normalized, and has its button immediately."""
    made = await set_up(hass, entry)
    form = {
        **FORM,
        "aliases": [" Mama ", ""],
        "person": "person.mum",
        "voice": False,
        "overrides": {
            "caller": "1 0 2",
            "context": " night ",
            "trunk_name": " ",
            "timeout": 9.0,
        },
        "extension": {"is_extension": True, "areas": ["kitchen"]},
    }
    step = await add(hass, made, form)

    assert step["type"] is FlowResultType.CREATE_ENTRY
    (added,) = contacts_of(made)
    assert added == Contact(
        subentry_id=added.subentry_id,
        name="Mum",
        number="09121234567",
        aliases=("Mama",),
        overrides={"caller": "102", "context": "night", "timeout": 9},
        by_voice=False,
        person="person.mum",
        is_extension=True,
        areas=("kitchen",),
    )
    assert hass.states.get("button.mum")


async def test_only_a_number(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A number is enough: the directory of the PBX knows its name, and what it is."""
    for number in ("101", "0912 000 0000"):
        form: dict[str, Any] = {"number": number, "overrides": {}, "extension": {}}
        step = await add(hass, toy_entry, form)
        assert step["type"] is FlowResultType.CREATE_ENTRY
    kitchen, other = contacts_of(toy_entry)

    assert (kitchen.name, kitchen.is_extension) == ("Kitchen", True)
    assert (other.name, other.is_extension) == ("09120000000", False)
    assert kitchen.by_voice
    form = {"number": "102", "overrides": {}, "extension": {"is_extension": False}}
    await add(hass, toy_entry, form)
    assert not contacts_of(toy_entry)[2].is_extension
    assert toys.made


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"name": "a\nb"}, {"name": "name_invalid"}),
        ({"aliases": ["a\nb"]}, {"aliases": "name_invalid"}),
        ({"number": "mum"}, {"number": "number_invalid_character"}),
        ({"number": " - "}, {"number": "number_empty"}),
        # The same number, however it is written.
        ({"number": "0912/123 45 67"}, {"number": "number_taken"}),
        ({"number": "+98 (0)912 1234567"}, {"number": "number_taken"}),
        ({"number": "00989121234567"}, {"number": "number_taken"}),
        ({"number": "۰۹۱۲۱۲۳۴۵۶۷"}, {"number": "number_taken"}),
        ({"number": "++98"}, {"number": "number_misplaced_plus"}),
        ({"number": "552.0"}, {"number": "number_decimal"}),
        ({"number": "unknown"}, {"number": "number_no_state"}),
        # What reads as a number is a number, always.
        ({"name": "110"}, {"name": "name_is_number"}),
        ({"name": "۱۱۰"}, {"name": "name_is_number"}),
        ({"name": "+98 (912) 1234567"}, {"name": "name_is_number"}),
        ({"name": "-"}, {"name": "name_is_number"}),
        ({"name": "unknown"}, {"name": "name_no_state"}),
        ({"aliases": ["Sis", "110"]}, {"aliases": "name_is_number"}),
        ({"aliases": ["None"]}, {"aliases": "name_no_state"}),
        # Names of others: their own, aliases, and those in the registries.
        ({"name": "MUM"}, {"name": "name_taken"}),
        ({"name": " mama"}, {"name": "name_taken"}),
        ({"name": "\u200fGranny"}, {"name": "name_taken"}),
        ({"aliases": ["Sis", "granny"]}, {"aliases": "name_taken"}),
        ({"overrides": {"caller": "x"}}, {"base": "unknown_contact"}),
        ({"overrides": {"caller": "110;"}}, {"base": "unknown_contact"}),
        ({"overrides": {"caller": "()"}}, {"base": "number_empty"}),
        ({"overrides": {"context": "a\nb"}}, {"base": "not_printable"}),
        ({"overrides": {"caller_id": "a\nb"}}, {"base": "number_invalid_character"}),
        (
            {"number": "x", "name": "Mum", "overrides": {"trunk_name": "a\nb"}},
            {
                "number": "number_invalid_character",
                "name": "name_taken",
                "base": "not_printable",
            },
        ),
    ],
)
async def test_wrong(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    change: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Errors are shown with what was typed, and nothing is added."""
    hass.config.country = "IR"
    made = await set_up(hass, new_toy, MUM)
    rename(hass, made, "Mum", "Granny")
    form = {**FORM, "name": "Ann", "number": "1", **change}
    step = await add(hass, made, form)

    assert step["errors"] == errors
    assert shown(step)["name"] == form["name"]
    assert shown(step, "overrides") == form["overrides"]
    assert len(contacts_of(made)) == 1
    assert toys.made


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("name", ["110", " ۱۱۰ ", "1-1-0"])
async def test_named_by_its_number(
    hass: HomeAssistant, new_toy: MockConfigEntry, name: str
) -> None:
    """A name that reads as the contact's own number cannot be misunderstood."""
    made = await set_up(hass, new_toy)
    form = {**FORM, "number": "110", "name": name, "aliases": ["110"]}
    step = await add(hass, made, form)

    assert step["type"] is FlowResultType.CREATE_ENTRY
    assert [each.name for each in contacts_of(made)] == [name.strip()]


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
    step = await add(hass, made, {**FORM, "name": "Ann", "number": "+989121234567"})
    # It would be the id of the first one, too.
    assert step["errors"] == {"number": "number_taken"}

    await hass.config.async_update(country="IR")
    step = await add(hass, made, {**FORM, "name": "Ann", "number": "00989121234567"})
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
    form["announcements"] = {}
    step = await add(hass, asterisk_entry, form)
    assert step["errors"] == {"base": "number_invalid_character"}


class TestAnnouncements:
    """The section of a PBX that can speak."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the feature."""
        return (*SPEECH,)

    async def test_announcements(
        self, hass: HomeAssistant, new_toy: MockConfigEntry
    ) -> None:
        """Its settings are stored, shown again, and removed when they are emptied."""
        made = await set_up(hass, new_toy)
        typed = {
            "tts_engine": "tts.piper",
            "language": " fa-IR ",
            "repeat": 3.0,
            "confirm_key": "#",
        }
        await add(hass, made, {**FORM, "announcements": typed})
        stored = {**typed, "language": "fa-IR", "repeat": 3}
        (added,) = contacts_of(made)
        assert (added.announcements, added.overrides) == (stored, {})
        (subentry_id,) = made.subentries
        step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
        assert shown(step, "announcements") == stored
        emptied = {**FORM, "announcements": {"language": " "}}
        flow = hass.config_entries.subentries
        await flow.async_configure(step["flow_id"], emptied)
        await hass.async_block_till_done()
        assert contacts_of(made)[0].announcements == {}

    async def test_keys(self, hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
        """The confirmation key is one of a phone."""
        made = await set_up(hass, new_toy)
        fields = fields_of(await open_form(hass, made))
        assert fields["confirm_key"].config["options"] == list("0123456789*#")


async def test_caller_by_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The contact's own caller is any name of a contact, stored as it is written."""
    made = await set_up(hass, new_toy, phone("Kitchen", "102", aliases=["Cooking"]))
    form = {**FORM, "overrides": {"caller": " cooking "}}
    step = await add(hass, made, form)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    assert contacts_of(made)[1].overrides == {"caller": "cooking"}

    await place_call(hass, callee="Mum")
    assert [each.caller for each in toys.made[0].requests] == ["102"]


@pytest.mark.usefixtures("toys")
async def test_caller_of_several(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A name that two contacts have cannot be the contact's own caller."""
    made = await set_up(hass, new_toy, phone("Kitchen", "102"), phone("Hall", "101"))
    rename(hass, made, "Hall", "Kitchen")
    step = await add(hass, made, {**FORM, "overrides": {"caller": "kitchen"}})

    assert step["errors"] == {"base": "ambiguous_contact"}


@pytest.mark.usefixtures("toys")
async def test_suggestions(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Extensions are offered with their names: the phone book's, then the PBX's."""
    made = await set_up(hass, new_toy, MUM, phone("Cooking", "101"))
    fields = fields_of(await open_form(hass, made))

    assert offered(fields["number"]) == [("102", "102 Workshop")]
    assert offered(fields["caller"]) == [
        ("Mum", "09121234567 Mum"),
        ("101", "101 Cooking"),
        ("102", "102 Workshop"),
    ]


async def test_directory_is_not_readable(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a directory the form works, with numbers that are typed."""
    made = await set_up(hass, new_toy)
    create = toys.create

    def failing(*args: Any) -> Any:  # noqa: ANN401 - passed on
        backend = create(*args)
        backend.error = PbxError(PbxErrorCode.ACCESS_DENIED)
        return backend

    monkeypatch.setattr(
        "custom_components.pbx.flows.contact.create_trial_backend",
        lambda *_: failing(None, {}, None, None, None),
    )
    step = await open_form(hass, made)
    assert isinstance(fields_of(step)["number"], TextSelector)
    flow = hass.config_entries.subentries
    form = {"number": "101", "overrides": {}, "extension": {}}
    await flow.async_configure(step["flow_id"], form)
    assert [(each.name, each.is_extension) for each in contacts_of(made)] == [
        ("101", False)
    ]


@pytest.mark.parametrize(
    ("kind", "has_names"), [(SIMOTEL, False), (ASTERISK, True)], ids=["simotel", "ari"]
)
async def test_fields(
    hass: HomeAssistant, entry: MockConfigEntry, kind: PbxKind, has_names: bool
) -> None:
    """The caller name is asked for where phones show one; sections are collapsed."""
    schema = contact_schema(kind, (), PhoneBook(hass, entry, None))
    assert ("caller_name" in flat(schema)) is has_names
    fields = {str(name): field for name, field in schema.schema.items()}
    for section in ("overrides", "extension"):
        assert fields[section].options == {"collapsed": True}


async def test_change(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A contact is changed in place; its entities stay the same."""
    mum = contact(
        "Mum", "09121234567", "Mama", voice=False, person="person.mum", timeout=9
    )
    made = await set_up(hass, entry, mum, contact("Dad", "552"))
    subentry_id = next(iter(made.subentries))
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    assert step["step_id"] == "reconfigure"
    assert shown(step) == {
        "name": "Mum",
        "number": "09121234567",
        "aliases": ["Mama"],
        "person": "person.mum",
        "voice": False,
    }
    assert shown(step, "overrides") == {"timeout": 9}
    flow = hass.config_entries.subentries
    wrong = await flow.async_configure(step["flow_id"], {**FORM, "number": "552"})
    assert wrong["errors"] == {"number": "number_taken"}
    wrong = await flow.async_configure(step["flow_id"], {**FORM, "name": "dad"})
    assert wrong["errors"] == {"name": "name_taken"}
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


@pytest.mark.usefixtures("toys")
async def test_extension_is_stored(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> None:
    """The form of an extension shows that it is one, and keeps what was chosen."""
    made = await set_up(hass, new_toy, phone("Kitchen", "101", areas=["hall"]))
    subentry_id = next(iter(made.subentries))
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    assert shown(step, "extension") == {"is_extension": True, "areas": ["hall"]}
    form = {**FORM, "number": "101", "extension": {"is_extension": False}}
    await hass.config_entries.subentries.async_configure(step["flow_id"], form)
    await hass.async_block_till_done()

    assert [(each.is_extension, each.areas) for each in contacts_of(made)] == [
        (False, ())
    ]


TEXT = st.text() | st.sampled_from(("Mum", "مامان", "unknown", "110", "۱۱۰", "\u200f"))


@given(
    name=TEXT,
    number=TEXT | st.from_regex(r"\A\+?[0-9 -]{1,10}\Z"),
    aliases=st.lists(TEXT, max_size=3),
    caller=TEXT,
)
def test_anything(name: str, number: str, aliases: list[str], caller: str) -> None:
    """Any input gives an error, or a contact that is stable when parsed again."""
    form = {"name": name, "number": number, "aliases": aliases, "caller": caller}
    title, data, errors = parse_contact(form, SIMOTEL, KNOWN)
    if not errors:
        again = parse_contact({**form, **data, "name": title}, SIMOTEL, KNOWN)
        assert again == (title, data, {})


def test_name_of_the_directory() -> None:
    """A name in the PBX that reads as a number is not used."""
    title, data, errors = parse_contact({"number": "102"}, SIMOTEL, KNOWN)
    assert (title, data["is_extension"], errors) == ("102", True, {})
    known = (DirectoryExtension("102", "110"), DirectoryExtension("103", "unknown"))
    for number in ("102", "103"):
        title, _, errors = parse_contact({"number": number}, SIMOTEL, known)
        assert (title, errors) == (number, {})


@pytest.mark.parametrize(
    ("typed", "known_as", "name"),
    [
        ("", "Sara", "Sara"),
        ("Mum", "Sara", "Mum"),
        # What cannot be a name is not used.
        ("", "110", "Kitchen"),
        ("", None, "Kitchen"),
    ],
)
async def test_name_of_the_person(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,  # noqa: ARG001 - makes the kind
    typed: str,
    known_as: str | None,
    name: str,
) -> None:
    """Without a name of its own, a contact is called like its person."""
    made = await set_up(hass, new_toy)
    if known_as is not None:
        hass.states.async_set("person.sara", "home", {"friendly_name": known_as})
    form = {**FORM, "name": typed, "number": "101", "person": "person.sara"}
    await add(hass, made, form)

    assert [each.name for each in contacts_of(made)] == [name]

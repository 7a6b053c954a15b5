"""Tests of the form of the call defaults."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import SelectSelector, TextSelector
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.base import (
    Directory,
    DirectoryExtension,
    Feature,
)
from custom_components.pbx.backends.kind import PbxKind
from custom_components.pbx.calls.contacts import PhoneBook
from custom_components.pbx.calls.number import is_external
from custom_components.pbx.calls.request import build_request
from custom_components.pbx.const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
)
from custom_components.pbx.flows.call_defaults import (
    call_defaults_schema,
    parse_call_defaults,
    suggested_defaults,
)

from ..common import ASTERISK, SIMOTEL, place_call
from ..dialog import open_call_defaults
from ..people import contact, phone, rename, set_up
from ..toy import Toys

REQUIRED = {CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({}, {}),
        ({CONF_CALLER: "", CONF_CONTEXT: " ", CONF_TRUNK_NAME: "\n"}, {}),
        ({CONF_CALLER: " \u06f1\u06f0-\u0661 "}, {CONF_CALLER: "101"}),
        ({CONF_CALLER_ID: "+98 (21) 1"}, {CONF_CALLER_ID: "+98211"}),
        ({CONF_CONTEXT: " main routing "}, {CONF_CONTEXT: "main routing"}),
        ({CONF_TRUNK_NAME: "خط اصلی"}, {CONF_TRUNK_NAME: "خط اصلی"}),
        ({CONF_CALL_LIMIT: 300}, {CONF_CALL_LIMIT: 300}),
        ({CONF_CALLER: "12345"}, {CONF_CALLER: "12345"}),
        (
            {CONF_CALLER: "123456", CONF_INTERNAL_DIGITS: 6},
            {CONF_CALLER: "123456", CONF_INTERNAL_DIGITS: 6},
        ),
        (
            {CONF_CALLER: "+1", CONF_TRUNK_NAME: "t"},
            {CONF_CALLER: "+1", CONF_TRUNK_NAME: "t"},
        ),
    ],
)
def test_parse(typed: dict[str, Any], stored: dict[str, Any]) -> None:
    """The input is normalized; empty fields are not stored."""
    assert parse_call_defaults({**REQUIRED, **typed}, SIMOTEL) == (
        {**REQUIRED, **stored},
        {},
    )


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({CONF_CALLER: "()"}, {CONF_CALLER: "number_empty"}),
        ({CONF_CALLER: "1" * 33}, {CONF_CALLER: "number_too_long"}),
        ({CONF_CALLER: "101;"}, {CONF_CALLER: "unknown_contact"}),
        ({CONF_CALLER: "Kitchen"}, {CONF_CALLER: "unknown_contact"}),
        ({CONF_CALLER: "unknown"}, {CONF_CALLER: "number_no_state"}),
        ({CONF_CALLER_ID: "Ho\nme"}, {CONF_CALLER_ID: "not_printable"}),
        ({CONF_CALLER_ID: "1" * 33}, {CONF_CALLER_ID: "number_too_long"}),
        ({CONF_CONTEXT: "a\nb"}, {CONF_CONTEXT: "not_printable"}),
        ({CONF_TRUNK_NAME: "a\x00"}, {CONF_TRUNK_NAME: "not_printable"}),
        ({CONF_CALLER: "123456"}, {CONF_TRUNK_NAME: "trunk_required"}),
        ({CONF_CALLER: "+1"}, {CONF_TRUNK_NAME: "trunk_required"}),
        (
            {CONF_CALLER: "+1", CONF_TRUNK_NAME: "a\rb"},
            {CONF_TRUNK_NAME: "not_printable"},
        ),
        (
            {CONF_CALLER: "x", CONF_CONTEXT: "\tx\ty"},
            {CONF_CALLER: "unknown_contact", CONF_CONTEXT: "not_printable"},
        ),
    ],
)
def test_errors(typed: dict[str, Any], errors: dict[str, str]) -> None:
    """Each error is shown at the field that has to be changed."""
    assert parse_call_defaults({**REQUIRED, **typed}, SIMOTEL)[1] == errors


def test_caller_id() -> None:
    """A caller ID can be a name if the PBX supports it, and always a number."""
    typed = {**REQUIRED, CONF_CALLER_ID: " Front door "}

    options, errors = parse_call_defaults(typed, SIMOTEL)
    assert (options[CONF_CALLER_ID], errors) == ("Front door", {})
    _, errors = parse_call_defaults(typed, ASTERISK)
    assert errors == {CONF_CALLER_ID: "number_invalid_character"}


ANY_NUMBER = st.text() | st.from_regex(r"\A\s*\+?[-0-9\u06f0-\u06f9 ().*#]{1,40}\Z")


@given(
    caller=ANY_NUMBER,
    caller_id=ANY_NUMBER,
    context=st.text(),
    trunk_name=st.text(),
    internal_digits=st.integers(1, 32),
)
def test_any_text(**typed: Any) -> None:  # noqa: ANN401 - as the fields have it
    """Any input gives an error, or stable defaults with which a call can be placed."""
    options, errors = parse_call_defaults({**REQUIRED, **typed}, SIMOTEL)

    if not errors:
        assert parse_call_defaults(options, SIMOTEL) == (options, {})
        action = {CONF_CALLEE: "200", CONF_CALLER: "1", CONF_CONTEXT: "c"}
        missing = {name: text for name, text in action.items() if name not in options}
        request = build_request(missing, options, SIMOTEL)
        assert request.caller == options.get(CONF_CALLER, "1")
        goes_out = is_external(request.caller, typed["internal_digits"])
        trunk_name = options.get(CONF_TRUNK_NAME)
        assert request.trunk_name == (trunk_name if goes_out else None)


@pytest.fixture
def book(hass: HomeAssistant) -> PhoneBook:
    """Return a phone book with extensions and external numbers."""
    entry = MockConfigEntry(
        subentries_data=(
            phone("Kitchen", "101", aliases=["Cooking"]),
            contact("Mum", "09121234567"),
            contact("Guard", "02155667788", "Twin", trunk_name="line"),
            contact("02155667700", "02155667700", "Twin"),
        ),
    )
    entry.add_to_hass(hass)
    return PhoneBook(hass, entry, "IR")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({CONF_CALLER: " Kitchen "}, {CONF_CALLER: "Kitchen"}),
        ({CONF_CALLER: "cooking"}, {CONF_CALLER: "cooking"}),
        # An external caller has its own trunk, or that of the PBX.
        ({CONF_CALLER: "Guard"}, {CONF_CALLER: "Guard"}),
        (
            {CONF_CALLER: "Mum", CONF_TRUNK_NAME: "t"},
            {CONF_CALLER: "Mum", CONF_TRUNK_NAME: "t"},
        ),
    ],
)
def test_name(book: PhoneBook, typed: dict[str, str], stored: dict[str, str]) -> None:
    """The name of a contact is accepted as the caller."""
    assert parse_call_defaults({**REQUIRED, **typed}, SIMOTEL, book) == (
        {**REQUIRED, **stored},
        {},
    )


@pytest.mark.parametrize(
    ("kind", "typed", "errors"),
    [
        (SIMOTEL, {CONF_CALLER: "Dad"}, {CONF_CALLER: "unknown_contact"}),
        (SIMOTEL, {CONF_CALLER: "Mum"}, {CONF_TRUNK_NAME: "trunk_required"}),
        (SIMOTEL, {CONF_CALLER: "twin"}, {CONF_CALLER: "ambiguous_contact"}),
        (ASTERISK, {CONF_CALLER: "Mum"}, {CONF_TRUNK_NAME: "trunk_required"}),
        (Toys().kind(Feature.OPTIONAL_TRUNK), {CONF_CALLER: "Mum"}, {}),
    ],
)
def test_wrong_name(
    book: PhoneBook, kind: PbxKind, typed: dict[str, str], errors: dict[str, str]
) -> None:
    """A name of none or several is refused, and a number that cannot be reached."""
    assert parse_call_defaults({**REQUIRED, **typed}, kind, book)[1] == errors


def test_suggested_callers(book: PhoneBook) -> None:
    """Contacts are suggested by name, and extensions that are not among them.

    An extension is stored by its number, which needs nothing of its contact.
    """
    directory = Directory(
        [DirectoryExtension("101", "Old name"), DirectoryExtension("102", "Workshop")]
    )
    schema = call_defaults_schema(directory, book, shows_names=False)
    options = schema.schema[CONF_CALLER].config["options"]
    assert [(each["value"], each["label"]) for each in options] == [
        ("101", "101 Kitchen"),
        ("Mum", "09121234567 Mum"),
        ("Guard", "02155667788 Guard"),
        ("02155667700", "02155667700"),
        ("102", "102 Workshop"),
    ]


async def test_options(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The options offer the phone book, and take a name until it is unknown."""
    made = await set_up(hass, new_toy, phone("Kitchen", "103"))
    first = toys.latest
    dialog = await open_call_defaults(hass, made)
    assert dialog.offered(CONF_CALLER) == ["103 Kitchen", "101 Kitchen", "102 Workshop"]
    await dialog.submit({**REQUIRED, CONF_CONTEXT: "main", CONF_CALLER: "Hall"})
    dialog.expect_form("call_defaults", {CONF_CALLER: "unknown_contact"})
    assert await dialog.error_text() == (
        "There is no contact with this name. Enter a number or the name of a contact."
    )
    await dialog.submit({**REQUIRED, CONF_CONTEXT: "main", CONF_CALLER: " kitchen "})
    assert made.options[CONF_CALLER] == "kitchen"
    await place_call(hass, callee="200")
    assert [each.caller for each in first.requests] == ["103"]

    rename(hass, made, "Kitchen", "Hall")
    hass.config_entries.async_update_subentry(
        made, next(iter(made.subentries.values())), title="Cooking"
    )
    dialog = await open_call_defaults(hass, made)
    await dialog.submit(dialog.values)
    dialog.expect_form("call_defaults", {CONF_CALLER: "unknown_contact"})


def test_suggestions() -> None:
    """The form can be submitted with only the suggested values."""
    schema = call_defaults_schema(Directory(), shows_names=True)
    suggested = suggested_defaults("from-internal")
    assert parse_call_defaults(schema(suggested), SIMOTEL) == (suggested, {})


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        (CONF_TIMEOUT, 1, 600),
        (CONF_CALL_LIMIT, 1, 86_400),
        (CONF_INTERNAL_DIGITS, 1, 32),
    ],
)
def test_ranges(name: str, low: int, high: int) -> None:
    """Whole numbers within the limits are accepted, and stored as integers."""
    schema = call_defaults_schema(Directory(), shows_names=True)
    for value in (low, high):
        taken = schema({**REQUIRED, name: float(value)})[name]
        assert (taken, type(taken)) == (value, int)
    for wrong in (low - 1, high + 1, "many", float("nan"), None):
        with pytest.raises(vol.Invalid, match=name):
            schema({**REQUIRED, name: wrong})


def test_directory() -> None:
    """Entries of the directory are suggested; any other text is accepted."""
    schema = call_defaults_schema(
        Directory(
            [DirectoryExtension("101", "Kitchen"), DirectoryExtension("102", "")],
            ["main_trunk"],
        ),
        shows_names=False,
    )
    assert CONF_CALLER_NAME not in schema.schema
    configs = {
        str(name): selector.config
        for name, selector in schema.schema.items()
        if isinstance(selector, SelectSelector)
    }
    assert {name: config["options"] for name, config in configs.items()} == {
        CONF_CALLER: [
            {"value": "101", "label": "101 Kitchen"},
            {"value": "102", "label": "102"},
        ],
        CONF_TRUNK_NAME: [{"value": "main_trunk", "label": "main_trunk"}],
    }
    typed = {**REQUIRED, CONF_CALLER: "555", CONF_TRUNK_NAME: "other"}
    assert schema(typed) == typed


def test_no_directory() -> None:
    """Without suggestions, there is a plain text field."""
    fields = call_defaults_schema(Directory(), shows_names=True).schema
    assert isinstance(fields[CONF_CALLER], TextSelector)
    assert isinstance(fields[CONF_TRUNK_NAME], TextSelector)

"""Tests of the form of the call defaults."""

from typing import Any

from homeassistant.helpers.selector import SelectSelector, TextSelector
from hypothesis import given, strategies as st
import pytest
import voluptuous as vol

from custom_components.pbx.backends.base import Directory, DirectoryExtension
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

from ..common import ASTERISK, SIMOTEL

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
        ({CONF_CALLER: "101;"}, {CONF_CALLER: "number_invalid_character"}),
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
            {CONF_CALLER: "number_invalid_character", CONF_CONTEXT: "not_printable"},
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

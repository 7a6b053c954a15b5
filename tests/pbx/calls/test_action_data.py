"""Tests of the validation of action data; those of its fields: `test_services`."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template
import pytest

from custom_components.pbx.calls.action_data import validate_action_data

from .messages import raises


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"callee": "(+98217)"}, {"callee": "+98217"}),
        ({"callee": " ( Mom ) "}, {"callee": "Mom"}),
        ({"callee": "Mom (mobile)"}, {"callee": "Mom (mobile)"}),
        ({"callee": "(021) 1234"}, {"callee": "(021) 1234"}),
        ({"callee_contact": "(Mom)"}, {"callee_contact": "Mom"}),
    ],
)
def test_parentheses(given: dict[str, object], data: dict[str, object]) -> None:
    """Parentheses around a number or a name, as templates need them, are removed."""
    assert validate_action_data(given) == data


def test_lists() -> None:
    """Lists are passed on as they are: a bad item of them does not affect others."""
    data = {"callers": "(Mom), 101", "callees": [None, True], "until": False}

    assert validate_action_data(data) == data


@pytest.mark.parametrize(
    ("value", "is_on"),
    [
        *((value, True) for value in (True, "true", "True", "on", "yes", "1", 1)),
        *((value, False) for value in (False, "false", "off", "no", "0", 0)),
    ],
)
@pytest.mark.parametrize("field", ["auto_answer", "ringing_only"])
def test_switch(field: str, value: object, is_on: bool) -> None:
    """A boolean may be written as YAML and templates do."""
    assert validate_action_data({field: value}) == {field: is_on}


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, "given_nothing"),
        ("", "given_nothing"),
        ([], "given_nothing"),
        ("unavailable", "given_no_state"),
        ("perhaps", "given_no_choice"),
        ([True], "given_list"),
        ({"on": True}, "given_mapping"),
    ],
)
@pytest.mark.parametrize("field", ["auto_answer", "ringing_only"])
def test_no_switch(field: str, value: object, key: str) -> None:
    """Anything else is refused, and not read as true or false."""
    with raises(key):
        validate_action_data({field: value})


@pytest.mark.parametrize("mode", ["in_turn", " together ", "everyone"])
def test_choice(mode: str) -> None:
    """One of the choices is accepted, also with spaces that a template leaves."""
    assert validate_action_data({"mode": mode}) == {"mode": mode.strip()}


def test_no_choice() -> None:
    """Anything else is refused with the choices."""
    with raises("given_no_choice") as caught:
        validate_action_data({"mode": "all"})

    placeholders = caught.value.translation_placeholders
    assert placeholders is not None
    assert placeholders["choices"] == "in_turn, together, everyone"


@pytest.mark.parametrize("since", ["2026-13-01 08:00", "yesterday", "25:00"])
def test_no_moment(since: str) -> None:
    """A date that does not exist is refused in words."""
    with raises("given_no_time"):
        validate_action_data({"since": since})


@pytest.mark.parametrize(
    "message", [["Hello", {"number": 21}], [], [1], "Hello, [1, 2]"]
)
def test_messages(message: object) -> None:
    """A text and a list are passed on: the list is validated where it is used."""
    assert validate_action_data({"message": message}) == {"message": message}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("4, 7, 1", "4, 7, 1"),
        ("[1, 2]", "[1, 2]"),
        ("[]", "[]"),
        ("{'number': 21}", "{'number': 21}"),
        ("['It is', {'number': 21}]", ["It is", {"number": 21}]),
    ],
)
def test_rendered_message(hass: HomeAssistant, template: str, message: object) -> None:
    """What a template returns is text, unless it has the parts of a message."""
    rendered = Template(template, hass).async_render()
    assert not isinstance(rendered, str)
    assert validate_action_data({"message": rendered}) == {"message": message}

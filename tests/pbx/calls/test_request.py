"""Tests of building the request for a call."""

from typing import Any

from homeassistant.exceptions import ServiceValidationError
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.kind import PbxKind
from custom_components.pbx.backends.redaction import is_name
from custom_components.pbx.calls.request import build_request

from ..common import ASTERISK, SIMOTEL

DEFAULTS = {
    "caller": "101",
    "context": "main_routing",
    "caller_id": "02112345678",
    "trunk_name": "cisco",
    "timeout": 20,
    "call_limit": 600,
    "internal_digits": 3,
}


def test_defaults() -> None:
    """Fields that the action does not set use the call defaults."""
    request = build_request({"callee": "102"}, DEFAULTS, SIMOTEL)
    assert request == CallRequest(
        call_id=request.call_id,
        caller="101",
        callee="102",
        context="main_routing",
        caller_id="02112345678",
        trunk_name=None,
        timeout=20,
        call_limit=600,
    )


def test_action_over_defaults() -> None:
    """Action data overrides the defaults."""
    data: dict[str, Any] = {
        "caller": "1 0 3",
        "callee": "۰۹۱۲",
        "context": " night ",
        "caller_id": "7",
        "trunk_name": "other",
        "timeout": 5,
        "call_limit": 60,
    }
    request = build_request(data, DEFAULTS, SIMOTEL)
    assert request == CallRequest(
        call_id=request.call_id,
        caller="103",
        callee="0912",
        context="night",
        caller_id="7",
        trunk_name="other",
        timeout=5,
        call_limit=60,
    )


def test_call_ids() -> None:
    """Each call has a unique ID with our prefix."""
    names = {
        build_request({"callee": "102"}, DEFAULTS, SIMOTEL).call_id for _ in range(9)
    }
    assert len(names) == 9
    assert all(name.startswith("ha-") for name in names)


def test_no_defaults() -> None:
    """Without defaults, there are 30 seconds, no limit and no trunk."""
    request = build_request(
        {"caller": "101", "callee": "102", "context": "c"}, {}, SIMOTEL
    )

    assert request.caller_id == "101"
    assert request.timeout == 30
    assert request.call_limit is None
    assert request.trunk_name is None


def test_empty_text_clears_the_default() -> None:
    """An empty text in the action clears the default."""
    data = {"callee": "102", "trunk_name": "", "caller_id": " "}
    request = build_request(data, DEFAULTS, SIMOTEL)

    assert request.trunk_name is None
    assert request.caller_id == "101"


@pytest.mark.parametrize(
    ("data", "options", "fields"),
    [
        ({}, {}, "caller, context"),
        ({"caller": "101"}, {}, "context"),
        ({"context": "c"}, {}, "caller"),
        # A template that found no number must not ring the default phone.
        ({"caller": " "}, DEFAULTS, "caller"),
        ({"context": ""}, DEFAULTS, "context"),
    ],
)
def test_missing(data: dict[str, str], options: dict[str, Any], fields: str) -> None:
    """One error names all missing fields."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", **data}, options, SIMOTEL)

    assert caught.value.translation_key == "missing_fields"
    assert caught.value.translation_placeholders == {"fields": fields}


@pytest.mark.parametrize("field", ["caller", "callee", "caller_id"])
@pytest.mark.parametrize(
    ("value", "key", "character"),
    [
        ("55x", "number_invalid_character", "x"),
        ("5\n6", "number_invalid_character", "U+000A"),
        ("-5;", "number_invalid_character", ";"),
        ("5" * 33, "number_too_long", ""),
        ("-", "number_empty", ""),
    ],
)
def test_invalid_number(field: str, value: str, key: str, character: str) -> None:
    """An invalid number is refused with its field, and is not in the error."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", field: value}, DEFAULTS, ASTERISK)

    assert caught.value.translation_key == key
    assert caught.value.translation_placeholders == {
        "field": field,
        "character": character,
    }


@pytest.mark.parametrize("field", ["context", "trunk_name", "caller_id"])
def test_not_printable(field: str) -> None:
    """A name in the PBX has no line breaks."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", field: "a\nb"}, DEFAULTS, SIMOTEL)

    assert caught.value.translation_key == "not_printable"
    assert caught.value.translation_placeholders == {"field": field}


@pytest.mark.parametrize("trunk", [{}, {"trunk_name": ""}, {"trunk_name": "  "}])
def test_external_caller_needs_a_trunk(trunk: dict[str, str]) -> None:
    """An external caller requires a trunk, and its number is masked in the error."""
    data = {"caller": "0912 123 4567", "callee": "102", "context": "c", **trunk}
    with pytest.raises(ServiceValidationError) as caught:
        build_request(data, {"internal_digits": 4}, SIMOTEL)

    assert caught.value.translation_key == "trunk_required"
    assert caught.value.translation_placeholders == {
        "caller": "*********67",
        "internal_digits": "4",
    }


@pytest.mark.parametrize("kind", [SIMOTEL, ASTERISK])
@pytest.mark.parametrize(
    ("caller", "trunk"), [("101", None), ("1012", "cisco"), ("+98", "cisco")]
)
def test_default_trunk(kind: PbxKind, caller: str, trunk: str | None) -> None:
    """The default trunk is only used for external callers, with any PBX."""
    request = build_request({"caller": caller, "callee": "102"}, DEFAULTS, kind)

    assert request.trunk_name == trunk


@pytest.mark.parametrize(("kind", "trunk"), [(SIMOTEL, "t"), (ASTERISK, None)])
def test_trunk_of_the_action(kind: PbxKind, trunk: str | None) -> None:
    """For an internal caller, only some kinds of PBX get the action's trunk."""
    data = {"callee": "102", "trunk_name": "t"}

    assert build_request(data, DEFAULTS, kind).trunk_name == trunk
    outside = {**data, "caller": "0912"}
    assert build_request(outside, DEFAULTS, kind).trunk_name == "t"


@pytest.mark.parametrize("kind", [SIMOTEL, ASTERISK])
@pytest.mark.parametrize(
    ("data", "options", "caller_id"),
    [
        ({"caller_id": "7"}, {"caller_id": "8"}, "7"),
        ({}, {"caller_id": "8"}, "8"),
        ({}, {}, None),
        ({"caller_id": ""}, {"caller_id": "8"}, None),
        ({"caller": "101"}, {}, "101"),
        ({"caller": "101"}, {"caller_id": "8"}, "8"),
    ],
)
def test_caller_id(
    kind: PbxKind,
    data: dict[str, str],
    options: dict[str, str],
    caller_id: str | None,
) -> None:
    """An external caller never rings with its own number as the caller ID."""
    data = {"caller": "09121234567", "callee": "102", **data}
    options = {"context": "c", "trunk_name": "t", **options}

    assert build_request(data, options, kind).caller_id == caller_id


def test_caller_id_is_a_name() -> None:
    """Some kinds of PBX accept a name in one line; others only a number."""
    data = {"callee": "102", "caller_id": " Front door "}
    assert build_request(data, DEFAULTS, SIMOTEL).caller_id == "Front door"

    with pytest.raises(ServiceValidationError) as caught:
        build_request(data, DEFAULTS, ASTERISK)
    assert caught.value.translation_key == "number_invalid_character"


@pytest.mark.parametrize("caller_id", ["5" * 33, "()"])
def test_caller_id_is_not_a_name(caller_id: str) -> None:
    """A number that is only too long is not a name."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", "caller_id": caller_id}, DEFAULTS, SIMOTEL)

    assert caught.value.translation_key in {"number_too_long", "number_empty"}


def test_external_callee_needs_no_trunk() -> None:
    """An external callee needs no trunk, as the context routes it."""
    data = {"caller": "101", "callee": "+98 912 123 4567", "context": "c"}

    assert build_request(data, {}, SIMOTEL).callee == "+989121234567"


@given(
    st.dictionaries(
        st.sampled_from(["caller", "callee", "context", "caller_id", "trunk_name"]),
        st.text() | st.text("0123456789+ ", max_size=12),
    )
)
def test_any_text(data: dict[str, str]) -> None:
    """Any text is refused or results in a complete request."""
    try:
        request = build_request({"callee": "", **data}, DEFAULTS, SIMOTEL)
    except ServiceValidationError:
        return
    assert request.caller
    assert request.callee
    # The PBX chooses the caller ID for an external caller without one.
    assert request.caller_id or request.is_external
    assert is_name(request.context)

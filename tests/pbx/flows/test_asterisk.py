"""Tests of the connection form for Asterisk."""

import re
from typing import Any

from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.calls.link import kind_of
from custom_components.pbx.calls.request import build_request
from custom_components.pbx.const import (
    CONF_APPLICATION,
    CONF_EXTERNAL_CHANNEL,
    CONF_INTERNAL_CHANNEL,
    CONF_KIND,
)
from custom_components.pbx.flows.asterisk import (
    ASTERISK_CONNECTION,
    new_application,
    parse_asterisk,
)
from custom_components.pbx.flows.call_defaults import parse_call_defaults

KIND = {CONF_KIND: "asterisk"}
STORED = {
    **KIND,
    CONF_URL: "http://pbx:8088/ari",
    CONF_USERNAME: "ha",
    CONF_PASSWORD: "secret",
    CONF_VERIFY_SSL: True,
    CONF_INTERNAL_CHANNEL: "PJSIP/{number}",
    CONF_EXTERNAL_CHANNEL: "PJSIP/{number}@{trunk}",
}


def test_new() -> None:
    """The input for a new PBX is normalized; channels have defaults."""
    typed = {
        CONF_URL: " PBX.lan ",
        CONF_USERNAME: " ha ",
        CONF_PASSWORD: " secret ",
        CONF_VERIFY_SSL: False,
    }
    assert parse_asterisk(ASTERISK_CONNECTION(typed), KIND) == (
        {
            **STORED,
            CONF_URL: "http://pbx.lan:8088/ari",
            CONF_PASSWORD: " secret ",
            CONF_VERIFY_SSL: False,
        },
        {},
    )


@pytest.mark.parametrize(
    ("username", "password", "kept"),
    [
        ("ha", "", ("ha", "secret")),
        (" ha ", "new", ("ha", "new")),
        ("other", "new", ("other", "new")),
    ],
)
def test_change(username: str, password: str, kept: tuple[str, str]) -> None:
    """The password of the same user is kept if it is left empty."""
    typed = {CONF_USERNAME: username, CONF_PASSWORD: password}
    login = dict(zip((CONF_USERNAME, CONF_PASSWORD), kept, strict=True))

    assert parse_asterisk(typed, STORED) == ({**STORED, **login}, {})


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({CONF_URL: "pbx?"}, {CONF_URL: "invalid_url"}),
        (
            {CONF_USERNAME: "other", CONF_PASSWORD: ""},
            {CONF_PASSWORD: "missing_login"},
        ),
        ({CONF_USERNAME: ""}, {CONF_USERNAME: "missing_login"}),
        ({CONF_USERNAME: " ", CONF_PASSWORD: ""}, {"base": "missing_login"}),
        ({CONF_USERNAME: "a:b"}, {CONF_USERNAME: "invalid_username"}),
        (
            {CONF_INTERNAL_CHANNEL: "PJSIP"},
            {CONF_INTERNAL_CHANNEL: "invalid_internal_channel"},
        ),
        (
            {CONF_EXTERNAL_CHANNEL: "PJSIP/{trunk}"},
            {CONF_EXTERNAL_CHANNEL: "invalid_external_channel"},
        ),
        ({CONF_EXTERNAL_CHANNEL: "Local/{number}@from-internal"}, {}),
        ({CONF_INTERNAL_CHANNEL: "pjsip/{number}"}, {}),
        ({CONF_EXTERNAL_CHANNEL: "PJSIP/{trunk}/sip:{number}@host"}, {}),
    ],
)
def test_errors(typed: dict[str, str], errors: dict[str, str]) -> None:
    """Errors are shown at their field, or at the form if they concern both fields."""
    assert parse_asterisk({**STORED, **typed}, STORED)[1] == errors


@pytest.mark.parametrize(
    ("channel", "errors"),
    [
        ("PJSIP/{number}@{trunk}", {"trunk_name": "trunk_required"}),
        ("Local/{number}@from-internal", {}),
    ],
)
def test_external_caller(channel: str, errors: dict[str, str]) -> None:
    """An external caller needs a trunk only if the channel template contains it."""
    kind = kind_of({**STORED, CONF_EXTERNAL_CHANNEL: channel})
    typed = {"caller": "09121234567", "context": "c", "timeout": 30}
    defaults, found = parse_call_defaults({**typed, "internal_digits": 4}, kind)
    assert found == errors

    if not errors:
        request = build_request({"callee": "557"}, defaults, kind)
        assert (request.is_external, request.trunk_name) == (True, None)
    inside = build_request({"callee": "557", "caller": "552"}, defaults, kind)
    assert not inside.is_external


def test_application() -> None:
    """The application name is unique, and valid in a URL."""
    names = {new_application()[CONF_APPLICATION] for _ in range(100)}

    assert len(names) == 100
    assert all(re.fullmatch(r"home-assistant-[0-9a-f]{8}", name) for name in names)


@given(
    url=st.text() | st.from_regex(r"\A(https?://)?[\w.:\[\]%-]{1,20}(/.*)?\Z"),
    username=st.text(),
    password=st.text(),
    internal_channel=st.text(),
    external_channel=st.text(),
)
def test_any_text(**typed: Any) -> None:  # noqa: ANN401 - as the fields have it
    """Any input gives an error, or data that are stable when parsed again."""
    data, errors = parse_asterisk(typed, KIND)

    if not errors:
        assert parse_asterisk(data, KIND) == (data, {})

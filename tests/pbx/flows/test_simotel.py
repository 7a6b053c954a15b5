"""Tests of the connection form for Simotel."""

from typing import Any

from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.simotel.client import Credentials
from custom_components.pbx.const import CONF_API_KEY, CONF_KIND
from custom_components.pbx.flows.simotel import SIMOTEL_CREDENTIALS, parse_simotel

KIND = {CONF_KIND: "simotel"}
STORED = {
    **KIND,
    CONF_URL: "http://pbx/api/v4",
    CONF_USERNAME: "ha",
    CONF_PASSWORD: "secret",
    CONF_API_KEY: "key",
    CONF_VERIFY_SSL: True,
}


def credentials(username: str, password: str, api_key: str) -> dict[str, str]:
    """Return the fields of credentials."""
    return {
        CONF_USERNAME: username,
        CONF_PASSWORD: password,
        CONF_API_KEY: api_key,
    }


def test_new() -> None:
    """The input for a new PBX is normalized, without surrounding spaces."""
    typed = {
        CONF_URL: " HTTPS://PBX.lan:443/ ",
        CONF_USERNAME: " ha ",
        CONF_PASSWORD: " secret ",
        CONF_API_KEY: " key\n",
        CONF_VERIFY_SSL: False,
    }
    assert parse_simotel(typed, KIND) == (
        {
            **KIND,
            CONF_URL: "https://pbx.lan/api/v4",
            CONF_USERNAME: "ha",
            CONF_PASSWORD: " secret ",
            CONF_API_KEY: "key",
            CONF_VERIFY_SSL: False,
        },
        {},
    )


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (credentials("ha", "", ""), credentials("ha", "secret", "key")),
        (credentials(" ha ", "", " "), credentials("ha", "secret", "key")),
        (credentials("ha", "new", ""), credentials("ha", "new", "")),
        (credentials("", "", "new"), credentials("", "", "new")),
        (credentials("other", "new", "key"), credentials("other", "new", "key")),
        ({CONF_USERNAME: "ha"}, credentials("ha", "secret", "key")),
        ({CONF_API_KEY: "new"}, credentials("", "", "new")),
    ],
)
def test_change(typed: dict[str, str], kept: dict[str, str]) -> None:
    """Credentials are either all kept or all replaced; the address is kept."""
    assert parse_simotel(typed, STORED) == ({**STORED, **kept}, {})


def test_kept_key() -> None:
    """An account without a username is kept if the form is submitted empty."""
    stored = {**STORED, **credentials("", "", "key")}
    assert parse_simotel({}, stored) == (stored, {})


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        (credentials("other", "", ""), {CONF_PASSWORD: "missing_credentials"}),
        (credentials("other", "", "key"), {CONF_PASSWORD: "missing_credentials"}),
        (credentials("", "secret", "key"), {CONF_USERNAME: "missing_credentials"}),
        (credentials("", "", ""), {"base": "missing_credentials"}),
        (credentials("a:b", "secret", "key"), {CONF_USERNAME: "invalid_username"}),
        (credentials("", "", "k\u00e9y"), {CONF_API_KEY: "invalid_api_key"}),
        (credentials("", "", "k\ney"), {CONF_API_KEY: "invalid_api_key"}),
        (
            credentials("a:b", "", "\u200fkey"),
            {CONF_USERNAME: "invalid_username", CONF_API_KEY: "invalid_api_key"},
        ),
    ],
)
def test_errors(typed: dict[str, str], errors: dict[str, str]) -> None:
    """Errors are shown at their field, or at the form if they concern all fields."""
    assert parse_simotel(typed, STORED)[1] == errors


@given(
    url=st.text() | st.from_regex(r"\A(https?://)?[\w.:\[\]%-]{1,20}(/.*)?\Z"),
    username=st.text(),
    password=st.text(),
    api_key=st.text() | st.text(st.characters(max_codepoint=127)),
)
def test_any_text(**typed: Any) -> None:  # noqa: ANN401 - as the fields have it
    """Any input gives an error, or stable data that can be sent."""
    data, errors = parse_simotel(typed, KIND)

    if not errors:
        assert parse_simotel(data, KIND) == (data, {})
        sent = Credentials(**credentials(*list(data.values())[2:5])).headers()
        assert sent
        assert all(value.isascii() and value.isprintable() for value in sent.values())


def test_password_managers() -> None:
    """Secrets are in password fields with autocomplete."""
    configs = {
        str(name): (selector.config["type"], selector.config["autocomplete"])
        for name, selector in SIMOTEL_CREDENTIALS.schema.items()
    }
    assert configs == {
        CONF_USERNAME: ("text", "username"),
        CONF_PASSWORD: ("password", "current-password"),
        CONF_API_KEY: ("password", "off"),
    }

"""Tests of request bodies and responses of ARI."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk import ChannelTemplates
from custom_components.pbx.backends.asterisk.models import (
    Answer,
    parse_extension_states,
    parse_version,
    rows,
    talking_since,
    unix_time,
)
from custom_components.pbx.backends.updates import ExtensionState, ExtensionUpdate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T04:00:49.690+0000", 1795406449.69),
        ("2026-11-23T07:30:49.690+0330", 1795406449.69),
        ("2026-11-23T04:00:49.690", None),
        ("yesterday", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_unix_time(text: object, expected: float | None) -> None:
    """A time without a time zone is invalid."""
    assert unix_time(text) == expected


@given(st.text() | st.none() | st.datetimes().map(str))
def test_unix_time_of_anything(text: object) -> None:
    """Nothing raises."""
    unix_time(text)


@given(st.binary(), st.integers(100, 599))
def test_any_content(content: bytes, status: int) -> None:
    """Any content is parsed."""
    answer = Answer.parse(status, content, media_type="", location="", secrets=())

    assert answer.is_json or not answer.is_success


def test_rows() -> None:
    """Only objects of a list are returned."""
    assert rows([{"a": 1}, 7, None]) == [{"a": 1}]
    assert rows({"a": 1}) == ()


def test_talking_since() -> None:
    """A single channel in a bridge is not in a conversation."""
    made_at = "2026-11-23T04:00:49.690+0000"
    bridges: list[dict[str, object]] = [
        {"channels": ["a"], "creationtime": made_at},
        {"channels": ["b", "c", 7], "creationtime": made_at},
        {"channels": None},
    ]
    assert talking_since(bridges) == {"b": 1795406449.69, "c": 1795406449.69}


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ({"version": "22.10.1"}, "22.10.1"),
        ({"version": "certified/20.7-cert1"}, "certified/20.7-cert1"),
        ({"version": "22.0.0-rc1-dev"}, "22.0.0-rc1-dev"),
        ({"version": "09121234567"}, ""),
        ({"version": "password"}, ""),
        ({"version": 22}, ""),
        ({}, ""),
        ("22.10.1", ""),
    ],
)
def test_version(system: object, expected: str) -> None:
    """A version has the form of one; anything else is left out."""
    assert parse_version(system) == expected


RINGING, UP = {"state": "Ringing"}, {"state": "Up", "connected": {"number": "0912"}}
CHANNELS: dict[str, dict[str, Any]] = {
    "ringing": RINGING,
    "up": UP,
    "odd": {"state": "Up", "connected": {"number": 7}},
    "bare": {"connected": "0912"},
}


def endpoint(state: object = "online", *ids: object, **fields: object) -> object:
    """Return an endpoint as Asterisk lists it."""
    found = {"technology": "PJSIP", "resource": "557", "state": state}
    return {**found, "channel_ids": list(ids), **fields}


@pytest.mark.parametrize(
    ("listed", "state", "participant"),
    [
        (endpoint(), ExtensionState.IDLE, ""),
        (endpoint("offline"), ExtensionState.OFFLINE, ""),
        (endpoint("online", "ringing"), ExtensionState.RINGING, ""),
        (endpoint("online", "up"), ExtensionState.IN_USE, "0912"),
        # It talks, and a second call comes in.
        (endpoint("online", "up", "ringing"), ExtensionState.IN_USE, ""),
        (endpoint("unknown", "up", "new"), ExtensionState.IN_USE, "0912"),
        (endpoint("online", "odd"), ExtensionState.IN_USE, ""),
        (endpoint("online", "bare"), ExtensionState.IN_USE, ""),
        (endpoint(channel_ids=None), ExtensionState.IDLE, ""),
    ],
)
def test_extension_states(
    listed: object, state: ExtensionState, participant: str
) -> None:
    """The state of an extension follows from its channels, or its registration."""
    updates = parse_extension_states([listed], CHANNELS, ChannelTemplates())
    assert list(updates) == [ExtensionUpdate("557", state, participant)]


@pytest.mark.parametrize(
    "listed",
    [
        # Its call began after the channels were read: an event reports it.
        endpoint("online", "new"),
        endpoint("online", 7),
        endpoint("unknown"),
        endpoint(None),
        endpoint(resource="provider"),
        endpoint(resource=None),
        "PJSIP/557",
    ],
)
def test_unknown_extension_states(listed: object) -> None:
    """An endpoint that is no extension, or whose state is unknown, is left out."""
    assert not [*parse_extension_states([listed], CHANNELS, ChannelTemplates())]

"""Requests of boxes: how they are told from events, and how they are read."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.simotel import SIMOTEL
from custom_components.pbx.backends.simotel.boxes import (
    BoxRequest,
    SpeechSetup,
    parse_request,
)

ASKED = {
    "src": "09371234567",
    "dst": "8801",
    "data": "1",
    "unique_id": "1703145060.41",
    "app_name": "key",
    "originated_call_id": "orig.call.1703145054.787335",
}


@pytest.mark.parametrize(
    ("fields", "is_question"),
    [
        (ASKED, True),
        ({"app_name": ""}, True),
        ({"originated_call_id": "orig.call.1"}, True),
        ({"originated_call_id": "orig.call.1", "disposition": "ANSWERED"}, False),
        ({"originated_call_id": "orig.call.1", "event_name": "OutgoingCall"}, False),
        ({"app_name": "say", "event_name": "Cdr"}, False),
        ({"app_name": "say", "event": "Survey"}, False),
        ({"event_name": "Ping"}, False),
        ({}, False),
    ],
)
def test_question(fields: dict[str, object], *, is_question: bool) -> None:
    """A box is told from an event by its fields."""
    assert SIMOTEL.is_question(fields) is is_question


@pytest.mark.parametrize(
    ("data", "keys", "is_silent"),
    [
        ("", "", True),
        (None, "", True),
        ("1", "1", False),
        (1, "1", False),
        ("0451#", "0451", False),
        ("#", "", False),
        ("##", "#", False),
        ("*0", "*0", False),
        (" 1 2 ", "12", False),
        ("';Exit('x", "", True),
        (["1"], "", True),
    ],
)
def test_data(data: object, keys: str, *, is_silent: bool) -> None:
    """Only keys are read, without the one that ends them."""
    assert parse_request(ASKED | {"data": data}) == BoxRequest(
        call_id="orig.call.1703145054.787335",
        name="key",
        keys=keys,
        is_silent=is_silent,
        unique_id="1703145060.41",
    )


@given(st.dictionaries(st.text(max_size=20), st.none() | st.text() | st.integers()))
def test_anything(fields: dict[str, object]) -> None:
    """Whatever is sent can be read."""
    SIMOTEL.is_question(fields)
    request = parse_request(fields)
    assert set(request.keys) <= set("0123456789*#ABCD")


@pytest.mark.parametrize(
    ("settings", "setup"),
    [
        ({}, SpeechSetup()),
        ({"speech_number": ""}, SpeechSetup()),
        (
            {"speech_number": "8801", "webhook_id": "secret"},
            SpeechSetup("8801", installation="secret"),
        ),
    ],
)
def test_settings(settings: dict[str, str], setup: SpeechSetup) -> None:
    """Without the options, nothing is drawn; two boxes are the default."""
    assert SpeechSetup.of(settings) == setup


@pytest.mark.parametrize(
    ("options", "features"),
    [
        ({}, set()),
        ({"speech_boxes": "say_key_connect"}, set()),
        ({"speech_number": "8801"}, {"speech", "speech_keys"}),
        ({"speech_number": "8801", "speech_boxes": "say"}, {"speech"}),
        (
            {"speech_number": "8801", "speech_boxes": "say_key"},
            {"speech", "speech_keys"},
        ),
        (
            {"speech_number": "8801", "speech_boxes": "say_key_connect"},
            {"speech", "speech_keys", "speech_connect"},
        ),
    ],
)
def test_features(options: dict[str, str], features: set[str]) -> None:
    """What is drawn decides what an announcement can do."""
    more = SIMOTEL.for_settings(options).features - SIMOTEL.features
    assert {str(each) for each in more} == features

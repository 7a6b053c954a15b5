"""Tests of announcements to a contact, as voice and notify entities use them."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.announcement import Announcement, Audio
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.calls.announcement import contact_announcement, with_audio
from custom_components.pbx.calls.request import contact_request

from ..people import contact, set_up
from ..toy import SPEECH
from .messages import raises

OWN = {"tts_engine": "tts.own", "language": "fa", "repeat": 3, "confirm_key": "1"}
SAID = {"message": "Hello"}


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX that can speak."""
    return (*SPEECH, Feature.OPTIONAL_TRUNK)


@pytest.fixture
async def house(hass: HomeAssistant, new_toy: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX with a contact."""
    mum = contact("Mum", "09121234567", timeout=45, **OWN)
    return await set_up(hass, new_toy, mum)


@pytest.mark.parametrize(
    ("data", "confirm_key", "engine", "language", "repeat"),
    [
        ({}, "1", "tts.own", "fa", 3),
        ({"confirm_key": "2"}, "2", "tts.own", "fa", 3),
        # One excludes the other.
        ({"digits": 4}, None, "tts.own", "fa", 3),
        # Another engine may not speak the language.
        ({"tts_engine": "tts.other"}, "1", "tts.other", None, 3),
        ({"language": "en", "repeat": 1}, "1", "tts.own", "en", 1),
    ],
)
async def test_settings(
    house: MockConfigEntry,
    data: dict[str, Any],
    confirm_key: str | None,
    engine: str,
    language: str | None,
    repeat: int,
) -> None:
    """All settings of the contact apply, but for those that the data override."""
    manager = house.runtime_data.manager
    (mum,) = manager.book.contacts
    request, speech = contact_announcement(manager, mum, SAID | data)
    assert (request.caller, request.callee) == ("09121234567", "09121234567")
    assert request.timeout == 45
    assert request.announcement == Announcement(
        confirm_key=confirm_key, repeat=repeat, digits=data.get("digits")
    )
    assert (speech.message, speech.engine, speech.language) == (
        "Hello",
        engine,
        language,
    )


async def test_audio(house: MockConfigEntry) -> None:
    """The audio becomes part of the request of an announcement only."""
    manager, audio = house.runtime_data.manager, Audio(b"ab")
    (mum,) = manager.book.contacts
    request, _ = contact_announcement(manager, mum, SAID)
    ready = with_audio(request, audio)
    assert ready.announcement is not None
    assert ready.announcement.audio is audio
    call = contact_request(manager, mum)
    assert with_audio(call, audio) is call


async def test_conflict(house: MockConfigEntry) -> None:
    """The confirmation key of a contact may be the one that declines."""
    manager = house.runtime_data.manager
    (mum,) = manager.book.contacts
    with raises("same_keys"):
        contact_announcement(manager, mum, SAID | {"decline_key": "1"})

"""Announcements in a Home Assistant that has a speech engine."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from homeassistant.components.tts import TtsAudioType
from homeassistant.core import HomeAssistant

from scripts.support.asterisk import SpeakingPhoneCall
from scripts.support.tones import say
from tests.pbx.speech.engines import Engine, set_up, tones

from .hearing import likeness, places
from .house import House

# A message of two seconds.
TEXT = "one two three four five six seven eight"
SECONDS = 2
SAID = say(TEXT)
ALIKE = 0.98
# Seconds that the slow engine takes.
SLOW = 20


async def add_speech(hass: HomeAssistant) -> None:
    """Add speech engines to a Home Assistant: one that works, is slow, or fails."""
    await set_up(hass, Engine(), Engine("Slow", _slow), Engine("Broken", _fail))


async def _slow(message: str) -> TtsAudioType:
    """Take long, like an engine that has to be loaded first."""
    await asyncio.sleep(SLOW)
    return await tones(message)


async def _fail(_message: str) -> TtsAudioType:
    """Fail."""
    raise RuntimeError("out of memory")


async def announce(house: House, callee: str, **data: object) -> dict[str, Any]:
    """Announce the message, or the given media, once, and return the response."""
    message = {} if "media" in data else {"message": TEXT}
    data = {**message, "repeat": 1, **data}
    response = await house.run("announce", callee=callee, **data)
    assert response["originated_call_id"]
    return response


def in_short(response: dict[str, Any]) -> tuple[object, ...]:
    """Return how the call ended, how much was played, and what was confirmed."""
    names = ("result", "played", "confirmed", "digits", "connected")
    return tuple(response[name] for name in names)


def times_heard(call: SpeakingPhoneCall, said: bytes = SAID) -> int:
    """Return how often a phone has heard the whole message."""
    return len(places(call.heard, said, from_likeness=ALIKE))


def is_heard(call: SpeakingPhoneCall, said: bytes = SAID) -> bool:
    """Return whether the phone has heard what was said."""
    return likeness(call.heard, said) >= ALIKE


async def together(*scenarios: Awaitable[None]) -> None:
    """Run scenarios at the same time; all of them even if one fails."""
    results = await asyncio.gather(*scenarios, return_exceptions=True)
    errors = [each for each in results if isinstance(each, Exception)]
    if errors:
        raise ExceptionGroup("scenarios", errors)

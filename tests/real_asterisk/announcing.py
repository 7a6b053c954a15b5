"""Announcements in a Home Assistant that has a speech engine."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from homeassistant.core import HomeAssistant

from scripts.support.asterisk import SpeakingPhoneCall
from scripts.support.tones import say
from tests.pbx.speech.engines import Engine, set_up

from .hearing import likeness, places
from .house import House

# A message of two seconds.
TEXT = "one two three four five six seven eight"
SECONDS = 2
SAID = say(TEXT)
ALIKE = 0.98


async def add_speech(hass: HomeAssistant) -> None:
    """Add a speech engine to a Home Assistant."""
    await set_up(hass, Engine())


async def announce(house: House, callee: str, **data: object) -> dict[str, Any]:
    """Announce the message once, and return the response."""
    data = {"message": TEXT, "repeat": 1, **data}
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

"""Speech: text or media, prepared as one audio before a phone rings."""

import asyncio
from typing import Final

from homeassistant.core import HomeAssistant

from ..backends.announcement import Audio
from ..errors import action_error, user_error
from .decoding import async_decode
from .engine import async_speak
from .media import async_read
from .source import Speech

__all__ = ["Speech", "async_prepare"]

# Seconds until the audio has to be ready, and seconds that it may last.
TIMEOUT: Final = 60
LONGEST: Final = 300


async def async_prepare(hass: HomeAssistant, speech: Speech) -> Audio:
    """Return what is to be heard, complete and ready to be played.

    Raises:
        ServiceValidationError: the user can correct it.
        HomeAssistantError: the engine failed, or the media cannot be read or decoded.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            if speech.media is None:
                sound = await async_speak(hass, speech)
            else:
                sound = await async_read(hass, speech)
            # One second more than is allowed, to notice that there is more.
            audio = Audio(await async_decode(hass, sound, LONGEST + 1))
    except TimeoutError:
        raise action_error("speech_timeout", seconds=str(TIMEOUT)) from None
    if not audio.pcm:
        raise action_error(
            "speech_no_sound" if speech.media is None else "media_no_sound"
        )
    if audio.seconds > LONGEST:
        raise user_error("speech_too_long", minutes=str(LONGEST // 60))
    return audio

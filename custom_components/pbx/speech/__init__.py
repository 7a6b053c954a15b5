"""Speech: text or media, prepared as one audio before a phone rings."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..backends.announcement import Audio, Message, Sound, SpokenValue
from ..errors import action_error, user_error
from .decoding import async_decode
from .engine import async_sound_key, async_speak
from .media import async_read
from .source import Speech
from .wording import is_punctuation

__all__ = ["Speech", "async_message", "async_prepare"]

# Seconds until the audio has to be ready, and seconds that it may last.
TIMEOUT: Final = 60
LONGEST: Final = 300

# The language of Home Assistant whose calendar is the Jalali one.
_PERSIAN: Final = "fa"


@callback
def async_message(
    hass: HomeAssistant, speech: Speech, *, has_own_voice: bool, is_lasting: bool
) -> Message:
    """Return what is to be heard, of which nothing has been made into audio yet.

    Args:
        hass: Home Assistant.
        speech: what is said.
        has_own_voice: whether the PBX speaks values by itself. Otherwise, they are
            words of the text, which an engine speaks as a whole.
        is_lasting: whether the same message is likely to be heard again, even after
            a long time.

    Raises:
        ServiceValidationError: there is no text, or no engine that speaks it.
    """
    parts: tuple[Sound | SpokenValue, ...] = ()
    if has_own_voice and isinstance(speech.message, tuple):
        parts = tuple(
            part
            if isinstance(part, SpokenValue)
            else _sound(hass, replace(speech, message=part))
            for part in speech.message
            # A full stop after a value is no sound: engines refuse it.
            if isinstance(part, SpokenValue) or not is_punctuation(part)
        )
    if not parts:
        parts = (_sound(hass, speech),)
    is_persian = hass.config.language == _PERSIAN
    return Message(parts=parts, is_persian=is_persian, is_lasting=is_lasting)


@callback
def _sound(hass: HomeAssistant, speech: Speech) -> Sound:
    key = b"" if speech.media is not None else async_sound_key(hass, speech)
    return Sound(key, partial(async_prepare, hass, speech))


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

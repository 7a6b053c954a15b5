"""Text to sound, by a text-to-speech engine of Home Assistant."""

import hashlib
import json
from typing import Any, Final, NamedTuple

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..backends.announcement import SAMPLE_RATE, SAMPLE_WIDTH, SpokenValue
from ..errors import action_error, user_error
from .decoding import async_find_ffmpeg
from .source import Speech
from .wording import in_words

_VOICE: Final = "voice"


class _Voice(NamedTuple):
    """Who speaks, and how."""

    engine: str
    language: str | None
    options: dict[str, Any]


@callback
def async_sound_key(hass: HomeAssistant, speech: Speech) -> bytes:
    """Return a key of the sound of a text: the same for the same text and voice.

    Raises:
        ServiceValidationError: there is no text, or no such engine.
    """
    parts = _parts(speech)
    voice = _voice(hass, speech)
    said = [
        part if isinstance(part, str) else [part.kind, part.value] for part in parts
    ]
    spoken = json.dumps([*voice, said], sort_keys=True, default=str)
    return hashlib.blake2b(spoken.encode(), digest_size=32).digest()


async def async_speak(hass: HomeAssistant, speech: Speech) -> bytes:
    """Return a text as sound, normally a WAV.

    Raises:
        ServiceValidationError: there is no text, or no such engine, language or option.
        HomeAssistantError: the engine failed, or needs FFmpeg, which is missing.
    """
    parts = _parts(speech)
    voice = _voice(hass, speech)
    # Loaded with the component, not with this integration.
    from homeassistant.components import tts  # noqa: PLC0415

    has_ffmpeg = await async_find_ffmpeg(hass) is not None
    form: dict[str, Any] = {tts.ATTR_PREFERRED_FORMAT: "wav"}
    if has_ffmpeg:
        # Without it, an engine that makes another WAV would fail.
        form |= {
            tts.ATTR_PREFERRED_SAMPLE_RATE: SAMPLE_RATE,
            tts.ATTR_PREFERRED_SAMPLE_CHANNELS: 1,
            tts.ATTR_PREFERRED_SAMPLE_BYTES: SAMPLE_WIDTH,
        }
    try:
        stream = tts.async_create_stream(
            hass, voice.engine, voice.language, voice.options | form
        )
    except HomeAssistantError as err:
        raise user_error(
            "speech_not_supported", engine=voice.engine, detail=str(err)
        ) from None
    # What is said stays off the disk.
    stream.use_file_cache = False
    stream.async_set_message(in_words(parts, stream.language))
    # Engines raise anything, with the text in it: none of that is passed on.
    try:
        return b"".join([chunk async for chunk in stream.async_stream_result()])
    except Exception as err:  # noqa: BLE001
        if isinstance(err, FileNotFoundError) and not has_ffmpeg:
            raise action_error("ffmpeg_missing") from None
        raise action_error("speech_failed", engine=voice.engine) from None
    finally:
        stream.delete()


def _parts(speech: Speech) -> tuple[str | SpokenValue, ...]:
    """Return the parts of a message that are to be spoken.

    Raises:
        ServiceValidationError: there are none.
    """
    message = speech.message or ""
    parts = (message,) if isinstance(message, str) else message
    if not any(isinstance(part, SpokenValue) or part.strip() for part in parts):
        raise user_error("message_empty")
    return parts


@callback
def _voice(hass: HomeAssistant, speech: Speech) -> _Voice:
    """Return who speaks: as the action says, or as the preferred voice assistant.

    Raises:
        ServiceValidationError: there is no such engine.
    """
    if "tts" not in hass.config.components:
        raise user_error("no_speech_engine")
    # Loaded with the component, not with this integration.
    from homeassistant.components import tts  # noqa: PLC0415

    preferred = _preferred(hass)
    wanted = speech.engine or (preferred.engine if preferred else None)
    engine = tts.async_resolve_engine(hass, wanted)
    if engine is None and speech.engine:
        raise user_error("unknown_speech_engine", engine=speech.engine)
    if engine is None:
        # That of the voice assistant is gone.
        engine = tts.async_resolve_engine(hass, None)
    if engine is None:
        raise user_error("no_speech_engine")
    voice = _Voice(engine, speech.language or None, dict(speech.options))
    if preferred is None or preferred.engine != engine:
        return voice
    if voice.language in (None, preferred.language):
        # A voice belongs to a language.
        return _Voice(engine, preferred.language, preferred.options | voice.options)
    return voice


@callback
def _preferred(hass: HomeAssistant) -> _Voice | None:
    """Return the voice of the preferred voice assistant; None if it has none."""
    if "assist_pipeline" not in hass.config.components:
        return None
    # Loaded with the component, not with this integration.
    from homeassistant.components import assist_pipeline  # noqa: PLC0415

    pipeline = assist_pipeline.async_get_pipeline(hass)
    if pipeline.tts_engine is None:
        return None
    options = {} if pipeline.tts_voice is None else {_VOICE: pipeline.tts_voice}
    return _Voice(pipeline.tts_engine, pipeline.tts_language, options)

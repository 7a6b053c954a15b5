"""Text-to-speech engines of the tests, and a Home Assistant that has them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, override

from homeassistant.components.tts import (
    TextToSpeechEntity,
    TTSAudioRequest,
    TTSAudioResponse,
    TtsAudioType,
)
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import imageio_ffmpeg  # type: ignore[import-untyped]

from scripts.support.tones import say, to_wav

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
NO_FFMPEG = "/nonexistent/ffmpeg"
# Home Assistant has the sound of an engine without these converted, from 2026.11 on.
FORMAT_OPTIONS = (
    "preferred_format",
    "preferred_sample_rate",
    "preferred_sample_channels",
    "preferred_sample_bytes",
)

type Answer = Callable[[str], Awaitable[TtsAudioType]]


async def tones(message: str) -> TtsAudioType:
    """Return a tone for each word."""
    return "wav", to_wav(say(message))


async def forever(_message: str) -> TtsAudioType:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


class Engine(TextToSpeechEntity):
    """An engine that answers as a test says.

    Attributes:
        asked: message, language and options of each request.
    """

    def __init__(
        self,
        name: str = "Tones",
        answer: Answer = tones,
        options: tuple[str, ...] | None = FORMAT_OPTIONS,
    ) -> None:
        """Create the engine; None if it has no options."""
        self._attr_name = self._attr_unique_id = name
        self._attr_default_language = "en"
        self._attr_supported_languages = ["en", "fa"]
        self._attr_supported_options = None if options is None else [*options]
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self._answer = answer

    @override
    async def async_get_tts_audio(
        self, message: str, language: str, options: dict[str, Any]
    ) -> TtsAudioType:
        """Return the sound of a message."""
        self.asked.append((message, language, options))
        return await self._answer(message)


class StreamingEngine(Engine):
    """An engine that returns its sound piece by piece."""

    @override
    async def async_stream_tts_audio(
        self, request: TTSAudioRequest
    ) -> TTSAudioResponse:
        """Return a WAV of unknown size."""
        message = "".join([part async for part in request.message_gen])
        _, wav = await self._answer(message)
        assert wav is not None

        async def pieces() -> AsyncGenerator[bytes]:
            yield wav[:40] + b"\xff\xff\xff\xff"
            for start in range(44, len(wav), 1000):
                yield wav[start : start + 1000]

        return TTSAudioResponse("wav", pieces())


async def set_up(hass: HomeAssistant, *engines: Engine, ffmpeg: str = FFMPEG) -> None:
    """Set up text-to-speech with engines.

    Args:
        hass: Home Assistant.
        engines: the first one is the default.
        ffmpeg: path of the program.
    """
    config = {"ffmpeg": {"ffmpeg_bin": ffmpeg}}
    assert await async_setup_component(hass, "ffmpeg", config)
    assert await async_setup_component(hass, "tts", {})

    await hass.data[DATA_COMPONENT].async_add_entities(engines)
    await hass.async_block_till_done()

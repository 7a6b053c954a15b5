"""Tests of text that is spoken by an engine."""

import os
from pathlib import Path
from typing import Any

from homeassistant.components import assist_pipeline
from homeassistant.components.tts import TtsAudioType
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest

from custom_components.pbx.speech import Speech, async_prepare
from scripts.support.tones import likeness, say, to_wav

from .engines import (
    FORMAT_OPTIONS,
    NO_FFMPEG,
    Answer,
    Engine,
    StreamingEngine,
    set_up,
    tones,
)

TEXT = "The alarm code is 4711"
VOICE = (*FORMAT_OPTIONS, "voice")
# Home Assistant itself logs the beginning of a text that an engine failed on.
OWN = "custom_components.pbx"


async def fails(hass: HomeAssistant, **speech: Any) -> HomeAssistantError:  # noqa: ANN401
    """Return the error of a preparation that fails."""
    with pytest.raises(HomeAssistantError) as caught:
        await async_prepare(hass, Speech(**{"message": TEXT} | speech))
    return caught.value


async def prefer(hass: HomeAssistant, **changes: Any) -> None:  # noqa: ANN401
    """Change the preferred voice assistant."""
    for component in ("homeassistant", "assist_pipeline"):
        assert await async_setup_component(hass, component, {})
    pipeline = assist_pipeline.async_get_pipeline(hass)
    await assist_pipeline.async_update_pipeline(hass, pipeline, **changes)


async def test_spoken(hass: HomeAssistant) -> None:
    """A text is spoken, in the format of an audio."""
    engine = Engine()
    await set_up(hass, engine)
    audio = await async_prepare(hass, Speech(message=f" {TEXT}\n"))
    assert audio.pcm == say(TEXT)
    ((message, language, options),) = engine.asked
    assert (message, language) == (TEXT, "en")
    assert options == dict(zip(FORMAT_OPTIONS, ("wav", 16_000, 1, 2), strict=True))


async def test_streamed(hass: HomeAssistant) -> None:
    """A streaming engine does not know the size of its sound beforehand."""
    await set_up(hass, StreamingEngine())
    audio = await async_prepare(hass, Speech(message=TEXT))
    assert audio.pcm == say(TEXT)


async def test_not_cached(hass: HomeAssistant, speech_cache: Path) -> None:
    """What is said is not written to the disk."""
    await set_up(hass, Engine())
    await async_prepare(hass, Speech(message=TEXT))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await hass.async_add_executor_job(os.listdir, speech_cache) == []


async def test_chosen(hass: HomeAssistant) -> None:
    """The action chooses the engine, its language and its options."""
    default, other = Engine(), Engine("Other", tones, VOICE)
    await set_up(hass, default, other)
    speech = Speech(
        message=TEXT, engine="tts.other", language="fa", options={"voice": "Sara"}
    )
    await async_prepare(hass, speech)
    ((_, language, options),) = other.asked
    assert (language, options["voice"]) == ("fa", "Sara")
    assert default.asked == []


async def test_of_the_voice_assistant(hass: HomeAssistant) -> None:
    """Without a choice, the preferred voice assistant speaks."""
    default, other = Engine(), Engine("Other", tones, VOICE)
    await set_up(hass, default, other)
    await prefer(hass, tts_engine="tts.other", tts_language="fa", tts_voice="Sara")
    await async_prepare(hass, Speech(message=TEXT))
    ((_, language, options),) = other.asked
    assert (language, options["voice"]) == ("fa", "Sara")


@pytest.mark.parametrize(
    ("speech", "language", "voice"),
    [
        ({"engine": "tts.other"}, "fa", "Sara"),
        ({"language": "fa"}, "fa", "Sara"),
        ({"language": "en"}, "en", None),
        ({"options": {"voice": "Reza"}}, "fa", "Reza"),
    ],
)
async def test_partly_of_the_voice_assistant(
    hass: HomeAssistant, speech: dict[str, Any], language: str, voice: str | None
) -> None:
    """Its language and voice belong to its engine, its voice to its language."""
    other = Engine("Other", tones, VOICE)
    await set_up(hass, Engine(), other)
    await prefer(hass, tts_engine="tts.other", tts_language="fa", tts_voice="Sara")
    await async_prepare(hass, Speech(message=TEXT, **speech))
    ((_, spoken, options),) = other.asked
    assert (spoken, options.get("voice")) == (language, voice)


@pytest.mark.parametrize("engine", [None, "tts.removed"])
async def test_default(hass: HomeAssistant, engine: str | None) -> None:
    """A voice assistant without an engine, or whose engine is gone, does not speak."""
    default = Engine()
    await set_up(hass, default)
    language = "fa" if engine else None
    await prefer(hass, tts_engine=engine, tts_language=language, tts_voice=None)
    await async_prepare(hass, Speech(message=TEXT))
    ((_, spoken, _),) = default.asked
    assert spoken == "en"


@pytest.mark.parametrize("message", [None, "", " \n"])
async def test_empty(hass: HomeAssistant, message: str | None) -> None:
    """An empty message is an error of the action."""
    err = await fails(hass, message=message)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "message_empty"


@pytest.mark.parametrize("is_set_up", [True, False])
async def test_no_engine(hass: HomeAssistant, is_set_up: bool) -> None:
    """A Home Assistant without an engine cannot speak."""
    if is_set_up:
        await set_up(hass)
    err = await fails(hass)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "no_speech_engine"


async def test_unknown_engine(hass: HomeAssistant) -> None:
    """An engine that does not exist is an error of the action."""
    await set_up(hass, Engine())
    err = await fails(hass, engine="tts.gone")
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "unknown_speech_engine"
    assert err.translation_placeholders == {"engine": "tts.gone"}


@pytest.mark.parametrize(
    ("speech", "named"),
    [({"language": "de"}, "de"), ({"options": {"emotion": "sad"}}, "emotion")],
)
async def test_not_supported(
    hass: HomeAssistant, speech: dict[str, Any], named: str
) -> None:
    """A language or an option that the engine does not know is named."""
    engine = Engine()
    await set_up(hass, engine)
    err = await fails(hass, **speech)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "speech_not_supported"
    assert named in (err.translation_placeholders or {})["detail"]
    assert engine.asked == []


async def broken(message: str) -> TtsAudioType:
    """Fail with the text in the error."""
    raise ValueError(message)


async def nothing(_message: str) -> TtsAudioType:
    """Return neither a format nor a sound."""
    return None, None


@pytest.mark.parametrize("answer", [broken, nothing])
async def test_failed(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    """An engine that fails is named, and what it was to say is not."""
    await set_up(hass, Engine("Broken", answer))
    err = await fails(hass)
    assert err.translation_key == "speech_failed"
    assert err.translation_placeholders == {"engine": "tts.broken"}
    assert TEXT not in str(err)
    assert err.__suppress_context__
    assert err.__cause__ is None
    assert not [each for each in caplog.records if each.name.startswith(OWN)]


async def test_converted(hass: HomeAssistant) -> None:
    """Home Assistant converts the sound of an engine that cannot do so itself."""
    engine = Engine("Simple", tones, None)
    await set_up(hass, engine)
    audio = await async_prepare(hass, Speech(message=TEXT))
    assert likeness(audio.pcm, say(TEXT)) > 0.99
    assert engine.asked[0][2] == {}


async def test_other_format(hass: HomeAssistant) -> None:
    """Without FFmpeg, an engine that returns a WAV of another rate can speak."""

    async def fast(message: str) -> TtsAudioType:
        wav = bytearray(to_wav(say(message)))
        wav[24:28] = (32_000).to_bytes(4, "little")
        return "wav", bytes(wav)

    engine = Engine("Fast", fast)
    await set_up(hass, engine, ffmpeg=NO_FFMPEG)
    audio = await async_prepare(hass, Speech(message=TEXT))
    assert audio.seconds == pytest.approx(len(say(TEXT)) / 64_000, abs=0.01)
    assert engine.asked[0][2] == {"preferred_format": "wav"}


async def test_without_ffmpeg(hass: HomeAssistant) -> None:
    """An engine whose sound has to be converted needs FFmpeg."""

    async def compressed(_message: str) -> TtsAudioType:
        return "mp3", b"mp3"

    await set_up(hass, Engine("Compressed", compressed), ffmpeg=NO_FFMPEG)
    assert (await fails(hass)).translation_key == "ffmpeg_missing"

"""Tests of the preparation as a whole."""

from homeassistant.components.tts import TtsAudioType
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.pbx.speech import Speech, async_prepare
from scripts.support.tones import say, to_wav

from .engines import NO_FFMPEG, Answer, Engine, forever, set_up


def saying(pcm: bytes) -> Answer:
    """Return the answer of an engine."""

    async def answer(_message: str) -> TtsAudioType:
        return "wav", to_wav(pcm)

    return answer


async def error_key(hass: HomeAssistant) -> str | None:
    """Return the key of the error of a preparation."""
    with pytest.raises(HomeAssistantError) as caught:
        await async_prepare(hass, Speech(message="Dinner"))
    too_long = caught.value.translation_key == "speech_too_long"
    assert isinstance(caught.value, ServiceValidationError) is too_long
    return caught.value.translation_key


async def test_as_it_is(hass: HomeAssistant) -> None:
    """Silence at the ends, and a low volume, are kept."""
    quiet = bytes(20_000) + b"\x01\x00" * 100 + bytes(20_000)
    await set_up(hass, Engine("Quiet", saying(quiet)))
    assert (await async_prepare(hass, Speech(message="Dinner"))).pcm == quiet


@pytest.mark.parametrize("pcm", [b"", b"\x01"])
async def test_no_sound(hass: HomeAssistant, pcm: bytes) -> None:
    """A sound without a whole sample is an error."""
    await set_up(hass, Engine("Silent", saying(pcm)), ffmpeg=NO_FFMPEG)
    assert await error_key(hass) == "speech_no_sound"


async def test_no_bytes(hass: HomeAssistant) -> None:
    """An engine that returns nothing is an error."""

    async def empty(_message: str) -> TtsAudioType:
        return "wav", b""

    await set_up(hass, Engine("Empty", empty), ffmpeg=NO_FFMPEG)
    assert await error_key(hass) == "speech_no_sound"


async def test_timeout(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that does not answer is given up."""
    monkeypatch.setattr("custom_components.pbx.speech.TIMEOUT", 0.01)
    await set_up(hass, Engine("Slow", forever))
    assert await error_key(hass) == "speech_timeout"


async def test_longest(hass: HomeAssistant) -> None:
    """A message is at most five minutes long."""
    await set_up(hass, Engine("Long", saying(bytes(300 * 32_000))))
    assert (await async_prepare(hass, Speech(message="Dinner"))).seconds == 300


async def test_too_long(hass: HomeAssistant) -> None:
    """A longer message is an error of the action."""
    await set_up(hass, Engine("Long", saying(bytes(300 * 32_000 + 2))))
    assert await error_key(hass) == "speech_too_long"


async def test_at_the_same_time(hass: HomeAssistant) -> None:
    """Several messages are prepared independently."""
    engine = Engine()
    await set_up(hass, engine)
    first = hass.async_create_task(async_prepare(hass, Speech(message="one two")))
    second = hass.async_create_task(async_prepare(hass, Speech(message="three")))
    assert (await first).pcm == say("one two")
    assert (await second).pcm == say("three")

"""Tests of the preparation as a whole."""

from typing import Any

from homeassistant.components.tts import TtsAudioType
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.pbx.backends.announcement import (
    Message,
    Sound,
    SpokenValue,
    ValueKind,
)
from custom_components.pbx.speech import Speech, async_message, async_prepare
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


# --- Messages, of which nothing is made before it is needed ---

LIST = ("The temperature is", SpokenValue(ValueKind.NUMBER, "21"), "degrees.")


def message(
    hass: HomeAssistant,
    *,
    own: bool = False,
    lasting: bool = False,
    **speech: Any,  # noqa: ANN401 - any field of it
) -> Message:
    """Return a message."""
    said = Speech(**speech)
    return async_message(hass, said, has_own_voice=own, is_lasting=lasting)


async def test_lazy(hass: HomeAssistant) -> None:
    """The engine is asked when the sound is needed, and each time."""
    engine = Engine()
    await set_up(hass, engine)
    (sound,) = message(hass, message="Dinner is ready").parts
    assert isinstance(sound, Sound)
    assert engine.asked == []
    assert (await sound.make()).pcm == say("Dinner is ready")
    assert len(engine.asked) == 1


async def test_in_words(hass: HomeAssistant) -> None:
    """Without a voice of the PBX, the engine speaks the whole list in its language."""
    engine = Engine()
    await set_up(hass, engine)
    for language, text in (
        ("en", "The temperature is 21 degrees."),
        (None, "The temperature is 21 degrees."),
    ):
        (sound,) = message(hass, message=LIST, language=language).parts
        assert isinstance(sound, Sound)
        await sound.make()
        assert engine.asked[-1][0] == text
    day = (SpokenValue(ValueKind.DATE, "2026-11-27"),)
    (sound,) = message(hass, message=day, language="fa").parts
    assert isinstance(sound, Sound)
    await sound.make()
    assert engine.asked[-1][:2] == ("6 آذر 1405", "fa")


async def test_own_voice(hass: HomeAssistant) -> None:
    """With one, the values stay, and each text is a sound."""
    engine = Engine()
    await set_up(hass, engine)
    first, value, last = message(hass, own=True, message=LIST).parts
    assert value is LIST[1]
    for sound, text in ((first, LIST[0]), (last, LIST[2])):
        assert isinstance(sound, Sound)
        await sound.make()
        assert engine.asked[-1][0] == text


async def test_punctuation(hass: HomeAssistant) -> None:
    """A full stop between values is no sound of its own; a sign is."""
    await set_up(hass, Engine())
    value = LIST[1]
    assert message(hass, own=True, message=(value, ".", value)).parts == (value, value)
    assert len(message(hass, own=True, message=(value, "%")).parts) == 2
    assert len(message(hass, own=True, message=(".", "?")).parts) == 1


async def test_values_alone(hass: HomeAssistant) -> None:
    """Values alone need no engine where the PBX speaks them."""
    assert message(hass, own=True, message=LIST[1:2]).parts == LIST[1:2]
    with pytest.raises(ServiceValidationError) as caught:
        message(hass, message=LIST[1:2])
    assert caught.value.translation_key == "no_speech_engine"


@pytest.mark.parametrize(
    ("speech", "key"),
    [
        ({"message": " "}, "message_empty"),
        ({"message": None}, "message_empty"),
        ({"message": "Hi", "engine": "tts.gone"}, "unknown_speech_engine"),
    ],
)
async def test_at_once(hass: HomeAssistant, speech: dict[str, Any], key: str) -> None:
    """What can be known before is refused before."""
    await set_up(hass, Engine())
    with pytest.raises(ServiceValidationError) as caught:
        message(hass, **speech)
    assert caught.value.translation_key == key


async def test_keys(hass: HomeAssistant) -> None:
    """The same words of the same voice have the same key, and only these."""
    await set_up(hass, Engine(), Engine("Other", options=("voice",)))

    def key(**speech: Any) -> bytes:  # noqa: ANN401 - any field of it
        (sound,) = message(hass, **{"message": "Dinner", **speech}).parts
        assert isinstance(sound, Sound)
        return sound.key

    assert key() == key(engine="tts.tones") == key()
    others = [
        key(),
        key(message="Supper"),
        key(message=LIST),
        key(message=(*LIST[:2], "degrees")),
        key(engine="tts.other"),
        key(language="fa"),
        key(engine="tts.other", options={"voice": "Sara"}),
    ]
    assert len(set(others)) == len(others)
    assert not any(b"Dinner" in each or not each for each in others)


async def test_media(hass: HomeAssistant) -> None:
    """Media are known by their sound alone."""
    (sound,) = message(hass, own=True, media="media-source://nothing").parts
    assert isinstance(sound, Sound)
    assert sound.key == b""
    with pytest.raises(ServiceValidationError):
        await sound.make()


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("lasting", [True, False])
async def test_about_it(hass: HomeAssistant, language: str, lasting: bool) -> None:
    """The calendar is that of the house; what lasts is said by who asks."""
    hass.config.language = language
    made = message(hass, own=True, lasting=lasting, message=LIST[1:2])
    assert (made.is_persian, made.is_lasting) == (language == "fa", lasting)


def test_secret() -> None:
    """Nothing of a message is in a text for a log."""
    secret = (SpokenValue(ValueKind.DIGITS, "4711"), "The code")
    shown = repr(Speech(message=secret)) + repr(secret[0])
    assert "4711" not in shown
    assert "code" not in shown

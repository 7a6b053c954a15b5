"""The text-to-speech platform of the engine, which a Home Assistant loads."""

from typing import Any, Final, override

from homeassistant.components.tts import Provider, TtsAudioType
from homeassistant.core import HomeAssistant
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType

from .tones import say, to_wav

_LANGUAGES: Final = ["en", "fa"]
# Home Assistant passes on what an engine with these options returns; another one has
# its sound converted by FFmpeg.
_OPTIONS: Final = [
    "voice",
    "preferred_format",
    "preferred_sample_rate",
    "preferred_sample_channels",
    "preferred_sample_bytes",
]


class ToneProvider(Provider):
    """An engine that says a tone for each word."""

    name = "Tones"

    @property
    @override
    def default_language(self) -> str:
        """Return the first language."""
        return _LANGUAGES[0]

    @property
    @override
    def supported_languages(self) -> list[str]:
        """Return the languages, which all sound the same."""
        return _LANGUAGES

    @property
    @override
    def supported_options(self) -> list[str]:
        """Return the options, which change nothing."""
        return _OPTIONS

    @override
    async def async_get_tts_audio(
        self, message: str, language: str, options: dict[str, Any]
    ) -> TtsAudioType:
        """Return a text as a WAV."""
        return "wav", to_wav(say(message))


async def async_get_engine(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant passes these
    config: ConfigType,  # noqa: ARG001
    discovery_info: DiscoveryInfoType | None = None,  # noqa: ARG001
) -> ToneProvider:
    """Return the engine."""
    return ToneProvider()

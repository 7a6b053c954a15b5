"""What a person who is called is to hear: a text, or media."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..backends.announcement import SpokenValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A message of an action: exactly one of text and media.

    Attributes:
        message: the text, spoken by a text-to-speech engine, or its parts in order:
            texts, and values that some PBXs speak by themselves.
        media: the media content id: a media source, or an HTTP URL.
        engine: the engine, by entity id or by name. None for that of the preferred
            voice assistant, or else for Home Assistant's default one.
        language: the language of the text. None for that of the preferred voice
            assistant if its engine is used, or else for the engine's default.
        options: options of the engine, such as a voice.
    """

    message: str | tuple[str | SpokenValue, ...] | None = field(
        default=None, repr=False
    )
    media: str | None = field(default=None, repr=False)
    engine: str | None = None
    language: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

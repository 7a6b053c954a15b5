"""A kind of PBX: what it can do, and how a backend for one is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import aiohttp

from .base import Backend, Channel, Clock, Feature, Memory, Sink


def _is_never(_fields: Mapping[str, object]) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxKind:
    """A kind of PBX.

    Attributes:
        id: the id in a config entry's data.
        name: name of the product, for the device page and the default title.
        features: supported by every PBX of this kind.
        channels: through which it reports calls.
        create: returns a backend for a session, the settings, a memory, a sink and a
            clock; sends nothing. The settings are the entry's data and options.
        more_features: returns features that depend on the settings.
        options: the options that the backend is made from.
        is_question: returns whether the fields of a request to the webhook are those
            of a question, which the PBX asks during a call, and not of an event.
    """

    id: str
    name: str
    features: frozenset[Feature]
    channels: frozenset[Channel]
    create: Callable[
        [aiohttp.ClientSession, Mapping[str, Any], Memory, Sink, Clock], Backend
    ]
    more_features: Callable[[Mapping[str, Any]], frozenset[Feature]] | None = None
    options: frozenset[str] = frozenset()
    is_question: Callable[[Mapping[str, object]], bool] = _is_never

    def for_settings(self, settings: Mapping[str, Any]) -> Self:
        """Return this kind with the features that depend on the entry's settings."""
        more = self.more_features(settings) if self.more_features else frozenset()
        return replace(self, features=self.features | more) if more else self

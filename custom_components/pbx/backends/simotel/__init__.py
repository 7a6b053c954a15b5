"""Simotel, through its v4 HTTP API, its Event API and its CDR report."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from yarl import URL

from ..base import Channel, Clock, Feature, Memory, Sink
from ..kind import PbxKind
from ..url import normalize
from .backend import SimotelBackend
from .boxes import SpeechSetup, is_question
from .client import Credentials, SimotelClient

__all__ = [
    "SIMOTEL",
    "Credentials",
    "SimotelBackend",
    "SimotelClient",
    "normalize_address",
]

DEFAULT_BASE_PATH: Final = "/api/v4"


def normalize_address(text: str) -> URL:
    """Return the normalized address, such as ``http://pbx.lan/api/v4``.

    A bare host gets HTTP and the documented base path.

    Raises:
        ValueError: it is not an HTTP(S) address, or it has user info, a query or a
            fragment.
    """
    return normalize(text, base_path=DEFAULT_BASE_PATH)


def _create(
    session: aiohttp.ClientSession,
    data: Mapping[str, Any],
    memory: Memory,
    sink: Sink,
    clock: Clock,
) -> SimotelBackend:
    credentials = Credentials(
        username=data.get("username", ""),
        password=data.get("password", ""),
        api_key=data.get("api_key", ""),
    )
    client = SimotelClient(session, URL(data["url"]), credentials, clock=clock.time)
    return SimotelBackend(client, memory, sink, clock, SpeechSetup.of(data))


def _features(settings: Mapping[str, Any]) -> frozenset[Feature]:
    """Return what the boxes in the dialplan can do, by the options."""
    speech = SpeechSetup.of(settings)
    if not speech.number:
        return frozenset()
    features = {Feature.SPEECH}
    if speech.has_key_box:
        features.add(Feature.SPEECH_KEYS)
    if speech.can_connect:
        features.add(Feature.SPEECH_CONNECT)
    return frozenset(features)


SIMOTEL = PbxKind(
    id="simotel",
    name="Simotel",
    features=frozenset(
        {
            Feature.PUSHED_EVENTS,
            Feature.NAMED_CALLER_ID,
            Feature.INTERNAL_TRUNK,
            Feature.WEB_INTERFACE,
            Feature.DRAWN_SPEECH,
            Feature.SPOKEN_VALUES,
        }
    ),
    channels=frozenset({Channel.EVENTS, Channel.REPORT}),
    create=_create,
    more_features=_features,
    options=frozenset({"speech_number", "speech_boxes"}),
    is_question=is_question,
)

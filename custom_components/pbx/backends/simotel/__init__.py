"""Simotel, through its v4 HTTP API, its Event API and its CDR report."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from yarl import URL

from ..base import Channel, Clock, Feature, Memory, PbxKind, Sink
from ..url import normalize
from .backend import SimotelBackend
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
    return SimotelBackend(client, memory, sink, clock)


SIMOTEL = PbxKind(
    id="simotel",
    name="Simotel",
    features=frozenset(
        {
            Feature.PUSHED_EVENTS,
            Feature.NAMED_CALLER_ID,
            Feature.INTERNAL_TRUNK,
            Feature.WEB_INTERFACE,
        }
    ),
    channels=frozenset({Channel.EVENTS, Channel.REPORT}),
    create=_create,
)

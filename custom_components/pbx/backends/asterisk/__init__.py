"""Asterisk and FreePBX, through the Asterisk REST Interface (ARI) and its WebSocket."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import aiohttp
from yarl import URL

from ..base import Channel, Clock, Feature, Memory, Sink
from ..kind import PbxKind
from .access import Access, Timeouts, normalize_address
from .backend import AsteriskBackend
from .channels import (
    EXTERNAL_CHANNEL,
    INTERNAL_CHANNEL,
    ChannelTemplates,
    InvalidTemplateError,
    check_external,
    check_internal,
    needs_trunk,
)
from .client import AsteriskClient

__all__ = [
    "ASTERISK",
    "EXTERNAL_CHANNEL",
    "INTERNAL_CHANNEL",
    "Access",
    "AsteriskBackend",
    "AsteriskClient",
    "ChannelTemplates",
    "InvalidTemplateError",
    "Timeouts",
    "check_external",
    "check_internal",
    "normalize_address",
]


def _create(
    session: aiohttp.ClientSession,
    data: Mapping[str, Any],
    memory: Memory,
    sink: Sink,
    clock: Clock,
) -> AsteriskBackend:
    access = Access(
        base_url=URL(data["url"]),
        username=data["username"],
        password=data["password"],
        application=data.get("application") or _application(data),
    )
    templates = ChannelTemplates(
        internal=data["internal_channel"], external=data["external_channel"]
    )
    client = AsteriskClient(session, access, templates, clock=clock.time)
    return AsteriskBackend(client, templates, memory, sink, clock)


def _application(data: Mapping[str, Any]) -> str:
    """Return the default name of the ARI application.

    It differs by config entry: two clients with the same name would take over each
    other's event stream.
    """
    place = f"{data['url']} {data['username']}"
    return f"home-assistant-{sha256(place.encode()).hexdigest()[:8]}"


def _features(data: Mapping[str, Any]) -> frozenset[Feature]:
    is_needed = needs_trunk(data.get("external_channel", EXTERNAL_CHANNEL))
    return frozenset() if is_needed else frozenset({Feature.OPTIONAL_TRUNK})


ASTERISK = PbxKind(
    id="asterisk",
    name="Asterisk",
    features=frozenset(
        {
            Feature.HANG_UP,
            Feature.CALLER_NAME,
            Feature.RING_ALONE,
            Feature.GROUPS,
            Feature.RING_TONE,
            Feature.SPEECH,
            Feature.SPEECH_KEYS,
            Feature.SPEECH_CONNECT,
            Feature.SPEECH_SENDS,
            Feature.KEYS,
        }
    ),
    channels=frozenset({Channel.STREAM}),
    create=_create,
    more_features=_features,
)

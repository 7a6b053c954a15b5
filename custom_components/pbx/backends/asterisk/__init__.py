"""Asterisk and FreePBX: the REST interface (ARI) and the WebSocket beside it."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from ..base import Channel, Clock, Feature, Memory, PbxKind, Sink
from .access import Access
from .backend import AsteriskBackend
from .channels import ChannelTemplates
from .client import AsteriskClient


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
        application=data.get("application", "home-assistant"),
    )
    templates = ChannelTemplates(
        internal=data["internal_channel"], outside=data["outside_channel"]
    )
    client = AsteriskClient(session, access, templates, clock=clock.time)
    return AsteriskBackend(client, templates, memory, sink, clock)


ASTERISK = PbxKind(
    id="asterisk",
    name="Asterisk",
    features=frozenset({Feature.HANG_UP, Feature.CALLER_NAME}),
    channels=frozenset({Channel.STREAM}),
    create=_create,
)

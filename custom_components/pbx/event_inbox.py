"""What has been heard of a PBX's events, and whether they are heard at all."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .backends.updates import CALL_EVENTS, CallResult, PbxEvent, PbxEventType

# Conversations that are remembered, lest an event that is sent again is told again.
MAX_TOLD = 1024

# Of these a conversation has one, or, of the legs of a group, a better one.
_ONCE = (PbxEventType.INCOMING, PbxEventType.ENDED)

# A PBX that sends its events to an address echoes each ping with one: after so many
# without it its events have stopped.
SILENT_PINGS: Final = 2


class StreamState(StrEnum):
    """Whether the events of a PBX are heard."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    TAKEN_OVER = "taken_over"
    SILENT = "silent"


class EventInbox:
    """What has been heard of a PBX since it was set up.

    Attributes:
        received: how many events, by what they are about.
        unknown: how many that nobody here knows.
        refused: how many requests, by the status that answered them.
        last_event_at: when the latest known event came.
        pings: how many the PBX has answered since its latest event.
        state: whether its events are heard; None while nobody can know: before
            the first one, where it sends them to an address.
    """

    def __init__(self) -> None:
        """Begin to count."""
        self.received: Counter[PbxEventType] = Counter()
        self.unknown = 0
        self.refused: Counter[HTTPStatus] = Counter()
        self.last_event_at: datetime | None = None
        self.pings = 0
        self.state: StreamState | None = None
        self._pongs: set[asyncio.Future[None]] = set()
        # What was told of conversations, and with which result.
        self._told: dict[Hashable, CallResult] = {}

    @property
    def is_connected(self) -> bool | None:
        """Whether the events are heard; None while nobody can know."""
        return None if self.state is None else self.state is StreamState.CONNECTED

    @callback
    def expect_pong(self) -> asyncio.Future[None]:
        """Return what is done as soon as the PBX's echo of a ping has come."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs.add(pong)
        pong.add_done_callback(self._pongs.discard)
        return pong

    @callback
    def note_ping(self, *, is_echoed: bool) -> None:
        """Take note that the PBX has answered a ping.

        Args:
            is_echoed: whether an event tells of it, if any event comes at all.
        """
        self.pings += 1
        if is_echoed and self.is_connected and self.pings >= SILENT_PINGS:
            self.state = StreamState.SILENT

    @callback
    def take(self, event: PbxEvent | None) -> None:
        """Count an event; None is one that nobody here knows."""
        if event is None:
            self.unknown += 1
            return
        self.pings = 0
        if self.state in {None, StreamState.SILENT}:
            self.state = StreamState.CONNECTED
        self.received[event.type] += 1
        self.last_event_at = dt_util.utcnow()
        if event.type is PbxEventType.PONG:
            for pong in self._pongs:
                if not pong.done():
                    pong.set_result(None)

    @callback
    def is_repeated(self, event: PbxEvent) -> bool:
        """Take note of an event, and tell whether it says nothing new.

        PBXs send an event again whose answer they have missed.
        """
        conversation = event.attributes.get("unique_id")
        if conversation is None or event.type not in CALL_EVENTS:
            return False
        content = () if event.type in _ONCE else frozenset(event.attributes.items())
        key = event.type, conversation, content
        result = _result(event)
        known = self._told.get(key)
        if known is not None and not result.is_better_than(known):
            return True
        self._told[key] = result
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        return False

    def as_dict(self) -> dict[str, Any]:
        """Return what a maintainer needs to see why events do not come."""
        last = self.last_event_at
        return {
            "connected": self.is_connected,
            "received": {str(kind): count for kind, count in self.received.items()},
            "unknown": self.unknown,
            "refused": {str(int(status)): n for status, n in self.refused.items()},
            "last_event_at": None if last is None else last.isoformat(),
        }


def _result(event: PbxEvent) -> CallResult:
    """Return what came of the call that an event is about, as far as it is known."""
    word = event.attributes.get("result")
    return CallResult(word) if word in tuple(CallResult) else CallResult.UNDETERMINED

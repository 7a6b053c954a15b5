"""What has been heard of a PBX's events, and whether they are heard at all."""

import asyncio
from collections import Counter
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .evidence import PbxEvent, PbxEventType

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

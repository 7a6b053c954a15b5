"""What has come to the address for the events of a PBX."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .evidence import CALL_EVENTS, CallResult, PbxEvent, PbxEventType

# Conversations that are remembered, lest an event that is sent again is told again.
MAX_TOLD = 1024

# Of these a conversation has one, or, of the legs of a group, a better one.
_ONCE = (PbxEventType.INCOMING, PbxEventType.ENDED, PbxEventType.QUEUE_ENDED)


class EventInbox:
    """What has come to the address of a PBX since the PBX was set up.

    Attributes:
        received: how many events, by what they are about.
        unknown: how many that nobody here knows.
        refused: how many requests, by the status that answered them.
        last_event_at: when the latest known event came.
        is_connected: whether the PBX tells its events at the moment; None
            where it sends them to an address, which nobody can know of.
    """

    def __init__(self) -> None:
        """Begin to count."""
        self.received: Counter[PbxEventType] = Counter()
        self.unknown = 0
        self.refused: Counter[HTTPStatus] = Counter()
        self.last_event_at: datetime | None = None
        self.is_connected: bool | None = None
        self._pongs: set[asyncio.Future[None]] = set()
        # What was told of conversations, and with which result.
        self._told: dict[Hashable, CallResult] = {}

    @callback
    def expect_pong(self) -> asyncio.Future[None]:
        """Return what is done as soon as the PBX's echo of a ping has come."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs.add(pong)
        pong.add_done_callback(self._pongs.discard)
        return pong

    @callback
    def set_connected(self, *, is_connected: bool) -> None:
        """Take note that the connection for events was made, or lost."""
        self.is_connected = is_connected

    @callback
    def take(self, event: PbxEvent | None) -> None:
        """Count an event; None is one that nobody here knows."""
        if event is None:
            self.unknown += 1
            return
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

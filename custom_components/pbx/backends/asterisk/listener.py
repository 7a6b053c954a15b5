"""Read the event stream of an Asterisk, and reconnect whenever it is lost."""

import asyncio
import logging
from typing import Final

from ..base import (
    CallNotFoundError,
    Channel,
    ChannelState,
    Clock,
    PbxError,
    Sink,
    TakenOverError,
)
from ..reconnect import Backoff, wait_for
from ..updates import CallUpdate, ExtensionUpdate
from .call_poller import CallPoller
from .client import AsteriskClient
from .legs import Fact, Forwarded, Legs

_LOGGER = logging.getLogger(__name__)

# Seconds between checks whether the client that took over the event stream is gone.
TAKEN_OVER_INTERVAL: Final = 15
# Seconds without the event stream after which the user has to act.
DOWN_THRESHOLD: Final = 300
# Seconds after which a connection counts as stable.
STABLE_AFTER: Final = 60


class Listener:
    """Reports the updates in an Asterisk's events.

    Attributes:
        limits_changed: set when the limit of a call may have changed.
        first_attempt_done: set when the first attempt to connect succeeded or failed.
        reconnect: set to reconnect now if the connection is lost.
    """

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        sink: Sink,
        clock: Clock,
        poller: CallPoller,
    ) -> None:
        """Initialize the listener without connecting."""
        self.limits_changed = poller.limits_changed
        self.first_attempt_done = asyncio.Event()
        self.reconnect = asyncio.Event()
        self._client = client
        self._poller = poller
        self._connections = 0
        self._legs = legs
        self._sink = sink
        self._clock = clock
        self._lost_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the event stream is connected."""
        return self._poller.connection != 0

    async def listen(self) -> None:
        """Report events, and reconnect whenever the connection is lost."""
        backoff = Backoff()
        while True:
            began_at = self._clock.time()
            error: PbxError
            try:
                await self._read_events()
            except PbxError as err:
                error = err
            self.first_attempt_done.set()
            now = self._clock.time()
            if now - began_at > STABLE_AFTER:
                backoff.reset()
                self._lost_at = None
            if self._lost_at is None:
                self._lost_at = now
            self._report_lost(error, is_long=now - self._lost_at >= DOWN_THRESHOLD)
            if isinstance(error, TakenOverError):
                # Reconnecting now would make the two clients alternate forever.
                await self._wait_until_unregistered(error)
            else:
                await wait_for(self.reconnect, self._clock, backoff.next())

    async def _read_events(self) -> None:
        """Report events until the connection is lost.

        Raises:
            PbxError: connecting failed, or the connection was lost.
        """
        try:
            async with self._client.listen() as events:
                self.reconnect.clear()
                self.first_attempt_done.set()
                self._sink.health(Channel.STREAM, ChannelState.OK)
                self._legs.mark_events_missed()
                # Unread events may report calls that ended: poll in parallel.
                self._connections += 1
                self._poller.handle_connected(self._connections)
                async for event in events:
                    for fact in self._legs.handle_event(event, self._clock.time()):
                        await self._report(fact)
                    self.limits_changed.set()
        finally:
            self._poller.handle_lost()

    async def _report(self, fact: Fact) -> None:
        match fact:
            case CallUpdate():
                self._sink.call(self._client.to_local_time(fact))
            case ExtensionUpdate():
                self._sink.extension(fact)
            case Forwarded(channel_id):
                try:
                    await self._client.hang_up(channel_id)
                except CallNotFoundError:
                    pass
                except PbxError as err:
                    _LOGGER.warning("Failed to hang up a forwarded call: %s", err)

    def _report_lost(self, err: PbxError, *, is_long: bool) -> None:
        if isinstance(err, TakenOverError):
            state = ChannelState.TAKEN_OVER if is_long else ChannelState.RECONNECTING
        else:
            state = ChannelState.FAILING if is_long else ChannelState.RECONNECTING
        self._sink.health(Channel.STREAM, state, err)

    async def _wait_until_unregistered(self, err: TakenOverError) -> None:
        """Wait until no other client uses our ARI application; retry on errors."""
        while not await self._is_unregistered():
            await wait_for(self.reconnect, self._clock, TAKEN_OVER_INTERVAL)
            lost_for = self._clock.time() - (self._lost_at or 0)
            self._report_lost(err, is_long=lost_for >= DOWN_THRESHOLD)

    async def _is_unregistered(self) -> bool:
        try:
            return await self._client.is_unregistered()
        except PbxError as err:
            _LOGGER.debug("Failed to check the ARI application: %s", err)
            return False

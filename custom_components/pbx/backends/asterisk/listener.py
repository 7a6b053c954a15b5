"""Read the event stream of an Asterisk, and reconnect whenever it is lost."""

import asyncio
import logging
from typing import Final

from ..base import Channel, ChannelState, Clock, Sink
from ..errors import PbxError, TakenOverError
from ..reconnect import Backoff, first_of, wait_for
from .client import AsteriskClient
from .event_handler import EventHandler

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
        first_attempt_done: set when the first attempt to connect succeeded or failed.
        reconnect: set to reconnect now if the connection is lost.
    """

    def __init__(
        self,
        client: AsteriskClient,
        sink: Sink,
        clock: Clock,
        handler: EventHandler,
    ) -> None:
        """Initialize the listener without connecting.

        Args:
            client: connects to the event stream.
            sink: receives the health of the stream.
            clock: measures the time between attempts.
            handler: handles each connection and its events.
        """
        self.first_attempt_done = asyncio.Event()
        self.reconnect = asyncio.Event()
        self._client = client
        self._handler = handler
        self._connections = 0
        self._connected = asyncio.Event()
        self._sink = sink
        self._clock = clock
        self._lost_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the event stream is connected."""
        return self._connected.is_set()

    async def wait_until_connected(self, seconds: float) -> None:
        """Wait until the event stream is connected, but at most for some seconds."""
        if not self.is_connected:
            self.reconnect.set()
            await first_of(self._connected.wait(), self._clock.sleep(seconds))

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
                self._connections += 1
                self._connected.set()
                self._handler.handle_connected(self._connections)
                async for event in events:
                    self._handler.handle_event(event)
        finally:
            self._connected.clear()
            self._handler.handle_lost()

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

"""Listens to the event stream of an Asterisk, over every loss of it."""

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
from .client import AsteriskClient
from .legs import Fact, Forwarded, Legs
from .looks import Looks

_LOGGER = logging.getLogger(__name__)

# Seconds between two looks at who listens, after somebody took the stream over.
TAKEN_OVER_INTERVAL: Final = 15
# Seconds for which the stream must be missing before the owner is asked to act.
DOWN: Final = 300
# Seconds after which a connection counts as one that holds.
STABLE: Final = 60


class Listener:
    """Reports what an Asterisk's events say.

    Attributes:
        moved: set when something has happened that may move a limit.
        tried: set when the first attempt to connect has come to something.
        reconnect: set to have a lost connection made now.
    """

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        sink: Sink,
        clock: Clock,
        looks: Looks,
    ) -> None:
        """Initialize the listener; nothing is sent."""
        self.moved = looks.moved
        self.tried = asyncio.Event()
        self.reconnect = asyncio.Event()
        self._client = client
        self._looks = looks
        self._connections = 0
        self._legs = legs
        self._sink = sink
        self._clock = clock
        self._lost_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether events come."""
        return self._looks.connection != 0

    async def listen(self) -> None:
        """Report what events say, over every loss of the connection."""
        backoff = Backoff()
        while True:
            began_at = self._clock.time()
            error: PbxError
            try:
                await self._read_events()
            except PbxError as err:
                error = err
            self.tried.set()
            now = self._clock.time()
            if now - began_at > STABLE:
                backoff.reset()
                self._lost_at = None
            if self._lost_at is None:
                self._lost_at = now
            self._lost(error, is_long=now - self._lost_at >= DOWN)
            if isinstance(error, TakenOverError):
                # The two would take it from each other for ever.
                await self._wait_abandoned(error)
            else:
                await wait_for(self.reconnect, self._clock, backoff.next())

    async def _read_events(self) -> None:
        """Report what events say, as long as the connection holds.

        Raises:
            PbxError: it does not hold, or was never made.
        """
        try:
            async with self._client.listen() as events:
                self.reconnect.clear()
                self.tried.set()
                self._sink.health(Channel.STREAM, ChannelState.OK)
                self._legs.miss()
                # What has ended meanwhile may have been reported, so it is read on.
                self._connections += 1
                self._looks.connected(self._connections)
                async for event in events:
                    for fact in self._legs.read(event, self._clock.time()):
                        await self._report(fact)
                    self.moved.set()
        finally:
            self._looks.lost()

    async def _report(self, fact: Fact) -> None:
        match fact:
            case CallUpdate():
                self._sink.call(self._client.by_our_clock(fact))
            case ExtensionUpdate():
                self._sink.extension(fact)
            case Forwarded(channel_id):
                try:
                    await self._client.hang_up(channel_id)
                except CallNotFoundError:
                    pass
                except PbxError as err:
                    _LOGGER.warning("A forwarded call could not be ended: %s", err)

    def _lost(self, err: PbxError, *, is_long: bool) -> None:
        if isinstance(err, TakenOverError):
            state = ChannelState.TAKEN_OVER if is_long else ChannelState.RECONNECTING
        else:
            state = ChannelState.FAILING if is_long else ChannelState.RECONNECTING
        self._sink.health(Channel.STREAM, state, err)

    async def _wait_abandoned(self, err: TakenOverError) -> None:
        """Wait until nobody listens under our name; a PBX that fails is asked again."""
        while not await self._is_abandoned():
            await wait_for(self.reconnect, self._clock, TAKEN_OVER_INTERVAL)
            lost_for = self._clock.time() - (self._lost_at or 0)
            self._lost(err, is_long=lost_for >= DOWN)

    async def _is_abandoned(self) -> bool:
        try:
            return await self._client.is_abandoned()
        except PbxError as err:
            _LOGGER.debug("Nobody knows who listens: %s", err)
            return False

"""Listens to an Asterisk: by its event stream, and by asking for the open calls."""

import asyncio
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import replace
import logging
from typing import Any, Final

from ..base import (
    CallNotFoundError,
    Channel,
    ChannelState,
    Clock,
    OpenCall,
    PbxError,
    Sink,
    TakenOverError,
)
from ..reconnect import Backoff, wait_for
from ..updates import CallResult, CallState, CallUpdate, ExtensionUpdate
from .client import AsteriskClient
from .legs import Fact, Forwarded, Legs
from .models import channels_by_id, talking_since, unix_time

_LOGGER = logging.getLogger(__name__)

# Seconds between two looks at the open calls, whether or not events come; and
# between two looks at one that is missing, as its true end may lie unread in the
# socket. As soon, a call is looked for whose request was not answered.
LOOK_INTERVAL: Final = 60
SECOND_LOOK: Final = 2
# Seconds between two looks at who listens, after somebody took the stream over.
TAKEN_OVER_INTERVAL: Final = 15
# Seconds for which the stream must be missing before the owner is asked to act.
DOWN: Final = 300
# Seconds after which a connection counts as one that holds.
STABLE: Final = 60


class Listener:
    """Reports what an Asterisk's events, and its list of channels, say.

    Attributes:
        moved: set when something has happened that may move a limit.
        tried: set when the first attempt to connect has come to something.
        look: set to have the open calls looked at now.
        reconnect: set to have a lost connection made now.
        is_connected: whether events come.
    """

    def __init__(
        self, client: AsteriskClient, legs: Legs, sink: Sink, clock: Clock
    ) -> None:
        """Initialize the listener; nothing is sent."""
        self.moved = asyncio.Event()
        self.tried = asyncio.Event()
        self.look = asyncio.Event()
        self.reconnect = asyncio.Event()
        self.is_connected = False
        self._client = client
        self._legs = legs
        self._sink = sink
        self._clock = clock
        self._lost_at: float | None = None
        self._is_told = False

    # --- events ---------------------------------------------------------------

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
            self._lost_at = now if self._lost_at is None else self._lost_at
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
                self.is_connected = True
                self.reconnect.clear()
                self.tried.set()
                self._connected()
                # What has ended meanwhile may have been reported, so it is read on.
                self.look.set()
                async for event in events:
                    for fact in self._legs.read(event, self._clock.time()):
                        await self._report(fact)
                    self.moved.set()
        finally:
            self.is_connected = False

    async def _report(self, fact: Fact) -> None:
        match fact:
            case CallUpdate():
                self._sink.call(self._by_our_clock(fact))
            case ExtensionUpdate():
                self._sink.extension(fact)
            case Forwarded(channel_id):
                try:
                    await self._client.hang_up(channel_id)
                except CallNotFoundError:
                    pass
                except PbxError as err:
                    _LOGGER.warning("A forwarded call could not be ended: %s", err)

    def _by_our_clock(self, update: CallUpdate) -> CallUpdate:
        if update.at is None:
            return update
        return replace(update, at=update.at - self._client.clock_offset)

    def _connected(self) -> None:
        self._sink.health(Channel.STREAM, ChannelState.OK)
        if self._is_told:
            self._is_told = False
            _LOGGER.info("The event stream is back")

    def _lost(self, err: PbxError, *, is_long: bool) -> None:
        if isinstance(err, TakenOverError):
            state = ChannelState.TAKEN_OVER if is_long else ChannelState.RECONNECTING
        else:
            state = ChannelState.FAILING if is_long else ChannelState.RECONNECTING
        self._sink.health(Channel.STREAM, state, err)
        if not self._is_told:
            self._is_told = True
            _LOGGER.warning("Event stream lost, reconnecting: %s", err)

    async def _wait_abandoned(self, err: TakenOverError) -> None:
        """Wait until nobody listens under our name anymore.

        Raises:
            Nothing: a PBX that does not tell is asked again.
        """
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

    # --- asking ---------------------------------------------------------------

    async def look_after(self) -> None:
        """Report what has become of the open calls, now and then."""
        while True:
            await wait_for(self.look, self._clock, self._next_look())
            try:
                await self._look_twice()
                if self.is_connected and await self._client.is_abandoned():
                    # Asterisk has forgotten us, but the socket does not know it.
                    await self._client.stop_listening()
            except PbxError as err:
                _LOGGER.debug("The open calls could not be looked at: %s", err)

    def _next_look(self) -> float:
        """Return the seconds until the next look.

        A call whose request was not answered is looked for soon, and again when
        both of its parties would have rung.
        """
        now = self._clock.time()
        looks: list[float] = [LOOK_INTERVAL]
        for call in self._sink.open_calls():
            if call.is_uncertain and call.request is not None:
                for after in (SECOND_LOOK, 2 * call.request.timeout):
                    if (left := call.began_at + after - now) > 0:
                        looks.append(left)
        return min(looks)

    async def _look_twice(self) -> None:
        """Look at the open calls, and again a moment later at those that are gone.

        Raises:
            PbxError: the PBX did not tell.
        """
        missed: AbstractSet[str] = frozenset()
        for pause in (0, SECOND_LOOK):
            if pause:
                await self._clock.sleep(pause)
            missed = await self._look_once(missed)
            if not missed:
                return

    async def _look_once(self, missed: AbstractSet[str]) -> AbstractSet[str]:
        """Report which calls are on, and return those that are missing.

        Args:
            missed: those that were missing the last time, which have ended.

        Raises:
            PbxError: the PBX did not tell.
        """
        # What an event tells of from here on is not missing.
        calls = {
            call.call_id: call
            for call in self._sink.open_calls()
            if not call.is_requested
        }
        others = self._legs.of_others
        if not (calls or others):
            return frozenset()
        channels = channels_by_id(await self._client.rows("channels"))
        for call_id in (calls.keys() & missed) - channels.keys():
            if (channel := await self._client.channel(call_id)) is not None:
                channels[call_id] = channel
        talks = talking_since(await self._client.rows("bridges"))
        for call_id, call in calls.items():
            if (channel := channels.get(call_id)) is not None:
                self._report_on(call, channel, talks)
            elif call_id in missed:
                self._sink.call(_gone(call))
        missing = (others | calls.keys()) - channels.keys()
        for channel_id in missing & missed:
            self._legs.forget(channel_id)
        self.moved.set()
        return missing - missed

    def _report_on(
        self,
        call: OpenCall,
        channel: Mapping[str, Any],
        talks: Mapping[str, float | None],
    ) -> None:
        """Report a call that is on; what was missed of it is made up for."""
        leg = self._legs.get(call.call_id)
        now = self._clock.time()
        is_up = channel.get("state") == "Up"
        talks_since = talks.get(call.call_id)
        state = call.state
        if call.call_id in talks:
            state = CallState.CONNECTED
        if leg is not None and leg.request is not None:
            if is_up and leg.up_since is None:
                leg.up_since = now
                leg.up_at = unix_time(channel.get("creationtime"))
            if call.call_id in talks and not leg.is_answered:
                leg.is_answered = True
                leg.answered_at = talks_since
                leg.answered_since = self._to_our_clock(talks_since, now)
        self._sink.call(
            CallUpdate(
                state=state,
                call_id="" if call.request else call.call_id,
                originated_call_id=call.call_id if call.request else "",
                at=self._to_our_clock(talks_since, now) if talks_since else None,
            )
        )

    def _to_our_clock(self, at: float | None, now: float) -> float:
        return now if at is None else min(at - self._client.clock_offset, now)


def _gone(call: OpenCall) -> CallUpdate:
    """Return the end of a call that was missed."""
    if call.state is CallState.CONNECTED:
        result = CallResult.ANSWERED
    elif call.is_uncertain and call.state is CallState.PLACED:
        # The PBX has never heard of it.
        result = CallResult.FAILED
    else:
        result = CallResult.UNDETERMINED
    return CallUpdate(
        state=CallState.ENDED,
        call_id="" if call.request else call.call_id,
        originated_call_id=call.call_id if call.request else "",
        result=result,
    )

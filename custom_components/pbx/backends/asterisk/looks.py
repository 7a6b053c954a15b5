"""Asks an Asterisk for the open calls, of which events may have been lost."""

import asyncio
from collections.abc import Iterable, Mapping, Set as AbstractSet
import logging
from typing import Any, Final

from ..base import Clock, OpenCall, PbxError, Sink
from ..reconnect import wait_for
from ..updates import CallResult, CallState, CallUpdate
from .client import AsteriskClient
from .leg import ANSWERS_ITSELF, Talk
from .legs import Legs
from .models import channels_by_id, talking_since

_LOGGER = logging.getLogger(__name__)

# Seconds between two looks at the open calls while events come, and while none do.
LOOK_INTERVAL: Final = 60
UNHEARD_INTERVAL: Final = 10
# Seconds after which a call from here is looked at for the first time: sooner than the
# shortest of them is given up of which nothing more is heard.
FIRST_LOOK: Final = 10
# Seconds between two looks at a call that is missing, as its true end may lie unread
# in the socket. As late, a call is looked for whose request was not answered.
SECOND_LOOK: Final = 2


class Looks:
    """Reports what an Asterisk's list of channels says of the open calls.

    Attributes:
        moved: set when something was found that may move a limit.
        connection: number of the connection for events; 0 while there is none.
    """

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        sink: Sink,
        clock: Clock,
        moved: asyncio.Event,
    ) -> None:
        """Initialize the looks; nothing is sent."""
        self.moved = moved
        self.connection = 0
        self._client = client
        self._legs = legs
        self._sink = sink
        self._clock = clock
        self._wake = asyncio.Event()
        self._looked_at = clock.time()
        # Further times to look at.
        self._due_at: list[float] = []
        # Whether calls of others may have begun unheard.
        self._has_missed = False

    def ask(self) -> None:
        """Have the open calls looked at now."""
        self._look_at(self._clock.time())

    def connected(self, connection: int) -> None:
        """Have everything looked at that has happened before a connection."""
        self.connection = connection
        self._has_missed = True
        self.ask()

    def lost(self) -> None:
        """Have the open calls looked at more often, as no events come."""
        self.connection = 0
        self._wake.set()

    def watch(self, since: float) -> None:
        """Have a call from here looked at in good time.

        Args:
            since: Unix time at which it was requested, by our clock.
        """
        self._look_at(max(since + FIRST_LOOK, self._clock.time() + 1))

    def mark_uncertain(self, since: float, timeout: float) -> None:
        """Have a call looked for soon, and again when both parties would have rung.

        Args:
            since: Unix time at which its request failed, by our clock.
            timeout: seconds for which each of them rings.
        """
        for at in (since + SECOND_LOOK, since + 2 * timeout):
            if at > self._clock.time():
                self._look_at(at)

    def _look_at(self, at: float) -> None:
        self._due_at.append(at)
        self._wake.set()

    async def look_after(self) -> None:
        """Report what has become of the open calls, now and then."""
        while True:
            now = self._clock.time()
            interval = LOOK_INTERVAL if self.connection else UNHEARD_INTERVAL
            due = min([self._looked_at + interval, *self._due_at])
            if due > now:
                await wait_for(self._wake, self._clock, due - now)
                continue
            self._looked_at = now
            self._due_at = [at for at in self._due_at if at > now]
            try:
                await self._look_twice()
                await self._close_abandoned()
            except PbxError as err:
                _LOGGER.debug("The open calls could not be looked at: %s", err)

    async def _close_abandoned(self) -> None:
        """Close a connection of which Asterisk knows nothing anymore.

        Raises:
            PbxError: the PBX did not tell.
        """
        connection = self.connection
        # Another one, made while the PBX was asked, is not what it told of.
        if (
            connection
            and await self._client.is_abandoned()
            and connection == self.connection
        ):
            await self._client.stop_listening()

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
        has_missed, connection = self._has_missed, self.connection
        if not (calls or others or has_missed):
            return frozenset()
        channels = channels_by_id(await self._client.rows("channels"))
        for call_id in (calls.keys() & missed) - channels.keys():
            if (channel := await self._client.channel(call_id)) is not None:
                channels[call_id] = channel
        talks = self._talks(await self._client.rows("bridges"))
        if has_missed:
            self._discover(channels, talks)
            self._has_missed = connection != self.connection
        for call_id, call in calls.items():
            # Of a call of others that began before a reload, no leg has told the end.
            if call.request is not None and self._legs.has_ended(call_id):
                continue
            if (channel := channels.get(call_id)) is not None:
                self._report_on(call, channel, talks.get(call_id))
            elif call_id in missed:
                self._sink.call(_gone(call))
        missing = (others | calls.keys()) - channels.keys()
        for channel_id in missing & missed:
            self._legs.forget(channel_id)
        self.moved.set()
        return missing - missed

    def _talks(self, bridges: Iterable[Mapping[str, Any]]) -> dict[str, Talk]:
        now = self._clock.time()
        return {
            channel_id: Talk(
                now if at is None else min(at - self._client.clock_offset, now), at
            )
            for channel_id, at in talking_since(bridges).items()
        }

    def _discover(
        self, channels: Mapping[str, Mapping[str, Any]], talks: Mapping[str, Talk]
    ) -> None:
        """Report the calls of others that nobody here knows."""
        now = self._clock.time()
        for channel_id, channel in channels.items():
            update = self._legs.discover(channel, talks.get(channel_id), now)
            if update is not None:
                self._sink.call(self._client.by_our_clock(update))

    def _report_on(
        self, call: OpenCall, channel: Mapping[str, Any], talk: Talk | None
    ) -> None:
        """Report a call that is on; what was missed of it is made up for."""
        leg = self._legs.get(call.call_id)
        if leg is not None and leg.request is not None:
            now = self._clock.time()
            leg.catch_up(channel, talk, now)
            if not self.connection and leg.alone_since == now:
                # Whether somebody is dialed after all, no event would tell.
                self._look_at(now + ANSWERS_ITSELF)
        self._sink.call(
            CallUpdate(
                state=call.state if talk is None else CallState.CONNECTED,
                call_id="" if call.request else call.call_id,
                originated_call_id=call.call_id if call.request else "",
                at=None if talk is None or talk.at is None else talk.since,
            )
        )


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

"""Poll an Asterisk for the open calls, whose events may have been missed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
import logging
from typing import Any, Final

from ..base import OpenCall
from ..errors import PbxError
from ..reconnect import wait_for
from ..updates import CallResult, CallState, CallUpdate
from .application import Tools
from .leg import DIALPLAN_ANSWER_DELAY, Conversation
from .models import channels_by_id, talking_since

_LOGGER = logging.getLogger(__name__)

# Seconds between polls while the event stream is connected, and while it is not.
POLL_INTERVAL: Final = 60
OFFLINE_POLL_INTERVAL: Final = 10
# Seconds until a placed call is polled for the first time: before even the shortest
# call without updates expires.
FIRST_POLL_DELAY: Final = 10
# Seconds until a missing call is checked again, as the event of its end may not have
# been read yet. After the same time, a call whose request had no response is polled.
RECHECK_DELAY: Final = 2


class CallPoller:
    """Polls an Asterisk's list of channels, and reports the state of the open calls.

    Attributes:
        limits_changed: set when the limit of a call may have changed.
        connection: number of the event stream's connection; 0 while disconnected.
    """

    def __init__(
        self, tools: Tools, complete: Callable[[CallUpdate], CallUpdate]
    ) -> None:
        """Initialize the poller; nothing is sent.

        Args:
            tools: of our application.
            complete: adds what is known only there to an update of an open call.
        """
        self.limits_changed = tools.limits_changed
        self.connection = 0
        self._client, self._legs = tools.client, tools.legs
        self._sink, self._clock = tools.sink, tools.clock
        self._complete = complete
        self._wake = asyncio.Event()
        self._polled_at = self._clock.time()
        # Unix times of additional polls.
        self._due_at: list[float] = []
        # Whether other calls may have begun, or states of extensions changed, without
        # an event.
        self._may_have_missed_calls = False
        self._may_have_missed_states = False

    def request_poll(self) -> None:
        """Poll the open calls now."""
        self._schedule(self._clock.time())

    def handle_connected(self, connection: int) -> None:
        """Poll all calls and extensions now: earlier events were missed."""
        self.connection = connection
        self._may_have_missed_calls = True
        self._may_have_missed_states = True
        self.request_poll()

    def handle_lost(self) -> None:
        """Poll more often while the event stream is disconnected."""
        self.connection = 0
        self._wake.set()

    def schedule_first_poll(self, since: float) -> None:
        """Schedule the first poll of a call that was placed.

        Args:
            since: Unix time of its request, by the local clock.
        """
        self._schedule(max(since + FIRST_POLL_DELAY, self._clock.time() + 1))

    def mark_uncertain(self, since: float, timeout: float) -> None:
        """Schedule polls for an uncertain call: soon, and after both parties rang.

        Args:
            since: Unix time at which its request failed, by the local clock.
            timeout: seconds that each of the two parties rings.
        """
        for at in (since + RECHECK_DELAY, since + 2 * timeout):
            if at > self._clock.time():
                self._schedule(at)

    def _schedule(self, at: float) -> None:
        self._due_at.append(at)
        self._wake.set()

    async def run(self) -> None:
        """Poll the open calls periodically and at scheduled times."""
        while True:
            now = self._clock.time()
            interval = POLL_INTERVAL if self.connection else OFFLINE_POLL_INTERVAL
            due = min([self._polled_at + interval, *self._due_at])
            if due > now:
                await wait_for(self._wake, self._clock, due - now)
                continue
            self._polled_at = now
            self._due_at = [at for at in self._due_at if at > now]
            try:
                await self._poll_and_recheck()
                await self._close_if_unregistered()
                await self._report_extensions()
            except PbxError as err:
                _LOGGER.debug("Failed to poll the open calls: %s", err)

    async def _close_if_unregistered(self) -> None:
        """Close the event stream if Asterisk no longer knows our application.

        Raises:
            PbxError: the request failed.
        """
        connection = self.connection
        # The response does not apply to a connection that was made meanwhile.
        if (
            connection
            and await self._client.is_unregistered()
            and connection == self.connection
        ):
            await self._client.stop_listening()

    async def _poll_and_recheck(self) -> None:
        """Poll the open calls, and check missing ones again shortly after.

        Raises:
            PbxError: a request failed.
        """
        missing: AbstractSet[str] = frozenset()
        for pause in (0, RECHECK_DELAY):
            if pause:
                await self._clock.sleep(pause)
            missing = await self._poll(missing)
            if not missing:
                return

    async def _poll(self, missing_before: AbstractSet[str]) -> AbstractSet[str]:
        """Report the state of the open calls, and return the ids of missing ones.

        Args:
            missing_before: ids that were missing in the previous poll: if they still
                are, their calls have ended.

        Raises:
            PbxError: a request failed.
        """
        # Calls that are reported by events from here on do not count as missing.
        calls = {
            call.call_id: call
            for call in self._sink.open_calls()
            if not call.is_requested
        }
        others = self._legs.other_channel_ids
        may_have_missed_calls, connection = self._may_have_missed_calls, self.connection
        if not (calls or others or may_have_missed_calls):
            return frozenset()
        channels = channels_by_id(await self._client.list_objects("channels"))
        for call_id in (calls.keys() & missing_before) - channels.keys():
            if (channel := await self._client.get_channel(call_id)) is not None:
                channels[call_id] = channel
        conversations = self._conversations(await self._client.list_objects("bridges"))
        if may_have_missed_calls:
            self._discover(channels, conversations)
            self._may_have_missed_calls = connection != self.connection
        for call_id, call in calls.items():
            # Other calls from before a reload are not followed, so always check them.
            if call.request is not None and self._legs.has_ended(call_id):
                continue
            if (channel := channels.get(call_id)) is not None:
                self._report_open_call(call, channel, channels, conversations)
            elif call_id in missing_before:
                self._sink.call(self._complete(_end_of_missing_call(call)))
        missing = (others | calls.keys()) - channels.keys()
        for channel_id in missing & missing_before:
            self._legs.forget(channel_id)
        self.limits_changed.set()
        return missing - missing_before

    def _conversations(
        self, bridges: Iterable[Mapping[str, Any]]
    ) -> dict[str, Conversation]:
        now = self._clock.time()
        return {
            channel_id: Conversation(
                now if at is None else min(at - self._client.clock_offset, now), at
            )
            for channel_id, at in talking_since(bridges).items()
        }

    def _discover(
        self,
        channels: Mapping[str, Mapping[str, Any]],
        conversations: Mapping[str, Conversation],
    ) -> None:
        """Report other calls that are not known yet."""
        now = self._clock.time()
        for channel_id, channel in channels.items():
            update = self._legs.discover(channel, conversations.get(channel_id), now)
            if update is not None:
                self._sink.call(self._client.to_local_time(update))

    async def _report_extensions(self) -> None:
        """Report the states of the extensions once: events report changes only.

        Raises:
            PbxError: a request failed; the next poll repeats it.
        """
        # While the event stream is disconnected, they would soon be outdated.
        if not (self.connection and self._may_have_missed_states):
            return
        before, connection = Counter(self._legs.states_heard), self.connection
        for update in await self._client.extension_states():
            # An event that arrived in the meantime is newer than the list.
            if self._legs.states_heard[update.number] == before[update.number]:
                self._sink.extension(update)
        self._may_have_missed_states = connection != self.connection

    def _report_open_call(
        self,
        call: OpenCall,
        channel: Mapping[str, Any],
        channels: Mapping[str, Mapping[str, Any]],
        conversations: Mapping[str, Conversation],
    ) -> None:
        """Report the state of an open call, and update its leg."""
        leg = self._legs.get(call.call_id)
        dialing_id = call.call_id if leg is None else leg.dialing_id
        conversation = conversations.get(dialing_id)
        if leg is not None and leg.request is None and conversation is not None:
            # The event that a phone answered may have been missed.
            leg.answer(conversation.since, conversation.at)
        if leg is not None and leg.request is not None:
            now = self._clock.time()
            leg.catch_up(channel, channels.get(dialing_id, {}), conversation, now)
            if not self.connection and leg.no_callee_since == now:
                # No event would report a callee that is dialed meanwhile.
                self._schedule(now + DIALPLAN_ANSWER_DELAY)
        # A phone that hears a message was answered, whatever it is connected to.
        is_answered = leg is not None and leg.is_announcement and leg.up_since
        is_connected = conversation is not None or is_answered
        update = CallUpdate(
            state=CallState.CONNECTED if is_connected else call.state,
            call_id="" if call.request else call.call_id,
            originated_call_id=call.call_id if call.request else "",
            at=None
            if conversation is None or conversation.at is None
            else conversation.since,
        )
        self._sink.call(self._complete(update))


def _end_of_missing_call(call: OpenCall) -> CallUpdate:
    """Return the update for a missing call, whose end was not reported."""
    if call.state is CallState.CONNECTED:
        result = CallResult.ANSWERED
    elif call.is_uncertain and call.state is CallState.PLACED:
        # The PBX did not place it.
        result = CallResult.FAILED
    else:
        result = CallResult.UNDETERMINED
    return CallUpdate(
        state=CallState.ENDED,
        call_id="" if call.request else call.call_id,
        originated_call_id=call.call_id if call.request else "",
        result=result,
    )

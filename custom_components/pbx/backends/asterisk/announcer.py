"""Announcements: phones that ring into our application, and hear a message there.

Asterisk cleans nothing up: whatever ends first, this module ends the phone, the media
channel and the bridge. As every request may fail, it also ends those of announcements
that are not played any more, each time the event stream connects.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
import logging
from typing import Any, Final

from ..announcement import Announced, Announcement
from ..base import CallRequest
from ..errors import PbxError
from ..updates import CallState, CallUpdate
from .application import Tools
from .background import PAUSES
from .fields import STASIS, mapping_in, running_app, text_in
from .line import callee_of
from .models import ANNOUNCEMENT, channels_by_id
from .performance import Performance
from .speech_api import call_of

_LOGGER = logging.getLogger(__name__)

# Events after which a phone does not hear the message.
_HANGS_UP: Final = frozenset({"ChannelHangupRequest", "ChannelDestroyed"})
_LEAVES: Final = _HANGS_UP | {"ChannelLeftBridge", "StasisEnd"}


class Announcer:
    """The announcements of one Asterisk; implements `Server`.

    Args:
        tools: of our application.
        take_over: called to connect the second party with keys, when the phone has left
            the media channel.
    """

    def __init__(self, tools: Tools, take_over: Callable[[CallRequest], None]) -> None:
        """Initialize without calls; nothing is sent."""
        self._tools = tools
        self._client, self._sink = tools.client, tools.sink
        self._background = tools.background
        self._take_over = take_over
        # Phones that may ring, by the id of the channel.
        self._expected: dict[str, CallRequest] = {}
        # Phones that were answered, until the call has ended.
        self._performances: dict[str, Performance] = {}

    def serves(self, request: CallRequest) -> bool:
        """Return whether it serves the call of a request."""
        return request.announcement is not None

    async def check(self) -> None:
        """Check that Asterisk can play a message.

        Raises:
            DeniedError: it cannot; the detail names the module and the version.
            PbxError: a request failed.
        """
        await self._client.speech.check()

    def expect(self, request: CallRequest) -> None:
        """Prepare for a call, before it is requested."""
        self._forget_closed()
        self._expected[request.call_id] = request

    def _forget_closed(self) -> None:
        """Forget calls whose end was not reported, as their messages are large."""
        open_ids = {call.call_id for call in self._sink.open_calls()}
        for call_id in self._expected.keys() - open_ids:
            del self._expected[call_id]
        for call_id in self._performances.keys() - open_ids:
            if not self._performances[call_id].is_running:
                del self._performances[call_id]

    def withdraw(self, request: CallRequest) -> None:
        """Process that a call was not placed."""
        self._expected.pop(request.call_id, None)

    def handle_requested(self, request: CallRequest, *, is_certain: bool) -> None:
        """Hang up a phone whose announcement was ended while it was requested."""
        call_id = request.call_id
        is_served = call_id in self._expected or call_id in self._performances
        if not is_served and self._tools.legs.get(call_id) is not None:
            self._background.stop(call_id, is_certain=is_certain)

    def enter(self, channel_id: str, argument: str) -> bool:
        """Play the message to a phone that was answered."""
        del argument
        if (call := self._performances.get(call_of(channel_id))) is not None:
            call.handle_media_entered()
            return call.is_running
        if channel_id in self._performances:
            return True
        request = self._expected.pop(channel_id, None)
        if request is None or request.announcement is None:
            return False
        self._begin(request, request.announcement)
        return True

    def _begin(self, request: CallRequest, announcement: Announcement) -> None:
        call_id = request.call_id

        def report(announced: Announced) -> None:
            self._report(call_id, announced)

        performance = Performance(
            self._tools, request, announcement, report, self._take_over
        )
        self._performances[call_id] = performance
        self._background.start(performance.run())

    def _report(self, call_id: str, announced: Announced) -> None:
        if call_id in self._performances:
            leg = self._tools.legs.get(call_id)
            self._sink.call(
                CallUpdate(
                    state=CallState.CONNECTED,
                    originated_call_id=call_id,
                    ring_time=leg.ring_time(None) if leg else None,
                    announced=announced,
                )
            )

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Process that a phone has hung up, or left the bridge."""
        channel_id = text_in(mapping_in(event, "channel"), "id")
        if (performance := self._performances.get(channel_id)) is None:
            return
        # A phone also leaves the bridge to be connected.
        if text_in(event, "type") in (_HANGS_UP if performance.has_left else _LEAVES):
            performance.end()

    def unread(self, update: CallUpdate) -> asyncio.Event | None:
        """Return what the end of a call waits for: the keys that came before it."""
        performance = self._performances.get(update.originated_call_id)
        if performance is None or update.state is not CallState.ENDED:
            return None
        return None if performance.keys_read.is_set() else performance.keys_read

    def complete(self, update: CallUpdate) -> CallUpdate:
        """Return an update of a call with what came of its announcement."""
        call_id = update.originated_call_id
        is_end = update.state is CallState.ENDED
        if is_end:
            self._expected.pop(call_id, None)
        leg = self._tools.legs.get(call_id)
        is_connected = leg is not None and leg.has_second_party
        if (performance := self._performances.get(call_id)) is None:
            is_resumed = leg is not None and leg.is_announcement
            return (
                self._complete_resumed(update)
                if is_resumed and is_connected
                else update
            )
        if performance.has_left and is_connected:
            performance.announced = replace(performance.announced, connected=True)
        if is_end:
            performance.end()
            del self._performances[call_id]
        return replace(update, announced=performance.announced)

    def _complete_resumed(self, update: CallUpdate) -> CallUpdate:
        """Return an update of a call whose announcement was played before a reload."""
        for call in self._sink.open_calls():
            if call.call_id == update.originated_call_id and call.announced is not None:
                announced = replace(call.announced, connected=True)
                return replace(update, announced=announced)
        return update

    def handle_connected(self) -> None:
        """Find the phones that were answered or hung up while events were missed."""
        for performance in self._performances.values():
            performance.misses_events = True
        self._background.start(self._async_resume())

    async def close(self) -> None:
        """Hang up all phones: without events, they would stay in silence."""
        for call_id in self._expected:
            self._background.stop(call_id, is_certain=False)
        self._expected.clear()
        for call_id, performance in self._performances.items():
            performance.end()
            if performance.is_running:
                self._background.stop(call_id)

    async def _async_resume(self) -> None:
        error: PbxError | None = None
        for pause in PAUSES:
            await self._background.pause(pause)
            try:
                bridges = await self._client.list_objects("bridges")
                channels = channels_by_id(await self._client.list_objects("channels"))
            except PbxError as err:
                error = err
            else:
                self._resume(channels)
                self._delete_bridges(bridges)
                return
        if self._performances or self._open_requests():
            _LOGGER.warning("Failed to check the announcements: %s", error)

    def _resume(self, channels: Mapping[str, Mapping[str, Any]]) -> None:
        for call_id, performance in self._performances.items():
            if performance.misses_events and call_id not in channels:
                performance.end()
        for call_id in tuple(self._expected):
            if _is_ours(channels.get(call_id, {})):
                self.enter(call_id, ANNOUNCEMENT)
        # Persons who were connected with keys, before a reload.
        connected = {
            request.call_id
            for request in self._open_requests()
            if callee_of(request) in channels
        }
        for channel_id in channels.keys() - connected:
            if self._is_orphan(channel_id, channels[channel_id]):
                self._background.stop(channel_id)

    def _is_orphan(self, channel_id: str, channel: Mapping[str, Any]) -> bool:
        """Return whether a channel of an announcement is not served any more."""
        if call_id := call_of(channel_id):
            is_media = _is_ours(channel, self._client.application)
            return is_media and not self._is_playing(call_id)
        is_ours = _is_ours(channel, f"{self._client.application},{ANNOUNCEMENT}")
        if (performance := self._performances.get(channel_id)) is not None:
            return performance.is_let_go and is_ours
        if channel_id in self._expected:
            return False
        # A phone that rings has not entered our application yet.
        open_ids = {request.call_id for request in self._open_requests()}
        rings = text_in(channel, "state") != "Up" and channel_id in open_ids
        return rings or is_ours

    def _is_playing(self, call_id: str) -> bool:
        performance = self._performances.get(call_id)
        return performance is not None and performance.is_running

    def _open_requests(self) -> list[CallRequest]:
        """Return the requests of the announcements that have not ended."""
        requests = (call.request for call in self._sink.open_calls())
        return [each for each in requests if each and self.serves(each)]

    def _delete_bridges(self, bridges: Sequence[Mapping[str, Any]]) -> None:
        for bridge in bridges:
            identifier = text_in(bridge, "id")
            call_id = call_of(identifier)
            is_ours = text_in(bridge, "name") == self._client.application
            if is_ours and call_id and not self._is_playing(call_id):
                self._background.start(self._background.delete_bridge(identifier))


def _is_ours(channel: Mapping[str, Any], data: str = "") -> bool:
    """Return whether a channel is in an ARI application.

    Args:
        channel: from a list of channels.
        data: the name and the arguments of the application; empty for any.
    """
    of_channel = text_in(mapping_in(channel, "dialplan"), "app_data")
    return running_app(channel) == STASIS and data in {"", of_channel}

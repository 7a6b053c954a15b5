"""Phones that ring together: the first that is answered is connected to the callee.

They ring into the ARI application of this integration. Only the first answered one is
continued in the dialplan, so no second person can reach the callee. Which one is first
is decided while the event is read, without any request in between.

Source: Asterisk's documentation of ARI's channels, and measurements with an Asterisk 22
(two phones answered within 0 to 200 ms of each other, 200 times).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from typing import Any, Final

from ..base import CallRequest
from ..errors import PbxError, PbxErrorCode
from ..updates import CallUpdate
from .application import Tools
from .background import PAUSES
from .connecting import async_connect
from .fields import STASIS, running_app, text_in
from .models import channels_by_id

_LOGGER = logging.getLogger(__name__)

# Asterisk's name of the reason with which phones list no missed call.
ANSWERED_ELSEWHERE: Final = "answered_elsewhere"
# Heard by the person who answers a signal, and for how many seconds.
TONE: Final = "tone:600/200,0/100"
TONE_LENGTH: Final = 0.7
# Groups that are remembered; older ones are over.
MAX_GROUPS: Final = 64


@dataclass(slots=True)
class _Group:
    """Phones that ring together.

    Attributes:
        requests: by the id of the phone's channel.
        rung: for phones whose call request is done, whether it had a response.
        winner: id of the channel that was answered first; empty until then.
        is_over: whether a phone was answered, or the backend has stopped.
    """

    requests: dict[str, CallRequest] = field(default_factory=dict)
    rung: dict[str, bool] = field(default_factory=dict)
    winner: str = ""
    is_over: bool = False

    @property
    def reason(self) -> str:
        """The reason with which other phones are hung up."""
        return ANSWERED_ELSEWHERE if self.winner else ""


class RingGroups:
    """The phones of one Asterisk that ring together."""

    def __init__(self, tools: Tools) -> None:
        """Initialize without groups; nothing is sent."""
        self._tools = tools
        self._client, self._legs, self._sink = tools.client, tools.legs, tools.sink
        self._background = tools.background
        self._groups: dict[str, _Group] = {}

    def serves(self, request: CallRequest) -> bool:
        """Return whether the phone of a request rings in a group."""
        return request.ring_group is not None and request.announcement is None

    def expect(self, request: CallRequest) -> None:
        """Add a phone to its group, before it is requested.

        Raises:
            PbxError: another phone of the group was answered already.
        """
        group = self._groups.setdefault(request.ring_group or "", _Group())
        if group.is_over:
            raise PbxError(PbxErrorCode.ANSWERED_ELSEWHERE)
        group.requests[request.call_id] = request
        if len(self._groups) > MAX_GROUPS:
            del self._groups[next(iter(self._groups))]

    def withdraw(self, request: CallRequest) -> None:
        """Process that a phone does not ring."""
        if (group := self._group_of(request)) is not None:
            group.requests.pop(request.call_id, None)

    def handle_requested(self, request: CallRequest, *, is_certain: bool) -> None:
        """Process that a phone rings, or may ring if the request had no response.

        A request to hang up that overtakes the call request would have no effect.
        """
        if (group := self._group_of(request)) is None:
            return
        group.rung[request.call_id] = is_certain
        if group.is_over and request.call_id != group.winner:
            self._stop_phone(group, request.call_id)

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Ignore an event: the answers are enough."""

    def unread(self, update: CallUpdate) -> None:
        """Return None: an update has nothing to wait for."""

    def complete(self, update: CallUpdate) -> CallUpdate:
        """Return the update as it is."""
        return update

    def enter(self, channel_id: str, argument: str) -> bool:
        """Connect the first phone that is answered, and stop the others."""
        if (group := self._groups.get(argument)) is None:
            return False
        if channel_id not in group.requests:
            # A phone forwards the call to a party that was not requested, whose
            # channel has the same argument.
            self._background.stop(channel_id, group.reason)
        elif not group.is_over:
            self._handle_answer(group, channel_id)
        elif channel_id != group.winner:
            self._background.stop(channel_id, group.reason)
        return True

    def handle_connected(self) -> None:
        """Find the phones that were answered while events were missed.

        Phones that ring from before a restart are stopped: no action waits for them.
        """
        if any(self._ringing()):
            self._background.start(self._async_resume())

    async def close(self) -> None:
        """Stop the phones that ring: without events, their answers are missed."""
        for group in self._groups.values():
            if not group.is_over:
                group.is_over = True
                for channel_id in group.rung:
                    self._stop_phone(group, channel_id)

    def _group_of(self, request: CallRequest) -> _Group | None:
        return self._groups.get(request.ring_group or "")

    def _handle_answer(self, group: _Group, channel_id: str) -> None:
        group.winner, group.is_over = channel_id, True
        request = group.requests[channel_id]
        if request.is_signal:
            self._background.start(self._async_signal(request))
        else:
            self._background.start(async_connect(self._tools, request))
        for other in group.requests.keys() - {channel_id}:
            if (leg := self._legs.get(other)) is not None:
                leg.is_late = True
            if other in group.rung:
                self._stop_phone(group, other)

    def _stop_phone(self, group: _Group, channel_id: str) -> None:
        is_certain = group.rung.get(channel_id, True)
        self._background.stop(channel_id, group.reason, is_certain=is_certain)

    async def _async_signal(self, request: CallRequest) -> None:
        """Let the person hear that they have answered, and hang up."""
        try:
            await self._client.play(request.call_id, TONE)
            await self._background.pause(TONE_LENGTH)
        except PbxError as err:
            _LOGGER.debug("Failed to play the tone: %s", err)
        await self._background.stop_now(request.call_id)

    def _ringing(self) -> list[CallRequest]:
        """Return the requests of calls that may ring or wait in our application."""
        requests = (call.request for call in self._sink.open_calls())
        return [each for each in requests if each and self.serves(each)]

    async def _async_resume(self) -> None:
        error: PbxError | None = None
        for pause in PAUSES:
            await self._background.pause(pause)
            try:
                channels = channels_by_id(await self._client.list_objects("channels"))
            except PbxError as err:
                error = err
                continue
            for request in self._ringing():
                if (channel := channels.get(request.call_id)) is not None:
                    self._resume(request, channel)
            return
        _LOGGER.warning("Failed to check the phones that ring: %s", error)

    def _resume(self, request: CallRequest, channel: Mapping[str, Any]) -> None:
        is_up = text_in(channel, "state") == "Up"
        if is_up and running_app(channel) != STASIS:
            # Connected to the callee.
            return
        group, call_id = self._group_of(request), request.call_id
        if group is None or call_id not in group.requests:
            self._background.stop(call_id)
        elif group.is_over and call_id != group.winner:
            self._stop_phone(group, call_id)
        elif is_up and not group.is_over:
            self._handle_answer(group, call_id)

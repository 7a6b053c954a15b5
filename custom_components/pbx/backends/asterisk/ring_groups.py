"""Phones that ring together: the first that is answered is connected to the callee.

They ring into the ARI application of this integration. Only the first answered one is
continued in the dialplan, so no second person can reach the callee. Which one is first
is decided while the event is read, without any request in between.

Source: Asterisk's documentation of ARI's channels, and measurements with an Asterisk 22
(two phones answered within 0 to 200 ms of each other, 200 times).
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
import logging
from typing import Any, Final

from ..base import (
    CallNotFoundError,
    CallRequest,
    Clock,
    PbxError,
    PbxErrorCode,
    Sink,
)
from ..reconnect import first_of
from .client import AsteriskClient
from .leg import STASIS, mapping_in, running_app, text_in
from .legs import Legs
from .models import channels_by_id

_LOGGER = logging.getLogger(__name__)

# Asterisk's name of the reason with which phones list no missed call.
ANSWERED_ELSEWHERE: Final = "answered_elsewhere"
# Seconds before each attempt of a request. A phone whose call request had no response
# may begin to ring in the meantime.
_PAUSES: Final = (0, 1, 4)
# Heard by the person who answers a signal, and for how many seconds.
TONE: Final = "tone:600/200,0/100"
TONE_LENGTH: Final = 0.7
# Groups that are remembered; older ones are over.
MAX_GROUPS: Final = 64
# Seconds that requests may take when the backend stops.
_CLOSE_TIMEOUT: Final = 2


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

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        sink: Sink,
        clock: Clock,
        limits_changed: asyncio.Event,
    ) -> None:
        """Initialize without groups; nothing is sent.

        Args:
            client: sends the requests.
            legs: the calls that are followed.
            sink: knows the open calls.
            clock: measures the pauses.
            limits_changed: set when the limit of a call may have changed.
        """
        self._client = client
        self._legs = legs
        self._sink = sink
        self._clock = clock
        self._limits_changed = limits_changed
        self._groups: dict[str, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = asyncio.Event()

    def expect(self, name: str, request: CallRequest) -> None:
        """Add a phone to its group, before it is requested.

        Args:
            name: of the group.
            request: for the phone.

        Raises:
            PbxError: another phone of the group was answered already.
        """
        group = self._groups.setdefault(name, _Group())
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
        """Connect the first phone that is answered, and stop the others."""
        if event.get("type") != "StasisStart":
            return
        arguments = event.get("args")
        name = arguments[0] if isinstance(arguments, list) and arguments else None
        channel_id = text_in(mapping_in(event, "channel"), "id")
        if not isinstance(name, str) or not channel_id:
            # The dialplan itself uses the application.
            return
        group = self._groups.get(name)
        if group is None or channel_id not in group.requests:
            # The group is from before a restart; or a phone forwards the call to a
            # party that was not requested, whose channel has the same argument.
            self.stop(channel_id, "" if group is None else group.reason)
        elif not group.is_over:
            self._handle_answer(group, channel_id)
        elif channel_id != group.winner:
            self.stop(channel_id, group.reason)

    def handle_connected(self) -> None:
        """Find the phones that were answered while events were missed.

        Phones that ring from before a restart are stopped: no action waits for them.
        """
        if any(self._ringing()):
            self._start(self._async_resume())

    def stop(self, channel_id: str, reason: str = "") -> None:
        """Hang up a channel in the background.

        Args:
            channel_id: of an existing channel.
            reason: Asterisk's name of the hangup reason; empty for a normal one.
        """
        self._start(self._async_stop(channel_id, reason))

    async def close(self) -> None:
        """Stop the phones that ring: without events, their answers are missed."""
        for group in self._groups.values():
            if not group.is_over:
                group.is_over = True
                for channel_id in group.rung:
                    self._stop_phone(group, channel_id)
        self._is_closing.set()
        if tasks := tuple(self._tasks):
            _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        self._is_closing.clear()

    async def _pause(self, seconds: float) -> None:
        """Wait for some seconds; not while the backend stops."""
        if seconds:
            await first_of(self._is_closing.wait(), self._clock.sleep(seconds))

    def _group_of(self, request: CallRequest) -> _Group | None:
        return self._groups.get(request.ring_group or "")

    def _handle_answer(self, group: _Group, channel_id: str) -> None:
        group.winner, group.is_over = channel_id, True
        request = group.requests[channel_id]
        serve = self._async_signal if request.is_signal else self._async_connect
        self._start(serve(request))
        for other in group.requests.keys() - {channel_id}:
            if (leg := self._legs.get(other)) is not None:
                leg.is_late = True
            if other in group.rung:
                self._stop_phone(group, other)

    def _stop_phone(self, group: _Group, channel_id: str) -> None:
        is_certain = group.rung.get(channel_id, True)
        self._start(self._async_stop(channel_id, group.reason, is_certain=is_certain))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _async_connect(self, request: CallRequest) -> None:
        error: PbxError | None = None
        for pause in _PAUSES:
            await self._pause(pause)
            try:
                await self._client.connect_to_callee(request)
            except CallNotFoundError:
                # They have hung up again already.
                return
            except PbxError as err:
                error = err
            else:
                if (leg := self._legs.get(request.call_id)) is not None:
                    leg.connect(self._clock.time())
                    self._limits_changed.set()
                return
        _LOGGER.warning("Failed to connect a phone that was answered: %s", error)
        await self._async_stop(request.call_id)

    async def _async_signal(self, request: CallRequest) -> None:
        """Let the person hear that they have answered, and hang up."""
        try:
            await self._client.play(request.call_id, TONE)
            await self._pause(TONE_LENGTH)
        except PbxError as err:
            _LOGGER.debug("Failed to play the tone: %s", err)
        await self._async_stop(request.call_id)

    async def _async_stop(
        self, channel_id: str, reason: str = "", *, is_certain: bool = True
    ) -> None:
        """Hang up a channel; repeat it where it failed, or may have come too early."""
        error: PbxError | None = None
        for pause in _PAUSES:
            await self._pause(pause)
            try:
                await self._client.hang_up(channel_id, reason=reason)
            except CallNotFoundError:
                error = None
                if is_certain:
                    return
            except PbxError as err:
                error = err
            else:
                return
        if error is not None:
            _LOGGER.warning("Failed to stop a phone: %s", error)

    def _ringing(self) -> list[CallRequest]:
        """Return the requests of calls that may ring or wait in our application."""
        requests = (call.request for call in self._sink.open_calls())
        return [each for each in requests if each and each.ring_group is not None]

    async def _async_resume(self) -> None:
        error: PbxError | None = None
        for pause in _PAUSES:
            await self._pause(pause)
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
            self.stop(call_id)
        elif group.is_over and call_id != group.winner:
            self._stop_phone(group, call_id)
        elif is_up and not group.is_over:
            self._handle_answer(group, call_id)

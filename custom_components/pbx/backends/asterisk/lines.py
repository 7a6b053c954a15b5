"""Calls in which the caller and the callee meet in a bridge of our own.

In such a bridge the keys of both parties are reported, and keys can be sent to either.
A caller can also stay on the line while several callees are called in turn.

Asterisk reports fast keys of a phone twice, but once when they have passed through a
Local channel. So the keys of the callee are taken from the side that is in our
application, and the keys of the caller from the side that runs the dialplan.

Source: Asterisk's documentation of ARI, and measurements with an Asterisk 22.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
import logging
from typing import Any, Final

from ..base import CallRequest, Placed
from ..errors import (
    CallNotFoundError,
    CallUncertainError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from ..updates import CallResult, CallState, CallUpdate, KeyUpdate, Side
from .application import Tools
from .background import PAUSES
from .causes import UNKNOWN_CAUSE
from .fields import KEYS, mapping_in, text_in
from .leg_result import result_of
from .legs import MAX_CALLS
from .line import Line, Stage, caller_of
from .line_resumption import (
    Channels,
    bridged,
    is_in_application,
    lines_of,
    lines_of_announcements,
    orphans,
)
from .line_tasks import LineTasks
from .models import channels_by_id, is_line, unix_time

_LOGGER = logging.getLogger(__name__)

_CALLED_STAGES: Final = frozenset({Stage.WAITING, Stage.TALKING})


class Lines:
    """The callers of one Asterisk who are in our application."""

    def __init__(self, tools: Tools) -> None:
        """Initialize without calls; nothing is sent."""
        self._tools = tools
        self._client, self._legs = tools.client, tools.legs
        self._sink, self._clock = tools.sink, tools.clock
        self._background = tools.background
        self._tasks = LineTasks(tools)
        # By the id of the caller's channel.
        self._lines: dict[str, Line] = {}

    def serves(self, request: CallRequest) -> bool:
        """Return whether it serves the call of a request."""
        return is_line(request)

    def expect(self, request: CallRequest) -> None:
        """Add a caller, before the phone is rung."""
        if request.held_call is None:
            self._add(Line(request, Stage.CALLED))

    def _add(self, line: Line) -> None:
        self._lines[line.caller] = line
        if len(self._lines) > MAX_CALLS:
            del self._lines[next(iter(self._lines))]
        if (leg := self._legs.get(line.request.call_id)) is not None:
            leg.dialing_id = line.dialing

    def withdraw(self, request: CallRequest) -> None:
        """Process that a caller's phone does not ring."""
        self._lines.pop(request.call_id, None)

    def handle_requested(self, request: CallRequest, *, is_certain: bool) -> None:
        """Do nothing: events report the phone that rings."""

    def take_over(self, request: CallRequest) -> None:
        """Call the second party of an announcement, whose person is on the line."""
        line = Line(request, Stage.WAITING)
        self._add(line)
        self._begin(line)

    def enter(self, channel_id: str, argument: str) -> bool:
        """Call the callee for a caller, or let both parties talk."""
        line = self._lines.get(argument)
        if line is None:
            return False
        if channel_id == line.caller and line.stage is Stage.CALLED:
            self._begin(line)
            return True
        if channel_id == line.callee and line.stage is Stage.WAITING:
            self._connect_parties(line)
            return True
        return False

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Handle an event, before it is reported."""
        channel_id = text_in(mapping_in(event, "channel"), "id")
        match event.get("type"):
            case "ChannelDtmfReceived":
                self._handle_key(channel_id, text_in(event, "digit"))
            case "Dial":
                peer_id = text_in(mapping_in(event, "peer"), "id")
                for line in self._all():
                    if line.callee == peer_id:
                        line.status = text_in(event, "dialstatus")
            case "ChannelDestroyed":
                cause = event.get("cause")
                number = cause if isinstance(cause, int) else UNKNOWN_CAUSE
                self._handle_end(channel_id, number, unix_time(event.get("timestamp")))

    def unread(self, update: CallUpdate) -> None:
        """Return None: an update has nothing to wait for."""

    def complete(self, update: CallUpdate) -> CallUpdate:
        """Report whether the caller is gone, and forget a caller who is."""
        line = self._line_of(update.originated_call_id)
        if line is None or update.state is not CallState.ENDED:
            return update
        if line.stage is Stage.OVER:
            self._lines.pop(line.caller, None)
        if line.request.announcement is not None:
            return update
        return replace(update, is_caller_gone=line.is_gone)

    def handle_connected(self) -> None:
        """Catch up with the events before a new connection of the event stream."""
        self._add_unknown(lines_of(self._sink.open_calls()))
        self._background.start(self._async_resume())

    async def close(self) -> None:
        """End the callers who wait: without events, an answer would be missed.

        Two people who talk go on, and are followed again by the next backend.
        """
        for line in self._all():
            if line.stage not in {Stage.TALKING, Stage.OVER}:
                self._handle_caller_left(line)
                self._background.stop(line.caller)

    async def connect(self, request: CallRequest) -> Placed:
        """Call the callee for a caller who is on the line.

        Raises:
            CallUncertainError: the callee may have been called, or not.
            PbxError: the caller has hung up, or the request failed.
        """
        line = self._lines.get(caller_of(request))
        if line is None or line.stage not in {Stage.HELD, Stage.WAITING}:
            raise PbxError(PbxErrorCode.CALLER_GONE)
        if line.stage is Stage.WAITING:
            # The end of the earlier call was not reported by an event.
            self._background.stop(line.callee, is_certain=False)
        if (leg := self._legs.get(request.call_id)) is not None:
            leg.up_since = self._clock.time()
            leg.up_at = leg.up_since + self._client.clock_offset
        line.begin(request)
        try:
            await self._tasks.call(line)
        except CallUncertainError:
            raise
        except PbxError as err:
            if line.stage is Stage.WAITING and line.request is request:
                self._tasks.hold(line)
            if isinstance(err, CallNotFoundError):
                raise PbxError(PbxErrorCode.CALLER_GONE, err.detail) from err
            raise
        return Placed(request.call_id)

    async def send_keys(self, call_id: str, keys: str, to: Side) -> None:
        """Send keys to one party of a call that takes keys.

        Raises:
            CallNotFoundError: there is no such call, or it has ended.
            DeniedError: the call was placed without keys, or that party is not
                connected yet.
            PbxError: the request failed.
        """
        line = self._line_of(call_id)
        if line is None or not line.takes_keys:
            if all(call.call_id != call_id for call in self._sink.open_calls()):
                raise CallNotFoundError
            raise DeniedError(PbxErrorCode.NO_KEYS)
        if to is Side.CALLER:
            await self._tasks.requests.send_keys(line.caller, keys)
            return
        # They may be reported before the response.
        line.expect_echoes(keys, self._clock.time())
        try:
            await self._tasks.requests.send_keys(line.callee, keys)
        except PbxError:
            line.forget_echoes(keys)
            raise

    def release(self, call_id: str) -> None:
        """Process that a call is hung up: its caller is not held any more."""
        line = self._line_of(call_id)
        if line is None or call_id == line.caller:
            return
        line.is_released = True
        if line.stage is Stage.HELD:
            self._background.stop(line.caller)

    def _connect_parties(self, line: Line) -> None:
        """Let both parties talk: the callee, or the dialplan, has answered."""
        if (leg := self._legs.get(line.request.call_id)) is not None:
            leg.connect(self._clock.time())
            self._tools.limits_changed.set()
        self._tasks.connect(line)

    def _handle_caller_left(self, line: Line) -> None:
        """Process that the caller's channel has ended: end the callee's, too."""
        stage, line.stage, line.is_gone = line.stage, Stage.OVER, True
        if stage in _CALLED_STAGES and not line.is_placing:
            self._background.stop(line.callee)
        if stage is Stage.TALKING:
            self._tasks.delete_bridge(line)
        if self._legs.get(line.request.call_id) is None:
            self._lines.pop(line.caller, None)

    def _handle_callee_left(self, line: Line, cause: int, at: float | None) -> None:
        """Process that the callee's channel has ended: hold the caller, or end it.

        Args:
            line: of the caller.
            cause: hangup cause of the channel.
            at: Unix time by the PBX's clock; None if unknown.
        """
        if line.stage is Stage.TALKING:
            self._tasks.delete_bridge(line)
        request, line.stage = line.request, Stage.OVER
        if (leg := self._legs.get(request.call_id)) is not None:
            leg.end_unanswered(line.callee, line.status, cause)
            is_answered = result_of(leg, cause) is CallResult.ANSWERED
            if request.hold_time is not None and not (is_answered or line.is_released):
                self._tasks.hold(line)
        if line.stage is Stage.OVER:
            self._background.stop(line.caller)
        # The result of an announcement is reported at the end of its own channel.
        if request.announcement is None:
            update = self._legs.finish(request.call_id, cause, at)
            if update is not None:
                update = self._client.to_local_time(self.complete(update))
                self._sink.call(update)

    def _all(self) -> tuple[Line, ...]:
        return tuple(self._lines.values())

    def _add_unknown(self, lines: Iterable[Line]) -> list[Line]:
        unknown = [line for line in lines if line.caller not in self._lines]
        for line in unknown:
            self._add(line)
        return unknown

    async def _async_resume(self) -> None:
        error: PbxError | None = None
        for pause in PAUSES:
            await self._background.pause(pause)
            # Calls that go on meanwhile may be in another state than the lists.
            before = {
                line: line.progress for line in self._all() if not line.is_placing
            }
            try:
                channels = channels_by_id(await self._client.list_objects("channels"))
                bridges = await self._client.list_objects("bridges") if channels else ()
            except PbxError as err:
                error = err
            else:
                unchanged = [
                    line
                    for line, progress in before.items()
                    if line.progress == progress
                ]
                self._resume(unchanged, channels, bridged(bridges))
                return
        if self._lines:
            _LOGGER.warning("Failed to check the callers on the line: %s", error)

    def _resume(
        self, lines: Iterable[Line], channels: Channels, bridge_ids: Collection[str]
    ) -> None:
        calls = self._sink.open_calls()
        added = self._add_unknown(lines_of_announcements(calls, channels))
        for line in (*lines, *added):
            self._resume_line(line, channels, bridge_ids)
        known = {line.caller for line in self._all() if line.stage is not Stage.OVER}
        known |= {call.call_id for call in calls}
        for channel_id in orphans(channels, self._client.application, known):
            self._background.stop(channel_id)

    def _resume_line(
        self, line: Line, channels: Channels, bridge_ids: Collection[str]
    ) -> None:
        caller, callee = channels.get(line.caller), channels.get(line.callee)
        if line.stage is Stage.CALLED and (
            caller is None or not is_in_application(caller)
        ):
            # The phone rings, or is about to; or the poll reports that it does not.
            return
        if line.stage is Stage.OVER:
            return
        if caller is None:
            self._handle_caller_left(line)
        elif line.stage is Stage.HELD:
            return
        elif callee is None:
            self._handle_callee_left(line, UNKNOWN_CAUSE, None)
        elif not is_in_application(callee):
            line.stage = Stage.WAITING
        elif line.bridge in bridge_ids:
            line.stage = Stage.TALKING
        else:
            self._connect_parties(line)

    def _line_of(self, call_id: str) -> Line | None:
        return next(
            (line for line in self._all() if line.request.call_id == call_id), None
        )

    def _handle_end(self, channel_id: str, cause: int, at: float | None) -> None:
        for line in self._all():
            if channel_id == line.caller and line.stage is not Stage.OVER:
                self._handle_caller_left(line)
            elif channel_id == line.callee and line.stage in _CALLED_STAGES:
                self._handle_callee_left(line, cause, at)

    def _handle_key(self, channel_id: str, key: str) -> None:
        if key not in KEYS:
            return
        for line in self._all():
            if not (line.takes_keys and channel_id in {line.callee, line.dialing}):
                continue
            side = Side.CALLEE if channel_id == line.callee else Side.CALLER
            if side is Side.CALLEE or not line.is_echo(key, self._clock.time()):
                self._sink.key(KeyUpdate(line.request.call_id, key, side))

    def _begin(self, line: Line) -> None:
        line.begin(line.request)
        self._background.start(self._async_begin(line))

    async def _async_begin(self, line: Line) -> None:
        request = line.request
        try:
            await self._tasks.call(line)
        except CallUncertainError, CallNotFoundError:
            # Events report whether the callee rings, and that the caller has hung up.
            return
        except PbxError as err:
            _LOGGER.warning("Failed to call the callee: %s", err)
            if line.stage is Stage.WAITING and line.request is request:
                now = self._clock.time() + self._client.clock_offset
                self._handle_callee_left(line, UNKNOWN_CAUSE, now)

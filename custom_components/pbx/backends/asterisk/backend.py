"""The Asterisk backend: places calls through ARI and reports them by its events."""

import asyncio
from collections.abc import Mapping
import math
from typing import Final

from ..announcement import Audio, Message, Sound, SpeechTrace
from ..base import CallRequest, Clock, Directory, Memory, Placed, Sink
from ..errors import CallUncertainError, PbxError, PbxErrorCode
from ..reconnect import first_of, wait_for
from ..ring_result import RingResult
from ..updates import CallState, CallUpdate, Received, Side
from .announcer import Announcer
from .application import Application, Tools
from .background import Background
from .call_poller import CallPoller
from .channels import ChannelTemplates
from .client import AsteriskClient
from .event_handler import EventHandler
from .leg import DIALPLAN_ANSWER_DELAY, Leg
from .legs import Legs
from .limits import LimitEnforcer
from .lines import Lines
from .listener import Listener
from .ring import ring_phone
from .ring_groups import RingGroups

# Seconds for which phones that ring together wait for a lost event stream.
STREAM_TIMEOUT: Final = 3
# Maximum seconds between two checks of the limits.
_LONGEST_WAIT: Final = 60


class AsteriskBackend:
    """A backend for one Asterisk; implements `Backend`.

    Asterisk does not enforce the callee's ring time or the call limit, so this backend
    does, as it follows which phones ring.
    """

    def __init__(
        self,
        client: AsteriskClient,
        templates: ChannelTemplates,
        _memory: Memory,
        sink: Sink,
        clock: Clock,
    ) -> None:
        """Initialize the backend; nothing is sent."""
        self._client = client
        self._sink = sink
        self._clock = clock
        self._legs = Legs(templates)
        self._limits_changed = asyncio.Event()
        background = Background(client, clock)
        tools = Tools(client, self._legs, sink, clock, background, self._limits_changed)
        self._lines = Lines(tools)
        self._announcer = Announcer(tools, self._lines.take_over)
        servers = RingGroups(tools), self._announcer, self._lines
        self._application = Application(servers, background)
        self._poller = CallPoller(tools, self._application.complete)
        handler = EventHandler(
            client=client,
            legs=self._legs,
            application=self._application,
            background=background,
            poller=self._poller,
            sink=sink,
            clock=clock,
        )
        self._listener = Listener(client, sink, clock, handler)
        self._limits = LimitEnforcer(
            client, self._legs, clock, self._poller.request_poll
        )
        self._is_running = False

    async def ping(self) -> str:
        """Check the connection, the credentials and the permission to place calls.

        Returns:
            The version of Asterisk; empty if it is unknown.
        """
        version = await self._client.ping()
        if not self._listener.is_connected:
            # The PBX may have been unreachable until now.
            self._listener.reconnect.set()
            self._poller.request_poll()
        return version

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its id is that of the request."""
        await self._wait_for_first_attempt()
        server = self._application.server_of(request)
        if server is not None:
            await self._check_stream()
            server.expect(request)
        # Its events may arrive before the response.
        self._legs.expect(request)
        began_at = self._clock.time()
        try:
            placed = await self._place(request)
        except CallUncertainError:
            if server is not None:
                server.handle_requested(request, is_certain=False)
            self._poller.mark_uncertain(self._clock.time(), request.timeout)
            raise
        except PbxError:
            self._forget(request)
            raise
        if placed.ended is None:
            if server is not None:
                server.handle_requested(request, is_certain=True)
            self._poller.schedule_first_poll(began_at)
        else:
            self._forget(request)
        return placed

    async def _place(self, request: CallRequest) -> Placed:
        if request.held_call is not None:
            return await self._lines.connect(request)
        return await self._client.originate(request)

    def _forget(self, request: CallRequest) -> None:
        self._legs.forget(request.call_id)
        if (server := self._application.server_of(request)) is not None:
            server.withdraw(request)

    async def _check_stream(self) -> None:
        """Check that events are received, which report the phone that is answered.

        Raises:
            PbxError: the event stream is not connected.
        """
        if self._is_running:
            await self._listener.wait_until_connected(STREAM_TIMEOUT)
        if not self._listener.is_connected:
            raise PbxError(PbxErrorCode.NO_STREAM)

    async def check_speech(self, request: CallRequest) -> None:
        """Check that Asterisk has the module that plays audio of a WebSocket."""
        del request
        await self._announcer.check()

    async def prepare_audio(self, request: CallRequest, message: Message) -> Audio:
        """Return the audio of the only sound: the engine speaks values, too."""
        del request
        (sound,) = message.parts
        if not isinstance(sound, Sound):
            raise TypeError("Asterisk does not speak values")
        return await sound.make()

    def speech_trace(self, call_id: str) -> SpeechTrace | None:
        """Return None: Asterisk does not ask for what is played."""
        del call_id
        return None

    async def remove_audio(self, audio: Audio) -> None:
        """Do nothing: no sound is stored on the PBX."""

    async def remove_sounds(self) -> None:
        """Do nothing: no sound is stored on the PBX."""

    async def send_keys(self, call_id: str, keys: str, to: Side) -> None:
        """Send keys to one party of a call that takes keys."""
        await self._lines.send_keys(call_id, keys, to)

    async def ring(self, request: CallRequest) -> RingResult:
        """Ring the caller, who hears a sound, and check the dialplan context."""
        return await ring_phone(self._client, request, self._clock)

    async def hang_up(self, call_id: str) -> None:
        """Hang up a call in any state."""
        self._lines.release(call_id)
        await self._client.hang_up(call_id)

    async def directory(self) -> Directory:
        """Return the endpoints as extensions and trunks."""
        return await self._client.directory()

    async def receive(self, fields: Mapping[str, object]) -> Received:
        """Ignore the event: Asterisk does not send events to a webhook."""
        del fields
        return Received("")

    async def run(self) -> None:
        """Read events, poll the open calls, and enforce their limits."""
        self._is_running = True
        for call in self._sink.open_calls():
            self._legs.restore(call, self._client.clock_offset)
            if call.is_uncertain and call.request is not None:
                self._poller.mark_uncertain(call.began_at, call.request.timeout)
        try:
            await first_of(
                self._listener.listen(),
                self._poller.run(),
                self._enforce_limits(),
            )
        finally:
            self._is_running = False
            self._listener.first_attempt_done.clear()
            await self._application.close()

    async def _wait_for_first_attempt(self) -> None:
        """Wait for the first attempt to connect to the event stream, with a timeout.

        Do not wait for later attempts: the stream may be down for any length of time.
        """
        attempted = self._listener.first_attempt_done
        if self._is_running and not attempted.is_set():
            await first_of(
                attempted.wait(), self._clock.sleep(self._client.timeouts.events)
            )

    async def _enforce_limits(self) -> None:
        while True:
            await self._limits.end_due()
            self._report_answered()
            wait = min(self._limits.next_due(), self._next_answer(), _LONGEST_WAIT)
            await wait_for(self._limits_changed, self._clock, wait)

    def _report_answered(self) -> None:
        """Report the calls that the dialplan itself has answered without dialing."""
        now = self._clock.time()
        for leg in self._legs:
            if self._answers_at(leg) <= now:
                leg.is_answered_by_dialplan = True
                update = CallUpdate(
                    state=CallState.CONNECTED,
                    originated_call_id=leg.id,
                    at=leg.up_since,
                )
                self._sink.call(self._application.complete(update))

    def _next_answer(self) -> float:
        at = min(map(self._answers_at, self._legs), default=math.inf)
        return max(at - self._clock.time(), 0)

    def _answers_at(self, leg: Leg) -> float:
        """Return when the dialplan counts as having answered; infinity for never."""
        since = leg.no_callee_from(is_connected=self._listener.is_connected)
        if since is None or leg.is_answered_by_dialplan:
            return math.inf
        return since + DIALPLAN_ANSWER_DELAY

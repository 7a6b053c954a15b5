"""A kind of PBX for tests, which report what a PBX would report.

It shows what a kind has to provide, and exposes its sink: a test reports updates as a
PBX would, and checks the effect in Home Assistant.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from custom_components.pbx.backends.announcement import (
    SAMPLE_RATE,
    SAMPLE_WIDTH,
    Announced,
    Audio,
    Message,
    Played,
    Sound,
    SpeechTrace,
)
from custom_components.pbx.backends.base import (
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    Directory,
    DirectoryExtension,
    Feature,
    Memory,
    Placed,
    Sink,
)
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.kind import PbxKind
from custom_components.pbx.backends.ring_result import RingOutcome, RingResult
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    KeyUpdate,
    Received,
    Side,
)

SECOND = SAMPLE_RATE * SAMPLE_WIDTH

# The features of a PBX that can do all that an announcement asks for.
SPEECH = (
    Feature.SPEECH,
    Feature.SPEECH_KEYS,
    Feature.SPEECH_CONNECT,
    Feature.SPEECH_SENDS,
)


class ToyBackend:
    """A PBX that tests control; implements `Backend`.

    Attributes:
        sink: reports to Home Assistant.
        requests: for calls, in order.
        hung_up: ids of the calls that were ended.
        error: raised by each request while it is set.
        answers: cleared to keep requests for calls without an answer.
        ring_result: what ringing a phone shows.
        speech_error: raised by each check of speech while it is set.
        messages: that were prepared, in order.
        traces: what the PBX asked for, by the id of the call.
        removed_audio: audio whose sounds were removed.
        removal_error: raised by each removal of the sounds of one audio.
        sound_removals: number of requests to remove all sounds.
        sent_keys: id of the call, keys and side of each request, in order.
        held: ids of the calls whose caller waits on the line.
        steps_to_stop: turns of the event loop that it takes to stop.
    """

    def __init__(self, memory: Memory, sink: Sink, clock: Clock) -> None:
        """Initialize the PBX."""
        self.memory = memory
        self.sink = sink
        self.clock = clock
        self.requests: list[CallRequest] = []
        self.hung_up: list[str] = []
        self.error: PbxError | None = None
        self.placed: Placed | None = None
        self.ring_result = RingResult(RingOutcome.WORKS)
        self.speech_error: PbxError | None = None
        self.messages: list[Message] = []
        self.traces: dict[str, SpeechTrace] = {}
        self.removed_audio: list[Audio] = []
        self.removal_error: PbxError | None = None
        self.sound_removals = 0
        self.sent_keys: list[tuple[str, str, Side]] = []
        self.held: set[str] = set()
        self.answers = asyncio.Event()
        self.answers.set()
        self.pings = 0
        self.version = "1.0"
        self.is_running = False
        self.steps_to_stop = 0
        self.is_ring_canceled = False
        self._winners: dict[str, str] = {}

    async def ping(self) -> str:
        """Return the version."""
        self.pings += 1
        self._fail()
        return self.version

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call with the id of its request.

        One of a group is refused after another one was answered, and ends if that
        happens before the response. So is one for a caller who is not on the line.
        """
        self.requests.append(request)
        if request.held_call is not None and request.held_call not in self.held:
            raise PbxError(PbxErrorCode.CALLER_GONE)
        if request.group in self._winners:
            raise PbxError(PbxErrorCode.ANSWERED_ELSEWHERE)
        await self.answers.wait()
        self._fail()
        if self._is_loser(request):
            self._lose(request)
        return self.placed or Placed(request.call_id)

    async def check_speech(self, request: CallRequest) -> None:
        """Raise an error while one is set."""
        self._fail()
        if self.speech_error is not None:
            raise self.speech_error

    async def prepare_audio(self, request: CallRequest, message: Message) -> Audio:
        """Return the audio of a message, of which a value lasts a second."""
        del request
        self._fail()
        self.messages.append(message)
        pcm = b""
        for part in message.parts:
            if isinstance(part, Sound):
                pcm += (await part.make()).pcm
            else:
                pcm += bytes(SECOND)
        return Audio(pcm)

    def speech_trace(self, call_id: str) -> SpeechTrace | None:
        """Return the trace of a call, if a test has set one."""
        return self.traces.get(call_id)

    async def remove_audio(self, audio: Audio) -> None:
        """Record whose sounds are removed."""
        self.removed_audio.append(audio)
        if self.removal_error is not None:
            raise self.removal_error

    async def remove_sounds(self) -> None:
        """Count the request."""
        self._fail()
        self.sound_removals += 1

    async def send_keys(self, call_id: str, keys: str, to: Side) -> None:
        """Record keys that are sent."""
        self._fail()
        self.sent_keys.append((call_id, keys, to))

    async def ring(self, request: CallRequest) -> RingResult:
        """Ring the caller of a request."""
        self.requests.append(request)
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.is_ring_canceled = True
            raise
        self._fail()
        return self.ring_result

    async def hang_up(self, call_id: str) -> None:
        """Hang up an open call, or a caller who waits on the line."""
        self._fail()
        if call_id in self.held:
            self.held.discard(call_id)
        elif call_id not in {call.call_id for call in self.sink.open_calls()}:
            raise CallNotFoundError
        self.hung_up.append(call_id)

    async def directory(self) -> Directory:
        """Return two extensions and a trunk."""
        self._fail()
        extensions = (
            DirectoryExtension("101", "Kitchen"),
            DirectoryExtension("102", "Workshop"),
        )
        return Directory(extensions, ("provider",))

    async def run(self) -> None:
        """Report the stream as connected until canceled."""
        self.is_running = True
        self.sink.health(Channel.STREAM, ChannelState.OK)
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(self.steps_to_stop):
                await asyncio.sleep(0)
            self.is_running = False

    async def receive(self, fields: Mapping[str, object]) -> Received:
        """Return the name of the event."""
        return Received(str(fields.get("event", "")))

    # --- what tests report ----------------------------------------------------

    def report(self, state: CallState, **facts: Any) -> None:  # noqa: ANN401 - any field of an update
        """Report an update of the call that was requested last."""
        facts.setdefault("originated_call_id", self.requests[-1].call_id)
        self._note_answer(state, facts["originated_call_id"])
        self.sink.call(CallUpdate(state=state, **facts))

    def end(self, result: CallResult = CallResult.ANSWERED, **facts: Any) -> None:  # noqa: ANN401 - as above
        """Report the end of the call that was requested last.

        Its caller stays on the line if the request says so.
        """
        request = self.requests[-1]
        line = request.held_call or request.call_id
        if (
            request.hold_time is None
            or result in (CallResult.ANSWERED, CallResult.CALLER_UNREACHABLE)
            or facts.get("is_caller_gone")
        ):
            self.held.discard(line)
        else:
            self.held.add(line)
        self.report(CallState.ENDED, result=result, **facts)

    def announce(
        self,
        played: Played = Played.FULL,
        *,
        state: CallState = CallState.CONNECTED,
        confirmed: bool | None = None,
        digits: str | None = None,
        connected: bool | None = None,
        **facts: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Report what came of the announcement that was requested last."""
        announced = Announced(
            played=played, confirmed=confirmed, digits=digits, connected=connected
        )
        self.report(state, announced=announced, **facts)

    def press(self, digit: str, side: Side = Side.CALLEE) -> None:
        """Report a key in the call that was requested last."""
        self.sink.key(KeyUpdate(self.requests[-1].call_id, digit, side))

    # --- calls that ring together ---------------------------------------------

    def _note_answer(self, state: CallState, call_id: str) -> None:
        """End the other calls of a group when the first one is answered."""
        if state not in (CallState.RINGING_CALLEE, CallState.CONNECTED):
            return
        for winner in self.requests:
            if winner.call_id != call_id or winner.group in (None, *self._winners):
                continue
            self._winners[winner.group or ""] = call_id
            for request in self.requests:
                if self._is_loser(request):
                    self._lose(request)

    def _is_loser(self, request: CallRequest) -> bool:
        winner = self._winners.get(request.group or "", request.call_id)
        return winner != request.call_id

    def _lose(self, request: CallRequest) -> None:
        self.sink.call(
            CallUpdate(
                state=CallState.ENDED,
                originated_call_id=request.call_id,
                result=CallResult.NO_ANSWER,
                cause="answered_elsewhere",
            )
        )

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


class Toys:
    """The toy PBXs that were created, latest last.

    Attributes:
        prepare: called with each toy PBX that is created.
    """

    def __init__(self) -> None:
        """Initialize without any."""
        self.made: list[ToyBackend] = []
        self.prepare: Callable[[ToyBackend], object] = id

    @property
    def latest(self) -> ToyBackend:
        """The latest toy PBX."""
        return self.made[-1]

    def create(
        self,
        _session: aiohttp.ClientSession,
        _data: Mapping[str, Any],
        memory: Memory,
        sink: Sink,
        clock: Clock,
    ) -> ToyBackend:
        """Create a toy PBX, as `PbxKind.create` does."""
        self.made.append(ToyBackend(memory, sink, clock))
        self.prepare(self.latest)
        return self.latest

    def kind(self, *features: Feature) -> PbxKind:
        """Return the kind, with these features."""
        return PbxKind(
            id="toy",
            name="Toy",
            features=frozenset(features),
            channels=frozenset({Channel.STREAM}),
            create=self.create,
        )

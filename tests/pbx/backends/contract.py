"""The contract that every kind of PBX has to meet.

A kind's tests inherit `Contract` and provide the fixture `harness`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

import pytest

from custom_components.pbx.backends.base import (
    Backend,
    CallRequest,
    Channel,
    ChannelState,
    OpenCall,
    Placed,
)
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    ExtensionUpdate,
    KeyUpdate,
    VoicemailUpdate,
)


class RecordingSink:
    """A sink that records reports; implements `Sink`."""

    def __init__(self) -> None:
        """Initialize the sink without any reports."""
        self.calls: list[CallUpdate] = []
        self.failed_speech: list[str] = []
        self.open: list[OpenCall] = []

    def call(self, update: CallUpdate) -> None:
        """Record an update."""
        self.calls.append(update)

    def extension(self, update: ExtensionUpdate) -> None:
        """Ignore it."""

    def key(self, update: KeyUpdate) -> None:
        """Ignore it."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Ignore it."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Ignore it."""

    def speech_failed(self, call_id: str) -> None:
        """Record it."""
        self.failed_speech.append(call_id)

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that the test has set."""
        return self.open


class FollowingSink(RecordingSink):
    """A sink that tracks the open calls by their updates, as the manager does.

    Attributes:
        is_connected: set while the PBX is reported as connected.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        """Initialize the sink without any calls."""
        super().__init__()
        self.is_connected = asyncio.Event()
        self._time = time
        # The request ids, by the id of the conversation.
        self._names: dict[str, str] = {}

    async def place(self, backend: Backend, request: CallRequest) -> str:
        """Place a call as the manager does, and return its id."""
        now = self._time()
        call = OpenCall(
            call_id=request.call_id,
            state=CallState.PLACED,
            since=now,
            began_at=now,
            is_requested=True,
            is_uncertain=False,
            request=request,
        )
        self.open.append(call)
        placed = await backend.originate(request)
        call_id = placed.call_id or request.call_id
        for index, each in enumerate(self.open):
            # It may have changed, or ended, in the meantime.
            if each.call_id == request.call_id:
                moved = each._replace(call_id=call_id, is_requested=False)
                self.open[index] = moved
        return call_id

    def call(self, update: CallUpdate) -> None:
        """Record an update, and apply it to its call."""
        super().call(update)
        call_id = self._name(update)
        if update.originated_call_id and update.call_id:
            self._names[update.call_id] = update.originated_call_id
        for index, call in enumerate(self.open):
            if call.call_id == call_id:
                moved = moved_on(call, update, self._time())
                self.open[index : index + 1] = [] if moved is None else [moved]
                return

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Record whether the PBX is connected."""
        super().health(channel, state, error)
        if state is ChannelState.OK:
            self.is_connected.set()
        else:
            self.is_connected.clear()

    def states(self, call_id: str) -> list[CallState]:
        """Return the states of a call, each once, in order."""
        updates = (each for each in self.calls if self._name(each) == call_id)
        return list(dict.fromkeys(each.state for each in updates))

    def ends(self, call_id: str) -> list[CallUpdate]:
        """Return the ends of a call."""
        return [
            each
            for each in self.calls
            if each.state is CallState.ENDED and self._name(each) == call_id
        ]

    def _name(self, update: CallUpdate) -> str:
        return update.originated_call_id or self._names.get(
            update.call_id, update.call_id
        )


def moved_on(call: OpenCall, update: CallUpdate, now: float) -> OpenCall | None:
    """Return a call after an update; None where it has ended."""
    if update.state is CallState.ENDED:
        return None
    call = call._replace(is_uncertain=False)
    if not update.state.is_after(call.state):
        return call
    since = now if update.at is None else update.at
    return call._replace(state=update.state, since=since)


async def until(is_so: Callable[[], object]) -> None:
    """Wait until a condition is true; there is no event for it."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - there is none
            await asyncio.sleep(0.002)


class DictMemory:
    """A memory of a test; implements `Memory`."""

    def __init__(self) -> None:
        """Initialize the memory without any values."""
        self.values: dict[str, str] = {}

    def get(self, key: str) -> str:
        """Return a value; empty where there is none."""
        return self.values.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        self.values[key] = value


class Harness(Protocol):
    """A backend, and the PBX that it talks to.

    Attributes:
        sink: what it reports to.
        request: for a call that the PBX can place.
        can_hang_up: whether calls can be ended by request.
        second_caller: number of a phone that never answers, to ring together with the
            caller; empty if phones cannot ring together.
    """

    sink: FollowingSink
    request: CallRequest
    can_hang_up: bool
    second_caller: str

    @property
    def backend(self) -> Backend:
        """The backend under test."""

    @property
    def request_count(self) -> int:
        """How often a call was requested from the PBX."""

    def refuse(self) -> None:
        """Let the PBX refuse calls."""

    def lose_answers(self) -> None:
        """Let the responses to call requests be lost."""

    def restart(self) -> None:
        """Create another backend, with the sink and the memory of the first."""

    async def listening(self) -> None:
        """Wait until the running backend receives events."""

    async def ring(self) -> None:
        """Let the caller answer, and the callee's phone ring."""

    async def answer(self) -> None:
        """Let the callee answer."""

    async def end(self) -> None:
        """Let one of the two hang up."""

    async def report_hang_up(self) -> None:
        """Let the PBX report the end of a call that was hung up by request."""

    async def lift(self, second: str) -> None:
        """Let the caller and then the callee answer.

        Args:
            second: id of the call that rings together with that of the request.
        """


@asynccontextmanager
async def running(harness: Harness) -> AsyncIterator[None]:
    """Run the backend, and wait until it receives events."""
    harness.sink.is_connected.clear()
    task = asyncio.ensure_future(harness.backend.run())
    try:
        await harness.listening()
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Contract:
    """The tests that every kind of PBX passes."""

    async def test_ping(self, harness: Harness) -> None:
        """A reachable PBX answers a ping."""
        await harness.backend.ping()

    async def test_place(self, harness: Harness) -> None:
        """A call is placed once, and has an id or none."""
        placed = await harness.backend.originate(harness.request)
        assert isinstance(placed, Placed)
        assert placed.ended is None
        assert placed.call_id is None or placed.call_id
        assert harness.request_count == 1

    async def test_refused(self, harness: Harness) -> None:
        """A refused call was not placed, and is not uncertain."""
        harness.refuse()
        with pytest.raises(PbxError) as caught:
            await harness.backend.originate(harness.request)
        assert not isinstance(caught.value, CallUncertainError)
        assert harness.request_count == 1

    async def test_answer_is_lost(self, harness: Harness) -> None:
        """A call whose response is lost is uncertain, and is not requested again."""
        harness.lose_answers()
        with pytest.raises(CallUncertainError):
            await harness.backend.originate(harness.request)
        assert harness.request_count == 1

    async def test_no_such_call(self, harness: Harness) -> None:
        """A call that does not exist cannot be hung up."""
        with pytest.raises(PbxError):
            await harness.backend.hang_up("ha-never")

    async def test_directory(self, harness: Harness) -> None:
        """The directory has no duplicates."""
        numbers = [
            each.number for each in (await harness.backend.directory()).extensions
        ]
        assert len(numbers) == len(set(numbers))

    async def test_run_goes_on(self, harness: Harness) -> None:
        """`run` only ends when canceled, and can be called again."""
        for _ in range(2):
            running = asyncio.ensure_future(harness.backend.run())
            await asyncio.sleep(0.05)
            assert not running.done()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    async def test_followed(self, harness: Harness) -> None:
        """A call rings, is answered and ends; each step is reported once, in time."""
        sink = harness.sink
        async with running(harness):
            call_id = await sink.place(harness.backend, harness.request)
            await harness.ring()
            await until(lambda: CallState.RINGING_CALLEE in sink.states(call_id))
            await harness.answer()
            await until(lambda: CallState.CONNECTED in sink.states(call_id))
            assert [call.call_id for call in sink.open] == [call_id]
            await harness.end()
            await until(lambda: sink.ends(call_id))

        assert sink.states(call_id) == [
            CallState.RINGING_CALLEE,
            CallState.CONNECTED,
            CallState.ENDED,
        ]
        (end,) = sink.ends(call_id)
        assert end.result is CallResult.ANSWERED
        assert sink.open == []

    async def test_hung_up(self, harness: Harness) -> None:
        """A call can be hung up, if the kind of PBX supports it."""
        sink = harness.sink
        async with running(harness):
            call_id = await sink.place(harness.backend, harness.request)
            await harness.ring()
            await until(lambda: sink.states(call_id))
            if not harness.can_hang_up:
                with pytest.raises(PbxError) as caught:
                    await harness.backend.hang_up(call_id)
                assert caught.value.code is PbxErrorCode.HANG_UP_NOT_SUPPORTED
                assert [call.call_id for call in sink.open] == [call_id]
                return
            await harness.backend.hang_up(call_id)
            await harness.report_hang_up()
            await until(lambda: sink.ends(call_id))

        (end,) = sink.ends(call_id)
        assert end.result is CallResult.NO_ANSWER
        assert sink.open == []

    async def test_together(self, harness: Harness) -> None:
        """Of two phones that ring together, only the first reaches the callee."""
        if not harness.second_caller:
            pytest.skip("phones cannot ring together")
        sink, first = harness.sink, replace(harness.request, group="ha-group")
        second = replace(first, call_id="ha-second", caller=harness.second_caller)
        async with running(harness):
            for request in (first, second):
                await sink.place(harness.backend, request)
            await harness.lift(second.call_id)
            await until(lambda: CallState.CONNECTED in sink.states(first.call_id))
            await until(lambda: sink.ends(second.call_id))
            await harness.end()
            await until(lambda: sink.ends(first.call_id))

        (end,) = sink.ends(second.call_id)
        assert (end.result, end.cause) == (CallResult.NO_ANSWER, "answered_elsewhere")
        assert sink.states(second.call_id) == [CallState.ENDED]
        (end,) = sink.ends(first.call_id)
        assert end.result is CallResult.ANSWERED

    async def test_resumed(self, harness: Harness) -> None:
        """A call is followed to its end by the backend after the one that placed it."""
        sink = harness.sink
        async with running(harness):
            call_id = await sink.place(harness.backend, harness.request)
            await harness.ring()
            await until(lambda: sink.states(call_id))
        harness.restart()
        async with running(harness):
            assert [call.call_id for call in sink.open] == [call_id]
            await harness.answer()
            await until(lambda: CallState.CONNECTED in sink.states(call_id))
            await harness.end()
            await until(lambda: sink.ends(call_id))

        (end,) = sink.ends(call_id)
        assert end.result is CallResult.ANSWERED
        assert harness.request_count == 1

    async def test_receive(self, harness: Harness) -> None:
        """An unknown event has no name, and does not raise."""
        for fields in ({}, {"event_name": 7}, {"event_name": "News"}):
            assert await harness.backend.receive(fields) == ("", None)
        assert harness.sink.calls == []

    async def test_no_trace(self, harness: Harness) -> None:
        """Nothing is known of the announcement of an unknown call."""
        assert harness.backend.speech_trace("unknown") is None

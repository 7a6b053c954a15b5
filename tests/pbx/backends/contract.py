"""What every kind of PBX has to keep, whatever it talks to.

A kind's tests inherit `Contract` and provide the fixture `harness`.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import pytest

from custom_components.pbx.backends.base import (
    Backend,
    CallRequest,
    CallUncertainError,
    Channel,
    ChannelState,
    OpenCall,
    PbxError,
    Placed,
)
from custom_components.pbx.backends.updates import (
    CallUpdate,
    ExtensionUpdate,
    VoicemailUpdate,
)


class RecordingSink:
    """A sink that keeps what is reported; meets `Sink`."""

    def __init__(self) -> None:
        """Initialize the sink without any reports."""
        self.calls: list[CallUpdate] = []
        self.open: list[OpenCall] = []

    def call(self, update: CallUpdate) -> None:
        """Keep a fact about a call."""
        self.calls.append(update)

    def extension(self, update: ExtensionUpdate) -> None:
        """Let it go."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Let it go."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Let it go."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return what the test says."""
        return self.open


class DictMemory:
    """A memory of a test; meets `Memory`."""

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
    """

    sink: RecordingSink
    request: CallRequest

    @property
    def backend(self) -> Backend:
        """The backend under test."""

    @property
    def asked(self) -> int:
        """How often the PBX was asked for a call."""

    def refuse(self) -> None:
        """Let the PBX refuse calls."""

    def lose_answers(self) -> None:
        """Let the answers to requests for calls be lost on the way."""


class Contract:
    """What every kind keeps."""

    async def test_ping(self, harness: Harness) -> None:
        """A PBX that is there answers."""
        assert await harness.backend.ping() is not None

    async def test_place(self, harness: Harness) -> None:
        """A call is placed once, and has an id or none."""
        placed = await harness.backend.originate(harness.request)
        assert isinstance(placed, Placed)
        assert placed.ended is None
        assert placed.call_id is None or placed.call_id
        assert harness.asked == 1

    async def test_refused(self, harness: Harness) -> None:
        """A refused call was not placed, and nobody says that it may have been."""
        harness.refuse()
        with pytest.raises(PbxError) as caught:
            await harness.backend.originate(harness.request)
        assert not isinstance(caught.value, CallUncertainError)
        assert harness.asked == 1

    async def test_answer_is_lost(self, harness: Harness) -> None:
        """A call whose answer is lost may be on, and is not requested again."""
        harness.lose_answers()
        with pytest.raises(CallUncertainError):
            await harness.backend.originate(harness.request)
        assert harness.asked == 1

    async def test_no_such_call(self, harness: Harness) -> None:
        """A call that never was cannot be ended."""
        with pytest.raises(PbxError):
            await harness.backend.hang_up("ha-never")

    async def test_directory(self, harness: Harness) -> None:
        """What a PBX offers is told in order, each once."""
        numbers = [
            each.number for each in (await harness.backend.directory()).extensions
        ]
        assert len(numbers) == len(set(numbers))

    async def test_run_goes_on(self, harness: Harness) -> None:
        """Listening ends by cancellation alone, and can begin again."""
        for _ in range(2):
            running = asyncio.ensure_future(harness.backend.run())
            await asyncio.sleep(0.05)
            assert not running.done()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    async def test_receive(self, harness: Harness) -> None:
        """What is no event has no name, and is no fault."""
        for fields in ({}, {"event_name": 7}, {"event_name": "News"}):
            assert await harness.backend.receive(fields) == ""
        assert harness.sink.calls == []

"""A Simotel with boxes, and a backend that announces through it, over real HTTP.

The calls are followed by the tracker, as they are in Home Assistant.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
import json
from typing import Any, override

import aiohttp
from aiohttp import ClientSession, web
from yarl import URL

from custom_components.pbx.backends.announcement import (
    SAMPLE_RATE,
    SAMPLE_WIDTH,
    Announcement,
    Audio,
    Message,
    Sound,
    SpeechTrace,
    SpokenValue,
    ValueKind,
)
from custom_components.pbx.backends.base import (
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    OpenCall,
)
from custom_components.pbx.backends.errors import CallUncertainError, PbxError
from custom_components.pbx.backends.simotel import SimotelBackend, SimotelClient
from custom_components.pbx.backends.simotel.boxes import Boxes, SpeechSetup
from custom_components.pbx.backends.simotel.client import Credentials
from custom_components.pbx.backends.simotel.models import Answer
from custom_components.pbx.backends.updates import (
    CallState,
    CallUpdate,
    ExtensionUpdate,
    KeyUpdate,
    VoicemailUpdate,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.tracker import CallTracker
from sandbox import EventPush, ManualClock, Sandbox, SandboxCall, Speech

SPEECH = "8801"
PERSON = "101"
INSTALLATION = "the-webhook-of-this-house"


def tone(seconds: float, level: int = 1000) -> Audio:
    """Return a sound of a length; another level is another sound."""
    sample = level.to_bytes(SAMPLE_WIDTH, "little", signed=True)
    return Audio(sample * round(seconds * SAMPLE_RATE))


@dataclass
class Engine:
    """Makes sounds, and counts how often."""

    made: list[str] = field(default_factory=list)

    def text(self, words: str, seconds: float = 3) -> Sound:
        """Return a text that is spoken when it is needed."""

        async def make() -> Audio:
            self.made.append(words)
            await asyncio.sleep(0)
            return tone(seconds)

        return Sound(words.encode(), make)

    def media(self, seconds: float = 3, level: int = 1000) -> Sound:
        """Return media, which only its samples tell apart."""

        async def make() -> Audio:
            self.made.append("media")
            await asyncio.sleep(0)
            return tone(seconds, level)

        return Sound(b"", make)


def value(kind: str, text: str) -> SpokenValue:
    """Return a value that is spoken."""
    return SpokenValue(ValueKind(kind), text)


class WatchedClient(SimotelClient):
    """A client whose requests the clock waits for."""

    watching: ManualClock

    @override
    async def _post(self, *args: Any, **options: Any) -> Answer:
        task = asyncio.create_task(super()._post(*args, **options))
        self.watching.watch(task)
        return await task


class DictMemory:
    """A memory that lasts as long as the test."""

    def __init__(self) -> None:
        """Initialize the memory without any values."""
        self.values: dict[str, str] = {}

    def get(self, key: str) -> str:
        """Return a value."""
        return self.values.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        self.values[key] = value


class TrackingSink:
    """Follows the calls as the manager does; implements `Sink`."""

    def __init__(self, clock: ManualClock) -> None:
        """Initialize the sink without any calls."""
        self.states: list[tuple[Call, CallState]] = []
        self.updates: list[CallUpdate] = []
        self.failed_speech: list[str] = []
        self.tracker = CallTracker(clock.time, self._notify)

    def _notify(self, call: Call, state: CallState) -> None:
        self.states.append((call, state))

    def call(self, update: CallUpdate) -> None:
        """Follow an update."""
        self.updates.append(update)
        self.tracker.observe(update)

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

    def open_calls(self) -> list[OpenCall]:
        """Return the calls that have not ended."""
        return [call.as_open_call() for call in self.tracker.open]


@dataclass
class Scene:
    """A running backend, its PBX, and their clock."""

    sandbox: Sandbox
    clock: ManualClock
    session: ClientSession
    url: str = ""
    boxes: Boxes = Boxes.SAY_KEY
    engine: Engine = field(default_factory=Engine)
    memory: DictMemory = field(default_factory=DictMemory)
    # The answers to boxes, in order.
    answered: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the first backend."""
        self.sink = TrackingSink(self.clock)
        self.backend = self.create()
        self._running: asyncio.Task[None] | None = None

    def create(self) -> SimotelBackend:
        """Return a backend for the boxes of the scene."""
        account = self.sandbox.config.accounts[0]
        client = WatchedClient(
            self.session,
            URL(self.sandbox.api_url),
            Credentials(
                username=account.username,
                password=account.password,
                api_key=account.api_key,
            ),
            request_timeout=2,
        )
        client.watching = self.clock
        seam = Clock(self.clock.time, self._sleep)
        setup = SpeechSetup(SPEECH, self.boxes, INSTALLATION)
        return SimotelBackend(client, self.memory, self.sink, seam, setup)

    async def _sleep(self, seconds: float) -> None:
        due = asyncio.Event()
        timer = self.clock.call_later(seconds, due.set)
        try:
            await due.wait()
        finally:
            timer.cancel()

    async def run(self) -> None:
        """Run the backend, in place of the one before."""
        await self.stop()
        self._running = asyncio.create_task(self.backend.run())
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop the backend."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def reload(self) -> None:
        """Make a new backend, as a reload of the entry does."""
        self.backend = self.create()
        await self.run()

    async def restart(self) -> None:
        """Store the calls, and go on with what can be read of them."""
        stored = [json.dumps(call.as_dict()) for call in self.sink.tracker.open.placed]
        self.sink = TrackingSink(self.clock)
        self.sink.tracker.restore(Call.from_dict(json.loads(each)) for each in stored)
        await self.reload()

    # --- what the PBX sends -----------------------------------------------------

    async def receive(self, request: web.Request) -> web.Response:
        """Take a request of the PBX, as the webhook does."""
        fields: dict[str, Any] = dict(request.query)
        if request.method == "POST":
            fields |= await request.json()
        received = await self.backend.receive(fields)
        if received.answer is None:
            return web.Response()
        self.answered.append(received.answer)
        return web.json_response(received.answer)

    def draw(self, **changes: Any) -> None:  # noqa: ANN401 - any field of the speech
        """Draw the boxes in the dialplan, and push events."""
        speech = Speech(**{"number": SPEECH, "url": self.url, **changes})
        self.sandbox.configure(speech=speech)

    async def ask(self, **fields: object) -> str:
        """Ask as a box does, and return the commands."""
        received = await self.backend.receive(fields)
        assert received.answer is not None
        assert received.answer["ok"] == "1"
        return received.answer["commands"]

    # --- what Home Assistant does -------------------------------------------------

    async def prepare(
        self, *parts: Sound | SpokenValue, pause: float = 1, **more: bool
    ) -> Audio:
        """Return a message, ready to be played."""
        parts = parts or (self.engine.text("The water is rising"),)
        request = self.request(announcement=Announcement(repeat_pause=pause))
        message = Message(parts=parts, **more)
        return await self.backend.prepare_audio(request, message)

    def request(self, caller: str = PERSON, **more: Any) -> CallRequest:  # noqa: ANN401 - any field of a request
        """Return the request of an announcement."""
        fields: dict[str, Any] = {
            "call_id": f"ha-{len(self.sink.states)}-{caller}",
            "caller": caller,
            "callee": caller,
            "context": "main_routing",
            "timeout": 30,
        }
        return CallRequest(**{**fields, **more})

    async def announce(
        self,
        audio: Audio | None = None,
        *,
        caller: str = PERSON,
        request: dict[str, Any] | None = None,
        **announcement: Any,  # noqa: ANN401 - any field of an announcement
    ) -> Call:
        """Prepare an announcement, call the person, and return the call."""
        audio = audio or await self.prepare()
        asked = Announcement(audio=audio, **{"repeat": 1, **announcement})
        return await self.place(
            self.request(caller, announcement=asked, **(request or {}))
        )

    async def place(self, request: CallRequest) -> Call:
        """Place a call as the manager does."""
        tracker = self.sink.tracker
        call = tracker.add(request)
        try:
            placed = await self.backend.originate(request)
        except CallUncertainError as err:
            tracker.mark_uncertain(call, str(err), err.call_id)
        except PbxError as err:
            tracker.undo(call, str(err))
            raise
        else:
            tracker.confirm(call, placed.call_id)
        return call

    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Move the clock, and end calls whose deadline has passed."""
        for _ in range(round(seconds / step)):
            await self.clock.advance(step)
            self.sink.tracker.expire()

    def trace(self, call: Call) -> SpeechTrace:
        """Return what the boxes asked for in a call."""
        trace = self.backend.speech_trace(call.originated_call_id)
        assert trace is not None
        return trace

    # --- what has happened --------------------------------------------------------

    @property
    def latest(self) -> SandboxCall:
        """The latest call on the PBX."""
        return self.sandbox.calls[-1]

    def heard(self, number: str = PERSON) -> list[str]:
        """Return what a phone has heard."""
        return self.sandbox.heard(number)

    def stored(self) -> list[str]:
        """Return the names of the sounds on the PBX."""
        return [sound.name for sound in self.sandbox.announcements]


@asynccontextmanager
async def staged(sandbox: Sandbox, clock: ManualClock) -> AsyncIterator[Scene]:
    """Return a scene whose PBX sends events, and whose backend runs."""
    async with aiohttp.ClientSession() as session:
        scene = Scene(sandbox, clock, session)
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", scene.receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        scene.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        scene.draw()
        sandbox.configure(events=EventPush(url=scene.url))
        await scene.run()
        try:
            yield scene
        finally:
            await scene.stop()
            await runner.cleanup()

"""A backend that uses the ARI stub, and the sink that it reports to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from custom_components.pbx.backends.asterisk import AsteriskBackend
from custom_components.pbx.backends.base import (
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    OpenCall,
    Placed,
)
from custom_components.pbx.backends.errors import CallUncertainError, PbxError
from custom_components.pbx.backends.updates import (
    CallState,
    CallUpdate,
    ExtensionUpdate,
    KeyUpdate,
    VoicemailUpdate,
)
from sandbox import ManualClock
from tests.pbx.ari import NOT_FOUND, Reply, StubAri
from tests.pbx.backends.contract import moved_on, until

OURS = "ha-1"
CALLEE = "pbx-1.1"
GROUP = "ha-group"
# Turns without a request after which none follows until the clock moves.
_CALM = 8


def request(call_id: str = OURS, **fields: Any) -> CallRequest:  # noqa: ANN401 - any field of a request
    """Return a request for a call."""
    given = {
        "caller": "557",
        "callee": "09121234567",
        "context": "from-internal",
        "timeout": 20,
        **fields,
    }
    return CallRequest(call_id=call_id, **given)


def clock_of(manual: ManualClock) -> Clock:
    """Return a clock that a test moves."""

    async def sleep(seconds: float) -> None:
        is_over = asyncio.Event()
        timer = manual.call_later(seconds, is_over.set)
        try:
            await is_over.wait()
        finally:
            timer.cancel()

    return Clock(manual.time, sleep)


class OpenCallsSink:
    """Records reports, and tracks open calls by them; implements `Sink`."""

    def __init__(self, clock: ManualClock) -> None:
        """Initialize the sink without any calls."""
        self.updates: list[CallUpdate] = []
        self.extensions: list[ExtensionUpdate] = []
        self.keys: list[KeyUpdate] = []
        self.failed_speech: list[str] = []
        self.healths: list[tuple[ChannelState, PbxError | None]] = []
        self.open: dict[str, OpenCall] = {}
        self._clock = clock

    def call(self, update: CallUpdate) -> None:
        """Record an update, and apply it to its call."""
        self.updates.append(update)
        call_id = update.originated_call_id or update.call_id
        call = self.open.pop(call_id, None)
        if call is not None:
            call = moved_on(call, update, self._clock.time())
        if call is not None:
            self.open[call_id] = call

    def extension(self, update: ExtensionUpdate) -> None:
        """Record it."""
        self.extensions.append(update)

    def key(self, update: KeyUpdate) -> None:
        """Record it."""
        self.keys.append(update)

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Ignore it."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Record it."""
        assert channel is Channel.STREAM
        self.healths.append((state, error))

    def speech_failed(self, call_id: str) -> None:
        """Record it."""
        self.failed_speech.append(call_id)

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended."""
        return list(self.open.values())

    def add(self, call_id: str = OURS, **fields: Any) -> None:  # noqa: ANN401 - any field of a call
        """Open a call that the backend does not know yet."""
        now = self._clock.time()
        given = {
            "state": CallState.PLACED,
            "since": now,
            "began_at": now,
            "is_requested": False,
            "is_uncertain": False,
            "request": request(call_id),
            **fields,
        }
        self.open[call_id] = OpenCall(call_id=call_id, **given)

    def states(self, call_id: str = OURS) -> list[CallState]:
        """Return the states of a call, each once, in order."""
        states = (
            update.state
            for update in self.updates
            if call_id in {update.originated_call_id, update.call_id}
        )
        return list(dict.fromkeys(states))

    def end(self, call_id: str = OURS) -> CallUpdate:
        """Return the single end of a call."""
        (end,) = (
            update
            for update in self.updates
            if update.state is CallState.ENDED
            and call_id in {update.originated_call_id, update.call_id}
        )
        return end


@dataclass
class Scene:
    """A backend that uses the stub and a manual clock."""

    ari: StubAri
    clock: ManualClock
    create: Callable[[OpenCallsSink], AsteriskBackend]
    sink: OpenCallsSink = field(init=False)
    backend: AsteriskBackend = field(init=False)

    def __post_init__(self) -> None:
        """Create the backend."""
        self.sink = OpenCallsSink(self.clock)
        self.backend = self.create(self.sink)
        self.ari.reply("DELETE", "channels/ha-probe", Reply(404, NOT_FOUND))
        self.ari.reply("DELETE", "channels/", Reply(204, text=""))

    @asynccontextmanager
    async def running(self, *, connects: bool = True) -> AsyncIterator[None]:
        """Run the backend, and wait until it has connected."""
        count = len(self.ari.queries)
        task = asyncio.ensure_future(self.backend.run())
        try:
            if connects:
                await until(lambda: len(self.ari.queries) > count)
                await self.quiet()
            yield
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def place(self, **fields: Any) -> Placed:  # noqa: ANN401 - any field of a request
        """Place a call as the manager does, which records it beforehand."""
        asked = request(**fields)
        self.sink.add(asked.call_id, request=asked, is_requested=True)
        try:
            placed = await self.backend.originate(asked)
        except CallUncertainError:
            self._answered(asked.call_id, is_uncertain=True)
            raise
        self._answered(asked.call_id)
        if placed.ended is None and not self.ari.channels:
            self.ari.channels = [{**up(asked.call_id), "state": "Ringing"}]
        return placed

    def _answered(self, call_id: str, *, is_uncertain: bool = False) -> None:
        if (call := self.sink.open.get(call_id)) is not None:
            self.sink.open[call_id] = call._replace(
                is_requested=False, is_uncertain=is_uncertain
            )

    async def quiet(self) -> None:
        """Wait for pending requests, without moving the clock."""
        calm, before = 0, -1
        while calm < _CALM:
            await asyncio.sleep(0.001)
            count = len(self.ari.requests)
            is_calm = count == before and not self.ari.pending
            calm, before = calm + 1 if is_calm else 0, count

    async def pass_time(self, seconds: float, step: float = 1) -> None:
        """Move the clock, and wait for what is due."""
        while seconds > 0:
            await self.clock.advance(min(step, seconds))
            seconds -= step
            await self.quiet()

    async def send_events(self, *events: dict[str, Any]) -> None:
        """Send events, and wait until they are read."""
        for event in events:
            await self.ari.send_event(event)
        await self.quiet()

    def states(self, call_id: str = OURS) -> list[CallState]:
        """Return the states of a call, each once, in order."""
        return self.sink.states(call_id)

    def posted(self, end: str) -> list[tuple[str, Any]]:
        """Return the paths and bodies of POST requests whose path ends so, in order."""
        return [
            (each.path, each.value)
            for each in self.ari.requests
            if each.method == "POST" and each.path.endswith(end)
        ]

    @property
    def hung_up(self) -> list[str]:
        """The ids of the channels that were hung up, in order."""
        ids = (path.partition("/")[2] for path in self.ari.paths("DELETE"))
        return [each for each in ids if each != "ha-probe"]


def up(call_id: str = OURS, app: str = "AppDial2") -> dict[str, Any]:
    """Return a channel that is up, as in a list of channels."""
    return {"id": call_id, "state": "Up", "dialplan": {"app_name": app}}


def went_up(call_id: str = OURS) -> dict[str, Any]:
    """Return the event that a channel is up."""
    return {"type": "ChannelStateChange", "channel": {"id": call_id, "state": "Up"}}


def dial(status: str, callee: str = CALLEE, call_id: str = OURS) -> dict[str, Any]:
    """Return the event that a callee's leg has a new dial status."""
    return {
        "type": "Dial",
        "dialstatus": status,
        "caller": {"id": call_id},
        "peer": {"id": callee, "name": f"PJSIP/552-{1:08x}"},
    }


def answered(call_id: str, group: str = GROUP) -> dict[str, Any]:
    """Return the event that a phone of a group was answered."""
    return {"type": "StasisStart", "args": [group], "channel": {"id": call_id}}


def ended(call_id: str = OURS, cause: int = 16) -> dict[str, Any]:
    """Return the event that a channel has ended."""
    return {"type": "ChannelDestroyed", "cause": cause, "channel": {"id": call_id}}


def incoming(call_id: str = "pbx-9", state: str = "Ring") -> dict[str, Any]:
    """Return the channel of an incoming call."""
    return {
        "id": call_id,
        "name": "PJSIP/provider-00000009",
        "state": state,
        "caller": {"number": "09120000001"},
        "dialplan": {"exten": "552", "app_name": "Dial"},
    }

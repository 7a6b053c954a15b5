"""Every kind of PBX meets the contract."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from time import time

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import Backend, CallRequest, Clock
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate
from sandbox import EventPush, Fault, ManualClock, Sandbox
from tests.pbx.ari import PASSWORD, USERNAME, Reply, StubAri
from tests.pbx.common import ORIGINATE
from tests.pbx.toy import ToyBackend

from .asterisk.scene import (
    CALLEE,
    OURS,
    answered,
    clock_of,
    dial,
    ended,
    up,
    went_up,
)
from .contract import Contract, DictMemory, FollowingSink, Harness, until

REQUEST = CallRequest(
    call_id=OURS, caller="101", callee="102", context="main_routing", timeout=30
)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a client session."""
    async with ClientSession() as running:
        yield running


@dataclass
class ToyHarness:
    """The toy."""

    sink: FollowingSink = field(default_factory=lambda: FollowingSink(time))
    request: CallRequest = REQUEST
    can_hang_up: bool = True
    second_caller: str = "103"
    backend: ToyBackend = field(init=False)
    _before: int = 0

    def __post_init__(self) -> None:
        """Make the toy."""
        self.backend = ToyBackend(DictMemory(), self.sink, Clock())

    @property
    def request_count(self) -> int:
        """How often a call was requested."""
        return self._before + len(self.backend.requests)

    def refuse(self) -> None:
        """Refuse calls."""
        self.backend.error = PbxError(PbxErrorCode.REFUSED, "No way")

    def lose_answers(self) -> None:
        """Lose responses."""
        self.backend.error = CallUncertainError("lost")

    def restart(self) -> None:
        """Make another toy."""
        self._before += len(self.backend.requests)
        self.backend = ToyBackend(DictMemory(), self.sink, Clock())

    async def listening(self) -> None:
        """Wait until it is connected."""
        await self.sink.is_connected.wait()

    async def ring(self) -> None:
        """Ring the callee."""
        self._report(CallState.RINGING_CALLEE)

    async def answer(self) -> None:
        """Let the callee answer."""
        self._report(CallState.CONNECTED)

    async def end(self) -> None:
        """End the call."""
        self._report(CallState.ENDED, CallResult.ANSWERED)

    async def report_hang_up(self) -> None:
        """End the call."""
        assert self.backend.hung_up == [REQUEST.call_id]
        self._report(CallState.ENDED, CallResult.NO_ANSWER)

    async def lift(self, second: str) -> None:
        """Let the caller and the callee answer."""
        self._report(CallState.RINGING_CALLEE)
        self._report(CallState.CONNECTED)
        end = CallUpdate(
            state=CallState.ENDED,
            originated_call_id=second,
            result=CallResult.NO_ANSWER,
            cause="answered_elsewhere",
        )
        self.sink.call(end)

    def _report(self, state: CallState, result: CallResult | None = None) -> None:
        self.sink.call(
            CallUpdate(state=state, originated_call_id=REQUEST.call_id, result=result)
        )


@dataclass
class SimotelHarness:
    """The sandbox, which sends its events to a web server as to the webhook."""

    sandbox: Sandbox
    clock: ManualClock
    create: Callable[[], Backend]
    sink: FollowingSink
    request: CallRequest = REQUEST
    can_hang_up: bool = False
    second_caller: str = ""
    backend: Backend = field(init=False)

    def __post_init__(self) -> None:
        """Create the backend."""
        self.restart()

    @property
    def request_count(self) -> int:
        """How often a call was requested."""
        return sum(request.path == ORIGINATE for request in self.sandbox.requests)

    def refuse(self) -> None:
        """Refuse calls."""
        self.sandbox.faults.set(ORIGINATE, Fault("refuse", message="No way"))

    def lose_answers(self) -> None:
        """Lose responses."""
        self.sandbox.faults.set(ORIGINATE, Fault("reset", placed=True))

    def restart(self) -> None:
        """Make a backend."""
        self.backend = self.create()

    async def receive(self, request: web.Request) -> web.Response:
        """Hand on an event."""
        await self.backend.receive(await request.json())
        return web.Response()

    async def listening(self) -> None:
        """Do nothing: events arrive in any case."""

    async def ring(self) -> None:
        """Let the caller answer in time."""
        await self.clock.advance(3)

    async def answer(self) -> None:
        """Let the callee answer in time."""
        await self.clock.advance(5)

    async def end(self) -> None:
        """Let one of the two hang up."""
        self.sandbox.hang_up(self.sandbox.calls[-1].id)
        await self.clock.settle()

    async def report_hang_up(self) -> None:
        """Do nothing: hanging up is not supported."""

    async def lift(self, second: str) -> None:
        """Do nothing: phones cannot ring together."""


@dataclass
class AsteriskHarness:
    """The stub of the REST interface."""

    ari: StubAri
    create: Callable[[], Backend]
    sink: FollowingSink
    request: CallRequest = REQUEST
    can_hang_up: bool = True
    second_caller: str = "103"
    backend: Backend = field(init=False)

    def __post_init__(self) -> None:
        """Create the backend."""
        self.restart()

    @property
    def request_count(self) -> int:
        """How often a call was requested."""
        return len(self.ari.originated)

    def refuse(self) -> None:
        """Refuse calls."""
        self.ari.reply("POST", "channels", Reply(400, {"message": "No way"}))

    def lose_answers(self) -> None:
        """Lose responses."""
        self.ari.reply("POST", "channels", Reply(fault="reset"))

    def restart(self) -> None:
        """Make a backend."""
        self.backend = self.create()

    async def listening(self) -> None:
        """Wait until it has connected."""
        await self.sink.is_connected.wait()

    async def ring(self) -> None:
        """Report that a callee rings."""
        self.ari.channels = [up(app="Dial"), {"id": CALLEE, "state": "Ringing"}]
        self.ari.reply("DELETE", f"channels/{OURS}", Reply(204, text=""))
        await self._report(went_up(), dial(""), dial("RINGING"))

    async def answer(self) -> None:
        """Report that the callee has answered."""
        self.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        self.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await self._report(dial("ANSWER"))

    async def end(self) -> None:
        """Report that the call has ended."""
        self.ari.channels, self.ari.bridges = [], []
        await self._report(ended())

    async def report_hang_up(self) -> None:
        """Report that the call has ended, as requested."""
        assert f"channels/{OURS}" in self.ari.paths("DELETE")
        await self.end()

    async def lift(self, second: str) -> None:
        """Report that the caller has answered, and then the callee."""
        self.ari.reply("DELETE", f"channels/{second}", Reply(204, text=""))
        await self._report(went_up(), answered(OURS, "ha-group"))
        await until(lambda: f"channels/{OURS}/continue" in self.ari.paths("POST"))
        assert f"channels/{second}/continue" not in self.ari.paths("POST")
        await until(lambda: f"channels/{second}" in self.ari.paths("DELETE"))
        await self._report(ended(second, 26), dial(""), dial("ANSWER"))

    async def _report(self, *events: object) -> None:
        for event in events:
            await self.ari.send_event(event)


class TestToy(Contract):
    """The toy meets it, or the tests that use it prove nothing."""

    @pytest.fixture
    def harness(self) -> Harness:
        """Return the toy."""
        return ToyHarness()


class TestSimotel(Contract):
    """Simotel meets it."""

    @pytest.fixture
    async def harness(
        self, session: ClientSession, sandbox: Sandbox, clock: ManualClock
    ) -> AsyncIterator[Harness]:
        """Return a backend of the sandbox."""
        account = sandbox.config.accounts[0]
        data = {
            "url": sandbox.api_url,
            "username": account.username,
            "password": account.password,
            "api_key": account.api_key,
        }
        sink, memory = FollowingSink(clock.time), DictMemory()

        def create() -> Backend:
            return KINDS["simotel"].create(session, data, memory, sink, clock_of(clock))

        harness = SimotelHarness(sandbox, clock, create, sink)
        app = web.Application()
        app.router.add_post("/", harness.receive)
        async with TestServer(app) as server:
            sandbox.configure(events=EventPush(url=str(server.make_url("/"))))
            yield harness


class TestAsterisk(Contract):
    """Asterisk meets it."""

    @pytest.fixture
    def harness(self, session: ClientSession, ari: StubAri) -> Harness:
        """Return a backend of the stub."""
        data = {
            "url": ari.url,
            "username": USERNAME,
            "password": PASSWORD,
            "application": "ha-test",
            "internal_channel": "PJSIP/{number}",
            "external_channel": "PJSIP/{number}@{trunk}",
        }
        sink, memory = FollowingSink(time), DictMemory()

        def create() -> Backend:
            return KINDS["asterisk"].create(session, data, memory, sink, Clock())

        return AsteriskHarness(ari, create, sink)

"""Every kind of PBX keeps the contract."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import (
    Backend,
    CallRequest,
    CallUncertainError,
    Clock,
    PbxError,
    PbxErrorCode,
)
from sandbox import Fault, Sandbox
from tests.pbx.ari import PASSWORD, USERNAME, Reply, StubAri
from tests.pbx.common import ORIGINATE
from tests.pbx.toy import ToyBackend

from .contract import Contract, DictMemory, Harness, RecordingSink

REQUEST = CallRequest(
    call_id="ha-1", caller="101", callee="102", context="main_routing", timeout=30
)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session that comes from outside."""
    async with ClientSession() as running:
        yield running


@dataclass
class ToyHarness:
    """The toy."""

    sink: RecordingSink = field(default_factory=RecordingSink)
    request: CallRequest = REQUEST
    backend: ToyBackend = field(init=False)

    def __post_init__(self) -> None:
        """Make the toy."""
        self.backend = ToyBackend(DictMemory(), self.sink, Clock())

    @property
    def asked(self) -> int:
        """How often it was asked for a call."""
        return len(self.backend.requests)

    def refuse(self) -> None:
        """Refuse calls."""
        self.backend.error = PbxError(PbxErrorCode.REFUSED, "No way")

    def lose_answers(self) -> None:
        """Lose answers."""
        self.backend.error = CallUncertainError("lost")


@dataclass
class SimotelHarness:
    """The sandbox."""

    sandbox: Sandbox
    backend: Backend
    sink: RecordingSink
    request: CallRequest = REQUEST

    @property
    def asked(self) -> int:
        """How often it was asked for a call."""
        return sum(request.path == ORIGINATE for request in self.sandbox.requests)

    def refuse(self) -> None:
        """Refuse calls."""
        self.sandbox.faults.set(ORIGINATE, Fault("refuse", message="No way"))

    def lose_answers(self) -> None:
        """Lose answers."""
        self.sandbox.faults.set(ORIGINATE, Fault("reset", placed=True))


@dataclass
class AsteriskHarness:
    """The stub of the REST interface."""

    ari: StubAri
    backend: Backend
    sink: RecordingSink
    request: CallRequest = REQUEST

    @property
    def asked(self) -> int:
        """How often it was asked for a call."""
        return len(self.ari.originated)

    def refuse(self) -> None:
        """Refuse calls."""
        self.ari.reply("POST", "channels", Reply(400, {"message": "No way"}))

    def lose_answers(self) -> None:
        """Lose answers."""
        self.ari.reply("POST", "channels", Reply(fault="reset"))


class TestToy(Contract):
    """The toy keeps it, or the tests through it are worth nothing."""

    @pytest.fixture
    def harness(self) -> Harness:
        """Return the toy."""
        return ToyHarness()


class TestSimotel(Contract):
    """Simotel keeps it."""

    @pytest.fixture
    def harness(self, session: ClientSession, sandbox: Sandbox) -> Harness:
        """Return a backend of the sandbox."""
        account = sandbox.config.accounts[0]
        data = {
            "url": sandbox.api_url,
            "username": account.username,
            "password": account.password,
            "api_key": account.api_key,
        }
        sink = RecordingSink()
        backend = KINDS["simotel"].create(session, data, DictMemory(), sink, Clock())
        return SimotelHarness(sandbox, backend, sink)


class TestAsterisk(Contract):
    """Asterisk keeps it."""

    @pytest.fixture
    def harness(self, session: ClientSession, ari: StubAri) -> Harness:
        """Return a backend of the stub."""
        data = {
            "url": ari.url,
            "username": USERNAME,
            "password": PASSWORD,
            "application": "ha-test",
            "internal_channel": "PJSIP/{number}",
            "outside_channel": "PJSIP/{number}@{trunk}",
        }
        sink = RecordingSink()
        backend = KINDS["asterisk"].create(session, data, DictMemory(), sink, Clock())
        return AsteriskHarness(ari, backend, sink)

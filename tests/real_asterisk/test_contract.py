"""A real Asterisk meets the contract of every kind of PBX."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from time import time

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK
from custom_components.pbx.backends.asterisk.access import normalize_address
from custom_components.pbx.backends.base import Backend, CallRequest, Clock
from scripts.support.asterisk import CONTEXT, Asterisk, Behavior, Phone
from tests.pbx.backends.contract import Contract, DictMemory, FollowingSink

from .proxy import Proxy


@dataclass
class RealHarness:
    """An Asterisk behind a proxy that can be cut; implements `Harness`."""

    create: Callable[[], Backend]
    sink: FollowingSink
    request: CallRequest
    proxy: Proxy
    asterisk: Asterisk
    callee: Phone
    can_hang_up: bool = True
    second_caller: str = "551"
    backend: Backend = field(init=False)

    def __post_init__(self) -> None:
        """Create the backend."""
        self.restart()

    @property
    def request_count(self) -> int:
        """How often a call was requested."""
        return self.proxy.subscriptions

    def refuse(self) -> None:
        """Request a phone that does not exist."""
        self.request = replace(self.request, caller="998")

    def lose_answers(self) -> None:
        """Break the connection of the next call request."""
        self.proxy.lose_answers(is_forwarded=True)

    def restart(self) -> None:
        """Make a backend."""
        self.backend = self.create()

    async def listening(self) -> None:
        """Wait until it has connected."""
        await self.sink.is_connected.wait()

    async def ring(self) -> None:
        """Wait until the callee's phone rings."""
        await self.callee.saw("180")

    async def answer(self) -> None:
        """Wait until it has answered."""
        await self.callee.saw("ACK")

    async def end(self) -> None:
        """End the call at the PBX."""
        await self.asterisk.cli("channel request hangup all")

    async def report_hang_up(self) -> None:
        """Wait until the callee's phone has stopped ringing."""
        await self.callee.saw("CANCEL")

    async def lift(self, second: str) -> None:
        """Wait until the caller and the callee have answered."""
        await self.answer()


class TestRealAsterisk(Contract):
    """A real Asterisk."""

    @pytest.fixture
    async def harness(self, asterisk: Asterisk) -> AsyncIterator[RealHarness]:
        """Return a backend for it."""
        proxy = await Proxy.start(asterisk.url)
        data = {
            "url": str(normalize_address(proxy.url)),
            "username": asterisk.username,
            "password": asterisk.password,
            "application": "contract",
            "internal_channel": "PJSIP/{number}",
            "external_channel": "PJSIP/{number}@{trunk}",
        }
        request = CallRequest(
            call_id="ha-contract",
            caller="557",
            callee="552",
            context=CONTEXT,
            timeout=5,
        )
        sink, memory = FollowingSink(time), DictMemory()
        await asterisk.phone("551", Behavior.NEVER_ANSWER)
        await asterisk.phone("557")
        callee = await asterisk.phone("552", ring=2)
        async with ClientSession() as session:

            def create() -> Backend:
                return ASTERISK.create(session, data, memory, sink, Clock())

            yield RealHarness(create, sink, request, proxy, asterisk, callee)
        await proxy.stop()

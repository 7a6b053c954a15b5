"""A real Asterisk keeps what every kind of PBX has to keep."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK
from custom_components.pbx.backends.asterisk.access import normalize_address
from custom_components.pbx.backends.base import Backend, CallRequest, Clock
from scripts.support.asterisk import CONTEXT, Asterisk
from tests.pbx.backends.contract import Contract, DictMemory, RecordingSink

from .proxy import Proxy


@dataclass
class RealHarness:
    """An Asterisk behind a way that can be cut; meets `Harness`."""

    backend: Backend
    sink: RecordingSink
    request: CallRequest
    proxy: Proxy

    @property
    def asked(self) -> int:
        """How often it was asked for a call."""
        return self.proxy.subscriptions

    def refuse(self) -> None:
        """Ask for a phone that there is none of."""
        self.request = replace(self.request, caller="998")

    def lose_answers(self) -> None:
        """Break the connection of the next request for a call."""
        self.proxy.lose_answers(is_heard=True)


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
            "outside_channel": "PJSIP/{number}@{trunk}",
        }
        request = CallRequest(
            call_id="ha-contract",
            caller="557",
            callee="552",
            context=CONTEXT,
            timeout=5,
        )
        sink = RecordingSink()
        await asterisk.phone("557")
        async with ClientSession() as session:
            backend = ASTERISK.create(session, data, DictMemory(), sink, Clock())
            yield RealHarness(backend, sink, request, proxy)
        await proxy.stop()

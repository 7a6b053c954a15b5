"""Fixtures: a client and a backend that use the ARI stub, without Home Assistant."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import (
    Access,
    AsteriskBackend,
    AsteriskClient,
    ChannelTemplates,
    Timeouts,
    normalize_address,
)
from sandbox import ManualClock
from tests.pbx.ari import PASSWORD, USERNAME, StubAri
from tests.pbx.backends.contract import DictMemory

from .scene import OpenCallsSink, Scene, clock_of

TIMEOUTS = Timeouts(request=2, events=5)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a client session."""
    async with ClientSession() as running:
        yield running


@pytest.fixture
def access(ari: StubAri) -> Access:
    """Return the address and the credentials of the stub."""
    return Access(
        base_url=normalize_address(ari.url),
        username=USERNAME,
        password=PASSWORD,
        application="ha-test",
    )


@pytest.fixture
def client(session: ClientSession, access: Access) -> AsteriskClient:
    """Return a client with a short timeout."""
    return AsteriskClient(session, access, timeouts=TIMEOUTS)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that a test moves."""
    return ManualClock()


@pytest.fixture
def scene(
    session: ClientSession, access: Access, ari: StubAri, clock: ManualClock
) -> Scene:
    """Return a backend that is not running yet."""

    def create(sink: OpenCallsSink) -> AsteriskBackend:
        templates = ChannelTemplates()
        client = AsteriskClient(
            session, access, templates, timeouts=TIMEOUTS, clock=clock.time
        )
        return AsteriskBackend(client, templates, DictMemory(), sink, clock_of(clock))

    return Scene(ari, clock, create)

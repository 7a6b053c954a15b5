"""A sandbox over real HTTP on loopback, and the two ends that talk to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
import pytest

from sandbox import EventPush, ManualClock, Sandbox, SandboxConfig

from .helpers import START, Pbx, Receiver, Service, session


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let every test here listen and connect on loopback."""


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still at a known moment."""
    return ManualClock(START)


@pytest.fixture
def config() -> SandboxConfig:
    """Return the configuration; a test module may have its own."""
    return SandboxConfig()


@pytest.fixture
def lines() -> list[str]:
    """Return what the console has said."""
    return []


@pytest.fixture
async def pbx(
    clock: ManualClock, config: SandboxConfig, lines: list[str]
) -> AsyncIterator[Pbx]:
    """Return a running sandbox and a client with an account on it."""
    async with (
        Sandbox(config, clock=clock, echo=lines.append) as sandbox,
        session() as client,
    ):
        yield Pbx(sandbox, clock, client)


@asynccontextmanager
async def _listening(receiver: Receiver | Service) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Return a web service that takes whatever is pushed to it."""
    receiver = Receiver()
    async with _listening(receiver):
        yield receiver


@pytest.fixture
def connected(pbx: Pbx, receiver: Receiver) -> Receiver:
    """Return a receiver that the sandbox already pushes its events to."""
    pbx.sandbox.configure(events=EventPush(url=receiver.url))
    return receiver


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Return a web service that the boxes can ask, and that ends each call."""
    service = Service()
    service.is_awake.set()
    service.says("say", "Exit('done')")
    service.says("key", "Exit('done')")
    async with _listening(service):
        yield service
        # A box that still waits is let go.
        service.is_awake.set()

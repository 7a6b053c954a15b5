"""What all tests have in common: a sandbox PBX on loopback, and nothing mocked."""

from collections.abc import AsyncIterator

import pytest

# Before the test package of Home Assistant puts its own folder of this name first.
import custom_components  # noqa: F401
from sandbox import ManualClock, Sandbox


@pytest.fixture(autouse=True)
def _loopback(socket_enabled: None) -> None:
    """Let tests use sockets; the test package lets them go to loopback only."""


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the sandbox, which only the test moves."""
    return ManualClock()


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    """Return a running sandbox PBX as its example configuration has it."""
    async with Sandbox(clock=clock) as running:
        yield running

"""What all tests have in common: a sandbox PBX on loopback, and nothing mocked."""

from collections.abc import AsyncIterator
import os

from hypothesis import settings
import pytest

# Before the test package of Home Assistant puts its own folder of this name first.
import custom_components  # noqa: F401
from sandbox import ManualClock, Sandbox

# A busy machine is no fault of the code, and CI judges the change before it: what
# it finds has to be found again. New examples are looked for by people.
settings.register_profile("people", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")


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

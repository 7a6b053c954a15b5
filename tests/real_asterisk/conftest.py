"""A real Asterisk for each test, on loopback alone."""

from collections.abc import AsyncIterator
import os
import signal

from homeassistant.core import HomeAssistant
import pytest

from scripts.support.asterisk import Asterisk, NotInstalledError, Programs

from .house import House, add_asterisk


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Return where Asterisk and SIPp are; without them there is nothing to test."""
    # Ended by a signal, too, what was started is stopped and cleared up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return Programs.find()
    except NotInstalledError as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(err))


@pytest.fixture
async def asterisk(programs: Programs) -> AsyncIterator[Asterisk]:
    """Return a running Asterisk whose phones are all dead."""
    async with Asterisk(programs) as running:
        yield running


@pytest.fixture
async def house(
    request: pytest.FixtureRequest, hass: HomeAssistant, asterisk: Asterisk
) -> House:
    """Return a Home Assistant that is set up with the Asterisk, and listens."""
    request.getfixturevalue("enable_custom_integrations")
    house = House(hass, asterisk)
    house.entry = await add_asterisk(hass, asterisk)
    await house.until_listening()
    return house

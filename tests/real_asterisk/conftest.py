"""A real Asterisk for each test, on loopback only."""

from collections.abc import AsyncIterator
import os
import signal

from homeassistant.core import HomeAssistant
import pytest

from scripts.support.asterisk import Asterisk, NotInstalledError, Programs

from .house import House, add_asterisk


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Return the paths of Asterisk and SIPp; skip the tests without them."""
    # Stop and clean up all processes, even after a signal.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return Programs.find()
    except NotInstalledError as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(err))


@pytest.fixture
async def asterisk(programs: Programs) -> AsyncIterator[Asterisk]:
    """Return a running Asterisk without running phones."""
    async with Asterisk(programs) as running:
        yield running


@pytest.fixture
async def house(
    request: pytest.FixtureRequest, hass: HomeAssistant, asterisk: Asterisk
) -> House:
    """Return a Home Assistant that is set up with the Asterisk, and connected."""
    request.getfixturevalue("enable_custom_integrations")
    house = House(hass, asterisk)
    house.entry = await add_asterisk(hass, asterisk)
    await house.until_listening()
    return house

"""A real Asterisk for each test, on loopback only."""

from collections.abc import AsyncIterator
import os
import signal

from homeassistant.core import HomeAssistant
import pytest

from scripts.support.asterisk import Asterisk, NotInstalledError, Programs

from .announcing import add_speech
from .house import House, add_asterisk
from .proxy import Proxy


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


@pytest.fixture
async def speaking_house(house: House) -> House:
    """Return the same with a speech engine."""
    await add_speech(house.hass)
    return house


@pytest.fixture
async def proxy(asterisk: Asterisk) -> AsyncIterator[Proxy]:
    """Return a proxy to the Asterisk."""
    running = await Proxy.start(asterisk.url)
    asterisk.url = running.url
    yield running
    await running.stop()


@pytest.fixture
def proxied(proxy: Proxy, speaking_house: House) -> House:
    """Return a Home Assistant that reaches the Asterisk through the proxy only."""
    assert speaking_house.asterisk.url == proxy.url
    return speaking_house

"""Tests of what ends when Home Assistant is stopped."""

import asyncio

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.pbx.calls.stopping import async_until_stop


async def wait(hass: HomeAssistant, future: asyncio.Future[str]) -> str:
    """Wait for something that may never come."""
    async with async_until_stop(hass):
        return await future


async def test_stopped(hass: HomeAssistant) -> None:
    """Whoever waits is told so at once; what comes before is taken."""
    came, never = (hass.loop.create_future() for _ in range(2))
    waiting = asyncio.ensure_future(wait(hass, never))
    await asyncio.sleep(0)
    listeners = hass.bus.async_listeners().get(EVENT_HOMEASSISTANT_STOP, 0)
    came.set_result("It came")
    assert await wait(hass, came) == "It came"
    assert hass.bus.async_listeners().get(EVENT_HOMEASSISTANT_STOP, 0) == listeners

    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    with pytest.raises(HomeAssistantError) as caught:
        await waiting
    assert caught.value.translation_key == "stopping"


async def test_other_timeouts(hass: HomeAssistant) -> None:
    """A timeout of what is within is its own, and says nothing about Home Assistant."""
    with pytest.raises(TimeoutError, match="within"):
        async with async_until_stop(hass):
            raise TimeoutError("within")
    with pytest.raises(TimeoutError):
        async with async_until_stop(hass), asyncio.timeout(0):
            await hass.loop.create_future()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), async_until_stop(hass):
            await hass.loop.create_future()


async def test_too_late(hass: HomeAssistant) -> None:
    """Nothing begins to wait while Home Assistant is being stopped."""
    hass.set_state(CoreState.stopping)
    with pytest.raises(HomeAssistantError) as caught:
        await wait(hass, hass.loop.create_future())
    hass.set_state(CoreState.running)

    assert caught.value.translation_key == "stopping"

"""The end of what waits, when Home Assistant is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback

from ..errors import failed


@asynccontextmanager
async def async_until_stop(hass: HomeAssistant) -> AsyncIterator[None]:
    """End what is within when Home Assistant is stopped.

    Raises:
        HomeAssistantError: it is being stopped.
    """
    if hass.is_stopping:
        raise failed("stopping")
    try:
        async with asyncio.timeout(None) as end:

            @callback
            def stop(_event: Event) -> None:
                end.reschedule(hass.loop.time())

            unsubscribe = hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop)
            try:
                yield
            finally:
                unsubscribe()
    except TimeoutError as err:
        if not end.expired():
            # It belongs to what is within.
            raise
        raise failed("stopping") from err

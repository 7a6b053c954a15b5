"""Waiting for the state of a call, until the PBX is removed or Home Assistant stops."""

import asyncio
from contextlib import suppress

from homeassistant.core import callback

from ..backends.updates import CallState
from ..errors import action_error
from .call import Call


class Waiters:
    """The coroutines that wait for calls of one PBX."""

    def __init__(self) -> None:
        """Initialize without any waiting coroutines."""
        self._futures: dict[asyncio.Future[None], tuple[Call, CallState] | None] = {}
        self._closed_key = ""

    async def wait(self, call: Call, until: CallState) -> None:
        """Wait until a call reaches a state or ends.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        while not _has_reached(call, until):
            await self._wait((call, until))

    async def pause(self, seconds: float) -> None:
        """Sleep.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wait(None)

    @callback
    def call_changed(self, call: Call) -> None:
        """Wake the coroutines that wait for the state that a call has reached."""
        for future, wanted in self._futures.items():
            if wanted is None or wanted[0] is not call or future.done():
                continue
            if _has_reached(*wanted):
                future.set_result(None)

    @callback
    def close(self, key: str) -> None:
        """Abort all waiting, now and in the future.

        Args:
            key: translation key of the error to raise.
        """
        self._closed_key = self._closed_key or key
        for future in self._futures:
            if not future.done():
                future.set_exception(action_error(self._closed_key))

    async def _wait(self, wanted: tuple[Call, CallState] | None) -> None:
        if self._closed_key:
            raise action_error(self._closed_key)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures[future] = wanted
        try:
            await future
        finally:
            del self._futures[future]


def _has_reached(call: Call, until: CallState) -> bool:
    return call.state is CallState.ENDED or not until.is_after(call.reached)

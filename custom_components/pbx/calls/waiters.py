"""Waiting for calls, until the PBX is removed or Home Assistant stops."""

import asyncio
from contextlib import suppress

from homeassistant.core import callback

from ..backends.updates import CallState
from ..errors import action_error
from .call import Call


class Waiters:
    """Everybody who waits for something at one PBX."""

    def __init__(self) -> None:
        """Initialize without anybody."""
        self._futures: dict[asyncio.Future[None], tuple[Call, CallState] | None] = {}
        self._end_key = ""

    async def wait(self, call: Call, until: CallState) -> None:
        """Wait until a call has come to a state, or has ended before.

        Raises:
            HomeAssistantError: waiting has been ended.
        """
        while not _has_come(call, until):
            await self._wait((call, until))

    async def pause(self, seconds: float) -> None:
        """Let time go by.

        Raises:
            HomeAssistantError: waiting has been ended.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wait(None)

    @callback
    def call_changed(self, call: Call) -> None:
        """Wake up who waits for what a call has come to."""
        for future, wanted in self._futures.items():
            if wanted is None or wanted[0] is not call or future.done():
                continue
            if _has_come(*wanted):
                future.set_result(None)

    @callback
    def end(self, key: str) -> None:
        """End all waiting, now and from now on.

        Args:
            key: of the sentence that says why.
        """
        self._end_key = self._end_key or key
        for future in self._futures:
            if not future.done():
                future.set_exception(action_error(self._end_key))

    async def _wait(self, wanted: tuple[Call, CallState] | None) -> None:
        if self._end_key:
            raise action_error(self._end_key)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures[future] = wanted
        try:
            await future
        finally:
            del self._futures[future]


def _has_come(call: Call, until: CallState) -> bool:
    return call.state is CallState.ENDED or not until.is_after(call.reached)

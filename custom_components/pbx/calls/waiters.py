"""Waiting for calls of a PBX, until it is removed or Home Assistant stops."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from homeassistant.core import callback

from ..backends.updates import CallState
from ..errors import action_error
from .call import Call

# Returns whether a coroutine waits for the change of a call.
type _IsAwaited = Callable[[Call], bool]


class Waiters:
    """The coroutines that wait for calls of one PBX."""

    def __init__(self) -> None:
        """Initialize without any waiting coroutines."""
        self._futures: dict[asyncio.Future[None], _IsAwaited] = {}
        self._closed_key = ""

    async def wait(self, call: Call, until: CallState) -> None:
        """Wait until a call reaches a state or ends.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        await self.wait_for(call, lambda call: _has_reached(call, until))

    async def wait_for(self, call: Call, has_happened: Callable[[Call], bool]) -> None:
        """Wait until something is true of a call.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        while not has_happened(call):
            await self._wait(lambda each: each is call and has_happened(call))

    async def pause(self, seconds: float) -> None:
        """Sleep.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        await self._wait_at_most(seconds, lambda _: False)

    async def change(self, seconds: float) -> None:
        """Wait until any call changes, but at most for some seconds.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        await self._wait_at_most(seconds, lambda _: True)

    @callback
    def call_changed(self, call: Call) -> None:
        """Wake the coroutines that wait for this change of a call."""
        for future, is_awaited in self._futures.items():
            if not future.done() and is_awaited(call):
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

    @callback
    def check_open(self) -> None:
        """Check that nothing has aborted all waiting.

        Raises:
            HomeAssistantError: waiting was aborted by `close`.
        """
        if self._closed_key:
            raise action_error(self._closed_key)

    async def _wait_at_most(self, seconds: float, is_awaited: _IsAwaited) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wait(is_awaited)

    async def _wait(self, is_awaited: _IsAwaited) -> None:
        self.check_open()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures[future] = is_awaited
        try:
            await future
        finally:
            del self._futures[future]


def _has_reached(call: Call, until: CallState) -> bool:
    return call.state is CallState.ENDED or not until.is_after(call.reached)

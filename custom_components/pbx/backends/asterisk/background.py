"""Tasks in the background of a backend, and channels that are hung up in them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
import logging
from typing import Any, Final

from ..base import Clock
from ..errors import CallNotFoundError, PbxError
from ..reconnect import first_of
from .client import AsteriskClient

_LOGGER = logging.getLogger(__name__)

# Seconds before each attempt of a request. A phone whose call request had no response
# may begin to ring in the meantime.
PAUSES: Final = (0, 1, 4)
# Seconds that requests may take when the backend stops.
_CLOSE_TIMEOUT: Final = 2


class Background:
    """Runs tasks until they end, or until the backend stops."""

    def __init__(self, client: AsteriskClient, clock: Clock) -> None:
        """Initialize without tasks.

        Args:
            client: sends the requests.
            clock: measures the pauses.
        """
        self._client = client
        self._clock = clock
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_closing = asyncio.Event()

    def start(self, coroutine: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Run a coroutine in the background, and return its task."""
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(
        self, channel_id: str, reason: str = "", *, is_certain: bool = True
    ) -> None:
        """Hang up a channel in the background, as `stop_now` does."""
        self.start(self.stop_now(channel_id, reason, is_certain=is_certain))

    async def stop_now(
        self, channel_id: str, reason: str = "", *, is_certain: bool = True
    ) -> None:
        """Hang up a channel; repeat it where it failed, or may have come too early.

        Args:
            channel_id: of the channel.
            reason: Asterisk's name of the hangup reason; empty for a normal one.
            is_certain: whether the channel exists, unless it has ended.
        """
        error = await self._delete(
            lambda: self._client.hang_up(channel_id, reason=reason),
            is_certain=is_certain,
        )
        if error is not None:
            _LOGGER.warning("Failed to stop a phone: %s", error)

    async def delete_bridge(self, bridge_id: str) -> None:
        """Delete a bridge; repeat it where it failed."""
        error = await self._delete(
            lambda: self._client.speech.delete_bridge(bridge_id), is_certain=True
        )
        if error is not None:
            _LOGGER.warning("Failed to delete a bridge: %s", error)

    async def _delete(
        self, request: Callable[[], Awaitable[None]], *, is_certain: bool
    ) -> PbxError | None:
        """Send a request that deletes something, and return why it failed."""
        error: PbxError | None = None
        for pause in PAUSES:
            await self.pause(pause)
            try:
                await request()
            except CallNotFoundError:
                error = None
                if is_certain:
                    return None
            except PbxError as err:
                error = err
            else:
                return None
        return error

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds; not while the backend stops."""
        if seconds:
            await first_of(self._is_closing.wait(), self._clock.sleep(seconds))

    async def close(self) -> None:
        """Give the tasks a moment to end, without pauses, and cancel the others."""
        self._is_closing.set()
        if tasks := tuple(self._tasks):
            _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        self._is_closing.clear()

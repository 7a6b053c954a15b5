"""Helpers for waiting: backoff between attempts, and waits with a timeout."""

import asyncio
from collections.abc import Coroutine
import random
from typing import Any

from .base import Clock

# Seconds until a lost connection is retried: exponential backoff with jitter, so that
# not all clients reconnect to a restarted PBX at the same time.
FIRST_DELAY = 1
MAX_DELAY = 60
GROWTH = 2
JITTER = 0.5


class Backoff:
    """Exponential backoff.

    Args:
        first: the first delay in seconds.
        longest: the longest delay in seconds.
        growth: the factor by which the delay grows after each attempt.
        jitter: the maximum fraction by which a delay is randomly shortened.
    """

    def __init__(
        self,
        first: float = FIRST_DELAY,
        longest: float = MAX_DELAY,
        *,
        growth: float = GROWTH,
        jitter: float = JITTER,
    ) -> None:
        """Initialize the first delay."""
        self._first = first
        self._longest = longest
        self._growth = growth
        self._jitter = jitter
        self._delay = first

    def reset(self) -> None:
        """Start over with the first delay."""
        self._delay = self._first

    def slow_down(self) -> None:
        """Continue with the longest delay."""
        self._delay = self._longest

    def next(self) -> float:
        """Return the next delay."""
        delay = self._delay
        self._delay = min(delay * self._growth, self._longest)
        return delay * random.uniform(1 - self._jitter, 1)  # noqa: S311 - no secret


async def wait_for(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait until an event is set, but at most for some seconds. Clear the event.

    Returns:
        Whether it was set.
    """
    if not event.is_set():
        await first_of(event.wait(), clock.sleep(seconds))
    was_set = event.is_set()
    event.clear()
    return was_set


async def first_of(*coroutines: Coroutine[Any, Any, Any] | Any) -> None:  # noqa: ANN401
    """Run coroutines concurrently until the first one ends, and cancel the others.

    Raises:
        Exception: the exception of the coroutine that has ended.
    """
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

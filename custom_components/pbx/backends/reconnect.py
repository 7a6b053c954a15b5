"""Waiting: until something is due, until somebody calls, and between two attempts."""

import asyncio
from collections.abc import Coroutine
import random
from typing import Any

from .base import Clock

# Seconds until a lost connection is made again: soon at first, and later at longer
# intervals, each of them shortened at random, so that not every client comes back
# to a restarted PBX at once.
FIRST_DELAY = 1
MAX_DELAY = 60
GROWTH = 2
JITTER = 0.5


class Backoff:
    """The seconds between two attempts, which grow.

    Args:
        first: seconds before the first attempt.
        longest: that they grow to.
        growth: by which they grow each time.
        jitter: the part of them that may be taken off at random.
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
        """Begin anew with the first delay."""
        self._delay = self._first

    def slow_down(self) -> None:
        """Go on with the longest delay."""
        self._delay = self._longest

    def next(self) -> float:
        """Return the next delay."""
        delay = self._delay
        self._delay = min(delay * self._growth, self._longest)
        return delay * random.uniform(1 - self._jitter, 1)  # noqa: S311 - no secret


async def wait_for(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait until an event is set, but no longer than some seconds of a clock.

    Returns:
        Whether it was set; it is cleared then.
    """
    if not event.is_set():
        await first_of(event.wait(), clock.sleep(seconds))
    was_set = event.is_set()
    event.clear()
    return was_set


async def first_of(*coroutines: Coroutine[Any, Any, Any] | Any) -> None:  # noqa: ANN401
    """Run several at once until one of them ends, and cancel the others.

    Raises:
        Exception: what the one that has ended raised.
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

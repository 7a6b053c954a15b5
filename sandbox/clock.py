"""Clocks of the sandbox: the real one, and one that tests advance manually."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import heapq
import time
from typing import Any, Protocol, override


class Timer(Protocol):
    """A scheduled callback."""

    def cancel(self) -> None:
        """Cancel the callback; canceling it twice is allowed."""
        ...


class Clock(Protocol):
    """The time and timers that the sandbox uses."""

    def time(self) -> float:
        """Return the Unix time."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back in so many seconds."""
        ...

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Register a task that was started at the current time."""
        ...


class LoopClock:
    """The real clock, on the running event loop."""

    def time(self) -> float:
        """Return the Unix time."""
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back in so many seconds."""
        return asyncio.get_running_loop().call_later(delay, callback)

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Ignore the task: real time does not wait for it."""


@dataclass(eq=False, slots=True)
class _ManualTimer:
    """A callback of the manual clock, unless it is canceled."""

    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Cancel the callback."""
        self.cancelled = True


class ManualClock:
    """A clock that only moves when a test advances it.

    By default, it starts at the current time in whole seconds, so that the times in
    the sandbox's reports match the clock of the program under test.
    """

    # Number of event loop iterations after each timer, so that handlers and clients
    # that the timer woke can make progress.
    TURNS = 20

    def __init__(self, start: float | None = None) -> None:
        """Initialize the clock with a Unix time; default: now."""
        self._now = float(int(time.time())) if start is None else start
        # Ordered by time, and then by age.
        self._queue: list[tuple[float, int, _ManualTimer]] = []
        self._age = 0
        self._work: set[asyncio.Task[Any]] = set()
        self._finished = 0

    def time(self) -> float:
        """Return the Unix time."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back when the clock has advanced by this many seconds."""
        self._age += 1
        timer = _ManualTimer(callback)
        heapq.heappush(self._queue, (self._now + max(delay, 0), self._age, timer))
        return timer

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Register a task that has to finish before the time advances."""
        self._work.add(task)
        task.add_done_callback(self._done)

    @property
    def pending(self) -> int:
        """Number of pending timers."""
        return sum(not timer.cancelled for _, _, timer in self._queue)

    async def advance(self, seconds: float, *, patiently: bool = True) -> None:
        """Advance the time, and run the due timers in order.

        Impatiently, it does not wait for requests that are on their way, such as
        one that nobody answers.
        """
        target = self._now + seconds
        settle = self.settle if patiently else self._take_turns
        await settle()
        while self._queue and self._queue[0][0] <= target:
            when, _, timer = heapq.heappop(self._queue)
            if timer.cancelled:
                continue
            self._now = when
            timer.callback()
            await settle()
        self._now = target
        await settle()

    async def settle(self) -> None:
        """Wait for the tasks of the current time, without advancing it."""
        finished = None
        while self._work or finished != self._finished:
            finished = self._finished
            if self._work:
                await asyncio.wait(tuple(self._work))
            # What follows from a task that has finished needs some turns, too.
            await self._take_turns()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        self._finished += 1

    async def _take_turns(self) -> None:
        for _ in range(self.TURNS):
            await asyncio.sleep(0)

    @override
    def __repr__(self) -> str:
        return f"<ManualClock at {self._now}, {self.pending} pending>"

"""Time for the sandbox: the real one, and one that a test moves by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import heapq
import time
from typing import Protocol, override


class Timer(Protocol):
    """Something that will happen and can be called off."""

    def cancel(self) -> None:
        """Call it off; calling it off twice is no mistake."""
        ...


class Clock(Protocol):
    """What the sandbox knows of time."""

    def time(self) -> float:
        """Return the Unix time."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back in so many seconds."""
        ...

    def watch(self, task: asyncio.Task[None]) -> None:
        """Be told of work that was started at this moment."""
        ...


class LoopClock:
    """The real clock, on the running event loop."""

    def time(self) -> float:
        """Return the Unix time."""
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back in so many seconds."""
        return asyncio.get_running_loop().call_later(delay, callback)

    def watch(self, task: asyncio.Task[None]) -> None:
        """Let work run on its own: real time does not wait for it."""


@dataclass(eq=False, slots=True)
class _ManualTimer:
    """What the manual clock will call, unless it is called off."""

    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Call it off."""
        self.cancelled = True


class ManualClock:
    """A clock that stands still until a test moves it.

    It starts at the present, in whole seconds, unless told otherwise: what the
    sandbox reports then agrees with the clock of the program under test.
    """

    # How often the event loop gets a turn after each timer, so that handlers
    # and clients that this timer woke can go as far as they can.
    TURNS = 20

    def __init__(self, start: float | None = None) -> None:
        """Start at the given Unix time, or now."""
        self._now = float(int(time.time())) if start is None else start
        # Ordered by time, and then by age.
        self._queue: list[tuple[float, int, _ManualTimer]] = []
        self._age = 0
        self._work: set[asyncio.Task[None]] = set()

    def time(self) -> float:
        """Return the Unix time."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back when the clock has been moved so many seconds."""
        self._age += 1
        timer = _ManualTimer(callback)
        heapq.heappush(self._queue, (self._now + max(delay, 0), self._age, timer))
        return timer

    def watch(self, task: asyncio.Task[None]) -> None:
        """Remember work that has to be done before time goes on."""
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    @property
    def pending(self) -> int:
        """How many timers are still to come."""
        return sum(not timer.cancelled for _, _, timer in self._queue)

    async def advance(self, seconds: float) -> None:
        """Move time on, running in order what falls due on the way."""
        target = self._now + seconds
        await self.settle()
        while self._queue and self._queue[0][0] <= target:
            when, _, timer = heapq.heappop(self._queue)
            if timer.cancelled:
                continue
            self._now = when
            timer.callback()
            await self.settle()
        self._now = target
        await self.settle()

    async def settle(self) -> None:
        """Let the work of this moment be done, without moving time."""
        for _ in range(self.TURNS):
            await asyncio.sleep(0)
        while self._work:
            await asyncio.wait(tuple(self._work))
            await asyncio.sleep(0)

    @override
    def __repr__(self) -> str:
        return f"<ManualClock at {self._now}, {self.pending} pending>"

"""Time that a test moves, and the real one."""

import asyncio
import time

from sandbox import LoopClock, ManualClock

from .helpers import START


async def test_timers_run_in_order_at_their_own_time(clock: ManualClock) -> None:
    """A later timer that was asked for first still runs last."""
    seen: list[tuple[str, float]] = []
    clock.call_later(5, lambda: seen.append(("late", clock.time())))
    clock.call_later(1, lambda: seen.append(("soon", clock.time())))
    clock.call_later(1, lambda: seen.append(("soon too", clock.time())))

    await clock.advance(4)
    assert seen == [("soon", START + 1), ("soon too", START + 1)]

    await clock.advance(4)
    assert seen[2] == ("late", START + 5)
    assert clock.time() == START + 8


async def test_a_timer_set_by_a_timer_runs_in_the_same_move(clock: ManualClock) -> None:
    """What falls due on the way is done on the way."""
    seen: list[float] = []

    def again() -> None:
        clock.call_later(1, lambda: seen.append(clock.time()))

    clock.call_later(1, again)
    await clock.advance(3)
    assert seen == [START + 2]


async def test_a_cancelled_timer_does_not_run(clock: ManualClock) -> None:
    """Calling off is final, and may be done twice."""
    seen: list[int] = []
    timer = clock.call_later(1, lambda: seen.append(1))
    assert clock.pending == 1
    timer.cancel()
    timer.cancel()
    assert clock.pending == 0
    assert "0 pending" in repr(clock)
    await clock.advance(2)
    assert seen == []


async def test_watched_work_is_done_before_time_goes_on(clock: ManualClock) -> None:
    """Work that a timer began ends before the next timer."""
    seen: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        seen.append("work")

    clock.call_later(1, lambda: clock.watch(asyncio.create_task(work())))
    clock.call_later(1, lambda: seen.append("next"))
    await clock.advance(1)
    assert seen == ["work", "next"]


async def test_what_follows_from_watched_work(clock: ManualClock) -> None:
    """A timer that is set after the work runs in the same move, too."""
    seen: list[float] = []

    async def follow(work: asyncio.Task[None]) -> None:
        await work
        for _ in range(10):
            await asyncio.sleep(0)
        clock.call_later(1, lambda: seen.append(clock.time()))

    async def work() -> None:
        for _ in range(15):
            await asyncio.sleep(0)

    followers: list[asyncio.Task[None]] = []

    def begin() -> None:
        task = asyncio.create_task(work())
        clock.watch(task)
        followers.append(asyncio.create_task(follow(task)))

    clock.call_later(1, begin)
    await clock.advance(60)
    assert seen == [START + 2]


async def test_time_does_not_wait_for_impatience(clock: ManualClock) -> None:
    """Work that nobody ends does not stop the clock then."""
    work = asyncio.create_task(asyncio.Event().wait())
    clock.watch(work)
    seen: list[float] = []
    clock.call_later(1, lambda: seen.append(clock.time()))
    await clock.advance(2, patiently=False)
    assert seen == [START + 1]
    work.cancel()
    await clock.settle()


def test_a_manual_clock_starts_at_the_present() -> None:
    """By default, it starts at the current time in whole seconds."""
    now = ManualClock().time()
    assert now == int(now)
    assert abs(now - time.time()) < 60


async def test_the_real_clock() -> None:
    """It shows the real time and calls back by the event loop."""
    clock = LoopClock()
    assert abs(clock.time() - time.time()) < 60
    called = asyncio.Event()
    clock.call_later(0, called.set)
    await asyncio.wait_for(called.wait(), 60)
    task = asyncio.create_task(asyncio.sleep(0))
    clock.watch(task)
    await task

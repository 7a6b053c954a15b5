"""What is heard on a line, and which keys count."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import given, strategies as st
import pytest

from sandbox import Heard, ManualClock, Phone, Prompt
from sandbox.line import KEY_INTERVAL, Line

WATER, DOOR = Prompt("id:1", 4), Prompt("id:2", 2)


def _line(clock: ManualClock, **phone: Any) -> Line:  # noqa: ANN401 - any field of a phone
    return Line(clock, Phone("101", **phone), [])


async def _run[T](clock: ManualClock, work: Coroutine[Any, Any, T]) -> T:
    """Run something to its end, however long it takes."""
    task = asyncio.create_task(work)
    await clock.advance(1000)
    assert clock.pending == 0
    return await task


def _seconds(line: Line) -> list[float]:
    return [heard.seconds for heard in line.heard]


async def test_prompts_in_turn(clock: ManualClock) -> None:
    """Each from its begin to its end."""
    line = _line(clock)
    start = clock.time()
    await _run(clock, line.play(WATER))
    assert line.heard == [Heard(WATER, start, 4)]
    assert line.heard[0].is_whole


async def test_a_prompt_without_length(clock: ManualClock) -> None:
    """It is over at once, and whole."""
    line = _line(clock)
    await _run(clock, line.play(Prompt("sound:beep", 0)))
    assert line.heard[0].is_whole


async def test_no_key(clock: ManualClock) -> None:
    """All prompts are played, and then the time passes."""
    line = _line(clock)
    start = clock.time()
    task = asyncio.create_task(line.listen([WATER, DOOR], 5, 1))
    await clock.advance(10.5)
    assert not task.done()
    await clock.advance(0.5)
    assert await task == ""
    assert [(heard.text, heard.since - start) for heard in line.heard] == [
        ("id:1", 0),
        ("id:2", 4),
    ]


@pytest.mark.parametrize(
    ("at", "seconds"), [(0, [0]), (1, [1]), (5, [4, 1]), (None, [4, 2]), (9, [4, 2])]
)
async def test_the_first_key_stops_the_prompts(
    clock: ManualClock, at: float | None, seconds: list[float]
) -> None:
    """Whenever it comes."""
    line = _line(clock, keys="1", keys_at=at)
    assert await _run(clock, line.listen([WATER, DOOR], 5, 1)) == "1"
    assert _seconds(line) == seconds


@pytest.mark.parametrize(("after", "typed"), [(0, "1"), (4.9, "1"), (5.1, "")])
async def test_keys_after_the_prompts(
    clock: ManualClock, after: float, typed: str
) -> None:
    """The person has listened to the end, and then only has so much time."""
    line = _line(clock, keys="1", keys_after=after)
    assert await _run(clock, line.listen([WATER, DOOR], 5, 1)) == typed
    assert _seconds(line) == [4, 2]


async def test_keys_at_once(clock: ManualClock) -> None:
    """All of them count, in order."""
    line = _line(clock)
    task = asyncio.create_task(line.listen([WATER], 5, 4))
    await clock.advance(1)
    line.press("12")
    await clock.advance(1)
    line.press("3#")
    await clock.advance(0)
    assert await task == "123#"
    assert _seconds(line) == [1]


async def test_a_person_who_hears_nothing(clock: ManualClock) -> None:
    """There is no sound, so there are no keys; it takes as long."""
    line = _line(clock, keys="1")
    line.is_heard = False
    start = clock.time()
    task = asyncio.create_task(line.listen([WATER], 5, 1))
    await clock.advance(8.9)
    assert not task.done()
    await clock.advance(0.1)
    assert await task == ""
    assert clock.time() == start + 9
    assert line.heard == []


async def test_hanging_up(clock: ManualClock) -> None:
    """What was heard until then remains, and no timer."""
    line = _line(clock, keys="1")
    task = asyncio.create_task(line.listen([WATER], 5, 1))
    await clock.advance(3)
    assert line.heard[0].seconds == 0
    task.cancel()
    await clock.settle()
    assert _seconds(line) == [3]
    assert not line.heard[0].is_whole
    assert clock.pending == 0


@given(
    keys=st.text(alphabet="0123456789*#", max_size=6),
    at=st.none() | st.floats(0, 30).map(lambda seconds: round(seconds, 1)),
    most=st.integers(1, 6),
    wait=st.integers(1, 9),
)
async def test_any_keys(keys: str, at: float | None, most: int, wait: int) -> None:
    """The data is the beginning of the keys, up to the first #."""
    clock = ManualClock(0)
    line = _line(clock, keys=keys, keys_at=at)
    typed = await _run(clock, line.listen([WATER, DOOR], wait, most))
    is_late = at is not None and at > 6 + wait
    assert wait > KEY_INTERVAL
    before, end, _ = keys.partition("#")
    whole = before + end if len(before) < most else before[:most]
    assert typed in {"" if is_late else whole, whole if at == 6 + wait else typed}
    assert all(heard.seconds <= heard.prompt.seconds for heard in line.heard)

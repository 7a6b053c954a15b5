"""Benchmark of the tracker alone: the cost of an update with many open calls."""

import gc
import itertools
import random
from time import perf_counter, time
import tracemalloc

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.tracker import DEFAULT_MAX_TALK_TIME, CallTracker

from .ratios import turns
from .scene import SIZES

FEW_OF_MANY = "100 of 10000"
"""The largest tracker, but with updates about only some of its calls."""

_UPDATES_OF_A_CALL = 3

_serial = itertools.count()


def populated(size: int) -> tuple[CallTracker, list[str]]:
    """Return a tracker with open calls, and their IDs."""
    tracker = CallTracker(time, lambda _call, _state: None)
    return tracker, [place(tracker) for _ in range(size)]


def place(tracker: CallTracker) -> str:
    """Add a call between two unique parties, and return its ID."""
    number = next(_serial)
    call_id = _call_id(number)
    tracker.confirm(tracker.add(_request(number)), call_id)
    return call_id


def open_call() -> Call:
    """Return a call that was just placed, as it is restored after a restart."""
    number, now = next(_serial), time()
    request = _request(number)
    return Call(
        request=request,
        began_at=now,
        reached_at=now,
        deadline=now + DEFAULT_MAX_TALK_TIME,
        caller=request.caller,
        callee=request.callee,
        originated_call_id=_call_id(number),
    )


def _request(number: int) -> CallRequest:
    return CallRequest(
        call_id=f"ha-{number}",
        caller=str(1_000_000 + number),
        callee=str(5_000_000 + number),
        context="main_routing",
        caller_id=str(1_000_000 + number),
        timeout=30,
    )


def _call_id(number: int) -> str:
    return f"orig.call.{1_703_145_054 + number}.787335"


def updates_of(call_id: str) -> tuple[CallUpdate, ...]:
    """Return the updates about a call that is answered and ends."""
    ringing, connected = (
        CallUpdate(state=state, originated_call_id=call_id)
        for state in (CallState.RINGING_CALLEE, CallState.CONNECTED)
    )
    ended = CallUpdate(
        state=CallState.ENDED,
        originated_call_id=call_id,
        result=CallResult.ANSWERED,
        ring_time=4,
        talk_time=60,
    )
    return ringing, connected, ended


def seconds_per_update(tracker: CallTracker, ids: list[str], calls: int) -> float:
    """Return the mean seconds of an update; each call that ends is replaced.

    The next deadline is read after each update, like in Home Assistant.
    """
    total = 0.0
    for _ in range(calls):
        position = random.randrange(len(ids))  # noqa: S311 - no secret
        updates = updates_of(ids[position])
        began = perf_counter()
        for update in updates:
            tracker.observe(update)
            _ = tracker.next_deadline
        total += perf_counter() - began
        ids[position] = place(tracker)
    return total / (calls * _UPDATES_OF_A_CALL)


def measure(rounds: int, calls: int) -> dict[str, list[float]]:
    """Return the seconds of an update in each round by number of open calls."""
    trackers = {str(size): populated(size) for size in SIZES}
    tracker, ids = populated(SIZES[-1])
    trackers[FEW_OF_MANY] = (tracker, ids[-SIZES[0] :])
    seconds: dict[str, list[float]] = {name: [] for name in trackers}
    gc.collect()
    # Otherwise a collection of all these calls would distort some measurements.
    gc.disable()
    try:
        for number in range(rounds + 1):
            for name in turns(tuple(trackers), number):
                taken = seconds_per_update(*trackers[name], calls)
                if number:
                    seconds[name].append(taken)
    finally:
        gc.enable()
    return seconds


def bytes_per_call(size: int) -> int:
    """Return the memory of an open call, including the indexes."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = populated(size)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) // len(kept[1])

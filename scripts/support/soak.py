"""Many calls through a PBX that misbehaves all the time, and what became of each."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
import random
import sys
import time
from typing import get_args

from sandbox import Fault, Phone, Sandbox, SandboxConfig
from sandbox.faults import FaultKind
from sandbox.model import ORIGINATE, REPORT, Manner

from .booted.client import ApiError, FlowError, Json
from .booted.home_assistant import BootedHomeAssistant, BootError
from .booted.log import problems
from .booted.pbx import DOMAIN, add_pbx, connect_events, set_dialing_rules
from .terminal.program import run

DEFAULT_CALLS = 10_000

# Calls per second, with three events each, that leave two processors time to rest.
_PER_SECOND = 60
# Of those whose request hangs there may be so many.
_AT_ONCE = 100
# Of ten requests for a call one meets a fault, and of fifty readings of the report.
_FAULTY_CALLS, _FAULTY_READINGS = 0.1, 0.02
_LINES = 100_000
_DENIALS: tuple[FaultKind, ...] = ("refuse", "redirect")
# Seconds: a phone rings as short as it can. The limit, which no talk comes to, keeps
# the calls outstanding for as long as the report may fail: 10 s and a pause of 15.
_RING_TIME, _CALL_LIMIT = 1, 40
# After those, and the grace of ten, nothing more is heard of a call; and what is
# left of connections is closed when nothing was sent for so long.
_REST = 2 * _RING_TIME + _CALL_LIMIT + 10 + 20
# The first part of the calls fills caches; from then on nothing should grow.
_WARM = 0.2
_GROWTH = 1.1

_ENDED = f"{DOMAIN}_call_ended"
_UNCERTAIN = "call_uncertain"
_REFUSED = f"Error during service call to {DOMAIN}.originate: The PBX"

_PHONES = (
    Phone("101", lines=_LINES, after=0.05),
    Phone("104", lines=_LINES, as_caller=Manner(behaviour="no_answer")),
    Phone("105", lines=_LINES, as_caller=Manner(behaviour="unreachable", after=0.1)),
)
# The first digit of a callee says how its phone behaves.
_OUTSIDE = (
    Phone("1*", after=0.1, hang_up_after=0.3),
    Phone("2*", behaviour="busy", after=0.1),
    Phone("3*", behaviour="no_answer"),
    Phone("4*", behaviour="unreachable", after=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process takes up: bytes of memory, and open files and sockets."""

    memory: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Return that of a process that runs (on Linux)."""
        folder = Path(f"/proc/{pid}")
        pages = int((folder / "statm").read_text().split()[1])
        return cls(memory=pages * 4096, files=len(list((folder / "fd").iterdir())))


@dataclass(slots=True)
class Soak:
    """What was asked for, and what was told of it; callees are called once each."""

    placed: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    ends: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def ended(self, event: Json) -> None:
        """Take note of the end of a call."""
        self.ends[event["data"]["callee"]].append(event["data"]["result"])

    @property
    def followed(self) -> set[str]:
        """Whose calls have to end."""
        return self.placed | self.uncertain

    def broken(self, sandbox: Sandbox) -> dict[str, int]:
        """Return how often each promise was broken."""
        truth = {call.callee: call.result for call in sandbox.calls}
        rung = Counter(call.callee for call in sandbox.calls)
        ends = {callee: self.ends[callee] for callee in self.followed}
        return {
            "calls that were placed twice": sum(n > 1 for n in rung.values()),
            "calls that were refused, and placed": len(self.refused & set(rung)),
            "calls without an end": sum(not told for told in ends.values()),
            "calls with more than one end": sum(len(t) > 1 for t in ends.values()),
            "ends of calls that were refused": sum(
                bool(self.ends[callee]) for callee in self.refused
            ),
            "results other than the PBX's": sum(
                told[0] not in {truth.get(callee), "undetermined"}
                for callee, told in ends.items()
                if told
            ),
            "results that got lost": sum(
                told[0] == "undetermined" and callee in truth
                for callee, told in ends.items()
                if told
            ),
        }


async def _place(
    home_assistant: BootedHomeAssistant, soak: Soak, caller: str, callee: str
) -> None:
    """Place one call, and take note of what is told of it at once."""
    data = {
        "caller": caller,
        "callee": callee,
        "timeout": _RING_TIME,
        "call_limit": _CALL_LIMIT,
    }
    try:
        await home_assistant.call_action(
            DOMAIN, "originate", data, return_response=True
        )
    except ApiError as err:
        is_uncertain = err.translation_key == _UNCERTAIN
        (soak.uncertain if is_uncertain else soak.refused).add(callee)
    else:
        soak.placed.add(callee)


def parties(count: int) -> Iterator[tuple[str, str]]:
    """Yield caller and callee of each call; every fifth caller is not reached."""
    for number in range(count):
        caller = {0: "104", 1: "105"}.get(number % 10, "101")
        yield caller, f"{1 + number % 4}{number:07}"


def _spoil(sandbox: Sandbox, chance: random.Random) -> None:
    """Let something go wrong with one of the next requests, now and then."""
    for path, share in ((ORIGINATE, _FAULTY_CALLS), (REPORT, _FAULTY_READINGS)):
        if chance.random() < share:
            kind: FaultKind = chance.choice(get_args(FaultKind.__value__))
            # As often as not, but for an answer that says that there is no call.
            placed = kind not in _DENIALS and chance.random() < 0.5  # noqa: PLR2004
            fault = Fault(kind, times=1, placed=placed, megabytes=2)
            sandbox.faults.set(path, fault)


async def _place_all(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, soak: Soak, count: int
) -> Usage:
    """Place all calls, some at a time; return what was used when it was warm."""
    chance = random.Random(count)  # noqa: S311 - the same again each time
    pairs = parties(count)
    begun = 0
    began = time.monotonic()
    warm = Usage.of(home_assistant.pid)

    async def place_some() -> None:
        nonlocal begun, warm
        for caller, callee in pairs:
            _spoil(sandbox, chance)
            begun += 1
            await asyncio.sleep(began + begun / _PER_SECOND - time.monotonic())
            if begun == int(count * _WARM):
                warm = Usage.of(home_assistant.pid)
            await _place(home_assistant, soak, caller, callee)

    await asyncio.gather(*(place_some() for _ in range(_AT_ONCE)))
    sandbox.faults.clear()
    return warm


async def soak(count: int) -> int:
    """Place many calls, tell what became of them, and return the exit status."""
    config = SandboxConfig(phones=_PHONES, outside=_OUTSIDE)
    async with Sandbox(config) as sandbox, BootedHomeAssistant() as home_assistant:
        entry = await add_pbx(home_assistant, sandbox)
        await connect_events(home_assistant, sandbox, entry["entry_id"])
        limits = {"calls_at_once": 0, "calls_per_hour": 0}
        await set_dialing_rules(home_assistant, entry["entry_id"], **limits)
        # Its memory is no concern of ours.
        await home_assistant.call_action("recorder", "disable", {})
        told = Soak()
        await home_assistant.client.subscribe(_ENDED, told.ended)
        before = Usage.of(home_assistant.pid)
        began = time.monotonic()
        warm = await _place_all(home_assistant, sandbox, told, count)
        took = time.monotonic() - began
        await asyncio.sleep(_REST)
        after = Usage.of(home_assistant.pid)
        broken = told.broken(sandbox)
        await home_assistant.stop()
        found = problems(home_assistant.log_text(), expected=(_REFUSED,))
    growth = after.memory / warm.memory
    broken["memory that grew too much"] = int(growth > _GROWTH)
    broken["sockets left behind"] = max(after.files - before.files, 0)
    broken["problems in the log"] = len(found)
    _print(told, broken, took, growth)
    print(*found[:5], sep="\n", file=sys.stderr)
    return int(any(broken.values()))


def _print(told: Soak, broken: dict[str, int], took: float, growth: float) -> None:
    results = Counter(result for results in told.ends.values() for result in results)
    rows = {
        "calls asked for": len(told.followed | told.refused),
        "placed, with an id or without": len(told.placed),
        "answer lost, perhaps placed": len(told.uncertain),
        "refused": len(told.refused),
        **{f"ended as {result}": n for result, n in sorted(results.items())},
        **broken,
    }
    for what, number in rows.items():
        print(f"{number:>8,}  {what}")
    print(f"{took:>8.0f}  seconds to place them")
    print(f"{growth:>8.3f}  memory at the end, against that after a fifth of them")


async def main() -> int:
    """Read how many calls are wanted, and place them."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CALLS
    try:
        return await soak(count)
    except (ApiError, BootError, FlowError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

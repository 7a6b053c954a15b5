"""Soak test: many calls through a PBX with faults, and checks of each result."""

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

# Calls per second, with three events each, that do not saturate two processors.
_PER_SECOND = 60
# Maximum concurrent requests, including those that hang.
_CONCURRENT = 100
# Share of originate requests and of report requests with a fault.
_FAULTY_CALLS, _FAULTY_READINGS = 0.1, 0.02
_LINES = 100_000
_DENIALS: tuple[FaultKind, ...] = ("refuse", "redirect")
# Seconds. The ring time is the minimum. No call reaches the call limit: it keeps calls
# open as long as the report can fail, which is 10 s and a pause of 15 s.
_RING_TIME, _CALL_LIMIT = 1, 40
# Seconds until every call has ended (with a grace time of 10 s), and until unused
# connections are closed.
_REST = 2 * _RING_TIME + _CALL_LIMIT + 10 + 20
# Share of the calls that fill caches; memory should not grow after them.
_WARM = 0.2
_GROWTH = 1.1

_ENDED = f"{DOMAIN}_call_ended"
_UNCERTAIN = "call_uncertain"
_REFUSED = f"Error during service call to {DOMAIN}.originate: The PBX"

_PHONES = (
    Phone("101", lines=_LINES, after=0.05),
    Phone("104", lines=_LINES, as_caller=Manner(behavior="no_answer")),
    Phone("105", lines=_LINES, as_caller=Manner(behavior="unreachable", after=0.1)),
)
# The first digit of a callee determines the behavior of its phone.
_EXTERNAL = (
    Phone("1*", after=0.1, hang_up_after=0.3),
    Phone("2*", behavior="busy", after=0.1),
    Phone("3*", behavior="no_answer"),
    Phone("4*", behavior="unreachable", after=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resources of a process: bytes of memory, and open files and sockets."""

    memory: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Return the usage of a running process (Linux only)."""
        folder = Path(f"/proc/{pid}")
        pages = int((folder / "statm").read_text().split()[1])
        return cls(memory=pages * 4096, files=len(list((folder / "fd").iterdir())))


@dataclass(slots=True)
class Soak:
    """The calls by outcome and their reported results; each callee is called once."""

    placed: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    ends: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def ended(self, event: Json) -> None:
        """Record the end of a call."""
        self.ends[event["data"]["callee"]].append(event["data"]["result"])

    @property
    def followed(self) -> set[str]:
        """The callees whose calls have to end."""
        return self.placed | self.uncertain

    def violations(self, sandbox: Sandbox) -> dict[str, int]:
        """Return the number of violations of each guarantee."""
        truth = {call.callee: call.result for call in sandbox.calls}
        rung = Counter(call.callee for call in sandbox.calls)
        ends = {callee: self.ends[callee] for callee in self.followed}
        return {
            "calls placed twice": sum(n > 1 for n in rung.values()),
            "calls refused but placed": len(self.refused & set(rung)),
            "calls without an end": sum(not results for results in ends.values()),
            "calls with more than one end": sum(len(r) > 1 for r in ends.values()),
            "ends of refused calls": sum(
                bool(self.ends[callee]) for callee in self.refused
            ),
            "results different from the PBX's": sum(
                results[0] not in {truth.get(callee), "undetermined"}
                for callee, results in ends.items()
                if results
            ),
            "lost results": sum(
                results[0] == "undetermined" and callee in truth
                for callee, results in ends.items()
                if results
            ),
        }


async def _place(
    home_assistant: BootedHomeAssistant, soak: Soak, caller: str, callee: str
) -> None:
    """Place one call, and record the response."""
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
    """Yield caller and callee of each call; every fifth caller is unreachable."""
    for number in range(count):
        caller = {0: "104", 1: "105"}.get(number % 10, "101")
        yield caller, f"{1 + number % 4}{number:07}"


def _set_faults(sandbox: Sandbox, chance: random.Random) -> None:
    """Activate random faults for the next requests."""
    for path, share in ((ORIGINATE, _FAULTY_CALLS), (REPORT, _FAULTY_READINGS)):
        if chance.random() < share:
            kind: FaultKind = chance.choice(get_args(FaultKind.__value__))
            # In half of the cases, unless the response denies that there is a call.
            placed = kind not in _DENIALS and chance.random() < 0.5  # noqa: PLR2004
            fault = Fault(kind, times=1, placed=placed, megabytes=2)
            sandbox.faults.set(path, fault)


async def _place_all(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, soak: Soak, count: int
) -> Usage:
    """Place all calls concurrently; return the usage after the warm-up."""
    chance = random.Random(count)  # noqa: S311 - reproducible
    pairs = parties(count)
    begun = 0
    began = time.monotonic()
    warm = Usage.of(home_assistant.pid)

    async def place_some() -> None:
        nonlocal begun, warm
        for caller, callee in pairs:
            _set_faults(sandbox, chance)
            begun += 1
            await asyncio.sleep(began + begun / _PER_SECOND - time.monotonic())
            if begun == int(count * _WARM):
                warm = Usage.of(home_assistant.pid)
            await _place(home_assistant, soak, caller, callee)

    await asyncio.gather(*(place_some() for _ in range(_CONCURRENT)))
    sandbox.faults.clear()
    return warm


async def soak(count: int) -> int:
    """Place the calls, print the results, and return the exit status."""
    config = SandboxConfig(phones=_PHONES, external=_EXTERNAL)
    async with Sandbox(config) as sandbox, BootedHomeAssistant() as home_assistant:
        entry = await add_pbx(home_assistant, sandbox)
        await connect_events(home_assistant, sandbox, entry["entry_id"])
        limits = {"calls_at_once": 0, "calls_per_hour": 0}
        await set_dialing_rules(home_assistant, entry["entry_id"], **limits)
        # The memory of the recorder is not tested.
        await home_assistant.call_action("recorder", "disable", {})
        state = Soak()
        await home_assistant.client.subscribe(_ENDED, state.ended)
        before = Usage.of(home_assistant.pid)
        began = time.monotonic()
        warm = await _place_all(home_assistant, sandbox, state, count)
        took = time.monotonic() - began
        await asyncio.sleep(_REST)
        after = Usage.of(home_assistant.pid)
        violations = state.violations(sandbox)
        await home_assistant.stop()
        found = problems(home_assistant.log_text(), expected=(_REFUSED,))
    growth = after.memory / warm.memory
    violations["memory growth above the limit"] = int(growth > _GROWTH)
    violations["sockets left open"] = max(after.files - before.files, 0)
    violations["problems in the log"] = len(found)
    _print(state, violations, took, growth)
    print(*found[:5], sep="\n", file=sys.stderr)
    return int(any(violations.values()))


def _print(state: Soak, violations: dict[str, int], took: float, growth: float) -> None:
    results = Counter(result for results in state.ends.values() for result in results)
    rows = {
        "calls requested": len(state.followed | state.refused),
        "placed, with or without an ID": len(state.placed),
        "response lost, possibly placed": len(state.uncertain),
        "refused": len(state.refused),
        **{f"ended as {result}": n for result, n in sorted(results.items())},
        **violations,
    }
    for label, number in rows.items():
        print(f"{number:>8,}  {label}")
    print(f"{took:>8.0f}  seconds to place them")
    print(f"{growth:>8.3f}  memory at the end, relative to a fifth of the calls")


async def main() -> int:
    """Run the soak test with the number of calls from the command line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CALLS
    try:
        return await soak(count)
    except (ApiError, BootError, FlowError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

"""Places calls that end differently, and checks what is told of each."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import json
import sys
import time

from sandbox import Sandbox

from ..booted.client import ApiError, FlowError
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import add_pbx, check_events, connect_events, entities
from ..terminal.program import run
from .calls import CALLS, CallReport, DemoCall, at_once, place
from .escalation import EscalationReport, escalate
from .printing import DemoTerminal
from .results import FOLLOWED, ResultReport, Teller, follow


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What the demo has found out so far."""

    version: str = ""
    reports: list[CallReport] = field(default_factory=list)
    results: dict[Teller, list[ResultReport]] = field(default_factory=dict)
    escalation: EscalationReport | None = None
    wrong: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return round(time.monotonic() - self.started, 1)

    def as_json(self) -> str:
        """Return what a script may want to know, on one line."""
        summary = {
            "ok": not self.wrong,
            "home_assistant": self.version,
            "seconds": self.seconds,
            "problems": self.wrong,
            "calls": [report.as_json() for report in self.reports],
            "results": {
                told_by: [report.as_json() for report in reports]
                for told_by, reports in self.results.items()
            },
            "escalation": self.escalation and self.escalation.as_json(),
        }
        return json.dumps(summary)


async def demo(terminal: DemoTerminal, outcome: Outcome) -> None:
    """Boot both, let them talk, and look at the log afterwards."""
    async with Sandbox() as sandbox, AsyncExitStack() as stack:
        with terminal.waiting("Home Assistant starts"):
            home_assistant = await stack.enter_async_context(BootedHomeAssistant())
        config = await home_assistant.client.get("/api/config")
        outcome.version = config["version"]
        terminal.fact("sandbox PBX", sandbox.api_url)
        terminal.fact(
            "Home Assistant", f"{outcome.version}, ready in {outcome.seconds} s"
        )
        try:
            await _show(terminal, outcome, home_assistant, sandbox)
        except (ApiError, FlowError, LookupError, TimeoutError) as err:
            outcome.wrong.append(f"{type(err).__name__}: {err}")
        with terminal.waiting("Home Assistant stops"):
            await home_assistant.stop()
        outcome.wrong += problems(
            home_assistant.log_text(), expected=_refusals(outcome.reports)
        )
        if outcome.wrong:
            terminal.say(
                f"\nThe end of Home Assistant's log:\n{home_assistant.log_tail()}"
            )


async def _show(
    terminal: DemoTerminal,
    outcome: Outcome,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
) -> None:
    """Go through the parts of the demo."""
    demo = _Parts(terminal, outcome, home_assistant, sandbox)
    entry_id = await demo.set_up()
    await demo.place_calls()
    terminal.section("The same calls with wait_until: ended, told by the report alone")
    await demo.follow_calls("report")
    terminal.section("Once more, now that the PBX sends events")
    await demo.connect_events(entry_id)
    await demo.follow_calls("event")
    terminal.say("   No event tells of a caller who was not reached: the report does.")
    terminal.section("Ring one after another until somebody answers")
    await demo.escalate()


@dataclass(slots=True)
class _Parts:
    """The parts of the demo, each of which prints and notes what it finds."""

    terminal: DemoTerminal
    outcome: Outcome
    home_assistant: BootedHomeAssistant
    sandbox: Sandbox

    async def set_up(self) -> str:
        """Add the PBX; return its entry's id."""
        entry = await add_pbx(self.home_assistant, self.sandbox)
        entry_id: str = entry["entry_id"]
        sensor = (await entities(self.home_assistant, entry_id))["connected"]
        state = (await self.home_assistant.client.get(f"/api/states/{sensor}"))["state"]
        self._verdict(
            "set up",
            f"by its config flow, and {sensor} is {state}",
            good=state == "on",
        )
        return entry_id

    async def place_calls(self) -> None:
        """Place all calls, and see what the PBX and its phones were told."""

        async def placed(call: DemoCall) -> CallReport:
            return await place(call, self.home_assistant, self.sandbox)

        with self.terminal.waiting("the calls are on"):
            reports = await at_once(CALLS, placed)
        for number, report in enumerate(reports, start=1):
            self.outcome.reports.append(report)
            self.outcome.wrong += report.problems
            self.terminal.call(number, report)

    async def follow_calls(self, told_by: Teller) -> None:
        """Place those that get through again, and wait for their results."""

        async def followed(call: DemoCall) -> ResultReport:
            return await follow(call, self.home_assistant, self.sandbox)

        with self.terminal.waiting("the calls are on"):
            reports = await at_once(FOLLOWED, followed)
        self.outcome.results[told_by] = reports
        for report in reports:
            self.outcome.wrong += report.problems
            self.terminal.result(report)

    async def connect_events(self, entry_id: str) -> None:
        """Type the address into the PBX, and test it as a person would."""
        push = await connect_events(self.home_assistant, self.sandbox, entry_id)
        self.terminal.fact("from the options", f"username {push.username}, a password,")
        self.terminal.fact("", push.url)
        with self.terminal.waiting("the PBX is pinged"):
            error = await check_events(self.home_assistant, entry_id)
        self._verdict(
            "their test", error or "the PBX's event came back", good=not error
        )

    async def escalate(self) -> None:
        """Ring two people, the first of whom cannot be reached."""
        with self.terminal.waiting("they are rung"):
            report = await escalate(self.home_assistant, self.sandbox)
        self.outcome.escalation = report
        self.outcome.wrong += report.problems
        self.terminal.escalation(report)

    def _verdict(self, label: str, text: str, *, good: bool) -> None:
        if not good:
            self.outcome.wrong.append(text)
        self.terminal.verdict(label, text, good=good)


def _refusals(reports: list[CallReport]) -> list[str]:
    """Home Assistant logs them as errors; these were asked for."""
    return [report.call.refusal for report in reports if report.call.refusal]


def conclude(terminal: DemoTerminal, outcome: Outcome) -> int:
    """Say how it went: to the person, and in the last line to a program."""
    terminal.say()
    if outcome.wrong:
        terminal.heading("Not all went as expected:")
        for problem in outcome.wrong:
            terminal.problem(problem)
    else:
        terminal.heading(f"All went as expected, in {outcome.seconds} s.")
        terminal.say("To see it in a browser: scripts/demo --serve")
    if terminal.wants_json:
        terminal.say(outcome.as_json())
    return 1 if outcome.wrong else 0


async def main() -> int:
    """Run the demo, and return 0 if all went as expected."""
    terminal = DemoTerminal()
    outcome = Outcome()
    terminal.heading("Home Assistant and a sandbox PBX, on this machine alone")
    try:
        await demo(terminal, outcome)
    except BootError as err:
        outcome.wrong.append(str(err))
    return conclude(terminal, outcome)


if __name__ == "__main__":
    sys.exit(run(main()))

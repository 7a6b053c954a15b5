"""Demo with the sandbox PBX: places calls, and checks their results."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import json
from pathlib import Path
import sys
import tempfile
import time

from sandbox import Sandbox

from ..booted.client import ApiError, FlowError
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import add_pbx, check_events, connect_events, entities
from ..terminal.program import run
from ..tones.install import CONFIGURATION, install
from .calls import CALLS, CallReport, DemoCall, at_once, place
from .escalation import EscalationReport, escalate
from .printing import DemoTerminal
from .results import FOLLOWED, ResultReport, ResultSource, follow
from .speech import SpeechReport, announce, draw, escalate as escalate_speech


@dataclass(kw_only=True, slots=True)
class Outcome:
    """Results of the demo."""

    version: str = ""
    reports: list[CallReport] = field(default_factory=list)
    results: dict[ResultSource, list[ResultReport]] = field(default_factory=dict)
    escalation: EscalationReport | None = None
    speech: list[SpeechReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Elapsed time in seconds."""
        return round(time.monotonic() - self.started, 1)

    def as_json(self) -> str:
        """Return the results as one line of JSON."""
        summary = {
            "ok": not self.problems,
            "home_assistant": self.version,
            "seconds": self.seconds,
            "problems": self.problems,
            "calls": [report.as_json() for report in self.reports],
            "results": {
                source: [report.as_json() for report in reports]
                for source, reports in self.results.items()
            },
            "escalation": self.escalation and self.escalation.as_json(),
            "speech": [report.as_json() for report in self.speech],
        }
        return json.dumps(summary)


async def demo(terminal: DemoTerminal, outcome: Outcome) -> None:
    """Start both, run the demo, and check the log."""
    async with Sandbox() as sandbox, AsyncExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="pbx-home-assistant-", ignore_cleanup_errors=True
            )
        )
        config_dir = Path(folder)
        install(config_dir)
        with terminal.waiting("Home Assistant starts"):
            home_assistant = await stack.enter_async_context(
                BootedHomeAssistant(config_dir, configuration=CONFIGURATION)
            )
        config = await home_assistant.client.get("/api/config")
        outcome.version = config["version"]
        terminal.fact("sandbox PBX", sandbox.api_url)
        terminal.fact(
            "Home Assistant", f"{outcome.version}, ready in {outcome.seconds} s"
        )
        try:
            await _show(terminal, outcome, home_assistant, sandbox)
        except (ApiError, FlowError, LookupError, TimeoutError) as err:
            outcome.problems.append(f"{type(err).__name__}: {err}")
        with terminal.waiting("Home Assistant stops"):
            await home_assistant.stop()
        outcome.problems += problems(
            home_assistant.log_text(), expected=_refusals(outcome.reports)
        )
        if outcome.problems:
            terminal.say(
                f"\nThe end of Home Assistant's log:\n{home_assistant.log_tail()}"
            )


async def _show(
    terminal: DemoTerminal,
    outcome: Outcome,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
) -> None:
    """Run the parts of the demo in order."""
    demo = _Parts(terminal, outcome, home_assistant, sandbox)
    entry_id = await demo.set_up()
    await demo.place_calls()
    terminal.section("The same calls with wait_until: ended, results from the report")
    await demo.follow_calls("report")
    terminal.section("The same calls, results from events")
    url = await demo.connect_events(entry_id)
    await demo.follow_calls("event")
    terminal.say("   An unreachable caller is only in the report: there is no event.")
    terminal.section("Call one person after another until one answers")
    await demo.escalate()
    terminal.section("Play a message by the dialplan of the PBX, and ask for a key")
    await demo.speak(entry_id, url)


@dataclass(slots=True)
class _Parts:
    """The parts of the demo; each prints and records its results."""

    terminal: DemoTerminal
    outcome: Outcome
    home_assistant: BootedHomeAssistant
    sandbox: Sandbox

    async def set_up(self) -> str:
        """Add the PBX, and return the ID of its entry."""
        extensions = [phone.number for phone in self.sandbox.config.phones]
        entry = await add_pbx(self.home_assistant, self.sandbox, extensions=extensions)
        entry_id: str = entry["entry_id"]
        sensor = (await entities(self.home_assistant, entry_id))["connected"]
        state = (await self.home_assistant.client.get(f"/api/states/{sensor}"))["state"]
        self._verdict(
            "set up",
            f"added by the config flow, {sensor} is {state}",
            good=state == "on",
        )
        return entry_id

    async def place_calls(self) -> None:
        """Place all calls, and check the requests and the calls in the sandbox."""

        async def placed(call: DemoCall) -> CallReport:
            return await place(call, self.home_assistant, self.sandbox)

        with self.terminal.waiting("the calls are on"):
            reports = await at_once(CALLS, placed)
        for number, report in enumerate(reports, start=1):
            self.outcome.reports.append(report)
            self.outcome.problems += report.problems
            self.terminal.call(number, report)

    async def follow_calls(self, source: ResultSource) -> None:
        """Place the successful calls again, and wait for their results."""

        async def followed(call: DemoCall) -> ResultReport:
            return await follow(call, self.home_assistant, self.sandbox)

        with self.terminal.waiting("the calls are on"):
            reports = await at_once(FOLLOWED, followed)
        self.outcome.results[source] = reports
        for report in reports:
            self.outcome.problems += report.problems
            self.terminal.result(report)

    async def connect_events(self, entry_id: str) -> str:
        """Configure the events of the PBX, run the event test, and return the URL."""
        push = await connect_events(self.home_assistant, self.sandbox, entry_id)
        self.terminal.fact("from the options", f"username {push.username}, a password,")
        self.terminal.fact("", push.url)
        with self.terminal.waiting("testing the events"):
            error = await check_events(self.home_assistant, entry_id)
        self._verdict("event test", error or "the event was received", good=not error)
        return push.url

    async def escalate(self) -> None:
        """Run an escalation to two people; the first one is unreachable."""
        with self.terminal.waiting("escalation"):
            report = await escalate(self.home_assistant, self.sandbox)
        self.outcome.escalation = report
        self.outcome.problems += report.problems
        self.terminal.escalation(report)

    async def speak(self, entry_id: str, url: str) -> None:
        """Draw the boxes of the dialplan, and play messages that a person confirms."""
        boxes = await draw(self.home_assistant, self.sandbox, entry_id, url)
        self.terminal.fact("dialplan", f"{boxes.number} leads to the boxes say and key")
        # The engine of the demo has tones in place of words.
        self.terminal.fact("speech", "a tone for each word, numbers by the PBX itself")
        for speak in (announce, escalate_speech):
            with self.terminal.waiting("the message is spoken"):
                report = await speak(self.home_assistant, self.sandbox)
            self.outcome.speech.append(report)
            self.outcome.problems += report.problems
            self.terminal.speech(report)

    def _verdict(self, label: str, text: str, *, good: bool) -> None:
        if not good:
            self.outcome.problems.append(text)
        self.terminal.verdict(label, text, good=good)


def _refusals(reports: list[CallReport]) -> list[str]:
    """Return the expected refusals, which Home Assistant logs as errors."""
    return [report.call.refusal for report in reports if report.call.refusal]


def conclude(terminal: DemoTerminal, outcome: Outcome) -> int:
    """Print the conclusion, and the JSON line if wanted; return the exit status."""
    terminal.say()
    if outcome.problems:
        terminal.heading("The demo has failed:")
        for problem in outcome.problems:
            terminal.problem(problem)
    else:
        terminal.heading(f"All results are as expected, after {outcome.seconds} s.")
        terminal.say("To try it in the browser: scripts/demo --serve")
    if terminal.wants_json:
        terminal.say(outcome.as_json())
    return 1 if outcome.problems else 0


async def main() -> int:
    """Run the demo; return 0 if all results are as expected."""
    terminal = DemoTerminal()
    outcome = Outcome()
    terminal.heading("Home Assistant with a sandbox PBX, on this machine only")
    try:
        await demo(terminal, outcome)
    except BootError as err:
        outcome.problems.append(str(err))
    return conclude(terminal, outcome)


if __name__ == "__main__":
    sys.exit(run(main()))

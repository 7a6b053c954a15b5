"""Places a few calls that end differently, and checks what became of each."""

from dataclasses import dataclass, field
import json
import sys
import time

from sandbox import Sandbox

from .client import ApiError, FlowError
from .demo_calls import CALLS, CallReport, place
from .home_assistant import BootedHomeAssistant, BootError
from .log import problems
from .pbx import add_pbx, connected_sensor
from .program import run
from .terminal import Terminal


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What the demo has found out so far."""

    version: str = ""
    reports: list[CallReport] = field(default_factory=list)
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
        }
        return json.dumps(summary)


async def demo(terminal: Terminal, outcome: Outcome) -> None:
    """Boot both, let them talk, and look at the log afterwards."""
    async with Sandbox() as sandbox, BootedHomeAssistant() as home_assistant:
        config = await home_assistant.client.get("/api/config")
        outcome.version = config["version"]
        terminal.fact("sandbox PBX", sandbox.api_url)
        terminal.fact(
            "Home Assistant", f"{outcome.version}, ready in {outcome.seconds} s"
        )
        try:
            await _place_calls(terminal, outcome, home_assistant, sandbox)
        except (ApiError, FlowError, LookupError, TimeoutError) as err:
            outcome.wrong.append(f"{type(err).__name__}: {err}")
        await home_assistant.stop()
        outcome.wrong += problems(
            home_assistant.log_text(), expected=_refusals(outcome.reports)
        )
        if outcome.wrong:
            terminal.say(
                f"\nThe end of Home Assistant's log:\n{home_assistant.log_tail()}"
            )


async def _place_calls(
    terminal: Terminal,
    outcome: Outcome,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
) -> None:
    await add_pbx(home_assistant, sandbox)
    sensor = await connected_sensor(home_assistant)
    found = f"{sensor['entity_id']} is {sensor['state']}"
    is_connected = sensor["state"] == "on"
    if not is_connected:
        outcome.wrong.append(found)
    terminal.verdict("set up", f"by its config flow, and {found}", good=is_connected)
    for number, call in enumerate(CALLS, start=1):
        report = await place(call, home_assistant, sandbox)
        outcome.reports.append(report)
        outcome.wrong += report.problems
        terminal.call(number, report)


def _refusals(reports: list[CallReport]) -> list[str]:
    """Home Assistant logs them as errors; these were asked for."""
    return [report.call.refusal for report in reports if report.call.refusal]


def conclude(terminal: Terminal, outcome: Outcome) -> int:
    """Say how it went: to the person, and in the last line to a script."""
    terminal.say()
    if outcome.wrong:
        terminal.heading("Not all went as expected:")
        for problem in outcome.wrong:
            terminal.problem(problem)
    else:
        terminal.heading(f"All went as expected, in {outcome.seconds} s.")
        terminal.say("To see it in a browser: scripts/demo --serve")
    terminal.say(outcome.as_json())
    return 1 if outcome.wrong else 0


async def main() -> int:
    """Run the demo, and return 0 if all went as expected."""
    terminal = Terminal()
    outcome = Outcome()
    terminal.heading("Home Assistant and a sandbox PBX, on this machine alone")
    try:
        await demo(terminal, outcome)
    except BootError as err:
        outcome.wrong.append(str(err))
    return conclude(terminal, outcome)


if __name__ == "__main__":
    sys.exit(run(main()))

"""What the scripts print: plain text, and colour where somebody sees it."""

import json
import os
import sys
from typing import Any

from .client import Json
from .demo_calls import CallReport
from .demo_escalation import DATA, EscalationReport
from .demo_results import ResultReport
from .progress import Progress

_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"
_LABEL_WIDTH = 16

_SOURCES = {"event": "an event", "report": "the report"}


class Terminal:
    """Writes to standard output, each line as soon as it is known."""

    def __init__(self) -> None:
        """Use colour on a terminal, unless the person asked for none."""
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def wants_json(self) -> bool:
        """Whether a line of JSON was asked for, or is read by a program."""
        return "--json" in sys.argv[1:] or not sys.stdout.isatty()

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Write a line that stands out."""
        self.say(self._in(_BOLD, text))

    def section(self, text: str) -> None:
        """Begin a part, set off from what was before."""
        self.say()
        self.heading(text)

    def fact(self, label: str, text: str) -> None:
        """Write a line with a label before it."""
        self.say(f"   {self._in(_DIM, label.ljust(_LABEL_WIDTH))} {text}")

    def verdict(self, label: str, text: str, *, good: bool) -> None:
        """Write a line that ends with whether that is as it should be."""
        word = self._in(_GREEN, "ok") if good else self._in(_RED, "WRONG")
        self.fact(label, f"{text}   {word}")

    def problem(self, text: str) -> None:
        """Write what went wrong."""
        self.say(f"   {self._in(_RED, text)}")

    def waiting(self, what: str) -> Progress:
        """Return what shows the seconds until it is left, where nothing is written."""
        return Progress(what)

    def call(self, number: int, report: CallReport) -> None:
        """Write what was asked for, what the PBX was sent, and what came back."""
        self.say()
        self.heading(f"{number}. {report.call.title}")
        self.fact("pbx.originate", _short(report.call.data))
        self.fact("the PBX was sent", _short(report.sent) if report.sent else "nothing")
        if report.response:
            self.fact("the response", _short(report.response))
        if report.error:
            self.fact("the error", report.error)
        self.verdict("at the phones", _at_the_phones(report), good=not report.problems)
        for problem in report.problems:
            self.problem(problem)

    def result(self, report: ResultReport) -> None:
        """Write what a waiting action has returned."""
        caller, callee = report.call.parties
        response = report.response
        self.verdict(
            f"{caller} to {callee}", _result(response), good=not report.problems
        )
        for problem in report.problems:
            self.problem(problem)

    def escalation(self, report: EscalationReport) -> None:
        """Write who was rung, and who has answered."""
        self.fact("pbx.escalate", _short(DATA))
        for number, attempt in enumerate(report.response.get("attempts", []), start=1):
            self.fact(f"attempt {number}", f"{attempt['number']}: {attempt['result']}")
        answered_by = str(report.response.get("answered_by"))
        self.verdict("answered by", answered_by, good=not report.problems)
        for problem in report.problems:
            self.problem(problem)

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text


def _short(data: Any) -> str:  # noqa: ANN401 - whatever was sent
    if not isinstance(data, dict):
        return json.dumps(data)
    return "  ".join(f"{key}: {json.dumps(value)}" for key, value in data.items())


def _at_the_phones(report: CallReport) -> str:
    if (call := report.at_the_phones) is None:
        return "all quiet"
    return f"{call.result}, {call.ring_time} s of ringing, {call.talk_time} s of talk"


def _result(response: Json) -> str:
    """Return what a waiting action returned, without the id."""
    if not response:
        return "nothing"
    ringing, talk = (_seconds(response[key]) for key in ("ring_time", "talk_time"))
    source = _SOURCES.get(response["evidence"], "nothing")
    return (
        f"{response['result']}, {ringing} of ringing, {talk} of talk; told by {source}"
    )


def _seconds(time: float | None) -> str:
    return "no record" if time is None else f"{time:.0f} s"

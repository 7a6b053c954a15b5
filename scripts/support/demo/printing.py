"""What the demo prints of calls."""

import json
from typing import Any

from ..booted.client import Json
from ..terminal.printing import Terminal
from .calls import CallReport
from .escalation import DATA, EscalationReport
from .results import ResultReport


class DemoTerminal(Terminal):
    """A terminal that can write what came of a call."""

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
    return f"{response['result']}, {ringing} of ringing, {talk} of talk"


def _seconds(time: float | None) -> str:
    return "no record" if time is None else f"{time:.0f} s"

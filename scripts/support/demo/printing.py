"""Output of the demo."""

import json
from typing import Any

from ..booted.client import Json
from ..terminal.printing import Terminal
from .calls import CallReport
from .escalation import DATA, EscalationReport
from .results import ResultReport
from .speech import SpeechReport


class DemoTerminal(Terminal):
    """A terminal that writes the results of calls."""

    def call(self, number: int, report: CallReport) -> None:
        """Write the action, the request to the PBX, and the response."""
        self.say()
        self.heading(f"{number}. {report.call.title}")
        self.fact("pbx.originate", _short(report.call.data))
        self.fact("request", _short(report.sent) if report.sent else "none")
        if report.response:
            self.fact("response", _short(report.response))
        if report.error:
            self.fact("error", report.error)
        self.verdict("call", _call_result(report), good=not report.problems)
        for problem in report.problems:
            self.problem(problem)

    def result(self, report: ResultReport) -> None:
        """Write the result that a waiting action has returned."""
        caller, callee = report.call.parties
        response = report.response
        self.verdict(
            f"{caller} to {callee}", _result(response), good=not report.problems
        )
        for problem in report.problems:
            self.problem(problem)

    def escalation(self, report: EscalationReport) -> None:
        """Write who was called, and who has answered."""
        self.fact("pbx.escalate", _short(DATA))
        for number, attempt in enumerate(report.response.get("attempts", []), start=1):
            self.fact(f"attempt {number}", f"{attempt['number']}: {attempt['result']}")
        answered_by = str(report.response.get("answered_by"))
        self.verdict("answered by", answered_by, good=not report.problems)
        for problem in report.problems:
            self.problem(problem)

    def speech(self, report: SpeechReport) -> None:
        """Write what was said, and what the person has heard and pressed."""
        self.fact(f"pbx.{report.action}", _short(report.data))
        attempts = report.response.get("attempts", [report.response])
        for attempt in attempts if report.response else []:
            who = attempt.get("number") or report.data.get("callee")
            confirmed = "confirmed" if attempt["confirmed"] else "not confirmed"
            self.fact(str(who), f"played {attempt['played']}, {confirmed}")
        heard = ", ".join(report.heard) or "nothing"
        self.verdict("the phone heard", heard, good=not report.problems)
        for problem in report.problems:
            self.problem(problem)


def _short(data: Any) -> str:  # noqa: ANN401 - any JSON
    if not isinstance(data, dict):
        return json.dumps(data)
    return "  ".join(f"{key}: {json.dumps(value)}" for key, value in data.items())


def _call_result(report: CallReport) -> str:
    if (call := report.sandbox_call) is None:
        return "none"
    return f"{call.result}, {call.ring_time} s of ringing, {call.talk_time} s of talk"


def _result(response: Json) -> str:
    """Return the response of a waiting action, without the ID."""
    if not response:
        return "none"
    ringing, talk = (_seconds(response[key]) for key in ("ring_time", "talk_time"))
    return f"{response['result']}, {ringing} of ringing, {talk} of talk"


def _seconds(time: float | None) -> str:
    return "unknown time" if time is None else f"{time:.0f} s"

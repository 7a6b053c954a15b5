"""Escalation of the demo: calls several people until one answers."""

from dataclasses import dataclass, field

from sandbox import Sandbox

from ..booted.client import ApiError, Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN

ACTION = "escalate"
DATA: Json = {
    "callers": ["103", {"number": "101", "timeout": 20}],
    "callee": "200",
    "call_limit": "00:00:02",
}
# The workshop is busy, then the kitchen answers.
_RUNG = [("103", "200"), ("101", "200")]
_EXPECTED = [("103", "caller_unreachable", False), ("101", "answered", True)]
_ANSWERED_BY = "101"
_ENDED_BY = "answered"


@dataclass(kw_only=True, slots=True)
class EscalationReport:
    """Results of the escalation."""

    response: Json = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return the results for the JSON output."""
        return {"data": DATA, "response": self.response, "problems": self.problems}


async def escalate(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox
) -> EscalationReport:
    """Run the escalation, and check the calls and the response."""
    report = EscalationReport()
    calls_before = len(sandbox.calls)
    try:
        response = await home_assistant.call_action(
            DOMAIN, ACTION, DATA, return_response=True
        )
    except ApiError as err:
        report.problems.append(f"{ACTION}: {err}")
        return report
    report.response = response or {}
    attempts = [
        (each["number"], each["result"], each["caller_answered"])
        for each in report.response.get("attempts", [])
    ]
    if attempts != _EXPECTED:
        report.problems.append(f"the attempts are {attempts}, not {_EXPECTED}")
    if (answered_by := report.response.get("answered_by")) != _ANSWERED_BY:
        report.problems.append(f"answered by {answered_by}, not {_ANSWERED_BY}")
    if (ended_by := report.response.get("ended_by")) != _ENDED_BY:
        report.problems.append(f"ended by {ended_by}, not {_ENDED_BY}")
    rung = [(call.caller, call.callee) for call in sandbox.calls[calls_before:]]
    if rung != _RUNG:
        report.problems.append(f"the PBX called {rung}, not {_RUNG}")
    return report

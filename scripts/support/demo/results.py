"""Results of the demo's calls, from the PBX's events or only from its report."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox import Sandbox, SandboxCall

from ..booted.client import ApiError, Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN
from .calls import ACTION, CALLS, DemoCall, ended, identify

type ResultSource = Literal["event", "report"]
"""Source of the results: events and the report, or only the report."""

FOLLOWED = tuple(call for call in CALLS if call.result)
"""The calls that are placed, and therefore have a result."""


@dataclass(kw_only=True, slots=True)
class ResultReport:
    """Response of an action that waited for the result of a call."""

    call: DemoCall
    response: Json = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return the results for the JSON output."""
        return {
            "title": self.call.title,
            "response": self.response,
            "problems": self.problems,
        }


async def follow(
    call: DemoCall,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
) -> ResultReport:
    """Place a call, wait for its result in Home Assistant, and check it."""
    report = ResultReport(call=call)
    data = {**call.data, "wait_until": "ended"}
    try:
        response = await home_assistant.call_action(
            DOMAIN, ACTION, data, return_response=True
        )
    except ApiError as err:
        report.problems.append(f"{call.title}: {err}")
        return report
    report.response = response or {}
    call_id = report.response.get("originated_call_id")
    sandbox_call = next((each for each in sandbox.calls if each.id == call_id), None)
    if sandbox_call is None:
        report.problems.append(f"there is no call {call_id}")
        return report
    expected = _expected(call, await ended(sandbox_call), sandbox)
    if report.response != expected:
        report.problems.append(f"the response is {report.response}, not {expected}")
    return report


def _expected(call: DemoCall, sandbox_call: SandboxCall, sandbox: Sandbox) -> Json:
    """Return the expected response, with the times of the sandbox."""
    return {
        **identify(sandbox_call, sandbox),
        "result": call.result,
        "caller_answered": call.result != "caller_unreachable",
        "ring_time": sandbox_call.ring_time,
        "talk_time": sandbox_call.talk_time,
        # Simotel does not report causes.
        "cause": None,
    }

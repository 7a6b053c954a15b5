"""The results of the demo's calls, told by the PBX's events or by its report alone."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox import Sandbox, SandboxCall

from ..booted.client import ApiError, Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN
from .calls import ACTION, CALLS, DemoCall, ended

type Teller = Literal["event", "report"]
"""What tells of the calls: events and the report, or the report alone."""

FOLLOWED = tuple(call for call in CALLS if call.result)
"""The calls that are placed, and so have a result."""


@dataclass(kw_only=True, slots=True)
class ResultReport:
    """What the action that waited for a call's result has returned."""

    call: DemoCall
    response: Json = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return what a script may want to know."""
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
    """Place a call, wait for its result in Home Assistant, and judge it."""
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
    at_the_phones = next((each for each in sandbox.calls if each.id == call_id), None)
    if at_the_phones is None:
        report.problems.append(f"there is no call {call_id}")
        return report
    expected = _expected(call, await ended(at_the_phones))
    if report.response != expected:
        report.problems.append(f"the response is {report.response}, not {expected}")
    return report


def _expected(call: DemoCall, at_the_phones: SandboxCall) -> Json:
    """Return the response for a call: how it had to end, and its times there."""
    return {
        "originated_call_id": at_the_phones.id,
        "result": call.result,
        "caller_answered": call.result != "caller_unreachable",
        "ring_time": at_the_phones.ring_time,
        "talk_time": at_the_phones.talk_time,
        # A Simotel tells none.
        "cause": None,
    }

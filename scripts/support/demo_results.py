"""The results of the demo's calls, told by the PBX's events or by its report alone."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox import Sandbox, SandboxCall

from .client import ApiError, Json
from .demo_calls import ACTION, CALLS, DemoCall, ended
from .home_assistant import BootedHomeAssistant
from .pbx import DOMAIN

type Evidence = Literal["event", "report"]

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
    told_by: Evidence,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
) -> ResultReport:
    """Place a call, wait for its result in Home Assistant, and judge it."""
    report = ResultReport(call=call)
    data = {**call.data, "wait_for_result": True}
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
    told = {**report.response}
    evidence = told.pop("evidence", None)
    expected = _expected(call, await ended(at_the_phones))
    if told != expected:
        report.problems.append(f"the response is {told}, not {expected}")
    if evidence not in _witnesses(call, told_by):
        report.problems.append(f"it was told by {evidence}")
    return report


def _witnesses(call: DemoCall, told_by: Evidence) -> set[Evidence]:
    """Return who may have told of a call: where events come, whoever is first."""
    # Of a caller who was never reached, no event tells.
    if told_by == "report" or not _is_reached(call):
        return {"report"}
    return {"event", "report"}


def _is_reached(call: DemoCall) -> bool:
    return call.result != "caller_unreachable"


def _expected(call: DemoCall, at_the_phones: SandboxCall) -> Json:
    """Return the response for a call: how it had to end, and its times there."""
    return {
        "originated_call_id": at_the_phones.id,
        "result": call.result,
        "caller_answered": _is_reached(call),
        "ring_time": at_the_phones.ring_time,
        "talk_time": at_the_phones.talk_time,
        # A Simotel tells none.
        "cause": None,
    }

"""The calls of the demo, and whether each went as it should."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox import RecordedRequest, Sandbox, SandboxCall

from .client import ApiError, Json
from .home_assistant import BootedHomeAssistant
from .pbx import DOMAIN

ACTION = "originate"
_ORIGINATE_PATH = "/call/originate/act"
_CALL_TIMEOUT = 30
_POLL_INTERVAL = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCall:
    """A call, and what has to come of it."""

    title: str
    data: Mapping[str, Any]
    """What the action says."""
    sent: Mapping[str, str] | None
    """The request that reaches the PBX; None: nothing is sent."""
    result: str | None = None
    """How the call ends at the phones; None: it is refused."""
    refusal: str = ""
    """What Home Assistant says then, or a part of it."""


def _request(**fields: str) -> dict[str, str]:
    """Return a request with the call defaults, but for the given fields."""
    defaults = {"caller": "106", "context": "main_routing", "timeout": "5"}
    request = {**defaults, **fields}
    return {"caller_id": request["caller"], **request}


CALLS = (
    DemoCall(
        title="The kitchen answers, and hears an announcement",
        data={"caller": "101", "callee": "200", "call_limit": 2},
        sent=_request(caller="101", callee="200", call_limit="2"),
        result="answered",
    ),
    DemoCall(
        title="The workshop is busy",
        data={"callee": "103"},
        sent=_request(callee="103"),
        result="busy",
    ),
    DemoCall(
        title="Nobody answers in the garden",
        data={"callee": "104", "timeout": 3},
        sent=_request(callee="104", timeout="3"),
        result="no_answer",
    ),
    DemoCall(
        title="The garage, which is to be rung first, cannot be reached",
        data={"caller": "105", "callee": "101", "caller_id": "2188"},
        sent=_request(caller="105", callee="101", caller_id="2188"),
        result="caller_unreachable",
    ),
    DemoCall(
        title="An outside caller, and no trunk to reach it by",
        data={"caller": "09121234567", "callee": "101"},
        sent=None,
        refusal="trunk",
    ),
    DemoCall(
        title="A route that the PBX does not have",
        data={"callee": "101", "context": "night_routing"},
        sent=_request(callee="101", context="night_routing"),
        refusal="Context 'night_routing' does not exist",
    ),
)


@dataclass(kw_only=True, slots=True)
class CallReport:
    """What came of a demo call."""

    call: DemoCall
    sent: object = None
    response: Json | None = None
    error: str | None = None
    at_the_phones: SandboxCall | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def result(self) -> str | None:
        """How the call ended, if there was one."""
        return self.at_the_phones.result if self.at_the_phones else None

    def as_json(self) -> Json:
        """Return what a script may want to know."""
        return {
            "title": self.call.title,
            "data": dict(self.call.data),
            "sent": self.sent,
            "response": self.response,
            "error": self.error,
            "result": self.result,
            "problems": self.problems,
        }


async def place(
    call: DemoCall, home_assistant: BootedHomeAssistant, sandbox: Sandbox
) -> CallReport:
    """Place a call, see it through to its end, and judge it."""
    report = CallReport(call=call)
    requests_before = len(sandbox.requests)
    calls_before = len(sandbox.calls)
    try:
        report.response = await home_assistant.call_action(
            DOMAIN, ACTION, dict(call.data), return_response=True
        )
    except ApiError as err:
        report.error = str(err)
    new_calls = sandbox.calls[calls_before:]
    if len(new_calls) == 1:
        report.at_the_phones = await _ended(new_calls[0])
    elif new_calls:
        report.problems.append(f"it was placed {len(new_calls)} times")
    _judge_request(report, sandbox.requests[requests_before:])
    _judge_answer(report)
    return report


async def _ended(call: SandboxCall) -> SandboxCall:
    async with asyncio.timeout(_CALL_TIMEOUT):
        while call.state != "ended":  # noqa: ASYNC110 - a call has no event to wait for
            await asyncio.sleep(_POLL_INTERVAL)
    return call


def _judge_request(report: CallReport, requests: list[RecordedRequest]) -> None:
    """The PBX was asked at most once, and for exactly this."""
    bodies = [each.json for each in requests if each.path == _ORIGINATE_PATH]
    report.sent = bodies[0] if bodies else None
    expected = [] if report.call.sent is None else [report.call.sent]
    if bodies != expected:
        report.problems.append(f"the PBX was sent {bodies}, not {expected}")


def _judge_answer(report: CallReport) -> None:
    """The response names the call that the phones had, or the error says why not."""
    call = report.at_the_phones
    expected_id = {"originated_call_id": call.id} if call else None
    if report.response != expected_id:
        report.problems.append(f"the response is {report.response}, not {expected_id}")
    if report.result != report.call.result:
        report.problems.append(f"it ended {report.result}, not {report.call.result}")
    if (report.error is None) != (report.call.result is not None):
        report.problems.append(f"the error is {report.error}")
    if report.call.refusal not in (report.error or ""):
        report.problems.append(f"the error does not say: {report.call.refusal}")

"""The calls of the demo, and whether each was placed as it should be."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox import Sandbox, SandboxCall

from ..booted.client import ApiError, Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import CALL_DEFAULTS, DOMAIN

ACTION = "originate"
_ORIGINATE_PATH = "/call/originate/act"
_CALL_TIMEOUT = 300
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

    @property
    def parties(self) -> tuple[str, str]:
        """The caller and the callee; no two calls have the same."""
        caller = self.data.get("caller", CALL_DEFAULTS["caller"])
        return str(caller), str(self.data["callee"])


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
        title="An external caller, and no trunk to reach it by",
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


async def at_once[T](
    calls: Sequence[DemoCall], place: Callable[[DemoCall], Awaitable[T]]
) -> list[T]:
    """Place calls side by side; those that ring the same phone first, in turn."""
    turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def in_turn(call: DemoCall) -> T:
        caller, _ = call.parties
        async with turns[caller]:
            return await place(call)

    return await asyncio.gather(*map(in_turn, calls))


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
    new_calls = [
        each
        for each in sandbox.calls[calls_before:]
        if (each.caller, each.callee) == call.parties
    ]
    if len(new_calls) == 1:
        report.at_the_phones = await ended(new_calls[0])
    elif new_calls:
        report.problems.append(f"it was placed {len(new_calls)} times")
    _judge_request(report, _originated(sandbox, requests_before, call))
    _judge_answer(report)
    return report


async def ended(call: SandboxCall) -> SandboxCall:
    """Wait until a call has ended at the phones."""
    async with asyncio.timeout(_CALL_TIMEOUT):
        while call.state != "ended":  # noqa: ASYNC110 - a call has no event to wait for
            await asyncio.sleep(_POLL_INTERVAL)
    return call


def _originated(
    sandbox: Sandbox, since: int, call: DemoCall
) -> list[Mapping[str, Any]]:
    """Return the requests for a call, among those of calls beside it."""
    bodies = (
        request.json
        for request in sandbox.requests[since:]
        if request.path == _ORIGINATE_PATH
    )
    return [
        body
        for body in bodies
        if isinstance(body, dict)
        and (body.get("caller"), body.get("callee")) == call.parties
    ]


def _judge_request(report: CallReport, bodies: list[Mapping[str, Any]]) -> None:
    """The PBX was asked at most once, and for exactly this."""
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

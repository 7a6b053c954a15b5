"""The calls of the demo, and the check whether they are placed correctly."""

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
    """A call, and its expected result."""

    title: str
    data: Mapping[str, Any]
    """Data of the action."""
    sent: Mapping[str, str] | None
    """Expected request to the PBX; None: nothing is sent."""
    result: str | None = None
    """Expected result in the sandbox; None: the call is refused."""
    refusal: str = ""
    """Part of the expected error."""

    @property
    def parties(self) -> tuple[str, str]:
        """The caller and the callee, which are unique to each call."""
        caller = self.data.get("caller", CALL_DEFAULTS["caller"])
        return str(caller), str(self.data["callee"])


def _request(**fields: str) -> dict[str, str]:
    """Return a request with the call defaults, except for the given fields."""
    defaults = {"caller": "106", "context": "main_routing", "timeout": "5"}
    request = {**defaults, **fields}
    return {"caller_id": request["caller"], **request}


CALLS = (
    DemoCall(
        title="The kitchen answers and hears an announcement",
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
        title="The garden does not answer",
        data={"callee": "104", "timeout": 3},
        sent=_request(callee="104", timeout="3"),
        result="no_answer",
    ),
    DemoCall(
        title="The garage, the caller, is unreachable",
        data={"caller": "105", "callee": "101", "caller_id": "2188"},
        sent=_request(caller="105", callee="101", caller_id="2188"),
        result="caller_unreachable",
    ),
    DemoCall(
        title="An external caller without a trunk",
        data={"caller": "09121234567", "callee": "101"},
        sent=None,
        refusal="trunk",
    ),
    DemoCall(
        title="A context that does not exist on the PBX",
        data={"callee": "101", "context": "night_routing"},
        sent=_request(callee="101", context="night_routing"),
        refusal="Context 'night_routing' does not exist",
    ),
)


@dataclass(kw_only=True, slots=True)
class CallReport:
    """Results of a demo call."""

    call: DemoCall
    sent: object = None
    response: Json | None = None
    error: str | None = None
    sandbox_call: SandboxCall | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def result(self) -> str | None:
        """The result of the call, if it was placed."""
        return self.sandbox_call.result if self.sandbox_call else None

    def as_json(self) -> Json:
        """Return the results for the JSON output."""
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
    """Place calls concurrently, but calls with the same caller one by one."""
    turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def in_turn(call: DemoCall) -> T:
        caller, _ = call.parties
        async with turns[caller]:
            return await place(call)

    return await asyncio.gather(*map(in_turn, calls))


async def place(
    call: DemoCall, home_assistant: BootedHomeAssistant, sandbox: Sandbox
) -> CallReport:
    """Place a call, wait for its end, and check it."""
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
        report.sandbox_call = await ended(new_calls[0])
    elif new_calls:
        report.problems.append(f"it was placed {len(new_calls)} times")
    _check_request(report, _originated(sandbox, requests_before, call))
    _check_response(report, sandbox)
    return report


def identify(call: SandboxCall, sandbox: Sandbox) -> Json:
    """Return what responses identify a call by; all extensions are contacts."""
    caller, callee = map(sandbox.phones.find, (call.caller, call.callee))
    return {
        "originated_call_id": call.id,
        "caller": call.caller,
        "callee": call.callee,
        "caller_contact": caller.name,
        "callee_contact": callee.name,
    }


async def ended(call: SandboxCall) -> SandboxCall:
    """Wait until a call has ended in the sandbox."""
    async with asyncio.timeout(_CALL_TIMEOUT):
        while call.state != "ended":  # noqa: ASYNC110 - a call has no event to wait for
            await asyncio.sleep(_POLL_INTERVAL)
    return call


def _originated(
    sandbox: Sandbox, since: int, call: DemoCall
) -> list[Mapping[str, Any]]:
    """Return the originate requests of a call."""
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


def _check_request(report: CallReport, bodies: list[Mapping[str, Any]]) -> None:
    """Check that the PBX received exactly the expected request."""
    report.sent = bodies[0] if bodies else None
    expected = [] if report.call.sent is None else [report.call.sent]
    if bodies != expected:
        report.problems.append(f"the PBX received {bodies}, not {expected}")


def _check_response(report: CallReport, sandbox: Sandbox) -> None:
    """Check the response, the result and the error."""
    call = report.sandbox_call
    expected = identify(call, sandbox) if call else None
    if report.response != expected:
        report.problems.append(f"the response is {report.response}, not {expected}")
    if report.result != report.call.result:
        report.problems.append(
            f"the result is {report.result}, not {report.call.result}"
        )
    if (report.error is None) != (report.call.result is not None):
        report.problems.append(f"the error is {report.error}")
    if report.call.refusal not in (report.error or ""):
        report.problems.append(f"the error does not contain: {report.call.refusal}")

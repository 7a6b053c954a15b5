"""The API's entrance: every request comes in here and is judged in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import json

from aiohttp import web

from .access import check
from .config import SandboxConfig
from .envelope import Envelope, html, refusal
from .faults import Faults
from .mishaps import Mishaps
from .model import ORIGINATE
from .services import Services

KEPT_REQUESTS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRequest:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """What the body says; None when it is not JSON."""
        return parse_json(self.body)


@dataclass(slots=True)
class Api:
    """Answers what comes to the base path."""

    config: Callable[[], SandboxConfig]
    services: Services
    faults: Faults
    mishaps: Mishaps
    requests: list[RecordedRequest] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request that is not for the sandbox's own page."""
        base = self.config().base_path
        if not request.path.startswith(f"{base}/"):
            return html(
                404,
                "Not Found",
                "The requested URL was not found on this server.",
            )
        recorded = RecordedRequest(
            method=request.method,
            path=request.path.removeprefix(base),
            headers=request.headers.copy(),
            query=dict(request.query),
            body=await request.read(),
        )
        self.requests.append(recorded)
        # A sandbox that runs for weeks must not keep all of them.
        del self.requests[:-KEPT_REQUESTS]
        return await self._answer(request, recorded)

    async def _answer(
        self, request: web.Request, recorded: RecordedRequest
    ) -> web.StreamResponse:
        fault = self.faults.take(recorded.path)
        if fault is None:
            return self._perform(request, recorded).response()
        if fault.kind == "slow" and not fault.placed:
            await self.mishaps.pause(fault.seconds)
        if fault.withholds and recorded.path == ORIGINATE:
            # A made-up answer, for the faults that spoil one.
            real = Envelope(
                success=1, data={"originated_call_id": "orig.call.0.000000"}
            )
        else:
            real = self._perform(request, recorded)
        if fault.kind == "slow" and fault.placed:
            await self.mishaps.pause(fault.seconds)
        return await self.mishaps.answer(request, fault, real)

    def _perform(self, request: web.Request, recorded: RecordedRequest) -> Envelope:
        """Judge a request and carry it out: who asks comes before what is asked."""
        service = self.services.find(recorded.path)
        if service is None:
            return refusal("Requested service does not exist", status=501)
        if recorded.method != "POST":
            return refusal("Method not allowed", status=405)
        refused = check(self.config(), recorded.path, request.remote, recorded.headers)
        if refused is not None:
            return refused
        if request.content_type != "application/json":
            return refusal("Unsupported Media Type", status=415)
        body = recorded.json
        if not isinstance(body, dict):
            return refusal("Unable to parse content", status=400)
        return service(body)


def parse_json(body: bytes) -> object:
    """Read JSON; whatever cannot be read is None."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except ValueError, RecursionError:
        return None


def _refuse(name: str) -> None:
    # Python reads NaN and Infinity, which JSON does not have.
    raise ValueError(name)

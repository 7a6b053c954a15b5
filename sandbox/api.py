"""HTTP entry point of the API: checks each request and dispatches it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
import json

from aiohttp import web

from .access import check
from .config import SandboxConfig
from .envelope import Envelope, html, refusal
from .faults import Faults
from .mishaps import Mishaps
from .model import ADD, CHANGES, ORIGINATE, UPLOAD
from .multipart import read_uploads
from .services import Services

KEPT_REQUESTS = 10_000

# Data of responses to requests without effect.
_FAKES = {
    ORIGINATE: {"originated_call_id": "orig.call.0.000000"},
    UPLOAD: {"filename": "file-00000000000000-00000-wav_.wav"},
    ADD: {"_id": "0" * 24},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRequest:
    """A request as it was received, but without the file of an upload."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """The parsed body; None if it is not JSON."""
        return parse_json(self.body)


@dataclass(slots=True)
class Api:
    """Handles the requests below the base path."""

    config: Callable[[], SandboxConfig]
    services: Services
    faults: Faults
    mishaps: Mishaps
    requests: list[RecordedRequest] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle any request that is not for the sandbox's own page."""
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
        # Sounds are kept once, in the announcements.
        is_upload = recorded.path == UPLOAD
        self.requests.append(replace(recorded, body=b"") if is_upload else recorded)
        # Limit the memory of a sandbox that runs for weeks.
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
        if fault.withholds and recorded.path in CHANGES:
            # A fake response for the faults that corrupt one.
            real = Envelope(success=1, data=_FAKES.get(recorded.path, ""))
        else:
            real = self._perform(request, recorded)
        if fault.kind == "slow" and fault.placed:
            await self.mishaps.pause(fault.seconds)
        return await self.mishaps.answer(request, fault, real)

    def _perform(self, request: web.Request, recorded: RecordedRequest) -> Envelope:
        """Check and perform a request; the sender is checked before the body."""
        service = self.services.find(recorded.path)
        if service is None:
            return refusal("Requested service does not exist", status=501)
        if recorded.method != "POST":
            return refusal("Method not allowed", status=405)
        refused = check(self.config(), recorded.path, request.remote, recorded.headers)
        if refused is not None:
            return refused
        is_upload = recorded.path == UPLOAD
        expected = "multipart/form-data" if is_upload else "application/json"
        if request.content_type != expected:
            return refusal("Unsupported Media Type", status=415)
        body: object = recorded.json
        if is_upload:
            body = read_uploads(recorded.headers["Content-Type"], recorded.body)
        if not isinstance(body, dict):
            return refusal("Unable to parse content", status=400)
        return service(body)


def parse_json(body: bytes) -> object:
    """Parse JSON; return None if it is not valid."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except ValueError, RecursionError:
        return None


def _refuse(name: str) -> None:
    # Python parses NaN and Infinity, which are not valid JSON.
    raise ValueError(name)

"""What the tests of the sandbox share."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
import json
from typing import Any

import aiohttp
from aiohttp import web

from sandbox import ManualClock, Sandbox, SandboxCall

# 2023-06-13 12:56:40 in Tehran, 1402-03-23 there.
START = 1_686_648_400.0

ORIGINATE = "/call/originate/act"
PING = "/setting/ping/act"
REPORT = "/reports/cdr/ordered/id"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"


def basic(username: str, password: str) -> str:
    """Return an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


LOGIN = basic("homeassistant", "sandbox-password")
HEADERS = {"Authorization": LOGIN, "X-APIKEY": "sandbox-key"}


def session() -> aiohttp.ClientSession:
    """Return a client that shows the example account."""
    return aiohttp.ClientSession(headers=HEADERS)


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the answer was
        """What the answer says."""
        return json.loads(self.text)

    @property
    def message(self) -> str:
        """The refusal's message."""
        assert self.json["success"] == 0
        message: str = self.json["message"]
        return message


@dataclass
class Pbx:
    """A sandbox, its clock, and a client of its API."""

    sandbox: Sandbox
    clock: ManualClock
    client: aiohttp.ClientSession

    async def send(self, path: str, method: str = "POST", **options: Any) -> Reply:  # noqa: ANN401 - for aiohttp
        """Send any request to the API."""
        url = self.sandbox.api_url + path
        return await self.raw(url, method, **options)

    async def raw(self, url: str, method: str = "POST", **options: Any) -> Reply:  # noqa: ANN401 - for aiohttp
        """Send any request anywhere."""
        async with self.client.request(method, url, **options) as response:
            text = await response.text()
            return Reply(response.status, response.content_type, text)

    async def post(self, path: str, body: object = None) -> Reply:
        """Send a request as a client should."""
        return await self.send(path, json={} if body is None else body)

    async def originate(self, caller: str, callee: str, **more: str) -> SandboxCall:
        """Originate a call that must be accepted, and return it."""
        reply = await self.post(ORIGINATE, order(caller, callee, **more))
        assert reply.json["success"] == 1, reply.text
        call = self.sandbox.calls[-1]
        assert reply.json["data"] == {"originated_call_id": call.id}
        return call

    async def rows(self) -> list[dict[str, Any]]:
        """Return the report's first page."""
        reply = await self.post(REPORT, {"_id": ""})
        rows: list[dict[str, Any]] = reply.json["data"]["data"]
        return rows


async def until(happened: Callable[[], object]) -> None:
    """Wait for what another task is about to do."""
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0)


def order(caller: str, callee: str, **more: str) -> dict[str, str]:
    """Return the body of an originate request."""
    return {
        "caller": caller,
        "callee": callee,
        "context": "main_routing",
        "caller_id": caller,
        **more,
    }


@dataclass
class Received:
    """An event as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any]


@dataclass
class Receiver:
    """A web service that takes events."""

    url: str = ""
    status: int = 200
    events: list[Received] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """Take an event."""
        fields: dict[str, Any] = dict(request.query)
        if request.method == "POST":
            fields |= await request.json()
        self.events.append(
            Received(request.method, request.path, dict(request.headers), fields)
        )
        return web.Response(status=self.status)

    def names(self) -> list[str]:
        """Return which events came, in order."""
        return [event.fields["event_name"] for event in self.events]

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return what the events of one name carried."""
        named = (event.fields for event in self.events)
        return [fields for fields in named if fields["event_name"] == name]

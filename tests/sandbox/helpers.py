"""What the tests of the sandbox share."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
import io
import json
from typing import Any
import wave

import aiohttp
from aiohttp import web

from sandbox import ManualClock, Sandbox, SandboxCall, Speech

# 2023-06-13 12:56:40 in Tehran, 1402-03-23 there.
START = 1_686_648_400.0

ORIGINATE = "/call/originate/act"
PING = "/setting/ping/act"
REPORT = "/reports/cdr/ordered/id"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"
UPLOAD = "/pbx/announcements/upload"
ADD = "/pbx/announcements/add"
SEARCH = "/pbx/announcements/search"
UPDATE = "/pbx/announcements/update"
REMOVE = "/pbx/announcements/remove"

# The number that leads to the boxes.
SPEECH = "8801"


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

    async def upload(self, content: bytes, filename: str = "hello.wav") -> Reply:
        """Upload a sound as a client should."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename=filename, content_type="audio/wav")
        return await self.send(UPLOAD, data=form)

    async def add_sound(self, name: str, seconds: float) -> str:
        """Upload and add a sound, which must be accepted, and return its ID."""
        filename = (await self.upload(wav(seconds))).json["data"]["filename"]
        body = {"name": name, "filename": filename, "comment": ""}
        sound_id: str = (await self.post(ADD, body)).json["data"]["_id"]
        return sound_id

    def draw(self, service: Service, **changes: Any) -> Speech:  # noqa: ANN401 - any field
        """Draw the boxes, which ask a web service."""
        speech = Speech(**{"number": SPEECH, "url": service.url, **changes})
        self.sandbox.configure(speech=speech)
        return speech

    async def speak(self, caller: str = "101", **more: str) -> SandboxCall:
        """Originate a call to the boxes."""
        return await self.originate(caller, SPEECH, **more)

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


def wav(seconds: float) -> bytes:
    """Return a WAV of silence."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * round(8000 * seconds)))
    return content.getvalue()


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


@dataclass
class Service:
    """A web service that tells boxes what to do.

    Each box gets the answers of its name in turn, and the last of them again and again.
    """

    url: str = ""
    answers: dict[str, list[object]] = field(default_factory=dict)
    asked: list[Received] = field(default_factory=list)
    # Set: it answers; not set: it lets boxes wait.
    is_awake: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, name: str, *commands: str) -> None:
        """Set the commands for the box of a name."""
        self.answers[name] = [{"ok": "1", "commands": each} for each in commands]

    def fields(self) -> list[dict[str, Any]]:
        """Return what the boxes have sent, in order."""
        return [each.fields for each in self.asked]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer a box."""
        fields: dict[str, Any] = dict(request.query)
        if request.method == "POST":
            fields |= await request.json()
        self.asked.append(
            Received(request.method, request.path, dict(request.headers), fields)
        )
        await self.is_awake.wait()
        answers = self.answers[fields["app_name"]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(answer)

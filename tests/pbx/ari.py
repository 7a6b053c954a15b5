"""A REST interface that answers what a test tells it to.

It is no Asterisk: what one does is recorded in `asterisk/recorded`, and tried for
real by `tests/real_asterisk`. This one shows what the client makes of each answer.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
import json
from typing import Any, Self

from aiohttp import BasicAuth, WSMsgType, web
from aiohttp.test_utils import TestServer

USERNAME = "homeassistant"
PASSWORD = "swordfish"
INFO = {"system": {"version": "22.10.1"}, "config": {"name": "stub"}}
NOT_FOUND = {"message": "Channel not found"}


@dataclass(frozen=True)
class Reply:
    """What is answered to a request; `fault` may be `hang`, `reset` or `late`."""

    status: int = 200
    value: object = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    value: Any


class StubAri:
    """A web server on loopback, with the paths of the REST interface."""

    def __init__(self) -> None:
        """Answer as an Asterisk does that has two phones and a trunk."""
        self.asked: list[Asked] = []
        self.replies: dict[tuple[str, str], Reply] = {}
        self.channels: list[Any] = []
        self.bridges: list[Any] = []
        self.endpoints: list[Any] = [
            {"technology": "PJSIP", "resource": name, "state": "online"}
            for name in ("557", "552", "provider")
        ]
        self.queries: list[dict[str, str]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.handshake_status = 0
        self._listening: list[web.Request] = []
        self.answers_pings = True
        self.connected = asyncio.Event()
        # Whether a connection for events is waiting to be let in, and may be.
        self.knocked, self.lets_in = asyncio.Event(), asyncio.Event()
        self.lets_in.set()
        # Where it listens, or did.
        self.port = 0
        self._hanging = asyncio.Event()
        self._server: TestServer | None = None

    async def __aenter__(self) -> Self:
        """Start on any port that is free."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, whoever is connected."""
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/ari/events", self._listen)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app, port=port)
        await self._server.start_server()
        assert self._server.port is not None
        self.port = self._server.port

    async def stop(self) -> None:
        """Listen no more, and drop whoever is connected."""
        self._hanging.set()
        self.lets_in.set()
        await self.drop()
        if self._server is not None:
            await self._server.close()

    @property
    def url(self) -> str:
        """The interface's address."""
        return f"http://127.0.0.1:{self.port}/ari"

    def reply(self, method: str, path: str, reply: Reply) -> None:
        """Answer this to requests of a path that begins like this, from now on."""
        self.replies[method, path] = reply

    def paths(self, method: str) -> list[str]:
        """Return what was asked for by this method, in order."""
        return [asked.path for asked in self.asked if asked.method == method]

    @property
    def originated(self) -> list[Any]:
        """The bodies of the requests for a call, in order."""
        return [
            asked.value
            for asked in self.asked
            if (asked.method, asked.path) == ("POST", "channels")
        ]

    async def tell(self, event: object) -> None:
        """Send an event to whoever listens."""
        text = event if isinstance(event, str) else json.dumps(event)
        await self.sockets[-1].send_str(text)

    async def drop(self) -> None:
        """Drop the connections for events without a farewell."""
        for request in self._listening:
            if request.transport is not None:
                request.transport.abort()
        self._listening.clear()
        self.sockets.clear()
        self.connected.clear()

    async def drop_requests(self) -> None:
        """Drop the requests that hang, and answer those that are late."""
        self._hanging.set()
        self._hanging = asyncio.Event()

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self.handshake_status:
            return web.Response(status=self.handshake_status)
        if not _knows(request):
            return web.Response(status=401)
        self.knocked.set()
        await self.lets_in.wait()
        self.queries.append(dict(request.query))
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        self.sockets.append(socket)
        self._listening.append(request)
        self.connected.set()
        async for message in socket:
            assert message.type in {WSMsgType.TEXT, WSMsgType.PING}
        return socket

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/ari/")
        body = await request.read()
        value = json.loads(body) if body else None
        self.asked.append(Asked(request.method, path, value))
        reply = self._reply_to(request, path)
        if reply.fault in {"hang", "late"}:
            await self._hanging.wait()
        if reply.fault in {"hang", "reset"} and request.transport is not None:
            request.transport.abort()
        text = json.dumps(reply.value) if reply.text is None else reply.text
        return web.Response(
            status=reply.status,
            text=text,
            content_type=reply.media_type,
            headers=reply.headers,
        )

    def _reply_to(self, request: web.Request, path: str) -> Reply:
        for (method, start), reply in self.replies.items():
            if method == request.method and path.startswith(start):
                return reply
        if not _knows(request):
            return Reply(401, {"message": "Authentication required"})
        if request.method == "DELETE":
            return Reply(404, NOT_FOUND)
        is_listening = any(not socket.closed for socket in self.sockets)
        if _asks_who_listens(request.method, path) and not is_listening:
            return Reply(404, {"message": "Application not found"})
        lists = {
            "asterisk/info": INFO,
            "channels": self.channels,
            "bridges": self.bridges,
            "endpoints": self.endpoints,
        }
        return Reply(value=lists.get(path, {}) if request.method == "GET" else {})


def _asks_who_listens(method: str, path: str) -> bool:
    return method == "GET" and path.startswith("applications/")


def _knows(request: web.Request) -> bool:
    try:
        login = BasicAuth.decode(request.headers.get("Authorization", ""))
    except ValueError:
        return False
    return (login.login, login.password) == (USERNAME, PASSWORD)

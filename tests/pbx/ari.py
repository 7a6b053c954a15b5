"""A stub of ARI whose responses tests can set.

It does not emulate Asterisk, whose behavior is recorded in `backends/asterisk/recorded`
and tested by `tests/real_asterisk`. It shows how the client handles each response.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
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
    """The response to a request; `fault` may be `hang`, `reset` or `late`."""

    status: int = 200
    value: object = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that was received."""

    method: str
    path: str
    value: Any
    query: Mapping[str, str] = field(default_factory=dict)


class StubAri:
    """A web server on loopback, with the paths of ARI."""

    def __init__(self) -> None:
        """Initialize the stub with two phones and a trunk."""
        self.requests: list[ReceivedRequest] = []
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
        # Handles the media WebSockets; None for an Asterisk without any.
        self.on_media: Callable[[web.Request], Awaitable[web.StreamResponse]] | None
        self.on_media = None
        self._listening: list[web.Request] = []
        self.answers_pings = True
        self.connected = asyncio.Event()
        # Whether an event connection is waiting, and whether it is accepted.
        self.connection_waiting, self.accepts_connections = (
            asyncio.Event(),
            asyncio.Event(),
        )
        self.accepts_connections.set()
        # The number of requests without a response, except those that are held.
        self.pending = 0
        # The latest port.
        self.port = 0
        self._hanging = asyncio.Event()
        self._server: TestServer | None = None

    async def __aenter__(self) -> Self:
        """Start on any free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the server."""
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/ari/events", self._listen)
        app.router.add_get("/media/{connection}", self._connect_media)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app, port=port)
        await self._server.start_server()
        assert self._server.port is not None
        self.port = self._server.port

    async def stop(self) -> None:
        """Stop listening, and drop all connections."""
        self._hanging.set()
        self.accepts_connections.set()
        await self.drop()
        if self._server is not None:
            await self._server.close()

    @property
    def url(self) -> str:
        """The interface's address."""
        return f"http://127.0.0.1:{self.port}/ari"

    def reply(self, method: str, path: str, reply: Reply) -> None:
        """Set the response to requests whose path has a prefix."""
        self.replies[method, path] = reply

    def paths(self, method: str) -> list[str]:
        """Return the requested paths for a method, in order."""
        return [each.path for each in self.requests if each.method == method]

    @property
    def originated(self) -> list[Any]:
        """The bodies of the call requests, in order."""
        return [
            each.value
            for each in self.requests
            if (each.method, each.path) == ("POST", "channels")
        ]

    @property
    def played(self) -> list[str]:
        """The sounds that were played to channels, in order."""
        return [
            each.value["media"]
            for each in self.requests
            if each.method == "POST" and each.path.endswith("/play")
        ]

    async def send_event(self, event: object) -> None:
        """Send an event to the latest connection."""
        text = event if isinstance(event, str) else json.dumps(event)
        await self.sockets[-1].send_str(text)

    async def drop(self) -> None:
        """Drop the event connections without a closing handshake."""
        for request in self._listening:
            if request.transport is not None:
                request.transport.abort()
        self._listening.clear()
        self.sockets.clear()
        self.connected.clear()

    async def drop_requests(self) -> None:
        """Drop the hanging requests, and answer the late ones."""
        self._hanging.set()
        self._hanging = asyncio.Event()

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self.handshake_status:
            return web.Response(status=self.handshake_status)
        if not _knows(request):
            return web.Response(status=401)
        self.connection_waiting.set()
        await self.accepts_connections.wait()
        self.queries.append(dict(request.query))
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        self.sockets.append(socket)
        self._listening.append(request)
        self.connected.set()
        async for message in socket:
            assert message.type in {WSMsgType.TEXT, WSMsgType.PING}
        return socket

    async def _connect_media(self, request: web.Request) -> web.StreamResponse:
        if self.on_media is None:
            return web.Response(status=404)
        return await self.on_media(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.pending += 1
        try:
            return await self._respond(request)
        finally:
            self.pending -= 1

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/ari/")
        body = await request.read()
        value = json.loads(body) if body else None
        query = dict(request.query)
        self.requests.append(ReceivedRequest(request.method, path, value, query))
        reply = self._reply_to(request, path, value)
        if reply.fault in {"hang", "late"}:
            self.pending -= 1
            try:
                await self._hanging.wait()
            finally:
                self.pending += 1
        if reply.fault in {"hang", "reset"} and request.transport is not None:
            request.transport.abort()
        text = json.dumps(reply.value) if reply.text is None else reply.text
        return web.Response(
            status=reply.status,
            text=text,
            content_type=reply.media_type,
            headers=reply.headers,
        )

    def _reply_to(self, request: web.Request, path: str, value: Any) -> Reply:  # noqa: ANN401 - any JSON
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
        if (request.method, path) == ("POST", "channels/externalMedia"):
            # Here, a media WebSocket has the id of its channel.
            variables = {"MEDIA_WEBSOCKET_CONNECTION_ID": value["channelId"]}
            return Reply(value={"channelvars": variables})
        lists = {
            "asterisk/info": INFO,
            "asterisk/modules/chan_websocket.so": {"status": "Running"},
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

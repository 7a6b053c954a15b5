"""Asterisk's side of a phone's media WebSocket."""

from functools import partial
import json
from typing import Any

import aiohttp
from aiohttp import web

from custom_components.pbx.backends.asterisk.media import PIECE
from tests.pbx.backends.contract import until

# A loud second, and a message of several pieces whose bytes differ.
SECOND = bytes(range(1, 251)) * (PIECE // 250)
SPEECH = SECOND * 2 + SECOND[: PIECE // 2]
START, FLUSH = {"command": "START_MEDIA_BUFFERING"}, {"command": "FLUSH_MEDIA"}
PING = "ping"
# Pings in a row without anything else, after which nothing more is sent.
_CALM = 3


def mark(number: int) -> dict[str, str]:
    """Return the command that marks the first part of a message."""
    return {"command": "MARK_MEDIA", "correlation_id": str(number)}


def stop(number: int) -> dict[str, str]:
    """Return the command that ends a message."""
    return {"command": "STOP_MEDIA_BUFFERING", "correlation_id": str(number)}


class MediaSide:
    """Asterisk's side of one media WebSocket.

    Attributes:
        received: commands, bytes and pings, in order; a command of plain text as such.
        answers_pings: whether it answers pings at once.
    """

    def __init__(self) -> None:
        """Initialize without a connection."""
        self.received: list[Any] = []
        self.answers_pings = True
        self._socket = web.WebSocketResponse(autoping=False)
        self._pongs: list[bytes] = []
        self._request: web.Request | None = None

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the WebSocket."""
        self._request = request
        await self._socket.prepare(request)
        while True:
            message = await self._socket.receive()
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    self.received.append(message.data)
                case aiohttp.WSMsgType.TEXT:
                    text = message.data
                    is_json = text.startswith("{")
                    self.received.append(json.loads(text) if is_json else text)
                case aiohttp.WSMsgType.PING:
                    self.received.append(PING)
                    if self.answers_pings:
                        await self._socket.pong()
                case aiohttp.WSMsgType.PONG:
                    self._pongs.append(message.data)
                case _:
                    return self._socket

    async def send(self, *events: dict[str, Any] | str | bytes) -> None:
        """Send events, and wait until they are handled."""
        await self.send_only(*events)
        await self.sync()

    async def send_only(self, *events: dict[str, Any] | str | bytes) -> None:
        """Send events, which may be the last ones that are handled."""
        for each in events:
            if isinstance(each, bytes):
                await self._socket.send_bytes(each)
            else:
                text = each if isinstance(each, str) else json.dumps(each)
                await self._socket.send_str(text)

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed."""
        return self._socket.closed

    async def ping(self) -> None:
        """Send a ping whose answer is not awaited."""
        await self._socket.ping()

    async def pong(self) -> None:
        """Answer a ping, and wait until that is handled."""
        await self.pong_only()
        await self.sync()

    async def pong_only(self) -> None:
        """Answer a ping, which may be the last thing that is handled."""
        await self._socket.pong()

    async def sync(self) -> None:
        """Wait until the other side has handled everything, and sent what follows."""
        calm, before = 0, -1
        while calm < _CALM:
            data = f"{len(self._pongs)}-{calm}".encode()
            await self._socket.ping(data)
            await until(partial(self._pongs.__contains__, data))
            count = len(self.received)
            calm, before = calm + 1 if count == before else 0, count

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()

    def cut(self) -> None:
        """Cut the connection."""
        assert self._request is not None
        assert self._request.transport is not None
        self._request.transport.abort()

    def taken(self) -> list[Any]:
        """Return what was received since the last time."""
        taken, self.received = self.received, []
        return taken

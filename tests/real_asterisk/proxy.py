"""A TCP proxy whose connections can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from yarl import URL

_CALL = b"POST /ari/channels "
_REQUESTS = (b"GET ", b"POST ", b"PUT ", b"DELETE ")


class Proxy:
    """Forwards bytes until it is cut.

    Attributes:
        url: the address that leads to the server.
        subscriptions: number of endpoint checks, one before each call.
    """

    def __init__(self, target: URL) -> None:
        """Initialize the proxy to a server."""
        self._target = target
        self._writers: dict[asyncio.StreamWriter, bytes] = {}
        self._is_open = True
        self._lost: bytes = b""
        self._is_forwarded = True
        self._holds = False
        self._held = asyncio.Event()
        self._late = b""
        self._late_one = asyncio.Event()
        self._on_time = asyncio.Event()
        self._stalled = b""
        self._flows = asyncio.Event()
        self._server: asyncio.Server
        self.url = ""
        self.subscriptions = 0

    @classmethod
    async def start(cls, url: str) -> Self:
        """Return an open proxy, on any free port."""
        proxy = cls(URL(url))
        proxy._server = await asyncio.start_server(proxy._accept, "127.0.0.1")
        port = proxy._server.sockets[0].getsockname()[1]
        proxy.url = str(URL(url).with_port(port))
        return proxy

    async def cut(self, start: str = "") -> None:
        """Break all connections, or those whose latest request starts so."""
        for writer, request in tuple(self._writers.items()):
            if request.startswith(start.encode()):
                writer.transport.abort()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Break all connections, and accept none within the context."""
        self._is_open = False
        await self.cut()
        yield
        self._is_open = True

    def lose_answers(self, *, is_forwarded: bool) -> None:
        """Break the connection of the next call request.

        Args:
            is_forwarded: whether the server receives the request.
        """
        self._lost, self._is_forwarded = _CALL, is_forwarded

    def hold_answer(self) -> None:
        """Hold the response to the next call request until it is released."""
        self._holds = True

    def release(self) -> None:
        """Forward the response that is held."""
        self._held.set()

    @asynccontextmanager
    async def late(self, start: str) -> AsyncIterator[asyncio.Event]:
        """Hold the next request that starts so until the end of the context.

        Yields:
            set when there is one.
        """
        self._late, self._late_one = start.encode(), asyncio.Event()
        self._on_time = asyncio.Event()
        try:
            yield self._late_one
        finally:
            self._late = b""
            self._on_time.set()

    @asynccontextmanager
    async def stalled(self, start: str) -> AsyncIterator[None]:
        """Hold what the server sends on connections whose latest request starts so."""
        self._stalled, self._flows = start.encode(), asyncio.Event()
        try:
            yield
        finally:
            self._stalled = b""
            self._flows.set()

    async def stop(self) -> None:
        """Stop accepting connections."""
        await self.cut()
        self._server.close()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        there = await asyncio.open_connection(self._target.host, self._target.port)
        if not self._is_open:
            # It was closed in the meantime.
            there[1].transport.abort()
            writer.transport.abort()
            return
        self._writers |= {writer: b"", there[1]: b""}
        is_free = asyncio.Event()
        is_free.set()
        await asyncio.gather(
            self._pass(reader, there[1], is_free),
            self._pass(there[0], writer, is_free, answers=there[1]),
        )

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_free: asyncio.Event,
        *,
        answers: asyncio.StreamWriter | None = None,
    ) -> None:
        try:
            while data := await reader.read(65536):
                self.subscriptions += data.startswith(b"POST /ari/applications/")
                if self._lost and data.startswith(self._lost):
                    self._lost = b""
                    await self._lose(reader, writer, data)
                    return
                if answers is None and self._late and data.startswith(self._late):
                    self._late = b""
                    self._late_one.set()
                    await self._on_time.wait()
                if answers is not None:
                    await is_free.wait()
                    request = self._writers.get(answers, b"")
                    if self._stalled and request.startswith(self._stalled):
                        await self._flows.wait()
                elif self._holds and data.startswith(_CALL):
                    self._holds, self._held = False, is_free
                    is_free.clear()
                if answers is None and data.startswith(_REQUESTS):
                    self._writers[writer] = data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.pop(writer, None)
            writer.close()

    async def _lose(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> None:
        """Forward a request whose response is dropped."""
        while b"channelId" not in data:
            data += await reader.read(65536)
        if self._is_forwarded:
            writer.write(data)
            await writer.drain()

"""Minimal PBX server in its own process.

The sandbox simulates phones, which takes time that would hide the differences. This
server only parses requests, and writes responses.
"""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
import json
import sys
import time
from typing import override

from ..machine import LOOPBACK

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"
_ORIGINATE = b"/call/originate/act"


class Answers:
    """Parses the requests of a connection, and writes the responses."""

    def __init__(
        self, write: Callable[[bytes], None], clock: Callable[[], float]
    ) -> None:
        """Initialize the parser."""
        self._write = write
        self._clock = clock
        self._received = b""

    def receive(self, data: bytes) -> None:
        """Handle received data, and respond to each complete request."""
        self._received += data
        while (end := self._received.find(_END_OF_HEAD)) >= 0:
            head = self._received[:end]
            end += len(_END_OF_HEAD) + content_length(head)
            if len(self._received) < end:
                return
            self._received = self._received[end:]
            self._write(answer(head, self._clock()))


def content_length(head: bytes) -> int:
    """Return the length of a request's body from its head."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line.removeprefix(_LENGTH))
    return 0


def answer(head: bytes, now: float) -> bytes:
    """Return the response: an ID for originate requests, no data for others."""
    is_call = _ORIGINATE in head.partition(b"\r\n")[0]
    data = {"originated_call_id": f"orig.call.{now:.6f}"} if is_call else []
    body = json.dumps({"success": 1, "message": "", "data": data}).encode()
    lines = (
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Date: {formatdate(now, usegmt=True)}",
    )
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body


class _Connection(asyncio.Protocol):
    """A connection that stays open until the client closes it."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Initialize the parser of the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the types
        self.data_received = Answers(transport.write, time.time).receive  # type: ignore[method-assign]


async def main() -> None:
    """Print the port, and serve until standard input is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, LOOPBACK, 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        # It is closed with the parent process, even if that is killed.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())

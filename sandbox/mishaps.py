"""Implementation of the faults: delayed, corrupted and missing responses."""

import asyncio
from collections.abc import Callable
import contextlib
from dataclasses import replace
import socket
import struct
from typing import Final

from aiohttp import web

from .clock import Clock
from .envelope import Envelope, html, refusal
from .faults import Fault, FaultKind

_PIECE: Final = b"x" * 65536


class Mishaps:
    """Executes faults; waiting requests are released when the sandbox stops."""

    def __init__(self, clock: Clock) -> None:
        """Initialize with the clock for delays."""
        self._clock = clock
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Release all waiting requests."""
        self._stopped.set()

    async def pause(self, seconds: float) -> None:
        """Wait for this many seconds, or until the sandbox stops."""
        due = asyncio.Event()
        timer = self._clock.call_later(seconds, due.set)
        waits = [
            asyncio.create_task(event.wait(), name="sandbox pause")
            for event in (due, self._stopped)
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def answer(
        self, request: web.Request, fault: Fault, real: Envelope
    ) -> web.StreamResponse:
        """Return the response to a request with a fault."""
        match fault.kind:
            case "hang":
                await self._stopped.wait()
                return _abort(request)
            case "reset":
                return _abort(request)
            case "flood":
                return await _flood(request, fault.megabytes)
            case _:
                return _SPOIL[fault.kind](fault, real)


def _truncated(_: Fault, real: Envelope) -> web.Response:
    text = real.text()
    return web.Response(text=text[: len(text) // 2], content_type="application/json")


# Responses by the kind of fault, from the fault and the correct response.
_SPOIL: dict[FaultKind, Callable[[Fault, Envelope], web.Response]] = {
    "refuse": lambda fault, _: refusal(fault.message).response(),
    "status_500": lambda *_: html(500, "Internal Server Error", "It went wrong."),
    "html": lambda *_: html(200, "Welcome", "It works!"),
    "redirect": lambda fault, _: web.Response(
        status=302, headers={"Location": fault.location}
    ),
    "truncated": _truncated,
    "slow": lambda _, real: real.response(),
    "no_id": lambda _, real: replace(real, success=1, message=None, data={}).response(),
    "success_as_string": lambda _, real: replace(
        real, success=str(real.success)
    ).response(),
    "wrong_shape": lambda *_: web.json_response([[], "what", {"success": {}}]),
}


def _abort(request: web.Request) -> web.Response:
    """Reset the connection, like a crash."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # A linger time of zero makes close() send a reset.
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        transport.abort()
    return web.Response()


async def _flood(request: web.Request, megabytes: int) -> web.StreamResponse:
    """Send a response of this size."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    # The client is expected to close the connection early.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write(b'{"success": 1, "message": "')
        for _ in range(megabytes * (1 << 20) // len(_PIECE)):
            await response.write(_PIECE)
        await response.write(b'", "data": null}')
    return response

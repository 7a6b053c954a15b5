"""The media WebSocket of one phone: speech and silence to it, and keys from it.

Source: Asterisk's documentation of `chan_websocket`, and measurements with an
Asterisk 22. Versions before 20.18, 22.8 and 23.2 know messages of plain text only.
"""

import asyncio
from collections.abc import Iterator, Mapping
import json
from typing import Any, Final, Protocol

import aiohttp

from ..announcement import SAMPLE_RATE, SAMPLE_WIDTH
from ..base import Clock
from ..errors import PbxError, PbxErrorCode
from ..reconnect import first_of
from .fields import KEYS, text_in

# Seconds of a frame, as Asterisk plays them. Outside of speech, a message is one frame.
FRAME_TIME: Final = 0.02
_SECOND: Final = SAMPLE_RATE * SAMPLE_WIDTH
SILENCE: Final = bytes(round(_SECOND * FRAME_TIME))
# After this part of a message, the person has heard something.
FIRST_PIECE: Final = 5 * len(SILENCE)
# The maximum size of a message is 65,500 bytes.
PIECE: Final = _SECOND

_ENDS: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)
# The field that names a message, without a name in plain text.
_ID: Final = "correlation_id"


class MediaListener(Protocol):
    """Handles what a phone's media WebSocket reports; never waits."""

    def handle_speech_begun(self) -> None:
        """Process that the first part of a message was played."""

    def handle_spoken(self, number: int) -> None:
        """Process that a message was played to its end."""

    def handle_key(self, key: str) -> None:
        """Process a key."""


class Media:
    """The audio of one phone.

    Asterisk keeps 20 seconds of speech, drops the rest, and reports when to stop. Each
    piece is followed by a ping, whose answer comes after such a report. Silence is sent
    frame by frame, as speech would be played after all silence that was sent before.

    Args:
        socket: connected, without automatic pongs.
        clock: measures the silence.
        listener: handles what is reported.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        clock: Clock,
        listener: MediaListener,
    ) -> None:
        """Initialize without speech; nothing is sent."""
        self._socket = socket
        self._clock = clock
        self._listener = listener
        self._is_json = True
        # The rest of the speech, and the number of the message; 0 for silence.
        self._rest: Iterator[bytes | str] = iter(())
        self._number = 0
        # Messages that were begun, and not played to their end.
        self._begun: set[str] = set()
        self._must_flush = False
        self._is_full = False
        # The number of pings that are not answered yet.
        self._unread = 0
        self._answered = asyncio.Event()
        self._wake = asyncio.Event()
        # When the next frame of silence is sent.
        self._next_at = 0.0

    async def run(self) -> None:
        """Send and receive until canceled.

        Raises:
            PbxError: the connection was lost.
        """
        await first_of(self._read(), self._write())

    def speak(self, pcm: bytes, number: int) -> None:
        """Play a message from its beginning, instead of what is played now.

        Args:
            pcm: samples, as of `Audio`.
            number: of the message, from 1.
        """
        self.hush()
        self._rest, self._number = self._steps(pcm, number), number
        self._begun.add(str(number))

    def hush(self) -> None:
        """Play silence, instead of what is played now."""
        self._must_flush = self._must_flush or self._number > 0
        self._rest, self._number = iter(()), 0
        self._wake.set()

    async def catch_up(self) -> None:
        """Wait until everything is read that Asterisk has sent so far.

        Raises:
            PbxError: the connection was lost.
        """
        try:
            await self._ping()
        except OSError:
            raise _lost(self._socket) from None
        while self._unread:
            self._answered.clear()
            await self._answered.wait()

    def _steps(self, pcm: bytes, number: int) -> Iterator[bytes | str]:
        """Yield what is sent to play a message."""
        yield self._command("START_MEDIA_BUFFERING")
        yield pcm[:FIRST_PIECE]
        yield self._command("MARK_MEDIA", str(number))
        for start in range(FIRST_PIECE, len(pcm), PIECE):
            yield pcm[start : start + PIECE]
        yield self._command("STOP_MEDIA_BUFFERING", str(number))

    def _command(self, name: str, message: str = "") -> str:
        if not self._is_json:
            return f"{name} {message}".rstrip()
        return json.dumps({"command": name} | ({_ID: message} if message else {}))

    async def _write(self) -> None:
        await self._wake.wait()
        try:
            while True:
                await self._write_next()
        except OSError:
            raise _lost(self._socket) from None

    async def _write_next(self) -> None:
        """Send the next piece, or wait until there is one."""
        self._wake.clear()
        if self._must_flush:
            self._must_flush = False
            await self._socket.send_str(self._command("FLUSH_MEDIA"))
        elif not self._number:
            await self._socket.send_bytes(SILENCE)
            await self._clock.sleep(self._frame_rest())
        elif self._is_full or self._unread or not await self._send_step():
            await self._wake.wait()

    def _frame_rest(self) -> float:
        """Return the seconds until the next frame of silence is sent."""
        now = self._clock.time()
        self._next_at += FRAME_TIME
        if not now <= self._next_at <= now + FRAME_TIME:
            self._next_at = now + FRAME_TIME
        return self._next_at - now

    async def _send_step(self) -> bool:
        """Send the next step of a message; return whether there was one."""
        step = next(self._rest, None)
        if isinstance(step, bytes):
            await self._socket.send_bytes(step)
            if len(step) > FIRST_PIECE:
                await self._ping()
        elif step is not None:
            await self._socket.send_str(step)
        return step is not None

    async def _ping(self) -> None:
        self._unread += 1
        await self._socket.ping()

    async def _read(self) -> None:
        while True:
            try:
                message = await self._socket.receive()
                if message.type is aiohttp.WSMsgType.PING:
                    await self._socket.pong(message.data)
            except OSError:
                raise _lost(self._socket) from None
            if message.type in _ENDS:
                raise _lost(self._socket)
            if message.type is aiohttp.WSMsgType.PONG:
                self._unread = max(self._unread - 1, 0)
                self._answered.set()
                self._wake.set()
                if not self._is_json and self._number:
                    # The first versions have no marks.
                    self._listener.handle_speech_begun()
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._handle(message.data)

    def _handle(self, text: str) -> None:
        event = self._parse(text)
        number = text_in(event, _ID)
        match event.get("event"):
            case "MEDIA_XOFF":
                self._is_full = True
            case "MEDIA_XON":
                self._is_full = False
                self._wake.set()
            case "MEDIA_MARK_PROCESSED":
                self._listener.handle_speech_begun()
            case "MEDIA_BUFFERING_COMPLETED" if number in self._begun:
                self._begun.remove(number)
                if int(number) == self._number:
                    self._number = 0
                    self._wake.set()
                self._listener.handle_spoken(int(number))
            case "DTMF_END" if (key := text_in(event, "digit")) in KEYS:
                self._listener.handle_key(key)

    def _parse(self, text: str) -> Mapping[str, Any]:
        """Return an event; empty if the text is neither JSON nor a line of words."""
        if not text.startswith("{"):
            self._is_json = False
            name, *words = text.split() or [""]
            fields = dict(word.partition(":")[::2] for word in words if ":" in word)
            named = next((word for word in words if ":" not in word), "")
            return {"event": name, **fields, _ID: named}
        try:
            event = json.loads(text)
        except ValueError, RecursionError:
            return {}
        return event if isinstance(event, Mapping) else {}


def _lost(socket: aiohttp.ClientWebSocketResponse) -> PbxError:
    words = f"media connection closed ({socket.close_code})"
    return PbxError(PbxErrorCode.CANNOT_CONNECT, words)

"""Tests of a phone's media WebSocket, against a server that plays Asterisk's side."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
import json
from typing import Any

import aiohttp
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.pbx.backends.asterisk.media import (
    FIRST_PIECE,
    FRAME_TIME,
    PIECE,
    SILENCE,
    Media,
)
from custom_components.pbx.backends.base import Clock
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from sandbox import ManualClock
from tests.pbx.backends.contract import until

from .media_side import FLUSH, PING, SECOND, SPEECH, START, MediaSide, mark, stop
from .scene import clock_of


class Heard:
    """Records what is reported; implements `MediaListener`."""

    def __init__(self) -> None:
        """Initialize without reports."""
        self.reports: list[str | int] = []

    def handle_speech_begun(self) -> None:
        """Record it."""
        self.reports.append("begun")

    def handle_spoken(self, number: int) -> None:
        """Record it."""
        self.reports.append(number)

    def handle_key(self, key: str) -> None:
        """Record it."""
        self.reports.append(f"key {key}")


@dataclass
class Line:
    """A connected media WebSocket."""

    asterisk: MediaSide
    clock: ManualClock
    socket: aiohttp.ClientWebSocketResponse
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        """Create the media that use the socket."""
        self.media = Media(self.socket, clock_of(self.clock), self.heard)
        self.running = asyncio.ensure_future(self.media.run())

    async def speak(self, pcm: bytes, number: int = 1) -> list[Any]:
        """Play a message, and return what was received."""
        self.media.speak(pcm, number)
        return await self.settled()

    async def hush(self) -> list[Any]:
        """Play silence, and return what was received."""
        self.media.hush()
        return await self.settled()

    async def complete(self, number: int = 1) -> list[Any]:
        """Report that a message was played, and return what was received."""
        await self.asterisk.send(
            {"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": str(number)}
        )
        return self.asterisk.taken()

    async def pass_time(self, frames: float) -> list[Any]:
        """Move the clock by some frames, and return what was received."""
        await self.clock.advance(frames * FRAME_TIME)
        return await self.settled()

    async def settled(self) -> list[Any]:
        """Return what was received, when nothing more is sent."""
        await self.asterisk.sync()
        return self.asterisk.taken()


@pytest.fixture
def asterisk() -> MediaSide:
    """Return Asterisk's side."""
    return MediaSide()


@pytest.fixture
async def line(
    session: ClientSession, asterisk: MediaSide, clock: ManualClock
) -> AsyncIterator[Line]:
    """Return a connected WebSocket; nothing is played yet."""
    app = web.Application()
    app.router.add_get("/media/1", asterisk.handle)
    async with TestServer(app) as server:
        address = server.make_url("/media/1")
        async with session.ws_connect(address, autoping=False) as socket:
            connected = Line(asterisk, clock, socket)
            yield connected
            connected.running.cancel()
            await asyncio.wait([connected.running])


# --- speech ---


async def test_nothing_before_the_first_word(line: Line) -> None:
    """Nothing is sent before the first message."""
    assert await line.pass_time(5) == []


async def test_speech(line: Line) -> None:
    """A message is sent in pieces: the first one is marked, a ping follows others."""
    assert await line.speak(SPEECH) == [
        START,
        SPEECH[:FIRST_PIECE],
        mark(1),
        SPEECH[FIRST_PIECE : FIRST_PIECE + PIECE],
        PING,
        SPEECH[FIRST_PIECE + PIECE : FIRST_PIECE + 2 * PIECE],
        PING,
        SPEECH[FIRST_PIECE + 2 * PIECE :],
        PING,
        stop(1),
    ]


async def test_short_speech(line: Line) -> None:
    """A message that is shorter than the first piece is a single piece."""
    word = SPEECH[: FIRST_PIECE // 2]

    assert await line.speak(word) == [START, word, mark(1), stop(1)]


async def test_piece_fits_into_a_message() -> None:
    """A piece is at most as large as Asterisk takes."""
    assert FIRST_PIECE < PIECE < 65_500


async def test_ping_paces_speech(line: Line) -> None:
    """A piece is sent when Asterisk has read the one before."""
    line.asterisk.answers_pings = False
    *_, last = await line.speak(SPEECH)
    assert last == PING
    assert await line.pass_time(50) == []

    await line.asterisk.pong()
    assert line.asterisk.taken() == [
        SPEECH[FIRST_PIECE + PIECE : FIRST_PIECE + 2 * PIECE],
        PING,
    ]


async def test_xoff(line: Line) -> None:
    """Nothing is sent while Asterisk keeps as much as it can."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)
    await line.asterisk.send({"event": "MEDIA_XOFF"})
    await line.asterisk.pong()
    assert line.asterisk.taken() == []
    assert await line.pass_time(50) == []

    line.asterisk.answers_pings = True
    await line.asterisk.send({"event": "MEDIA_XON"})
    rest = line.asterisk.taken()

    assert (
        b"".join(each for each in rest if isinstance(each, bytes))
        == (SPEECH[FIRST_PIECE + PIECE :])
    )
    assert rest[-1] == stop(1)


async def test_ready_before_it_is_read(line: Line) -> None:
    """A piece that is not read yet holds up the next one, also after XON."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)
    await line.asterisk.send({"event": "MEDIA_XOFF"}, {"event": "MEDIA_XON"})

    assert line.asterisk.taken() == []


async def test_begun_and_spoken(line: Line) -> None:
    """The first part and the end of a message are reported."""
    await line.speak(SPEECH)
    assert line.heard.reports == []

    await line.asterisk.send(
        {"event": "MEDIA_MARK_PROCESSED", "correlation_id": "1"},
    )
    assert line.heard.reports == ["begun"]

    await line.complete()
    assert line.heard.reports == ["begun", 1]


async def test_end_is_reported_once(line: Line) -> None:
    """The end of a message counts once, and only of one that was begun."""
    await line.speak(SPEECH)
    await line.complete(0)
    await line.complete(2)
    await line.complete()
    await line.complete()

    assert line.heard.reports == [1]


# --- silence ---


async def test_silence_in_a_pause(line: Line) -> None:
    """After a message, a frame of silence is sent for each frame of time."""
    await line.speak(SPEECH)
    assert await line.complete() == [SILENCE]
    assert not any(SILENCE)

    sent = []
    for _ in range(10):
        sent += await line.pass_time(1)
    assert sent == [SILENCE] * 10


async def test_no_silence_in_speech(line: Line) -> None:
    """No silence is sent while a message is played."""
    await line.speak(SPEECH)

    assert await line.pass_time(200) == []


async def test_no_silence_ahead_of_speech(line: Line) -> None:
    """A message after a pause waits for the current frame of silence only."""
    await line.speak(SPEECH)
    await line.complete()
    await line.pass_time(3)
    assert await line.speak(SPEECH, 2) == []

    sent = await line.pass_time(1)
    assert sent[0] == START
    assert SILENCE not in sent
    assert sent[-1] == stop(2)


async def test_silence_is_punctual(line: Line) -> None:
    """A late frame does not delay the next ones; long delays are not made up for."""
    line.running.cancel()
    asked: list[float] = []
    late = iter([0.005, 0, 0.5, 0])
    now = 1000.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        asked.append(round(seconds, 6))
        if (delay := next(late, None)) is None:
            await asyncio.Event().wait()
        else:
            now += seconds + delay

    media = Media(line.socket, Clock(lambda: now, sleep), line.heard)
    media.hush()
    task = asyncio.ensure_future(media.run())
    await until(lambda: len(asked) == 5)
    task.cancel()
    await asyncio.wait([task])

    assert asked == [0.02, 0.015, 0.02, 0.02, 0.02]


# --- other than the end of a message ---


async def test_hush(line: Line) -> None:
    """A message that is stopped is dropped by Asterisk, too; silence follows."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)

    assert await line.hush() == [FLUSH, SILENCE]
    assert await line.pass_time(1) == [SILENCE]


async def test_hush_in_a_pause(line: Line) -> None:
    """In a pause, there is nothing to drop."""
    await line.speak(SPEECH)
    await line.complete()
    assert await line.hush() == []

    assert await line.pass_time(1) == [SILENCE]


async def test_hush_twice(line: Line) -> None:
    """A message is dropped once."""
    await line.speak(SPEECH)
    line.media.hush()

    assert await line.hush() == [FLUSH, SILENCE]


async def test_next_message_at_once(line: Line) -> None:
    """A message replaces the one that is played, without silence in between."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)

    sent = await line.speak(SECOND, 2)
    line.asterisk.answers_pings = True
    await line.asterisk.pong()
    sent += line.asterisk.taken()
    assert sent[:4] == [FLUSH, START, SECOND[:FIRST_PIECE], mark(2)]
    assert sent[-1] == stop(2)


async def test_late_end_of_a_stopped_message(line: Line) -> None:
    """A message that ended as it was replaced counts, and the next one goes on."""
    line.asterisk.answers_pings = False
    await line.speak(SECOND)
    await line.speak(SPEECH, 2)

    assert await line.complete(1) == []
    assert line.heard.reports == [1]
    assert SILENCE not in await line.pass_time(5)


# --- keys ---


async def test_keys(line: Line) -> None:
    """Each key is reported once, in order; speech goes on."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)
    for key in "0159*#AD":
        await line.asterisk.send({"event": "DTMF_END", "digit": key})

    assert line.heard.reports == [f"key {key}" for key in "0159*#AD"]
    assert line.asterisk.taken() == []


@pytest.mark.parametrize("digit", ["", "12", "1#", "E", "۱", 1, None, ["1"]])
async def test_not_a_key(line: Line, digit: Any) -> None:  # noqa: ANN401 - any garbage
    """Anything that is not a key is ignored."""
    await line.asterisk.send({"event": "DTMF_END", "digit": digit})

    assert line.heard.reports == []


# --- plain text ---


async def test_plain_text(line: Line) -> None:
    """Versions without JSON get the same commands as lines of words."""
    await line.asterisk.send(
        "MEDIA_START connection_id:1 channel:WebSocket/INCOMING/0x1 channel_id:ha-1-m"
        " format:slin16 optimal_frame_size:640 ptime:20"
    )
    sent = await line.speak(SECOND)
    assert [each for each in sent if isinstance(each, str)] == [
        "START_MEDIA_BUFFERING",
        "MARK_MEDIA 1",
        PING,
        "STOP_MEDIA_BUFFERING 1",
    ]

    await line.asterisk.send("DTMF_END digit:7 channel_id:ha-1-m")
    await line.asterisk.send("MEDIA_BUFFERING_COMPLETED 1")
    assert line.heard.reports == ["begun", "key 7", 1]
    assert SILENCE in line.asterisk.taken()


async def test_plain_text_without_marks(line: Line) -> None:
    """Versions without marks: what they have read counts as begun, but no silence."""
    await line.asterisk.send("MEDIA_START connection_id:1")
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)
    assert line.heard.reports == []
    await line.asterisk.pong()
    assert line.heard.reports == ["begun"]

    await line.hush()
    await line.asterisk.pong()
    assert line.heard.reports == ["begun"]


async def test_plain_text_xoff(line: Line) -> None:
    """XOFF and FLUSH are obeyed and sent without JSON, too."""
    await line.asterisk.send("MEDIA_START connection_id:1", "MEDIA_XOFF channel_id:1")
    assert await line.speak(SPEECH) == []

    assert await line.hush() == ["FLUSH_MEDIA", SILENCE]
    line.media.speak(SECOND, 2)
    assert await line.pass_time(1) == []
    await line.asterisk.send("MEDIA_XON channel_id:1")
    assert line.asterisk.taken()[-1] == "STOP_MEDIA_BUFFERING 2"


# --- garbage and ends ---


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"event": null}',
        '{"event": ["DTMF_END"]}',
        '{"event": "QUEUE_DRAINED"}',
        '{"event": "MEDIA_BUFFERING_COMPLETED"}',
        '{"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": 1}',
        '{"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": "x"}',
        '{"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": "%s"}' % ("9" * 5000),
        '{"a":' * 20_000,
        '{"a": %s}' % ("9" * 5000),
        "",
        " ",
        ":",
        "MEDIA_BUFFERING_COMPLETED",
        "MEDIA_BUFFERING_COMPLETED a b",
        "DTMF_END digit:",
        "DTMF_END 7",
        "[]",
        b"what the phone says",
    ],
)
async def test_garbage(line: Line, text: str | bytes) -> None:
    """What makes no sense is ignored, and keys are still taken."""
    await line.asterisk.send(text, {"event": "DTMF_END", "digit": "1"})

    assert line.heard.reports == ["key 1"]
    assert not line.running.done()


async def test_message_is_no_object(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is not an object is ignored."""
    monkeypatch.setattr(json, "loads", lambda _: [])
    await line.asterisk.send('{"event": "DTMF_END", "digit": "1"}')

    assert line.heard.reports == []


async def lost(running: asyncio.Future[None]) -> PbxError:
    """Return the error of media whose connection is lost."""
    async with asyncio.timeout(10):
        with pytest.raises(PbxError) as raised:
            await running
    assert raised.value.code is PbxErrorCode.CANNOT_CONNECT
    return raised.value


@pytest.mark.parametrize("is_speaking", [True, False])
async def test_closed(line: Line, *, is_speaking: bool) -> None:
    """The end of the connection is an error that holds the code."""
    if is_speaking:
        await line.speak(SPEECH)
    await line.asterisk.close()

    assert "1000" in str(await lost(line.running))


async def test_cut(line: Line) -> None:
    """A connection that is cut is an error."""
    await line.speak(SPEECH)
    line.asterisk.cut()

    await lost(line.running)


async def test_lost_before_the_first_word(line: Line) -> None:
    """Nothing can be sent to a connection that is lost already."""
    line.running.cancel()
    await line.socket.close()
    media = Media(line.socket, clock_of(line.clock), line.heard)
    media.speak(SPEECH, 1)

    await lost(asyncio.ensure_future(media.run()))


async def test_catch_up(line: Line) -> None:
    """Everything that was sent before is read, whatever was pinged earlier."""
    line.asterisk.answers_pings = False
    await line.speak(SPEECH)
    catching_up = asyncio.ensure_future(line.media.catch_up())
    await line.asterisk.send({"event": "DTMF_END", "digit": "1"})
    await line.asterisk.pong()
    assert not catching_up.done()
    await line.asterisk.pong()
    await catching_up

    assert line.heard.reports == ["key 1"]


async def test_lost_at_a_ping_of_ours(line: Line) -> None:
    """A connection that is lost already is an error."""
    line.running.cancel()
    await line.socket.close()

    await lost(asyncio.ensure_future(line.media.catch_up()))


async def test_lost_at_a_ping(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost before a ping is answered is an error."""

    async def fail(data: bytes) -> None:
        del data
        raise aiohttp.ClientConnectionResetError

    monkeypatch.setattr(line.socket, "pong", fail)
    await line.asterisk.ping()

    await lost(line.running)

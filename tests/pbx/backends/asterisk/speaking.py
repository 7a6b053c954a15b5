"""A person who hears an announcement, on the ARI stub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import logging
from typing import Any

from aiohttp import web
import pytest

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Played,
)
from tests.pbx.backends.contract import until

from .media_side import START, MediaSide
from .scene import OURS, Scene, went_up

MEDIA, BRIDGE = f"{OURS}-m", f"{OURS}-s"
# A message of two seconds.
MESSAGE = Audio(bytes(range(1, 251)) * 256)
NONE, PART, FULL = Played.NONE, Played.PART, Played.FULL


def entered(channel_id: str = OURS, *args: str) -> dict[str, Any]:
    """Return the event that a channel has entered our application."""
    channel = {"id": channel_id, "state": "Up"}
    return {"type": "StasisStart", "args": list(args), "channel": channel}


def left(kind: str, channel_id: str = OURS) -> dict[str, Any]:
    """Return the event that a channel hangs up, or leaves a bridge."""
    return {"type": kind, "channel": {"id": channel_id, "state": "Up"}}


def speaking(channel_id: str = OURS, argument: str = ",announcement") -> dict[str, Any]:
    """Return a channel in our application, as in a list of channels."""
    plan = {"app_name": "Stasis", "app_data": f"ha-test{argument}"}
    return {"id": channel_id, "state": "Up", "dialplan": plan}


def bridge(call_id: str = OURS, name: str = "ha-test") -> dict[str, Any]:
    """Return the bridge of an announcement, as in a list of bridges."""
    return {"id": f"{call_id}-s", "name": name, "channels": [call_id, f"{call_id}-m"]}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the backend, without the errors in them."""
    return [
        each.message.partition(":")[0]
        for each in caplog.records
        if each.levelno >= logging.WARNING and "pbx" in each.name
    ]


@dataclass
class Speech:
    """Announcements on the stub.

    Attributes:
        sides: Asterisk's side of each media WebSocket, by the id of its channel.
    """

    scene: Scene
    sides: dict[str, MediaSide] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Accept media WebSockets."""
        self.scene.ari.on_media = self._connect

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        side = self.sides[request.match_info["connection"]] = MediaSide()
        return await side.handle(request)

    @property
    def media(self) -> MediaSide:
        """The media WebSocket of the first call."""
        return self.sides[MEDIA]

    async def place(self, call_id: str = OURS, **fields: Any) -> None:  # noqa: ANN401 - any field of an announcement
        """Place an announcement, which is played once."""
        given = {"audio": MESSAGE, "repeat": 1, **fields}
        of_call = given.pop("request", {})
        await self.scene.place(
            call_id=call_id,
            callee="557",
            announcement=Announcement(**given),
            **of_call,
        )

    async def answer(self, call_id: str = OURS) -> None:
        """Answer, and wait for the media WebSocket."""
        await self.scene.send_events(went_up(call_id), entered(call_id, "announcement"))
        await until(lambda: f"{call_id}-m" in self.sides)
        await self.scene.quiet()

    async def listen(self, call_id: str = OURS) -> MediaSide:
        """Let the media channel enter our application, and wait for the speech."""
        side = self.sides[f"{call_id}-m"]
        await self.scene.send_events(entered(f"{call_id}-m"))
        await until(lambda: START in side.received)
        await side.sync()
        return side

    async def send(self, *events: dict[str, Any] | str) -> None:
        """Send events of the media channel."""
        await self.media.send(*events)
        await self.scene.quiet()

    async def press(self, keys: str) -> None:
        """Press keys."""
        for key in keys:
            await self.media.send_only({"event": "DTMF_END", "digit": key})
        await self.scene.quiet()

    async def hear(self, number: int = 1) -> None:
        """Report that a repetition was played to its end."""
        name = {"correlation_id": str(number)}
        await self.send(
            {"event": "MEDIA_MARK_PROCESSED", **name},
            {"event": "MEDIA_BUFFERING_COMPLETED", **name},
        )

    @property
    def posted(self) -> list[str]:
        """The requests that change something, in order, without those to ring."""
        paths = self.scene.ari.paths("POST")
        return [each for each in paths if each.count("/") and "applicat" not in each]

    @property
    def announced(self) -> Announced | None:
        """What came of the announcement of the first call, at its end."""
        return self.scene.sink.end().announced

    @property
    def so_far(self) -> list[Announced | None]:
        """What came of announcements, in order."""
        return [each.announced for each in self.scene.sink.updates]


@asynccontextmanager
async def hearing(speech: Speech, **fields: Any) -> AsyncIterator[MediaSide]:  # noqa: ANN401 - any field of an announcement
    """Run the backend, and let a person hear the beginning of a message."""
    async with speech.scene.running():
        await speech.place(**fields)
        await speech.answer()
        yield await speech.listen()

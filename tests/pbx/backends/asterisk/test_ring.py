"""Tests of ringing a phone of an Asterisk, against the ARI stub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import logging
from typing import Any

import pytest

from custom_components.pbx.backends.asterisk.ring import (
    LISTENING_TIME,
    MARGIN,
    SOUNDS,
)
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.ring_result import RingOutcome, RingResult
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .scene import OURS, Scene, ended, request, went_up

RINGS = {"type": "ChannelStateChange", "channel": {"id": OURS, "state": "Ringing"}}
ANSWERED = {"type": "StasisStart", "args": [], "channel": {"id": OURS}}
PHONE = "PJSIP/557"
VARIABLE = f"channels/{OURS}/variable"


def rung(status: str, channel_id: str = OURS) -> dict[str, Any]:
    """Return the event that the phone has a new dial status."""
    return {"type": "Dial", "dialstatus": status, "peer": {"id": channel_id}}


@asynccontextmanager
async def ringing(
    scene: Scene,
    **fields: Any,  # noqa: ANN401 - any field of a request
) -> AsyncIterator[asyncio.Task[RingResult]]:
    """Ring a phone, and wait until the PBX was asked to."""
    task = asyncio.ensure_future(scene.backend.ring(request(**fields)))
    try:
        await until(lambda: scene.ari.originated or task.done())
        await scene.quiet()
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_answered(scene: Scene) -> None:
    """The person who answers hears sounds; the context is checked meanwhile."""
    scene.ari.reply("GET", VARIABLE, Reply(200, {"value": "1"}))
    async with ringing(scene, caller_id="100", caller_name="Door") as ring:
        await scene.send_events(rung(""), RINGS, went_up(), ANSWERED)
        await until(lambda: len(scene.ari.played) == len(SOUNDS))
        await scene.pass_time(LISTENING_TIME - 1)
        assert not ring.done()
        await scene.pass_time(1)
        assert await ring == RingResult(RingOutcome.WORKS)

    (body,) = scene.ari.originated
    application = body.pop("app")
    assert application.startswith("ha-test-ring-")
    assert body == {
        "endpoint": PHONE,
        "appArgs": OURS,
        "channelId": OURS,
        "callerId": '"Door" <100>',
        "timeout": 20,
        "variables": {"TIMEOUT(absolute)": "80"},
    }
    assert scene.ari.played == list(SOUNDS)
    (asked,) = (each for each in scene.ari.requests if each.path == VARIABLE)
    assert asked.query == {"variable": "DIALPLAN_EXISTS(from-internal,09121234567,1)"}
    assert scene.ari.paths("DELETE") == [f"channels/{OURS}"]
    # The own application, which is gone with its connection.
    assert [query["app"] for query in scene.ari.queries] == [application]
    await until(lambda: all(socket.closed for socket in scene.ari.sockets))
    assert scene.sink.updates == []


async def test_event_stream_is_kept(scene: Scene) -> None:
    """A backend that is running keeps its own event stream."""
    async with scene.running():
        async with ringing(scene) as ring:
            await scene.send_events(ended(cause=17))
            assert (await ring).outcome is RingOutcome.BUSY
        own, other = scene.ari.queries
        assert own["app"] != other["app"]
        assert not scene.ari.sockets[0].closed
    assert scene.sink.updates == []


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(200, {"value": "0"}), RingOutcome.NO_EXTENSION),
        (Reply(200, {"value": ""}), RingOutcome.WORKS),
        (Reply(200, [0]), RingOutcome.WORKS),
        # The function is not loaded.
        (Reply(404, {"message": "Provided variable was not found"}), RingOutcome.WORKS),
    ],
)
async def test_context(scene: Scene, reply: Reply, outcome: RingOutcome) -> None:
    """Only a clear answer means that the context has no extension."""
    scene.ari.reply("GET", VARIABLE, reply)
    async with ringing(scene) as ring:
        await scene.send_events(ANSWERED)
        await until(lambda: len(scene.ari.played) == len(SOUNDS))
        # They hang up.
        await scene.send_events(ended())
        assert await ring == RingResult(outcome)

    assert scene.ari.paths("DELETE") == []


async def test_strange_context(scene: Scene) -> None:
    """A context that cannot be an argument of a function is not checked."""
    async with ringing(scene, context="a),b") as ring:
        await scene.send_events(ANSWERED)
        await until(lambda: len(scene.ari.played) == len(SOUNDS))
        await scene.send_events(ended())
        assert (await ring).outcome is RingOutcome.WORKS

    assert VARIABLE not in scene.ari.paths("GET")


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ([ended(cause=17)], RingResult(RingOutcome.BUSY, PHONE)),
        ([RINGS, ended(cause=21)], RingResult(RingOutcome.DECLINED, PHONE)),
        ([RINGS, ended(cause=19)], RingResult(RingOutcome.NO_ANSWER, PHONE)),
        (
            [rung("PROGRESS"), ended(cause=19)],
            RingResult(RingOutcome.NO_ANSWER, PHONE),
        ),
        (
            [rung(""), ended(cause=19)],
            RingResult(RingOutcome.UNREACHABLE, PHONE),
        ),
        ([ended(cause=20)], RingResult(RingOutcome.UNREACHABLE, PHONE)),
        ([{**ended(), "cause": "strange"}], RingResult(RingOutcome.UNREACHABLE, PHONE)),
        ([ended(cause=34)], RingResult(RingOutcome.FAILED, "congestion")),
        # Of another phone.
        (
            [
                {**RINGS, "channel": {"id": "ha-2", "state": "Ringing"}},
                rung("RINGING", "ha-2"),
                {"type": "ChannelVarset", "channel": {"id": OURS}},
                ended(cause=19),
            ],
            RingResult(RingOutcome.UNREACHABLE, PHONE),
        ),
    ],
)
async def test_not_answered(
    scene: Scene, events: list[dict[str, Any]], result: RingResult
) -> None:
    """What keeps a phone from being answered is found."""
    async with ringing(scene) as ring:
        await scene.send_events(*events)
        assert await ring == result

    assert scene.ari.played == []
    assert scene.ari.paths("DELETE") == []


async def test_nothing_reported(scene: Scene) -> None:
    """A phone is hung up if the end of its ringing is not reported in time."""
    async with ringing(scene) as ring:
        await scene.pass_time(20 + MARGIN - 1)
        assert not ring.done()
        await scene.pass_time(1)
        assert await ring == RingResult(RingOutcome.NO_ANSWER, PHONE)

    assert scene.ari.paths("DELETE") == [f"channels/{OURS}"]


async def test_forwarded(scene: Scene) -> None:
    """A phone that forwards the call is not rung: the other one is hung up."""
    forward = {**rung(""), "forwarded": {"id": "pbx-2"}}
    async with ringing(scene) as ring:
        await scene.send_events(forward, ended(cause=23))
        result = RingResult(RingOutcome.FAILED, "redirected_to_new_destination")
        assert await ring == result

    assert scene.ari.paths("DELETE") == ["channels/pbx-2"]


async def test_unknown_endpoint(scene: Scene) -> None:
    """An endpoint that does not exist is found before anything rings."""
    scene.ari.reply("POST", "applications/", Reply(422, {"message": "No"}))
    async with ringing(scene) as ring:
        assert await ring == RingResult(RingOutcome.NO_ENDPOINT, PHONE)

    assert scene.ari.originated == []


async def test_not_registered(scene: Scene) -> None:
    """Asterisk cannot create a channel to a phone that is not registered."""
    scene.ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))
    async with ringing(scene) as ring:
        assert await ring == RingResult(RingOutcome.UNREACHABLE, PHONE)


async def test_refused(scene: Scene) -> None:
    """Another error of the PBX is raised."""
    scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
    async with ringing(scene) as ring:
        with pytest.raises(PbxError, match="No") as raised:
            await ring

    assert raised.value.code is PbxErrorCode.REFUSED


async def test_lost_answer(scene: Scene) -> None:
    """The events show what happens to a phone that may be ringing."""
    scene.ari.reply("POST", "channels", Reply(fault="reset"))
    async with ringing(scene) as ring:
        await scene.send_events(RINGS, ended(cause=21))
        assert (await ring).outcome is RingOutcome.DECLINED


async def test_lost_connection(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Without events, the phone is hung up, and the error is raised."""
    scene.ari.reply("DELETE", "channels/", Reply(500, {"message": "No"}))
    async with ringing(scene, caller="5571234") as ring:
        await scene.ari.drop()
        with pytest.raises(PbxError) as raised:
            await ring

    assert raised.value.code is PbxErrorCode.CANNOT_CONNECT
    assert scene.ari.paths("DELETE") == [f"channels/{OURS}"]
    (record,) = (
        each
        for each in caplog.records
        if each.levelno == logging.WARNING and "pbx" in each.name
    )
    assert "Failed to hang up the phone that was rung" in record.message
    assert "5571234" not in caplog.text


async def test_canceled(scene: Scene) -> None:
    """A phone is hung up when the dialog is closed, also one that is gone."""
    scene.ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))
    async with ringing(scene) as ring:
        await scene.send_events(RINGS)
        ring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ring

    assert scene.ari.paths("DELETE") == [f"channels/{OURS}"]
    await until(lambda: all(socket.closed for socket in scene.ari.sockets))


async def test_canceled_in_the_request(scene: Scene) -> None:
    """A phone is hung up only after the request, which would ring it afterwards."""
    scene.ari.reply("POST", "channels", Reply(fault="late"))
    async with ringing(scene) as ring:
        ring.cancel()
        await scene.quiet()
        assert scene.ari.paths("DELETE") == []
        await scene.ari.drop_requests()
        with pytest.raises(asyncio.CancelledError):
            await ring

    assert scene.ari.paths("DELETE") == [f"channels/{OURS}"]

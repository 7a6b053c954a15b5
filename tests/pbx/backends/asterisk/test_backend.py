"""Tests of the backend: requests, and reports about calls."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.announcement import (
    Announcement,
    Audio,
    Message,
    Sound,
    SpokenValue,
    ValueKind,
)
from custom_components.pbx.backends.asterisk import ASTERISK
from custom_components.pbx.backends.base import Channel, Clock, Placed
from custom_components.pbx.backends.errors import CallUncertainError, PbxError
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import PASSWORD, USERNAME, Reply, StubAri
from tests.pbx.backends.contract import DictMemory, RecordingSink, until

from .scene import OURS, Scene, dial, ended, request, up, went_up

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED
ENDED = CallState.ENDED


async def test_follows_a_call(scene: Scene) -> None:
    """Events of a placed call are reported with the id of its request."""
    async with scene.running():
        assert await scene.place() == Placed(OURS)
        await scene.send_events(went_up(), dial(""), dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]
    assert {each.originated_call_id for each in scene.sink.updates} == {OURS}
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_events_before_the_answer(scene: Scene) -> None:
    """The end of a call is reported even if it comes before the response."""
    scene.ari.reply("POST", "channels", Reply(fault="hang"))
    async with scene.running():
        placing = asyncio.ensure_future(scene.place())
        await until(lambda: scene.ari.originated)
        await scene.send_events(ended(cause=17))
        assert scene.sink.end().result is CallResult.CALLER_UNREACHABLE
        await scene.ari.drop_requests()
        with pytest.raises(CallUncertainError):
            await placing


async def test_reload_in_a_request(scene: Scene) -> None:
    """A call whose request is pending is reported by the next connection."""
    scene.sink.add(is_requested=True)
    async with scene.running():
        await scene.send_events(went_up(), dial(""), dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]


async def test_second_stream_in_a_request(scene: Scene) -> None:
    """A backend created while a request is pending reports the whole call."""
    scene.ari.reply("POST", "channels", Reply(fault="late"))
    async with scene.running():
        placing = asyncio.ensure_future(scene.place())
        await until(lambda: scene.ari.originated)
    scene.backend = scene.create(scene.sink)
    async with scene.running():
        await scene.send_events(went_up(), dial(""))
        await scene.ari.drop_requests()
        assert await placing == Placed(OURS)
        await scene.send_events(dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]
    assert scene.sink.end().result is CallResult.ANSWERED
    assert len(scene.ari.originated) == 1


async def test_start_of_ringing_missed(scene: Scene) -> None:
    """Ringing whose start was missed has no ring time, rather than 0."""
    scene.sink.add()
    scene.ari.channels = [up(app="Dial")]
    now = scene.clock.time()
    async with scene.running():
        await scene.pass_time(3)
        await scene.send_events({**dial("RINGING"), "timestamp": _stamp(now + 3)})
        await scene.send_events({**dial("ANSWER"), "timestamp": _stamp(now + 5)})
        await scene.send_events({**ended(), "timestamp": _stamp(now + 15)})

    reported = scene.sink.end()
    assert reported.ring_time is None
    assert reported.talk_time == 10


async def test_reload_in_a_call(scene: Scene) -> None:
    """The end of a call from before a reload has its parties and times."""
    scene.sink.add(state=RINGING)
    scene.ari.channels = [up(app="Dial")]
    began_at = scene.clock.time()
    await scene.clock.advance(5)
    async with scene.running():
        end = ended()
        await scene.send_events({**dial("NOANSWER"), "timestamp": _stamp(began_at + 8)})
        await scene.send_events({**end, "timestamp": _stamp(began_at + 9)})

    reported = scene.sink.end()
    assert (reported.caller, reported.callee) == ("557", "09121234567")
    assert reported.ring_time == pytest.approx(8, abs=1.5)
    assert reported.result is CallResult.NO_ANSWER
    # Whether it is internal is unknown.
    assert reported.direction is None


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


async def test_reload_in_a_talk(scene: Scene) -> None:
    """A call connected before a reload has its talk time, and no ring time of 0."""
    scene.sink.add(state=CONNECTED)
    scene.ari.channels = [up(app="Dial")]
    began_at = scene.clock.time()
    async with scene.running():
        await scene.send_events({**ended(), "timestamp": _stamp(began_at + 30)})

    reported = scene.sink.end()
    assert reported.ring_time is None
    assert reported.talk_time == pytest.approx(30, abs=1.5)


async def test_refused_is_forgotten(scene: Scene) -> None:
    """A call that was not placed is not reported."""
    scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
    async with scene.running():
        with pytest.raises(PbxError):
            await scene.place()
        await scene.send_events(ended())

    assert scene.sink.updates == []


async def test_caller_unreachable(scene: Scene) -> None:
    """A call that ended at once is returned; its events are not reported again."""
    scene.ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))
    async with scene.running():
        placed = await scene.place()
        await scene.send_events(ended())

    assert placed == Placed(OURS, CallResult.CALLER_UNREACHABLE)
    assert scene.sink.updates == []


async def test_forwarded(scene: Scene) -> None:
    """If the caller's phone forwards, the leg to the other phone is hung up."""
    forwarded = {
        "type": "Dial",
        "dialstatus": "",
        "peer": {"id": OURS},
        "forward": "553@house",
        "forwarded": {"id": "pbx-7"},
    }
    async with scene.running():
        await scene.place()
        await scene.send_events(forwarded)

    assert scene.hung_up == ["pbx-7"]


async def test_forwarded_in_other_call(scene: Scene) -> None:
    """Forwarding in other calls is ignored."""
    forwarded = {"type": "Dial", "peer": {"id": "x"}, "forwarded": {"id": "pbx-7"}}
    async with scene.running():
        await scene.send_events(forwarded)

    assert scene.hung_up == []


@pytest.mark.parametrize("status", [404, 500])
async def test_forwarded_cannot_be_ended(scene: Scene, status: int) -> None:
    """Failing to hang up a forwarded call does not stop the listener."""
    scene.ari.reply("DELETE", "channels/pbx-7", Reply(status, {"message": "x"}))
    scene.ari.replies = dict(sorted(scene.ari.replies.items(), reverse=True))
    async with scene.running():
        await scene.place()
        await scene.send_events(
            {"type": "Dial", "peer": {"id": OURS}, "forwarded": {"id": "pbx-7"}},
            ended(),
        )

    assert scene.states() == [ENDED]


async def test_waits_for_the_first_connection(scene: Scene) -> None:
    """A call at startup waits until the event stream is connected."""
    scene.ari.accepts_connections.clear()
    async with scene.running(connects=False):
        await scene.ari.connection_waiting.wait()
        placing = asyncio.ensure_future(scene.place())
        await scene.quiet()
        assert scene.ari.originated == []

        scene.ari.accepts_connections.set()
        assert await placing == Placed(OURS)
        first, *_ = (each.path for each in scene.ari.requests if each.method != "GET")
        assert first.endswith("eventFilter")


async def test_does_not_wait_for_ever(scene: Scene) -> None:
    """A call is placed even if the event stream does not connect in time."""
    scene.ari.accepts_connections.clear()
    async with scene.running(connects=False):
        await scene.ari.connection_waiting.wait()
        placing = asyncio.ensure_future(scene.place())
        await scene.pass_time(6)

        # Before the attempt to connect times out in real time.
        async with asyncio.timeout(1):
            assert await placing == Placed(OURS)


async def test_does_not_wait_in_vain(scene: Scene) -> None:
    """Without a pending first attempt, calls do not wait for the event stream."""
    assert await scene.place() == Placed(OURS)
    scene.ari.handshake_status = 503
    async with scene.running(connects=False):
        await until(lambda: scene.sink.healths)
        async with asyncio.timeout(2):
            assert await scene.place(call_id="ha-2") == Placed("ha-2")


async def test_ping_wakes_the_listener(scene: Scene) -> None:
    """When the PBX is back, the stream reconnects at once, not after the delay."""
    async with scene.running():
        scene.ari.handshake_status = 503
        await scene.ari.drop()
        await scene.pass_time(200, step=10)
        scene.ari.handshake_status = 0
        count = len(scene.ari.queries)
        await scene.backend.ping()

        await until(lambda: len(scene.ari.queries) == count + 1)


async def test_ping_polls_calls(scene: Scene) -> None:
    """When the PBX is back, the open calls are polled at once."""
    scene.sink.add()
    scene.ari.channels = [up(app="Dial")]
    scene.ari.bridges = [{"channels": [OURS, "x"]}]
    scene.ari.handshake_status = 503
    async with scene.running(connects=False):
        await until(lambda: scene.sink.healths)
        assert scene.states() == []
        await scene.backend.ping()
        await until(lambda: scene.states() == [CONNECTED])


async def test_ping_leaves_a_connection_alone(scene: Scene) -> None:
    """An intact connection is not replaced."""
    async with scene.running():
        await scene.backend.ping()
        await scene.pass_time(120, step=10)

        assert len(scene.ari.queries) == 1


async def test_no_webhook_events(scene: Scene) -> None:
    """Asterisk sends neither events nor questions to a webhook."""
    assert await scene.backend.receive({"event_name": "Ping"}) == ("", None)
    assert not ASTERISK.is_question({"app_name": "say"})


async def test_message(scene: Scene) -> None:
    """The only sound of a message is played; an engine speaks its values, too."""
    audio = Audio(b"12")

    async def make() -> Audio:
        return audio

    asked = request(announcement=Announcement())
    message = Message(parts=(Sound(b"text", make),))
    assert await scene.backend.prepare_audio(asked, message) is audio
    message = Message(parts=(SpokenValue(ValueKind.NUMBER, "21"),))
    with pytest.raises(TypeError):
        await scene.backend.prepare_audio(asked, message)


async def test_nothing_on_the_pbx(scene: Scene) -> None:
    """Nothing is stored on the PBX, and it asks for nothing."""
    before = len(scene.ari.queries)
    await scene.backend.remove_sounds()
    assert scene.backend.speech_trace("ha-1") is None
    assert len(scene.ari.queries) == before


def data_of(ari: StubAri, **fields: str) -> Mapping[str, str]:
    """Return the data of an entry."""
    return {
        "url": ari.url,
        "username": USERNAME,
        "password": PASSWORD,
        "internal_channel": "PJSIP/{number}",
        "external_channel": "PJSIP/{number}@{trunk}",
        **fields,
    }


async def application_of(ari: StubAri, session: ClientSession, **fields: str) -> str:
    """Return the ARI application of an entry's backend."""
    backend = ASTERISK.create(
        session, data_of(ari, **fields), DictMemory(), RecordingSink(), Clock()
    )
    ari.requests.clear()
    await backend.originate(request())
    return ari.requests[0].path.split("/")[1]


async def test_application(ari: StubAri, session: ClientSession) -> None:
    """The application is the entry's, or a stable default."""
    stored = await application_of(ari, session, application="home-assistant-1")
    names = [await application_of(ari, session) for _ in range(2)]
    other = await application_of(ari, session, internal_channel="SIP/{number}")

    assert stored == "home-assistant-1"
    assert names[0] == names[1] == other
    assert names[0].startswith("home-assistant-")
    assert names[0] != "home-assistant-"


def test_kind() -> None:
    """Asterisk reports only through its event stream."""
    assert ASTERISK.channels == {Channel.STREAM}

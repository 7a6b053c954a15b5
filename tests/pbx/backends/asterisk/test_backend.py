"""Tests of the backend: what it makes of a request, and of what it was told of."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK
from custom_components.pbx.backends.base import (
    CallUncertainError,
    Channel,
    Clock,
    PbxError,
    Placed,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import PASSWORD, USERNAME, Reply, StubAri
from tests.pbx.backends.contract import DictMemory, RecordingSink, until

from .scene import OURS, Scene, dial, ended, request, up, went_up

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED
ENDED = CallState.ENDED


async def test_follows_a_call(scene: Scene) -> None:
    """What events say of a call from here is reported under its request's name."""
    async with scene.running():
        assert await scene.place() == Placed(OURS)
        await scene.tell(went_up(), dial(""), dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]
    assert {each.originated_call_id for each in scene.sink.updates} == {OURS}
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_events_before_the_answer(scene: Scene) -> None:
    """A call that has ended before its request is answered has its end."""
    scene.ari.reply("POST", "channels", Reply(fault="hang"))
    async with scene.running():
        placing = asyncio.ensure_future(scene.place())
        await until(lambda: scene.ari.originated)
        await scene.tell(ended(cause=17))
        assert scene.sink.end().result is CallResult.CALLER_UNREACHABLE
        await scene.ari.drop_requests()
        with pytest.raises(CallUncertainError):
            await placing


async def test_reload_in_a_request(scene: Scene) -> None:
    """A call whose request is on its way is heard of by the next connection."""
    scene.sink.add(is_requested=True)
    async with scene.running():
        await scene.tell(went_up(), dial(""), dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]


async def test_second_stream_in_a_request(scene: Scene) -> None:
    """Another backend, made while a request is on its way, has all of its call."""
    scene.ari.reply("POST", "channels", Reply(fault="late"))
    async with scene.running():
        placing = asyncio.ensure_future(scene.place())
        await until(lambda: scene.ari.originated)
    scene.backend = scene.create(scene.sink)
    async with scene.running():
        await scene.tell(went_up(), dial(""))
        await scene.ari.drop_requests()
        assert await placing == Placed(OURS)
        await scene.tell(dial("ANSWER"), ended())

    assert scene.states() == [RINGING, CONNECTED, ENDED]
    assert scene.sink.end().result is CallResult.ANSWERED
    assert len(scene.ari.originated) == 1


async def test_rang_unheard(scene: Scene) -> None:
    """A ringing that was not heard from its start has no ring time, least of all 0."""
    scene.sink.add()
    scene.ari.channels = [up(app="Dial")]
    now = scene.clock.time()
    async with scene.running():
        await scene.pass_time(3)
        await scene.tell({**dial("RINGING"), "timestamp": _stamp(now + 3)})
        await scene.tell({**dial("ANSWER"), "timestamp": _stamp(now + 5)})
        await scene.tell({**ended(), "timestamp": _stamp(now + 15)})

    told = scene.sink.end()
    assert told.ring_time is None
    assert told.talk_time == 10


async def test_reload_in_a_call(scene: Scene) -> None:
    """The end of a call from before a reload has its parties and its times."""
    scene.sink.add(state=RINGING)
    scene.ari.channels = [up(app="Dial")]
    began_at = scene.clock.time()
    await scene.clock.advance(5)
    async with scene.running():
        end = ended()
        await scene.tell({**dial("NOANSWER"), "timestamp": _stamp(began_at + 8)})
        await scene.tell({**end, "timestamp": _stamp(began_at + 9)})

    told = scene.sink.end()
    assert (told.caller, told.callee) == ("557", "09121234567")
    assert told.ring_time == pytest.approx(8, abs=1.5)
    assert told.result is CallResult.NO_ANSWER
    # That it is internal would be a guess.
    assert told.direction is None


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


async def test_reload_in_a_talk(scene: Scene) -> None:
    """A call that talked before a reload has its talk time, and no ring time of 0."""
    scene.sink.add(state=CONNECTED)
    scene.ari.channels = [up(app="Dial")]
    began_at = scene.clock.time()
    async with scene.running():
        await scene.tell({**ended(), "timestamp": _stamp(began_at + 30)})

    told = scene.sink.end()
    assert told.ring_time is None
    assert told.talk_time == pytest.approx(30, abs=1.5)


async def test_refused_is_forgotten(scene: Scene) -> None:
    """Of a call that was not placed, nothing is reported."""
    scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
    async with scene.running():
        with pytest.raises(PbxError):
            await scene.place()
        await scene.tell(ended())

    assert scene.sink.updates == []


async def test_caller_unreachable(scene: Scene) -> None:
    """A call that has ended at once is a value; its events are not told twice."""
    scene.ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))
    async with scene.running():
        placed = await scene.place()
        await scene.tell(ended())

    assert placed == Placed(OURS, CallResult.CALLER_UNREACHABLE)
    assert scene.sink.updates == []


async def test_forwarded(scene: Scene) -> None:
    """Where the caller's phone forwards, the leg to another phone is ended at once."""
    forwarded = {
        "type": "Dial",
        "dialstatus": "",
        "peer": {"id": OURS},
        "forward": "553@house",
        "forwarded": {"id": "pbx-7"},
    }
    async with scene.running():
        await scene.place()
        await scene.tell(forwarded)

    assert scene.hung_up == ["pbx-7"]


async def test_forwarded_by_others(scene: Scene) -> None:
    """How others forward their phones is their affair."""
    forwarded = {"type": "Dial", "peer": {"id": "x"}, "forwarded": {"id": "pbx-7"}}
    async with scene.running():
        await scene.tell(forwarded)

    assert scene.hung_up == []


@pytest.mark.parametrize("status", [404, 500])
async def test_forwarded_cannot_be_ended(scene: Scene, status: int) -> None:
    """One that cannot be ended does not end the listening."""
    scene.ari.reply("DELETE", "channels/pbx-7", Reply(status, {"message": "x"}))
    scene.ari.replies = dict(sorted(scene.ari.replies.items(), reverse=True))
    async with scene.running():
        await scene.place()
        await scene.tell(
            {"type": "Dial", "peer": {"id": OURS}, "forwarded": {"id": "pbx-7"}},
            ended(),
        )

    assert scene.states() == [ENDED]


async def test_waits_for_the_first_connection(scene: Scene) -> None:
    """A call that is asked for at a start waits until its events can be heard."""
    scene.ari.lets_in.clear()
    async with scene.running(connects=False):
        await scene.ari.knocked.wait()
        placing = asyncio.ensure_future(scene.place())
        await scene.quiet()
        assert scene.ari.originated == []

        scene.ari.lets_in.set()
        assert await placing == Placed(OURS)
        first, *_ = (each.path for each in scene.ari.asked if each.method != "GET")
        assert first.endswith("eventFilter")


async def test_does_not_wait_for_ever(scene: Scene) -> None:
    """A doorbell has to ring, whether or not its result can be known."""
    scene.ari.lets_in.clear()
    async with scene.running(connects=False):
        await scene.ari.knocked.wait()
        placing = asyncio.ensure_future(scene.place())
        await scene.pass_time(6)

        # Sooner than the attempt to connect ends in the time of the test itself.
        async with asyncio.timeout(1):
            assert await placing == Placed(OURS)


async def test_does_not_wait_in_vain(scene: Scene) -> None:
    """Where the connection was refused, or nobody wants one, no call waits for it."""
    assert await scene.place() == Placed(OURS)
    scene.ari.handshake_status = 503
    async with scene.running(connects=False):
        await until(lambda: scene.sink.healths)
        async with asyncio.timeout(2):
            assert await scene.place(call_id="ha-2") == Placed("ha-2")


async def test_ping_wakes_the_listener(scene: Scene) -> None:
    """A PBX that is back is listened to at once, not after the longest delay."""
    async with scene.running():
        scene.ari.handshake_status = 503
        await scene.ari.drop()
        await scene.pass_time(200, step=10)
        scene.ari.handshake_status = 0
        count = len(scene.ari.queries)
        await scene.backend.ping()

        await until(lambda: len(scene.ari.queries) == count + 1)


async def test_ping_has_calls_looked_at(scene: Scene) -> None:
    """What happened to a call in the absence is asked for at once, too."""
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
    """One that holds is not made anew."""
    async with scene.running():
        await scene.backend.ping()
        await scene.pass_time(120, step=10)

        assert len(scene.ari.queries) == 1


async def test_tells_nothing_by_address(scene: Scene) -> None:
    """An Asterisk sends nothing to an address of ours."""
    assert await scene.backend.receive({"event_name": "Ping"}) == ""


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
    """Return the name that a backend of an entry listens under."""
    backend = ASTERISK.create(
        session, data_of(ari, **fields), DictMemory(), RecordingSink(), Clock()
    )
    ari.asked.clear()
    await backend.originate(request())
    return ari.asked[0].path.split("/")[1]


async def test_application(ari: StubAri, session: ClientSession) -> None:
    """It listens under the entry's name, or one of its own that stays the same."""
    stored = await application_of(ari, session, application="home-assistant-1")
    names = [await application_of(ari, session) for _ in range(2)]
    other = await application_of(ari, session, internal_channel="SIP/{number}")

    assert stored == "home-assistant-1"
    assert names[0] == names[1] == other
    assert names[0].startswith("home-assistant-")
    assert names[0] != "home-assistant-"


def test_kind() -> None:
    """It reports by its stream alone."""
    assert ASTERISK.channels == {Channel.STREAM}

"""Tests of the connection for events, against a stub of the REST interface."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import Access, AsteriskClient, Patience
from custom_components.pbx.backends.asterisk.errors import (
    AriCredentialsError,
    AriDisabledError,
)
from custom_components.pbx.backends.base import (
    CannotConnectError,
    PbxError,
    RefusedError,
    RequestTimeoutError,
    StreamTakenOverError,
)
from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    PbxEvent,
)
from tests.pbx.ari import NOT_FOUND, Reply, StubAri

from .test_client import request
from .test_legs import OURS, recorded

PLACED, CONNECTED = CallState.PLACED, CallState.CONNECTED
UP = {"id": OURS, "state": "Up", "creationtime": "2026-11-24T02:00:00.000+0000"}
BRIDGE = {
    "channels": [OURS, "pbx-1.1"],
    "creationtime": "2026-11-24T02:00:05.500+0000",
}
BRIDGED_AT = 1795485605.5


async def test_listens(ari: StubAri, client: AsteriskClient) -> None:
    """Everything of the PBX is told to our application, without the chatter."""
    async with client.event_stream.listen() as events:
        await ari.tell({"type": "ChannelDialplan"})
        for event in recorded("incoming")[:3]:
            await ari.tell(event)
        fact = await anext(events)

    assert isinstance(fact, PbxEvent)
    assert fact.attributes["number"] == "09120000001"
    assert ari.queries == [{"app": "ha-test", "subscribeAll": "true"}]
    (asked,) = ari.asked
    assert asked.path == "applications/ha-test/eventFilter"
    assert {"type": "ChannelVarset"} in asked.value["disallowed"]


async def test_our_call(ari: StubAri, client: AsteriskClient) -> None:
    """What is told of a call that was placed here is evidence about it."""
    async with client.event_stream.listen() as events:
        call_id = await client.originate(request())
        for event in recorded("callee_busy"):
            text = str(event).replace("'", '"')
            await ari.tell(text.replace(OURS, call_id))
        facts = [await anext(events) for _ in range(4)]

    told = [fact for fact in facts if isinstance(fact, CallEvidence)]
    assert [each.originated_call_id for each in told] == [call_id]


@pytest.mark.parametrize(
    "text", ["", "no json", "[1, 2]", "null", '{"type": 7}', "[" * 500]
)
async def test_nonsense(ari: StubAri, client: AsteriskClient, text: str) -> None:
    """What is no event is passed over."""
    async with client.event_stream.listen() as events:
        await ari.tell(text)
        await ari.sockets[-1].send_bytes(b"binary")
        await ari.tell(recorded("incoming")[0])

        assert isinstance(await anext(events), PbxEvent)


async def test_cut(ari: StubAri, client: AsteriskClient) -> None:
    """A connection that breaks is an error, never a silent end."""
    async with client.event_stream.listen() as events:
        await ari.drop()
        with pytest.raises(CannotConnectError):
            await anext(events)


async def test_closed(ari: StubAri, client: AsteriskClient) -> None:
    """So is one that is closed in good order."""
    async with client.event_stream.listen() as events:
        await asyncio.gather(
            ari.sockets[-1].close(), _lost(events.__anext__(), CannotConnectError)
        )


async def _lost(reading: object, error: type[PbxError]) -> None:
    with pytest.raises(error):
        await reading  # type: ignore[misc]


async def test_silence(ari: StubAri, session: ClientSession, access: Access) -> None:
    """A connection on which not even a ping is answered counts as lost."""
    ari.answers_pings = False
    client = AsteriskClient(session, access, patience=Patience(heartbeat=0.1))
    async with client.event_stream.listen() as events:
        with pytest.raises(CannotConnectError):
            await anext(events)


async def test_taken_over(ari: StubAri, client: AsteriskClient) -> None:
    """Somebody else with our name is an error of its own."""
    async with client.event_stream.listen() as events:
        await ari.tell({"type": "ApplicationReplaced", "application": "ha-test"})
        with pytest.raises(StreamTakenOverError):
            await anext(events)


async def test_wrong_password(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """The password is asked for here, too."""
    client = AsteriskClient(session, replace(access, password="wrong"))
    with pytest.raises(AriCredentialsError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")
    assert ari.sockets == []


async def test_no_events(ari: StubAri, client: AsteriskClient) -> None:
    """An address without the interface is told as such."""
    ari.handshake_status = 404
    with pytest.raises(AriDisabledError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")


async def test_nobody_there(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that is off cannot be connected to."""
    await ari.stop()
    with pytest.raises(CannotConnectError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")


async def test_no_answer(session: ClientSession, access: Access) -> None:
    """A PBX that takes the connection and says nothing is not waited for."""

    async def hold(_reader: object, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(hold, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    there = replace(access, base_url=access.base_url.with_port(port))
    client = AsteriskClient(session, there, patience=Patience(request=0.1))
    with pytest.raises(RequestTimeoutError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")
    done.set()
    server.close()


async def test_old_asterisk(ari: StubAri, client: AsteriskClient) -> None:
    """One that cannot thin its events out tells all of them."""
    ari.reply("PUT", "applications", Reply(fault="reset"))
    async with client.event_stream.listen() as events:
        await ari.tell(recorded("incoming")[0])

        assert isinstance(await anext(events), PbxEvent)


async def test_settle(ari: StubAri, client: AsteriskClient) -> None:
    """What is gone has ended, what is in a bridge talks, and all else goes on."""
    ari.channels = [UP, {"id": "ha-2", "state": "Ringing"}, {"id": 7}, "nonsense"]
    ari.bridges = [BRIDGE, {"channels": ["ha-2"]}, {"channels": None}, 7]
    calls = {
        OURS: PLACED,
        "ha-2": None,
        "ha-3": PLACED,
        "ha-4": CONNECTED,
        "ha-5": None,
    }
    first = await client.event_stream.settle(calls, frozenset())
    second = await client.event_stream.settle(calls, first.missing)

    assert first.missing == {"ha-3", "ha-4", "ha-5"}
    on = [(OURS, CONNECTED, None), ("ha-2", PLACED, None)]
    assert _told(first.evidence) == on
    assert first.evidence[0].occurred_at == BRIDGED_AT
    # Once more, and now it is believed.
    assert _told(second.evidence) == [
        ("ha-3", CallState.ENDED, CallResult.UNDETERMINED),
        ("ha-4", CallState.ENDED, CallResult.ANSWERED),
        ("ha-5", CallState.ENDED, CallResult.FAILED),
        *on,
    ]


def _told(evidence: Iterable[CallEvidence]) -> list[tuple[str, CallState, object]]:
    return [(each.originated_call_id, each.state, each.result) for each in evidence]


@pytest.mark.parametrize(
    ("reply", "is_gone"),
    [
        (Reply(404, NOT_FOUND), True),
        (Reply(200, {"id": "another"}), True),
        (Reply(200, []), True),
        (Reply(200, UP), False),
    ],
)
async def test_asked_by_its_name(
    ari: StubAri, client: AsteriskClient, reply: Reply, *, is_gone: bool
) -> None:
    """What is in no list is asked for by its name before it is taken for gone."""
    ari.reply("GET", f"channels/{OURS}", reply)
    stream = client.event_stream
    settled = await stream.settle({OURS: PLACED}, frozenset({OURS, "ended meanwhile"}))

    assert [each.state for each in settled.evidence] == [CallState.ENDED] * is_gone
    assert settled.missing == ({OURS} if is_gone else set())


async def test_not_told_by_its_name(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that fails there ends no call, either."""
    ari.reply("GET", f"channels/{OURS}", Reply(500, {"message": "Broken"}))
    with pytest.raises(RefusedError):
        await client.event_stream.settle({OURS: PLACED}, frozenset({OURS}))


async def test_calls_of_others_that_are_gone(
    ari: StubAri, client: AsteriskClient
) -> None:
    """They are forgotten at the second look; till then their end may be read."""
    incoming = recorded("incoming")
    stream = client.event_stream
    async with stream.listen() as events:
        for event in incoming[:3]:
            await ari.tell(event)
        await anext(events)
        first = await stream.settle({}, frozenset())
        assert len(first.missing) == 1
        second = await stream.settle({}, first.missing)
        assert second.missing == first.missing

        assert (await stream.settle({}, frozenset())).missing == set()


@pytest.mark.parametrize("status", [404, 200, 500])
async def test_abandoned(ari: StubAri, client: AsteriskClient, status: int) -> None:
    """A connection of which the PBX knows nothing is ended, and no other."""
    stream = client.event_stream
    ari.reply("GET", "applications/ha-test", Reply(status, {"message": "x"}))
    assert await stream.is_abandoned() is (status == 404)
    async with stream.listen() as events:
        assert await stream.is_abandoned() is (status == 404)
        if status == 404:
            with pytest.raises(CannotConnectError):
                await anext(events)
        else:
            await ari.tell(recorded("incoming")[0])
            assert isinstance(await anext(events), PbxEvent)


async def test_goes_on_after_settling(ari: StubAri, client: AsteriskClient) -> None:
    """A call that was on at a restart is understood to its end."""
    ari.channels, ari.bridges = [UP], [BRIDGE]
    end = {
        "type": "ChannelDestroyed",
        "timestamp": "2026-11-24T02:00:15.500+0000",
        "cause": 16,
        "channel": {"id": OURS},
    }
    async with client.event_stream.listen() as events:
        await client.event_stream.settle({OURS: PLACED}, frozenset())
        await ari.tell(end)
        fact = await anext(events)

    assert isinstance(fact, PbxEvent)
    assert fact.evidence is not None
    assert fact.evidence.result is CallResult.ANSWERED
    assert fact.evidence.talk_time == 10


@pytest.mark.parametrize(
    ("reached", "result"),
    [
        # Known to have talked, and parked or on hold when we came back.
        (CONNECTED, CallResult.ANSWERED),
        # Up, and nothing else is known: the dialplan has answered.
        (PLACED, CallResult.ANSWERED),
    ],
)
async def test_up_without_a_bridge(
    ari: StubAri, client: AsteriskClient, reached: CallState, result: CallResult
) -> None:
    """A caller who is up and in no bridge is not taken for talking."""
    ari.channels = [UP]
    end = {"type": "ChannelDestroyed", "cause": 16, "channel": {"id": OURS}}
    async with client.event_stream.listen() as events:
        told = await client.event_stream.settle({OURS: reached}, frozenset())
        await ari.tell(end)
        fact = await anext(events)

    assert [each.state for each in told.evidence] == (
        [CONNECTED] if reached is CONNECTED else []
    )
    assert isinstance(fact, PbxEvent)
    assert fact.evidence is not None
    assert fact.evidence.result is result


async def test_settle_fails(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that does not tell ends no call."""
    ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
    with pytest.raises(RefusedError):
        await client.event_stream.settle({OURS: PLACED}, frozenset())


async def test_a_call_waits_for_the_events(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """A call that is asked for at a start waits until its events can be heard."""
    client = AsteriskClient(session, access, patience=Patience(events=60))
    ari.lets_in.clear()
    listening = client.event_stream.listen()
    connecting = asyncio.ensure_future(listening.__aenter__())
    await ari.knocked.wait()
    placing = asyncio.ensure_future(client.originate(request()))
    ari.lets_in.set()
    async with asyncio.timeout(60):
        await connecting
        await placing
    await listening.__aexit__(None, None, None)

    first, *_ = (asked.path for asked in ari.asked if asked.method != "GET")
    assert first.endswith("eventFilter")


async def test_a_call_does_not_wait_for_ever(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """A doorbell has to ring, whether or not its result can be known."""
    client = AsteriskClient(session, access, patience=Patience(events=0.05))
    ari.lets_in.clear()
    connecting = asyncio.ensure_future(client.event_stream.listen().__aenter__())
    await ari.knocked.wait()

    assert await client.originate(request())
    connecting.cancel()


async def test_a_call_does_not_wait_in_vain(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """Where there was no connection, or it is lost, no call waits for the next."""
    client = AsteriskClient(session, access, patience=Patience(events=60))
    ari.handshake_status = 503
    with pytest.raises(PbxError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")
    async with asyncio.timeout(5):
        assert await client.originate(request())
    ari.handshake_status = 0
    async with client.event_stream.listen():
        pass
    async with asyncio.timeout(5):
        assert await client.originate(request())

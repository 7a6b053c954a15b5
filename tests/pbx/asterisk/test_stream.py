"""Tests of the connection for events, against a stub of the REST interface."""

import asyncio
from dataclasses import replace

from aiohttp import ClientSession
import pytest

from custom_components.pbx.asterisk import Access, AsteriskClient, Patience
from custom_components.pbx.asterisk.errors import AriCredentialsError, AriDisabledError
from custom_components.pbx.client import (
    CannotConnectError,
    PbxError,
    RefusedError,
    RequestTimeoutError,
    StreamTakenOverError,
)
from custom_components.pbx.evidence import CallEvidence, CallResult, CallState, PbxEvent
from tests.pbx.ari import Reply, StubAri

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
    calls = {OURS: PLACED, "ha-2": PLACED, "ha-3": PLACED, "ha-4": CONNECTED}
    told = await client.event_stream.settle(calls)

    assert [(each.originated_call_id, each.state, each.result) for each in told] == [
        (OURS, CONNECTED, None),
        ("ha-3", CallState.ENDED, CallResult.UNDETERMINED),
        ("ha-4", CallState.ENDED, CallResult.ANSWERED),
    ]
    assert told[0].occurred_at == BRIDGED_AT


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
        await client.event_stream.settle({OURS: PLACED})
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
        told = await client.event_stream.settle({OURS: reached})
        await ari.tell(end)
        fact = await anext(events)

    assert [each.state for each in told] == (
        [CONNECTED] if reached is CONNECTED else []
    )
    assert isinstance(fact, PbxEvent)
    assert fact.evidence is not None
    assert fact.evidence.result is result


async def test_settle_fails(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that does not tell ends no call."""
    ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
    with pytest.raises(RefusedError):
        await client.event_stream.settle({OURS: PLACED})


async def test_a_call_waits_for_the_events(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """A call that is asked for at a start waits until its events can be heard."""
    client = AsteriskClient(session, access, patience=Patience(events=60))
    await ari.stop()
    with pytest.raises(CannotConnectError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")
    placing = asyncio.ensure_future(client.originate(request()))
    await asyncio.sleep(0.01)
    await ari.start(ari.port)
    async with asyncio.timeout(60), client.event_stream.listen():
        await placing

    first, *_ = (asked.path for asked in ari.asked if asked.method != "GET")
    assert first.endswith("eventFilter")


async def test_a_call_does_not_wait_for_ever(
    ari: StubAri, client: AsteriskClient
) -> None:
    """A doorbell has to ring, whether or not its result can be known."""
    ari.handshake_status = 503
    with pytest.raises(PbxError):
        async with client.event_stream.listen():
            pytest.fail("It let us in")

    assert await client.originate(request())

"""Tests of the event stream, against the ARI stub."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import Access, AsteriskClient, Timeouts
from custom_components.pbx.backends.errors import (
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
    TakenOverError,
)
from tests.pbx.ari import Reply, StubAri

from .test_legs import recorded


async def test_listens(ari: StubAri, client: AsteriskClient) -> None:
    """All events are subscribed to, except those that are filtered out."""
    async with client.listen() as events:
        await ari.send_event(recorded("incoming")[0])
        event = await anext(events)

    assert event == recorded("incoming")[0]
    assert ari.queries == [{"app": "ha-test", "subscribeAll": "true"}]
    (asked,) = ari.requests
    assert asked.path == "applications/ha-test/eventFilter"
    assert {"type": "ChannelVarset"} in asked.value["disallowed"]


@pytest.mark.parametrize(
    "text", ["", "no json", "[1, 2]", "null", '{"type": 7}', "[" * 500]
)
async def test_nonsense(ari: StubAri, client: AsteriskClient, text: str) -> None:
    """Invalid events are skipped."""
    async with client.listen() as events:
        await ari.send_event(text)
        await ari.sockets[-1].send_bytes(b"binary")
        await ari.send_event({"type": "news"})

        async for event in events:
            if event == {"type": "news"}:
                break


async def test_cut(ari: StubAri, client: AsteriskClient) -> None:
    """A connection that breaks is an error, never a silent end."""
    async with client.listen() as events:
        await ari.drop()
        await _lost(anext(events))


async def test_closed(ari: StubAri, client: AsteriskClient) -> None:
    """A connection that is closed regularly is an error, too."""
    async with client.listen() as events:
        await asyncio.gather(ari.sockets[-1].close(), _lost(anext(events)))


async def _lost(reading: Awaitable[object]) -> None:
    with pytest.raises(PbxError) as raised:
        await reading
    assert raised.value.code is PbxErrorCode.CANNOT_CONNECT


async def test_silence(ari: StubAri, session: ClientSession, access: Access) -> None:
    """A connection without a response to a ping counts as lost."""
    ari.answers_pings = False
    client = AsteriskClient(session, access, timeouts=Timeouts(heartbeat=0.1))
    async with client.listen() as events:
        await _lost(anext(events))


async def test_pinged(ari: StubAri, client: AsteriskClient) -> None:
    """A ping is answered, and is not an event."""
    async with client.listen() as events:
        await ari.sockets[-1].ping()
        await ari.send_event({"type": "news"})

        assert await anext(events) == {"type": "news"}


async def test_taken_over(ari: StubAri, client: AsteriskClient) -> None:
    """A takeover of the stream has its own error."""
    async with client.listen() as events:
        await ari.send_event({"type": "ApplicationReplaced", "application": "ha-test"})
        with pytest.raises(TakenOverError):
            await anext(events)


async def test_wrong_password(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """Invalid credentials are an error here, too."""
    client = AsteriskClient(session, replace(access, password="wrong"))
    with pytest.raises(CredentialsError):
        async with client.listen():
            pytest.fail("It let us in")
    assert ari.sockets == []


async def test_no_events(ari: StubAri, client: AsteriskClient) -> None:
    """An address without ARI is reported as not supported."""
    ari.handshake_status = 404
    with pytest.raises(DeniedError):
        async with client.listen():
            pytest.fail("It let us in")


async def test_closed_port(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that is off cannot be connected to."""
    await ari.stop()
    with pytest.raises(PbxError):
        async with client.listen():
            pytest.fail("It let us in")


async def test_no_answer(session: ClientSession, access: Access) -> None:
    """Connecting to a PBX that does not respond times out."""

    async def hold(_reader: object, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(hold, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    there = replace(access, base_url=access.base_url.with_port(port))
    client = AsteriskClient(session, there, timeouts=Timeouts(request=0.1))
    with pytest.raises(PbxError) as raised:
        async with client.listen():
            pytest.fail("It let us in")
    assert raised.value.code is PbxErrorCode.TIMEOUT
    done.set()
    server.close()


async def test_old_asterisk(ari: StubAri, client: AsteriskClient) -> None:
    """An Asterisk without event filters sends all events."""
    ari.reply("PUT", "applications", Reply(fault="reset"))
    async with client.listen() as events:
        await ari.send_event({"type": "news"})

        async for event in events:
            if event == {"type": "news"}:
                break

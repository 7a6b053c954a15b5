"""What a fault makes of an answer, as a client meets it."""

import asyncio
import json
from logging import INFO

import aiohttp
import pytest

from sandbox import Fault

from .helpers import ORIGINATE, PING, USERS, Pbx, Reply, order, until

SPOILED = (
    "status_500",
    "html",
    "truncated",
    "redirect",
    "no_id",
    "wrong_shape",
    "flood",
)


async def _originate(pbx: Pbx) -> Reply:
    return await pbx.send(ORIGINATE, json=order("101", "102"), allow_redirects=False)


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("kind", SPOILED)
async def test_a_spoiled_answer(pbx: Pbx, kind: str, *, placed: bool) -> None:
    """The call is placed if and only if the fault says so."""
    pbx.sandbox.faults.set(
        ORIGINATE,
        Fault(kind, times=1, placed=placed, megabytes=2),  # type: ignore[arg-type]
    )
    reply = await _originate(pbx)
    assert len(pbx.sandbox.calls) == placed
    match kind:
        case "status_500":
            assert (reply.status, reply.content_type) == (500, "text/html")
        case "html":
            assert (reply.status, reply.content_type) == (200, "text/html")
        case "truncated":
            assert reply.content_type == "application/json"
            with pytest.raises(json.JSONDecodeError):
                _ = reply.json
        case "redirect":
            assert reply.status == 302
        case "no_id":
            assert reply.json == {"success": 1, "message": None, "data": {}}
        case "wrong_shape":
            assert isinstance(reply.json, list)
        case _:
            assert len(reply.text) > 2_000_000
    assert (await _originate(pbx)).json["success"] == 1


async def test_refused(pbx: Pbx) -> None:
    """With any message, and never with a call."""
    pbx.sandbox.faults.set(
        ORIGINATE, Fault("refuse", placed=True, message="No credit left")
    )
    assert (await _originate(pbx)).message == "No credit left"
    assert pbx.sandbox.calls == []


async def test_success_as_text(pbx: Pbx) -> None:
    """For what succeeds and for what is refused."""
    pbx.sandbox.faults.set("*", Fault("success_as_string"))
    reply = await _originate(pbx)
    assert reply.json["success"] == "1"
    assert reply.json["data"]["originated_call_id"] == pbx.sandbox.calls[0].id
    assert (await pbx.post(ORIGINATE)).json["success"] == "0"


@pytest.mark.parametrize("placed", [False, True])
async def test_reset(pbx: Pbx, *, placed: bool) -> None:
    """The connection breaks when the request has been read."""
    pbx.sandbox.faults.set(ORIGINATE, Fault("reset", placed=placed))
    with pytest.raises(aiohttp.ClientConnectionError):
        await _originate(pbx)
    assert len(pbx.sandbox.calls) == placed
    assert len(pbx.sandbox.requests) == 1


@pytest.mark.parametrize("placed", [False, True])
async def test_hang(pbx: Pbx, *, placed: bool) -> None:
    """It never answers, and stopping the sandbox lets it go."""
    pbx.sandbox.faults.set(ORIGINATE, Fault("hang", placed=placed))
    waiting = asyncio.create_task(_originate(pbx))
    await pbx.clock.settle()
    await until(lambda: pbx.sandbox.requests)
    await pbx.clock.advance(3600)
    assert not waiting.done()
    assert len(pbx.sandbox.calls) == placed
    await pbx.sandbox.__aexit__(None, None, None)
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


@pytest.mark.parametrize("placed", [False, True])
async def test_slow(pbx: Pbx, *, placed: bool) -> None:
    """The answer comes when it does; the call before it or with it."""
    pbx.sandbox.faults.set(ORIGINATE, Fault("slow", placed=placed, seconds=8))
    waiting = asyncio.create_task(_originate(pbx))
    await until(lambda: pbx.clock.pending)
    await pbx.clock.advance(7)
    assert not waiting.done()
    assert len(pbx.sandbox.calls) == placed
    await pbx.clock.advance(1)
    reply = await waiting
    assert reply.json["data"]["originated_call_id"] == pbx.sandbox.calls[0].id


async def test_stopping_while_somebody_waits(pbx: Pbx) -> None:
    """A slow answer comes at once then, or not at all; nothing is left behind."""
    pbx.sandbox.faults.set(PING, Fault("slow", seconds=8))
    waiting = asyncio.create_task(pbx.post(PING))
    await until(lambda: pbx.clock.pending)
    await pbx.sandbox.__aexit__(None, None, None)
    assert pbx.clock.pending == 0
    await asyncio.gather(waiting, return_exceptions=True)


async def test_stopping_in_a_flood_that_nobody_drinks(pbx: Pbx) -> None:
    """A client that does not read does not keep the sandbox."""
    pbx.sandbox.faults.set(PING, Fault("flood", megabytes=64))
    url = pbx.sandbox.api_url + PING
    async with pbx.client.post(url, json={}) as response:
        assert await response.content.readexactly(12) == b'{"success": '
        await pbx.sandbox.__aexit__(None, None, None)


@pytest.mark.parametrize("drunk", [0, 1_000_000])
async def test_hanging_up_in_a_flood(
    pbx: Pbx, drunk: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that has had enough is no error, and others are served."""
    pbx.sandbox.faults.set(PING, Fault("flood", times=1))
    response = await pbx.client.post(pbx.sandbox.api_url + PING, json={})
    await response.content.readexactly(drunk)
    response.close()
    assert (await pbx.post(PING)).json["success"] == 1
    await pbx.sandbox.__aexit__(None, None, None)
    assert [record for record in caplog.records if record.levelno > INFO] == []


async def test_a_fault_of_a_request_that_places_nothing(pbx: Pbx) -> None:
    """Reading is harmless: half of the real answer comes."""
    pbx.sandbox.faults.set(USERS, Fault("truncated", times=1))
    half = (await pbx.post(USERS)).text
    whole = (await pbx.post(USERS)).text
    assert whole.startswith(half)
    assert len(half) == len(whole) // 2

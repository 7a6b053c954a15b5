"""Tests of the Asterisk and the phones themselves, without the integration."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
import os
from pathlib import Path
import socket
import time

from aiohttp import ClientSession, encode_basic_auth
import pytest

from scripts.support.asterisk import (
    PHONES,
    TRUNK,
    Asterisk,
    Behavior,
    Programs,
)

from .ari import Ari, Told
from .times import is_about

RING = 0.2
_LISTENS = "0A"
NORMAL, BUSY, NO_ANSWER, REJECTED = 16, 17, 19, 21


@pytest.fixture
async def ari(asterisk: Asterisk) -> AsyncIterator[Ari]:
    """Return a session with its events."""
    async with Ari(asterisk) as session:
        yield session


async def test_a_conversation(asterisk: Asterisk, ari: Ari) -> None:
    """Both answer, and ARI hangs up: both phones have all messages."""
    caller, callee = await asterisk.phone("557"), await asterisk.phone("552")
    channel = await ari.place()
    await callee.saw("ACK")
    assert len(await asterisk.channels()) == 2
    await ari.hang_up(channel)
    assert await ari.end_of(channel) == Told("ANSWER", "ANSWER", NORMAL)
    await caller.saw("BYE")
    await callee.saw("BYE")
    for phone in (caller, callee):
        counts = await phone.stop()
        assert (counts.created, counts.successful, counts.failed) == (1, 1, 0)
        assert counts.received == {"INVITE": 1, "ACK": 1, "BYE": 1}
        assert counts.sent == {"180": 1, "200": 2}
        assert counts == phone.counts
    for phone in (caller, callee):
        assert phone.messages[0].header("From").startswith('"Doorbell" <sip:100@')


async def test_voice(asterisk: Asterisk, ari: Ari) -> None:
    """Phones send voice, so Asterisk optimizes its Local channel away."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=2)
    channel = await ari.place("Local/557@from-internal")
    assert await ari.end_of(channel) == Told("ANSWER", "ANSWER", NORMAL)
    assert not [each for each in callee.messages if each.what == "BYE"]
    assert len(await asterisk.channels()) == 2
    await callee.saw("BYE")


async def test_ring_time(asterisk: Asterisk, ari: Ari) -> None:
    """A phone rings for the set time, which its messages show."""
    phone = await asterisk.phone("557", ring=0.5)
    await ari.place(callee="announce")
    invite, ack = await phone.saw("INVITE"), await phone.saw("ACK")
    assert is_about(ack.time - invite.time, 0.5)
    assert is_about(time.time() - invite.time, 0.5, early=1)


@pytest.mark.parametrize(
    ("behavior", "dialstatus", "cause", "status", "rings"),
    [
        (Behavior.BUSY, "BUSY", BUSY, "486", 0),
        (Behavior.RING_THEN_BUSY, "BUSY", BUSY, "486", 1),
        (Behavior.DECLINE, "NOANSWER", REJECTED, "603", 0),
        (Behavior.RING_THEN_DECLINE, "NOANSWER", REJECTED, "603", 1),
        (Behavior.UNAVAILABLE, "NOANSWER", NO_ANSWER, "480", 0),
        (Behavior.RING_THEN_UNAVAILABLE, "NOANSWER", NO_ANSWER, "480", 1),
    ],
)
async def test_refused(
    asterisk: Asterisk,
    ari: Ari,
    behavior: Behavior,
    dialstatus: str,
    cause: int,
    status: str,
    rings: int,
) -> None:
    """The caller's phone refuses, and the callee's is never rung."""
    caller = await asterisk.phone("557", behavior, ring=RING)
    callee = await asterisk.phone("552")
    events = await ari.end_of(await ari.place())
    assert events == Told(dialstatus, "", cause)
    await caller.saw("ACK")
    counts = await caller.stop()
    assert (counts.created, counts.successful) == (1, 1)
    assert (counts.sent["180"], counts.sent[status]) == (rings, 1)
    assert (await callee.stop()).created == 0


async def test_never_answered(asterisk: Asterisk, ari: Ari) -> None:
    """Asterisk gives up, and cancels: a call that the phone sees end as it should."""
    phone = await asterisk.phone("557", Behavior.NEVER_ANSWER)
    events = await ari.end_of(await ari.place(ring_time=1))
    assert events == Told("RINGING", "", NO_ANSWER)
    await phone.saw("ACK")
    counts = await phone.stop()
    assert counts.received == {"INVITE": 1, "CANCEL": 1, "ACK": 1}
    assert (counts.successful, counts.current) == (1, 0)


async def test_cancelled_while_it_would_answer(asterisk: Asterisk, ari: Ari) -> None:
    """A phone that rings before it answers can be cancelled, too."""
    phone = await asterisk.phone("557", ring=5)
    channel = await ari.place()
    await phone.saw("180")
    await ari.hang_up(channel)
    await phone.saw("ACK")
    counts = await phone.stop()
    assert (counts.received["CANCEL"], counts.sent["487"]) == (1, 1)


async def test_dead(asterisk: Asterisk, ari: Ari) -> None:
    """Without a registered phone, nothing rings."""
    phone = await asterisk.phone("557", Behavior.DEAD)
    events = await ari.end_of(await ari.place(ring_time=1))
    assert events == Told("", "", NO_ANSWER)
    assert (await phone.stop()).created == 0


async def test_the_phone_hangs_up(asterisk: Asterisk, ari: Ari) -> None:
    """A phone talks for the set time."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=1)
    events = await ari.end_of(await ari.place())
    assert events == Told("ANSWER", "ANSWER", NORMAL)
    ack, bye = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(bye.time - ack.time, 1)
    assert not bye.received
    assert (await caller.saw("BYE")).received
    assert (await callee.stop()).successful == 1


async def test_the_other_side_hangs_up_first(asterisk: Asterisk, ari: Ari) -> None:
    """A phone that would hang up later lets the other do it."""
    await asterisk.phone("557", hang_up_after=0.3)
    callee = await asterisk.phone("552", hang_up_after=5)
    await ari.end_of(await ari.place())
    assert (await callee.saw("BYE")).received
    assert (await callee.stop()).successful == 1


async def test_ten_calls_at_once(asterisk: Asterisk, ari: Ari) -> None:
    """Two phones take them all."""
    caller, callee = await asterisk.phone("557"), await asterisk.phone("552")
    channels = [await ari.place() for _ in range(10)]
    await callee.saw("ACK", times=10)
    assert len(await asterisk.channels()) == 20
    await asyncio.gather(*map(ari.hang_up, channels))
    await caller.saw("BYE", times=10)
    await callee.saw("BYE", times=10)
    for phone in (caller, callee):
        counts = await phone.stop()
        assert (counts.created, counts.successful, counts.failed) == (10, 10, 0)
        assert counts.received == {"INVITE": 10, "ACK": 10, "BYE": 10}


async def test_stopped_during_a_call(asterisk: Asterisk, ari: Ari) -> None:
    """A stopped phone reports its open call."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    await ari.place()
    await callee.saw("ACK")
    counts = await callee.stop()
    assert (counts.created, counts.current, counts.successful) == (1, 1, 0)


async def test_outside_number(asterisk: Asterisk, ari: Ari) -> None:
    """A call goes out through the trunk, whose far end receives the number."""
    outside = await asterisk.phone(TRUNK)
    await asterisk.phone("552", hang_up_after=0.2)
    await ari.end_of(await ari.place("0215551234@provider"))
    assert outside.messages[0].text.startswith("INVITE sip:0215551234@127.0.0.2:")
    assert (await outside.stop()).successful == 1


@pytest.mark.parametrize("number", ["0215551234", "+98215551234"])
async def test_outside_callee(asterisk: Asterisk, ari: Ari, number: str) -> None:
    """The dialplan selects the trunk."""
    await asterisk.phone("557")
    outside = await asterisk.phone(TRUNK, hang_up_after=0.2)
    events = await ari.end_of(await ari.place(callee=number))
    assert events.callee == "ANSWER"
    assert outside.messages[0].text.startswith(f"INVITE sip:{number}@")


async def test_call_from_outside(asterisk: Asterisk) -> None:
    """An incoming call rings the phone with the last three digits."""
    phone = await asterisk.phone("557", ring=RING)
    outside = await asterisk.dial("0215551234", "8855557", hang_up_after=0.5)
    await phone.saw("ACK")
    assert "<sip:0215551234@" in phone.messages[0].header("From")
    counts = await outside.ended()
    assert (counts.created, counts.successful) == (1, 1)
    assert counts.sent == {"INVITE": 1, "ACK": 1, "BYE": 1}


async def test_missed_call_from_outside(asterisk: Asterisk) -> None:
    """A caller who is not answered gives up."""
    phone = await asterisk.phone("557", Behavior.NEVER_ANSWER)
    outside = await asterisk.dial("0215551234", "8855557", give_up_after=0.5)
    counts = await outside.ended()
    assert (counts.successful, counts.sent["CANCEL"]) == (1, 1)
    await phone.saw("ACK")
    assert (await phone.stop()).received["CANCEL"] == 1


async def test_refused_call_from_phone_to_phone(asterisk: Asterisk) -> None:
    """The caller receives the cause."""
    await asterisk.phone("552", Behavior.BUSY)
    caller = await asterisk.dial("557", "552")
    counts = await caller.ended()
    assert (counts.successful, counts.received["486"]) == (1, 1)


async def test_call_from_phone_to_phone(asterisk: Asterisk) -> None:
    """The callee hangs up."""
    callee = await asterisk.phone("552", ring=RING, hang_up_after=0.2)
    caller = await asterisk.dial("557", "552")
    counts = await caller.ended()
    assert (counts.successful, counts.received["BYE"]) == (1, 1)
    assert '"Phone 557" <sip:557@' in callee.messages[0].header("From")


@pytest.mark.parametrize("extension", ["announce", "700"])
async def test_announcement(asterisk: Asterisk, extension: str) -> None:
    """It ends by itself, after its two seconds."""
    phone = await asterisk.dial("557", extension)
    await phone.ended()
    talk = (await phone.saw("BYE")).time - (await phone.saw("ACK")).time
    assert is_about(talk, 2)


@pytest.mark.parametrize("extension", ["echo", "*43"])
async def test_echo(asterisk: Asterisk, extension: str) -> None:
    """It talks for any time."""
    phone = await asterisk.dial("557", extension, hang_up_after=0.3)
    assert (await phone.ended()).successful == 1


async def test_read_only_user(asterisk: Asterisk) -> None:
    """One user is read-only, and cannot place calls."""
    login = encode_basic_auth(asterisk.read_only_username, asterisk.read_only_password)
    headers = {"Authorization": login}
    async with ClientSession(f"{asterisk.url}/ari/", headers=headers) as session:
        async with session.get("endpoints/PJSIP") as response:
            endpoints = await response.json()
        async with session.post(
            "channels?endpoint=PJSIP/557&extension=552"
        ) as response:
            assert response.status == HTTPStatus.FORBIDDEN
    assert {endpoint["resource"] for endpoint in endpoints} == {*PHONES, TRUNK}
    assert {endpoint["state"] for endpoint in endpoints} == {"online"}


async def test_restart(asterisk: Asterisk) -> None:
    """After a restart, address and phones are the same."""
    phone = await asterisk.phone("557")
    async with Ari(asterisk) as ari:
        await ari.place(callee="echo")
        await phone.saw("ACK")
        await asterisk.restart()
    assert (await phone.saw("BYE")).received
    assert await asterisk.channels() == []
    async with Ari(asterisk) as ari:
        await ari.place(callee="echo")
        await phone.saw("ACK", times=2)


async def test_two_of_them(asterisk: Asterisk, programs: Programs) -> None:
    """Two Asterisks do not interfere."""
    async with Asterisk(programs) as other:
        assert other.url != asterisk.url
        await other.phone("557")
        phone = await asterisk.phone("557")
        assert await other.channels() == await asterisk.channels() == []
    assert await asterisk.channels() == []
    assert (await phone.stop()).created == 0


async def test_loopback_only(asterisk: Asterisk) -> None:
    """Nothing listens on an address that other machines can reach."""
    await asterisk.phone("557")
    await asterisk.phone(TRUNK)
    own = _sockets(asterisk.folder)
    listening = [row for row in _rows("tcp") if row[3] == _LISTENS and row[9] in own]
    open_ports = [row for row in _rows("udp") if row[9] in own]
    addresses = [row[1].partition(":")[0] for row in listening + open_ports]
    assert {"0100007F", "0200007F"} <= set(addresses)
    # One belongs to Asterisk's resolver, which is not used here.
    assert len([it for it in addresses if not it.endswith("7F")]) <= 1


async def test_nothing_is_left(programs: Programs) -> None:
    """No process, no socket and no file."""
    async with Asterisk(programs) as asterisk:
        await asterisk.phone("557")
        await asterisk.dial("551", "557")
        assert len(_processes(asterisk.folder)) == 3
    _assert_gone(asterisk)


async def test_nothing_is_left_by_what_fails(programs: Programs) -> None:
    """The same if it fails to start, here as its port is in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        asterisk = Asterisk(programs, port=other.getsockname()[1])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asterisk.__aenter__(), 1)
    _assert_gone(asterisk)


def _assert_gone(asterisk: Asterisk) -> None:
    assert not asterisk.folder.exists()
    assert not _processes(asterisk.folder)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(asterisk.url.rpartition(":")[2])))


def _processes(folder: Path) -> list[int]:
    """Return those whose command names the folder."""
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if folder.name in (process / "cmdline").read_bytes().decode(errors="replace")
        and int(process.name) != os.getpid()
    ]


def _rows(transport: str) -> list[list[str]]:
    """Return the kernel's table of sockets."""
    table = Path(f"/proc/net/{transport}").read_text()
    return [line.split() for line in table.splitlines()[1:]]


def _sockets(folder: Path) -> set[str]:
    """Return the numbers of the sockets that the processes of the folder have."""
    return {
        link.removeprefix("socket:[").removesuffix("]")
        for process in _processes(folder)
        for descriptor in Path(f"/proc/{process}/fd").iterdir()
        if (link := str(descriptor.readlink())).startswith("socket:")
    }

"""Tests of the phones that hear and press keys, without the integration."""

import asyncio
from collections.abc import AsyncIterator
import time
import wave

import pytest

from scripts.support.asterisk import (
    Asterisk,
    Behavior,
    Manner,
    Programs,
    SpeakingPhoneCall,
    presses,
)
from scripts.support.tones import say

from .ari import Ari, Told
from .hearing import at_the_phone, likeness, places
from .house import until
from .times import is_about

BUSY, NO_ANSWER, REJECTED = 17, 19, 21


@pytest.fixture
async def ari(asterisk: Asterisk) -> AsyncIterator[Ari]:
    """Return a session with its events."""
    async with Ari(asterisk) as session:
        yield session


def _replace_announcement(asterisk: Asterisk, sound: bytes) -> None:
    with wave.open(str(asterisk.folder / "sounds/announcement.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(at_the_phone(sound))


async def test_hears(asterisk: Asterisk, ari: Ari) -> None:
    """Everything is recorded, with its time of arrival."""
    said = say("one two three four five six seven eight")
    _replace_announcement(asterisk, said * 2)
    phone = await asterisk.speaking_phone("557", Manner(ring=0.5))
    channel = await ari.place(callee="announce")
    assert (await ari.end_of(channel)).caller == "ANSWER"

    call = await phone.call()
    await call.ended()
    assert is_about(await call.answered() - call.invite.time, 0.5)
    assert '"Doorbell" <sip:100@' in call.invite.header("From")
    assert likeness(call.heard, said) > 0.98
    first, second = places(call.heard, said)
    assert second - first == pytest.approx(2, abs=0.1)
    assert likeness(call.heard, say("nine ten eleven")) < 0.5
    assert 0 < (call.first_sound or 0) < 1
    assert 0.02 <= call.largest_gap < 0.5
    assert not call.hung_up_by_phone
    assert (await phone.saw("BYE")).received


async def test_keys_of_phones(asterisk: Asterisk, ari: Ari) -> None:
    """The other phone receives each key once, and in order, however fast they are."""
    keys = "0123456789*#ABCD1122"

    async def press(
        caller: str, callee: str, seconds: float, *, by_info: bool = False
    ) -> None:
        phone = await asterisk.speaking_phone(caller, Manner(by_info=by_info))
        other = await asterisk.speaking_phone(callee)
        channel = await ari.place(caller, callee)
        pressing, hearing = await phone.call(), await other.call()
        start = await hearing.answered()
        await pressing.press(keys, hold=seconds, gap=seconds)
        assert is_about(time.time() - start, len(keys) * 2 * seconds, early=0.1)
        await until(lambda: len(hearing.received_keys) >= len(keys))
        await asyncio.sleep(0.3)  # the last one
        await ari.hang_up(channel)
        await pressing.ended()
        await hearing.ended()
        assert hearing.received_keys == keys
        assert not pressing.received_keys

    await asyncio.gather(
        press("551", "552", 0.1),
        press("553", "554", 0.1, by_info=True),
        press("555", "556", 0.04),
        press("557", "558", 0.04, by_info=True),
    )


async def test_keys_of_the_pbx(asterisk: Asterisk, ari: Ari) -> None:
    """Keys are received, and nothing else is heard: no sound, no packet."""
    phone = await asterisk.speaking_phone("557", Manner(is_silent=True))
    channel = await ari.ring()
    call = await phone.call()
    await call.answered()
    await asyncio.sleep(0.2)
    await ari.send_keys(channel, "12#3")
    await until(lambda: len(call.received_keys) >= 4)
    assert call.received_keys == "12#3"
    assert call.heard == b""


async def test_a_person(asterisk: Asterisk, ari: Ari) -> None:
    """A person presses a key after the first word, and then hangs up."""
    heard: list[float] = []

    async def person(call: SpeakingPhoneCall) -> None:
        heard.append(await call.hears())
        await presses("1", after=0.5)(call)
        heard.append(time.time())
        await call.hang_up()

    phone = await asterisk.speaking_phone("557", Manner(person=person))
    channel = await ari.place(callee="announce")
    assert (await ari.end_of(channel)).caller == "ANSWER"
    call = await phone.call()
    await call.ended()
    assert is_about(heard[1] - heard[0], 0.7, early=0.1)
    assert call.hung_up_by_phone
    assert phone.messages[-1].what == "200"


async def test_a_person_whose_call_ends(asterisk: Asterisk, ari: Ari) -> None:
    """What a person does ends with the call, without an error."""
    phone = await asterisk.speaking_phone("557", Manner(person=presses("1", after=9)))
    channel = await ari.ring()
    call = await phone.call()
    await call.answered()
    await ari.hang_up(channel)
    await call.ended()
    with pytest.raises(TimeoutError):
        await call.hears(patience=0.1)
    await phone.stop()


async def test_a_person_who_fails(asterisk: Asterisk, ari: Ari) -> None:
    """An error of the test is not lost."""

    async def person(_: SpeakingPhoneCall) -> None:
        raise ValueError("oops")

    phone = await asterisk.speaking_phone("557", Manner(person=person))
    await ari.ring()
    await (await phone.call()).answered()
    await asyncio.sleep(0.05)
    with pytest.raises(ValueError, match="oops"):
        await phone.stop()


async def test_not_answered(asterisk: Asterisk, ari: Ari) -> None:
    """The phone refuses, or rings until Asterisk cancels."""
    for number, manner, expected in (
        ("551", Manner(ring=0, refusal="486 Busy Here"), Told("BUSY", "", BUSY)),
        ("552", Manner(refusal="603 Decline"), Told("NOANSWER", "", REJECTED)),
        ("553", Manner(ring=None), Told("RINGING", "", NO_ANSWER)),
    ):
        phone = await asterisk.speaking_phone(number, manner)
        assert await ari.end_of(await ari.place(number, ring_time=1)) == expected
        call = await phone.call()
        await call.ended()
        assert call.answered_at is None
        await phone.saw("ACK")
    # A person may decline at any time.
    phone = await asterisk.speaking_phone("554", Manner(ring=None))
    channel = await ari.place("554")
    await phone.saw("180")
    await phone.calls[0].hang_up()
    assert (await ari.end_of(channel)).cause == REJECTED


async def test_forwards(asterisk: Asterisk, ari: Ari) -> None:
    """A phone forwards to another, which answers."""
    await asterisk.speaking_phone("557", Manner(forward_to="553"))
    other = await asterisk.speaking_phone("553", Manner(hang_up_after=0.3))
    await ari.place(callee="echo")
    call = await other.call()
    await call.ended()
    assert call.hung_up_by_phone
    assert is_about(time.time() - await call.answered(), 0.3)


async def test_many_calls(asterisk: Asterisk, ari: Ari) -> None:
    """A phone takes several calls at once, beside a SIPp phone."""
    await asterisk.phone("552", Behavior.ANSWER)
    phone = await asterisk.speaking_phone("557")
    channels = [await ari.place() for _ in range(5)]
    call = await phone.call(times=5)
    await call.answered()
    await asyncio.gather(*map(ari.hang_up, channels))
    for each in phone.calls:
        await each.ended()
    assert len({each.invite.header("Call-ID") for each in phone.calls}) == 5


async def test_modules(asterisk: Asterisk, programs: Programs) -> None:
    """Sound over WebSocket is there, unless a test leaves it out."""
    show = "module show like chan_websocket"
    assert "1 modules loaded" in await asterisk.cli(show)
    async with Asterisk(programs, without=["chan_websocket"]) as without:
        assert "0 modules loaded" in await without.cli(show)
        await without.phone("557")
    assert "ERROR" not in asterisk.log()

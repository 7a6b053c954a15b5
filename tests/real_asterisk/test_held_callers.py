"""A caller who stays on the line while one callee after another is tried."""

import asyncio
from typing import Any

from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.pbx.backends.updates import CallState
from scripts.support.asterisk import (
    Asterisk,
    Behavior,
    Manner,
    SpeakingPhone,
    SpeakingPhoneCall,
)

from .house import House, until
from .talking import CALLEE_SAYS, CALLER_SAYS, has_heard, until_both_hear
from .test_escalation import in_short

NEVER = Behavior.NEVER_ANSWER
CALLER = "557"


async def escalate(house: House, *callees: str, **data: object) -> dict[str, Any]:
    """Call people for the caller, and return the response."""
    data = {"caller": CALLER, "timeout": 2, **data}
    return await house.run("escalate", callees=list(callees), **data)


@pytest.fixture
async def caller(house: House, asterisk: Asterisk) -> SpeakingPhone:
    """Return the phone of a caller who talks."""
    assert house.is_listening
    return await asterisk.speaking_phone(CALLER, Manner(says=CALLER_SAYS))


async def test_until_one_answers(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """The caller is rung once, waits on the line, and hears only who answers."""

    async def person(call: SpeakingPhoneCall) -> None:
        await until_both_hear(await caller.call(), call)
        await call.hang_up()

    busy = await asterisk.phone("551", Behavior.BUSY)
    silent = await asterisk.phone("552", NEVER)
    answering = await asterisk.speaking_phone(
        "553", Manner(person=person, says=CALLEE_SAYS)
    )
    never_rung = await asterisk.phone("554")
    response = await escalate(house, "551", "552", "553", "554")

    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "553"
    assert in_short(response) == [
        ("551", "busy", "user_busy"),
        ("552", "no_answer", "no_answer"),
        ("553", "answered", None),
    ]
    call = await answering.call()
    await call.ended(20)
    assert call.hung_up_by_phone
    waiting = await caller.call()
    await waiting.ended()
    assert len(caller.calls) == 1
    assert not waiting.hung_up_by_phone
    # Between the two answers, two people were tried.
    assert await call.answered() - await waiting.answered() > 2
    await asterisk.idle(5)
    assert (await busy.stop()).created == 1
    assert (await silent.stop()).received["CANCEL"] == 1
    assert (await never_rung.stop()).created == 0
    # What the first person to answer said is what the caller has heard: both heard.
    assert has_heard(waiting, CALLEE_SAYS)
    assert has_heard(call, CALLER_SAYS)


async def test_caller_hears_ringing(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """Nobody waits in silence: the caller hears each phone ring, from the start."""
    phones = [await asterisk.phone(each, NEVER) for each in ("551", "552")]
    running = asyncio.create_task(escalate(house, "551", "552"))
    call = await caller.call()
    for phone in phones:
        await _until_loud(call, since=(await phone.saw("180")).time)
    response = await running

    assert response["ended_by"] == "nobody"
    assert [each["result"] for each in response["attempts"]] == ["no_answer"] * 2
    # Nobody is left: the caller is let go.
    await call.ended()
    assert not call.hung_up_by_phone
    await asterisk.idle(5)


async def test_caller_hangs_up(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """The phone that rings stops at once, and nobody else is called."""
    await asterisk.phone("551", Behavior.BUSY)
    ringing = await asterisk.phone("552", NEVER)
    never_rung = await asterisk.phone("553")
    running = asyncio.create_task(escalate(house, "551", "552", "553", timeout=20))
    await ringing.saw("180")
    call = await caller.call()
    await call.hang_up()
    stopped = await ringing.saw("CANCEL", patience=3)
    response = await running

    assert call.ended_at is not None
    assert stopped.time - call.ended_at < 1
    assert response["ended_by"] == "caller_gone"
    assert response["answered_by"] is None
    assert [each["number"] for each in response["attempts"]] == ["551", "552"]
    await asterisk.idle(5)
    assert (await never_rung.stop()).created == 0


async def test_caller_hangs_up_in_the_pause(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """Nobody is called for a caller who has gone between two attempts."""
    await asterisk.phone("551", Behavior.BUSY)
    never_rung = await asterisk.phone("552")
    running = asyncio.create_task(escalate(house, "551", "552", pause={"seconds": 2}))
    call = await caller.call()
    await until(lambda: any(each.is_over for each in house.calls))
    assert call.ended_at is None
    await call.hang_up()
    response = await running

    assert response["ended_by"] == "caller_gone"
    assert [each["number"] for each in response["attempts"]] == ["551"]
    await asterisk.idle(5)
    assert (await never_rung.stop()).created == 0


async def test_caller_does_not_answer(house: House, asterisk: Asterisk) -> None:
    """Without a caller, each attempt rings the caller again, and no callee."""
    phone = await asterisk.phone(CALLER, Behavior.RING_THEN_DECLINE)
    never_rung = await asterisk.phone("551")
    response = await escalate(house, "551", "552")

    assert response["ended_by"] == "nobody"
    results = [each["result"] for each in response["attempts"]]
    assert results == ["caller_unreachable"] * 2
    await asterisk.idle(5)
    assert (await never_rung.stop()).created == 0
    assert (await phone.stop()).created == 2


async def test_talk_limit(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """The limit counts from the answer of the callee, and ends both calls."""
    await asterisk.phone("551", NEVER)
    answering = await asterisk.speaking_phone("552", Manner(says=CALLEE_SAYS))
    response = await escalate(house, "551", "552", call_limit={"seconds": 2})

    assert response["answered_by"] == "552"
    call, waiting = await answering.call(), await caller.call()
    await call.ended()
    await waiting.ended()
    assert call.ended_at is not None
    assert 1.5 < call.ended_at - await call.answered() < 4
    assert not call.hung_up_by_phone
    await asterisk.idle(5)


async def test_script_stopped(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """The phone stops ringing, and the caller on the line is let go."""
    await asterisk.phone("551", Behavior.BUSY)
    ringing = await asterisk.phone("552", NEVER)
    running = asyncio.create_task(escalate(house, "551", "552", timeout=20))
    await ringing.saw("180")
    running.cancel()
    await ringing.saw("CANCEL", patience=3)
    await (await caller.call()).ended(5)
    await asyncio.wait([running])
    await asterisk.idle(5)
    await until(lambda: not house.open_calls)


async def test_reloaded(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """Nobody is kept on a line that nobody serves."""
    await asterisk.phone("551", Behavior.BUSY)
    ringing = await asterisk.phone("552", NEVER)
    running = asyncio.create_task(escalate(house, "551", "552", timeout=20))
    await ringing.saw("180")
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await ringing.saw("CANCEL", patience=5)
    await (await caller.call()).ended(10)
    running.cancel()
    with pytest.raises((asyncio.CancelledError, HomeAssistantError)):
        await running
    await asterisk.idle(10)


async def test_keys_of_a_held_call(
    house: House, asterisk: Asterisk, caller: SpeakingPhone
) -> None:
    """The two who talk at last were not placed with keys, and it is said so."""
    await asterisk.phone("551", Behavior.BUSY)
    answering = await asterisk.speaking_phone("552")
    await escalate(house, "551", "552")
    call = [*house.calls][-1]
    await house.until_state(call, CallState.CONNECTED)
    with pytest.raises(HomeAssistantError, match="keys"):
        await house.run("send_keys", keys="1")
    await (await caller.call()).hang_up()
    await (await answering.call()).ended()
    await asterisk.idle(5)


async def _until_loud(call: SpeakingPhoneCall, *, since: float) -> None:
    """Wait until a phone hears more than silence."""
    await until(lambda: any(x.is_loud and x.time > since for x in call.packets))

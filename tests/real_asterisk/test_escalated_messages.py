"""Escalations with a message: who hears it, who has answered, and who is let go."""

import asyncio
from typing import Any

import pytest

from scripts.support.asterisk import (
    Asterisk,
    Behavior,
    Manner,
    SpeakingPhoneCall,
    presses,
)

from .announcing import SAID, SECONDS, TEXT, is_heard
from .hearing import likeness
from .house import House, until
from .talking import CALLEE_SAYS, CALLER_SAYS, until_both_hear

NEVER = Behavior.NEVER_ANSWER


async def escalate(house: House, *callers: str, **data: object) -> dict[str, Any]:
    """Call people who hear the message once, and return the response."""
    data = {"message": TEXT, "repeat": 1, "key_timeout": 2, "timeout": 3, **data}
    return await house.run("escalate", callers=list(callers), **data)


def in_short(response: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return the numbers of the attempts, their results, and what was played."""
    names = ("number", "result", "played", "confirmed")
    return [tuple(each[name] for name in names) for each in response["attempts"]]


def confirming(after: float = 1) -> Manner:
    """Return a person who presses 1."""
    return Manner(person=presses("1", after=after))


async def let_go(house: House, asterisk: Asterisk) -> None:
    """Wait until nothing is left of all calls."""
    await asterisk.idle(5)
    await until(lambda: not house.open_calls)


async def test_in_turn(speaking_house: House, asterisk: Asterisk) -> None:
    """A mailbox, one who declines, and one who hangs up lead to the next person."""
    mailbox = await asterisk.speaking_phone("551")
    await asterisk.speaking_phone("552", Manner(person=presses("2", after=0.5)))
    await asterisk.speaking_phone("553", Manner(hang_up_after=1))
    await asterisk.phone("554", Behavior.BUSY)
    person = await asterisk.speaking_phone("555", confirming(after=2.5))
    never_rung = await asterisk.speaking_phone("556")
    numbers = [str(number) for number in range(551, 557)]
    response = await escalate(
        speaking_house, *numbers, confirm_key="1", decline_key="2"
    )

    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "555"
    assert in_short(response) == [
        ("551", "answered", "full", False),
        ("552", "answered", "part", False),
        ("553", "answered", "part", False),
        ("554", "busy", "none", False),
        ("555", "answered", "full", True),
    ]
    for phone in (mailbox, person):
        call = await phone.call()
        await call.ended()
        assert is_heard(call)
    assert not never_rung.calls
    await let_go(speaking_house, asterisk)


async def test_in_turn_without_a_key(speaking_house: House, asterisk: Asterisk) -> None:
    """Who picks up has answered, and the action returns when they have heard it."""
    await asterisk.phone("551", Behavior.BUSY)
    phone = await asterisk.speaking_phone("552")
    response = await escalate(speaking_house, "551", "552")

    assert response["answered_by"] == "552"
    assert in_short(response) == [
        ("551", "busy", "none", None),
        ("552", "answered", "full", None),
    ]
    call = await phone.call()
    assert is_heard(call)
    await let_go(speaking_house, asterisk)


async def test_in_turn_and_connected(speaking_house: House, asterisk: Asterisk) -> None:
    """The person who confirms talks to the callee; the mailbox does not."""

    async def person(call: SpeakingPhoneCall) -> None:
        await presses("1", after=1)(call)
        await until_both_hear(call, await door.call())
        await call.hang_up()

    mailbox = await asterisk.speaking_phone("551")
    phone = await asterisk.speaking_phone(
        "552", Manner(person=person, says=CALLER_SAYS)
    )
    door = await asterisk.speaking_phone("560", Manner(says=CALLEE_SAYS))
    response = await escalate(
        speaking_house, "551", "552", confirm_key="1", callee="560"
    )

    assert response["answered_by"] == "552"
    assert [each["confirmed"] for each in response["attempts"]] == [False, True]
    call = await phone.call()
    await call.ended(10)
    assert call.hung_up_by_phone
    await (await door.call()).ended()
    assert len(door.calls) == 1
    assert likeness((await mailbox.call()).heard, CALLEE_SAYS) < 0.5
    await let_go(speaking_house, asterisk)


async def test_together(speaking_house: House, asterisk: Asterisk) -> None:
    """Two lift; the one who confirms first ends the call of the other."""
    slow = await asterisk.speaking_phone("551")
    person = await asterisk.speaking_phone("552", Manner(ring=0.4, person=_one))
    ringing = await asterisk.phone("553", NEVER)
    response = await escalate(
        speaking_house,
        "551",
        "552",
        "553",
        mode="together",
        confirm_key="1",
        repeat=5,
        timeout=15,
    )

    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "552"
    assert response["answered"] == [{"number": "552", "contact": None}]
    attempts = {each[0]: each[1:] for each in in_short(response)}
    assert attempts == {
        "551": ("answered", "part", False),
        "552": ("answered", "part", True),
        "553": ("no_answer", "none", False),
    }
    other, call = await slow.call(), await person.call()
    await other.ended(3)
    await call.ended(3)
    await ringing.saw("CANCEL", patience=3)
    assert other.first_sound is not None
    assert not other.hung_up_by_phone
    # The one who confirmed at 1 s is why: the message alone lasts longer.
    assert other.ended_at is not None
    assert other.ended_at - await other.hears() < SECONDS
    await let_go(speaking_house, asterisk)


async def test_together_without_a_key(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """The first to lift hears all of it; the other is let go."""
    first = await asterisk.speaking_phone("551", Manner(ring=0.2))
    later = await asterisk.speaking_phone("552", Manner(ring=1.2))
    response = await escalate(speaking_house, "551", "552", mode="together", timeout=15)

    assert response["answered_by"] == "551"
    assert in_short(response)[0] == ("551", "answered", "full", None)
    assert is_heard(await first.call())
    other = await later.call()
    await other.ended(3)
    assert other.answered_at is None
    await let_go(speaking_house, asterisk)


async def test_together_at_the_same_moment(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """Whoever of two presses first has answered: exactly one, never both or none."""
    phones = [
        await asterisk.speaking_phone(number, confirming()) for number in ("551", "552")
    ]
    response = await escalate(
        speaking_house, "551", "552", mode="together", confirm_key="1", repeat=5
    )

    assert response["ended_by"] == "answered"
    winner = response["answered_by"]
    assert winner in {"551", "552"}
    confirmed = {each["number"]: each["confirmed"] for each in response["attempts"]}
    assert confirmed[winner] is True
    # Both are listed as answered only if both keys were received.
    listed = {each["number"] for each in response["answered"]}
    assert listed == {number for number, is_so in confirmed.items() if is_so}
    for phone in phones:
        await (await phone.call()).ended(5)
    await let_go(speaking_house, asterisk)


async def test_together_in_vain(speaking_house: House, asterisk: Asterisk) -> None:
    """Mailboxes hear all of it, and nobody has answered."""
    phones = [await asterisk.speaking_phone(number) for number in ("551", "552")]
    response = await escalate(
        speaking_house, "551", "552", mode="together", confirm_key="1"
    )

    assert response["ended_by"] == "nobody"
    assert in_short(response) == [
        ("551", "answered", "full", False),
        ("552", "answered", "full", False),
    ]
    for phone in phones:
        assert is_heard(await phone.call())
    await let_go(speaking_house, asterisk)


async def test_together_and_connected(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """The one who confirms reaches the callee; the other does not."""
    other = await asterisk.speaking_phone("551")
    person = await asterisk.speaking_phone("552", confirming())
    door = await asterisk.speaking_phone("560", Manner(hang_up_after=1))
    response = await escalate(
        speaking_house,
        "551",
        "552",
        mode="together",
        confirm_key="1",
        repeat=5,
        callee="560",
    )

    assert response["answered_by"] == "552"
    await (await other.call()).ended(5)
    await (await person.call()).ended(10)
    assert len(door.calls) == 1
    await let_go(speaking_house, asterisk)


@pytest.mark.parametrize("confirm_key", ["1", None])
async def test_everyone(
    speaking_house: House, asterisk: Asterisk, confirm_key: str | None
) -> None:
    """Each hears the message, and has a result of their own."""
    person = await asterisk.speaking_phone("551", confirming())
    mailbox = await asterisk.speaking_phone("552")
    await asterisk.phone("553", Behavior.BUSY)
    await asterisk.phone("554", NEVER)
    key = {} if confirm_key is None else {"confirm_key": confirm_key}
    response = await escalate(
        speaking_house, "551", "552", "553", "554", mode="everyone", **key
    )

    asked = confirm_key is not None
    no = False if asked else None
    attempts = {each[0]: each[1:] for each in in_short(response)}
    assert attempts == {
        "551": ("answered", "part" if asked else "full", True if asked else None),
        "552": ("answered", "full", no),
        "553": ("busy", "none", no),
        "554": ("no_answer", "none", no),
    }
    answered = {each["number"] for each in response["answered"]}
    assert answered == ({"551"} if asked else {"551", "552"})
    assert is_heard(await mailbox.call())
    assert is_heard(await person.call()) is not asked
    await let_go(speaking_house, asterisk)


async def test_nobody_is_rung_without_a_message(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """No audio, no call."""
    phone = await asterisk.speaking_phone("551")
    running = escalate(speaking_house, "551", tts_engine="tts.nowhere")
    with pytest.raises(Exception, match="nowhere"):
        await running
    assert not phone.calls


async def test_script_stopped(speaking_house: House, asterisk: Asterisk) -> None:
    """The one who rings is let go, the others too, and nobody else is called."""
    talking = await asterisk.speaking_phone("551")
    ringing = await asterisk.phone("552", NEVER)
    running = asyncio.create_task(
        escalate(
            speaking_house,
            "551",
            "552",
            mode="together",
            confirm_key="1",
            repeat=2,
            timeout=15,
        )
    )
    call = await talking.call()
    await call.hears()
    await ringing.saw("180")
    running.cancel()
    await ringing.saw("CANCEL", patience=3)
    await asyncio.wait([running])
    # A person who already listens hears all of it, as with an announcement.
    await call.ended(15)
    assert likeness(call.heard, SAID) >= 0.98
    await let_go(speaking_house, asterisk)


async def _one(call: SpeakingPhoneCall) -> None:
    await presses("1", after=1)(call)

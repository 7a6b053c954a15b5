"""Escalations with the phones of a real Asterisk, as actions run them."""

import asyncio
from typing import Any

import pytest

from scripts.support.asterisk import Asterisk, Behavior

from .house import House, until
from .test_ring_groups import ELSEWHERE
from .times import is_about

NEVER = Behavior.NEVER_ANSWER
TOGETHER = {"mode": "together", "callee": "552", "timeout": 10}


def in_short(response: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return the numbers of the attempts, their results and causes."""
    return [
        (each["number"], each["result"], each["cause"]) for each in response["attempts"]
    ]


async def test_together(house: House, asterisk: Asterisk) -> None:
    """The first is connected; the others stop without a missed call."""
    slow = await asterisk.phone("551", NEVER)
    await asterisk.phone("553", Behavior.BUSY)
    await asterisk.phone("555", ring=1)
    callee = await asterisk.phone("552", hang_up_after=1)
    response = await house.run("escalate", callers=["551", "553", "555"], **TOGETHER)

    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "555"
    assert response["answered"] == [{"number": "555", "contact": None}]
    assert in_short(response) == [
        ("551", "no_answer", "answered_elsewhere"),
        ("553", "caller_unreachable", "user_busy"),
        ("555", "answered", None),
    ]
    assert (await slow.saw("CANCEL")).header("Reason") == ELSEWHERE
    await until(lambda: not house.open_calls)
    assert (await callee.stop()).successful == 1


async def test_together_in_vain(house: House, asterisk: Asterisk) -> None:
    """All ring again in the second round."""
    phones = [await asterisk.phone(number, NEVER) for number in ("551", "553")]
    data = {**TOGETHER, "timeout": 2, "rounds": 2}
    response = await house.run("escalate", callers=["551", "553"], **data)

    assert response["ended_by"] == "nobody"
    assert [each["round"] for each in response["attempts"]] == [1, 1, 2, 2]
    for phone in phones:
        assert (await phone.stop()).received["CANCEL"] == 2


async def test_everyone(house: House, asterisk: Asterisk) -> None:
    """Each is called on their own."""
    for number in ("551", "553"):
        await asterisk.phone(number, hang_up_after=0.5)
    await asterisk.phone("552")
    data = {**TOGETHER, "mode": "everyone"}
    response = await house.run("escalate", callers=["551", "553"], **data)

    assert [each["number"] for each in response["answered"]] == ["551", "553"]


async def test_ring(house: House, asterisk: Asterisk) -> None:
    """The person who answers hears a tone, and the others ring on."""
    first = await asterisk.phone("551", ring=0.5)
    other = await asterisk.phone("553", NEVER)
    response = await house.run("ring", callers=["551", "553"], timeout=3)

    assert response["answered_by"] == "551"
    answered, ended = await first.saw("ACK"), await first.saw("BYE")
    assert is_about(ended.time - answered.time, 0.7)
    rang, stopped = await other.saw("180"), await other.saw("CANCEL")
    assert is_about(stopped.time - rang.time, 3)


@pytest.mark.parametrize("mode", ["in_turn", "together"])
async def test_stopped_at_each_moment(
    house: House, asterisk: Asterisk, mode: str
) -> None:
    """Nothing rings on, and no second person reaches the door."""
    numbers = ["551", "553"]
    await asterisk.phone("551", ring=0.4)
    await asterisk.phone("553", ring=0.45)
    callee = await asterisk.phone("552", ring=0.1, hang_up_after=0.3)
    for moment in (0, 0.01, 0.03, 0.1, 0.3, 0.4, 0.45, 0.5, 0.6):
        data = {**TOGETHER, "mode": mode, "timeout": 60}
        before = sum(each.what == "INVITE" for each in callee.messages)
        running = asyncio.create_task(house.run("escalate", callers=numbers, **data))
        await asyncio.sleep(moment)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        # A script that restarts waits for nothing, and begins anew.
        again = asyncio.create_task(house.run("escalate", callers=numbers, **data))
        await asyncio.sleep(0.05)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
        await asterisk.idle(10)
        await until(lambda: not house.open_calls)
        rung = sum(each.what == "INVITE" for each in callee.messages) - before
        assert rung <= 1, moment


async def test_reloaded(house: House, asterisk: Asterisk) -> None:
    """A reload ends the round, and the next one rings again."""
    first = await asterisk.phone("551", ring=3)
    callee = await asterisk.phone("552", hang_up_after=0.5)
    data = {**TOGETHER, "rounds": 2}
    running = asyncio.create_task(house.run("escalate", callers=["551"], **data))
    await first.saw("180")
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await first.saw("CANCEL", patience=5)
    response = await running

    assert response["answered_by"] == "551"
    await until(lambda: not house.open_calls)
    assert (await callee.stop()).successful == 1

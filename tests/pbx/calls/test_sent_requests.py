"""Tests of the same request again, while the first call rings, on a toy PBX."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import CallUncertainError
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, run_pending, set_options, settle, until
from ..reporting import add_other_pbx
from ..toy import ToyBackend, Toys
from .escalating import (
    REFUSED,
    UNREACHABLE,
    begin,
    parties,
    report,
    report_of,
    values,
)
from .messages import message, raises

PEOPLE: dict[str, Any] = {"callers": ["101", "102"], "callee": "200"}


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let phones ring together."""
    return (Feature.HANG_UP, Feature.GROUPS)


async def place(hass: HomeAssistant, **data: object) -> str:
    """Place a call and return its id."""
    data = {"caller": "101", "callee": "200", **data}
    response = await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, return_response=True
    )
    assert response is not None
    return str(response["originated_call_id"])


async def test_double_tap(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Within three seconds, there is no second call, but the first one's response."""
    first = await place(hass)
    await pass_time(hass, freezer, 2.9)
    assert await place(hass, caller="1 0 1") == first
    assert len(toy.requests) == 1
    await pass_time(hass, freezer, 0.2)
    assert await place(hass) != first

    assert parties(toy) == [("101", "200")] * 2


@pytest.mark.parametrize("cooldown", [None, 600])
async def test_before_the_cooldown(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    cooldown: int | None,
) -> None:
    """It is no further call, so neither the cooldown nor a limit refuses it."""
    await set_options(hass, toy_entry, cooldown=600, calls_at_once=1, calls_per_hour=1)
    data = {} if cooldown is None else {"cooldown": cooldown}
    first = await place(hass, **data)
    assert await place(hass, **data) == first
    await report(hass, toy, CallResult.ANSWERED)

    with raises("too_many_per_hour"):
        await place(hass, **data)
    assert len(toy.requests) == 1


async def test_after_the_numbers_are_checked(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Who may call whom is checked first."""
    await place(hass)
    await set_options(hass, toy_entry, forbidden_numbers=["200"])
    with raises("number_forbidden"):
        await place(hass)
    assert len(toy.requests) == 1


@pytest.mark.parametrize(
    "other", [{"callee": "201"}, {"caller": "102"}, {"caller": "200", "callee": "101"}]
)
async def test_other_parties(
    hass: HomeAssistant, toy: ToyBackend, other: dict[str, str]
) -> None:
    """A call between other parties is another one."""
    first = await place(hass)
    assert await place(hass, **other) != first
    assert len(toy.requests) == 2


async def test_other_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """So is one by another PBX."""
    other = await add_other_pbx(hass, toy_entry)
    await place(hass)
    await place(hass, config_entry_id=other.entry_id)
    assert parties(*toys.made) == [("101", "200")] * 2


@pytest.mark.parametrize(
    ("steps", "is_same"),
    [
        ([], True),
        ([CallState.RINGING_CALLEE], True),
        ([CallState.CONNECTED], False),
        ([CallResult.BUSY], False),
        ([UNREACHABLE], False),
    ],
)
async def test_state_of_the_first_call(
    hass: HomeAssistant,
    toy: ToyBackend,
    steps: list[CallState | CallResult],
    *,
    is_same: bool,
) -> None:
    """A call that talks or has ended rings no longer."""
    first = await place(hass)
    await report(hass, toy, *steps)
    assert (await place(hass) == first) is is_same


async def test_provisional_end(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Neither does one whose end is provisional."""
    first = await place(hass)
    await report(hass, toy, CallResult.BUSY, is_provisional=True)
    assert await place(hass) != first


async def test_while_it_is_requested(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Both wait for one response."""
    toy.answers.clear()
    both = [asyncio.create_task(place(hass)) for _ in range(2)]
    await until(lambda: toy.requests)
    await run_pending()
    assert not any(each.done() for each in both)
    toy.answers.set()

    first, second = await asyncio.gather(*both)
    assert first == second == toy.requests[0].call_id
    assert len(toy.requests) == 1


async def test_refused_while_it_is_requested(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """Both fail with one error; the next request is sent."""
    toy.answers.clear()
    toy.error = REFUSED
    both = [asyncio.create_task(place(hass)) for _ in range(2)]
    await until(lambda: toy.requests)
    await run_pending()
    toy.answers.set()
    for each in both:
        with raises("refused"):
            await each
    assert len(toy.requests) == 1
    toy.error = None
    await place(hass)
    assert len(toy.requests) == 2


async def test_first_one_is_canceled(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The request is not interrupted when the first action is canceled."""
    toy.answers.clear()
    first, second = [asyncio.create_task(place(hass)) for _ in range(2)]
    await until(lambda: toy.requests)
    await run_pending()
    first.cancel()
    await run_pending()
    toy.answers.set()

    assert await second == toy.requests[0].call_id
    assert first.cancelled()


async def test_uncertain(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """After a lost response, the error is the same, and nothing is sent."""
    toy.error = CallUncertainError("reset")
    for _ in range(2):
        with raises("call_uncertain") as caught:
            await place(hass)
        assert str(caught.value) == message("call_uncertain", pbx="Toy", detail="reset")
    assert len(toy.requests) == 1
    await pass_time(hass, freezer, 3)
    toy.error = None
    await place(hass)
    assert len(toy.requests) == 2


async def test_hung_up(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A call that is being ended is waited for, and another one placed."""
    first = await place(hass)
    await hass.services.async_call(DOMAIN, "hang_up", blocking=True)
    again = [asyncio.create_task(place(hass)) for _ in range(2)]
    await run_pending()
    assert len(toy.requests) == 1
    await report(hass, toy, UNREACHABLE)

    second, third = await asyncio.gather(*again)
    assert first != second == third
    assert len(toy.requests) == 2
    # Without a report, for a second.
    await hass.services.async_call(DOMAIN, "hang_up", blocking=True)
    last = asyncio.create_task(place(hass))
    await pass_time(hass, freezer, 0.4)
    assert not last.done()
    await pass_time(hass, freezer, 0.7)
    assert await last != second


# --- Escalations ---


async def test_two_escalations_in_turn(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Two escalations at once ring each phone once, and end alike."""
    both = [await begin(hass, **PEOPLE) for _ in range(2)]
    assert parties(toy) == [("101", "200")]
    await report(hass, toy, UNREACHABLE)
    assert parties(toy) == [("101", "200"), ("102", "200")]
    await report(hass, toy, CallState.RINGING_CALLEE)

    first, second = await asyncio.gather(*both)
    assert first == second
    assert first["answered_by"] == "102"


async def test_two_escalations_together(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The phones of one group ring once, and others join them."""
    first = await begin(hass, **PEOPLE, mode="together")
    second = await begin(
        hass, callers=["102", "101", "103"], callee="200", mode="together"
    )
    assert parties(toy) == [("101", "200"), ("102", "200"), ("103", "200")]
    assert len({request.group for request in toy.requests}) == 1
    await report_of(hass, toy, "102", CallState.RINGING_CALLEE)

    assert (await first)["answered_by"] == "102"
    response = await second
    assert response["answered_by"] == "102"
    assert values(response, "result") == ["answered", "no_answer", "no_answer"]


async def test_after_the_group_was_answered(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """The second tap of a doorbell that was just answered rings no other phone."""
    first = await begin(hass, **PEOPLE, mode="together")
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)
    assert (await first)["answered_by"] == "101"
    second = await begin(hass, **PEOPLE, mode="together")

    assert (await second)["answered_by"] == "101"
    open_calls = {call.call_id for call in toy.sink.open_calls()}
    assert open_calls == {toy.requests[0].call_id}


async def test_group_and_single_call(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A single call does not join a group, nor the other way round."""
    running = await begin(hass, **PEOPLE, mode="together")
    await place(hass)
    assert parties(toy) == [("101", "200"), ("102", "200"), ("101", "200")]
    assert toy.requests[2].group is None
    running.cancel()
    await settle(hass)

"""Tests of calling people together and of calling everyone, on a toy PBX."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Channel, ChannelState, Feature
from custom_components.pbx.backends.errors import CallUncertainError
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, set_options, until
from ..people import contact, set_up
from ..toy import ToyBackend, Toys
from .escalating import (
    REFUSED,
    UNREACHABLE,
    begin,
    escalate,
    parties,
    report,
    report_of,
    values,
)
from .messages import message, raises

# Twice the ring time, and 10 s.
ATTEMPT_TIMEOUT = 70

TOGETHER: dict[str, Any] = {
    "callers": ["101", "102", "103"],
    "callee": "200",
    "mode": "together",
}
EVERYONE: dict[str, Any] = TOGETHER | {"mode": "everyone"}
MODES = [TOGETHER, EVERYONE]


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let phones ring together."""
    return (Feature.HANG_UP, Feature.GROUPS)


def callers(toy: ToyBackend) -> list[str]:
    """Return the callers of all requests, in order."""
    return [request.caller for request in toy.requests]


async def place_call(hass: HomeAssistant, **data: object) -> None:
    """Place a call that is not part of the escalation."""
    await hass.services.async_call(DOMAIN, "originate", data, blocking=True)


# --- together ---


async def test_together(hass: HomeAssistant, toy: ToyBackend) -> None:
    """All ring; the first one to answer is connected, and the others stop."""
    running = await begin(hass, **TOGETHER)
    assert callers(toy) == ["101", "102", "103"]
    assert len({request.group for request in toy.requests} - {None}) == 1
    await report_of(hass, toy, "103", UNREACHABLE)
    assert not running.done()
    await report_of(hass, toy, "102", CallState.RINGING_CALLEE)

    assert running.done()
    response = await running
    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "102"
    assert response["answered"] == [{"number": "102", "contact": None}]
    assert values(response, "result") == ["no_answer", "answered", "caller_unreachable"]
    assert values(response, "cause") == ["answered_elsewhere", None, None]
    assert values(response, "caller_answered") == [False, True, False]
    # The PBX has stopped the others.
    assert toy.hung_up == []


async def test_one_of_them_alone(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A list of one person is a group, too."""
    running = await begin(hass, callers="101", callee="200", mode="together")
    await report(hass, toy, CallState.RINGING_CALLEE)
    assert (await running)["answered_by"] == "101"
    assert toy.requests[0].group is not None


async def test_late_ends(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ends of the others are waited for, but no longer than two seconds."""
    monkeypatch.setattr(toy, "_lose", lambda _: None)
    running = await begin(hass, **TOGETHER)
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)
    await report_of(hass, toy, "102", CallResult.NO_ANSWER)
    await pass_time(hass, freezer, 1)
    assert not running.done()
    await pass_time(hass, freezer, 1)

    assert values(await running, "result") == ["answered", "answered", "undetermined"]


async def test_answered_before_the_response(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """Requests that the PBX answers later end as well."""
    toy.answers.clear()
    running = asyncio.create_task(escalate(hass, **TOGETHER))
    await until(lambda: len(toy.requests) == 3)
    toy.report(CallState.RINGING_CALLEE, originated_call_id=toy.requests[0].call_id)
    toy.answers.set()

    response = await running
    assert values(response, "result") == ["answered", "no_answer", "no_answer"]


async def test_together_rounds_and_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Each round is another group, after a pause."""
    running = await begin(hass, **TOGETHER, rounds=2, pause=5)
    for number in ("101", "102", "103"):
        await report_of(hass, toy, number, UNREACHABLE)
    await pass_time(hass, freezer, 4)
    assert len(toy.requests) == 3
    await pass_time(hass, freezer, 1)
    assert callers(toy) == ["101", "102", "103"] * 2
    assert len({request.group for request in toy.requests}) == 2
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "101"
    assert values(response, "round") == [1, 1, 1, 2, 2, 2]


async def test_together_and_no_one_answers(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Without an answer, the escalation ends with the last call."""
    running = await begin(hass, **TOGETHER)
    await report_of(hass, toy, "101", CallResult.CALLER_UNREACHABLE)
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT)

    response = await running
    assert response["ended_by"] == "nobody"
    assert values(response, "result") == [UNREACHABLE, "undetermined", "undetermined"]


async def test_answered_in_the_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """An answer after the timeout of an attempt ends the escalation."""
    running = await begin(hass, **TOGETHER, rounds=2, pause=60)
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT)
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)
    await pass_time(hass, freezer, 60)

    assert (await running)["answered_by"] == "101"
    assert len(toy.requests) == 3


# --- everyone ---


async def test_everyone(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Each person is called until they have answered."""
    running = await begin(hass, **EVERYONE, rounds=3)
    assert callers(toy) == ["101", "102", "103"]
    assert {request.group for request in toy.requests} == {None}
    await report_of(hass, toy, "102", CallState.RINGING_CALLEE)
    await report_of(hass, toy, "101", UNREACHABLE)
    await report_of(hass, toy, "103", UNREACHABLE)
    assert callers(toy)[3:] == ["101", "103"]
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)
    await report_of(hass, toy, "103", UNREACHABLE)
    assert not running.done()
    await report_of(hass, toy, "103", UNREACHABLE)

    response = await running
    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "102"
    assert [each["number"] for each in response["answered"]] == ["102", "101"]
    assert values(response, "number") == ["101", "102", "103", "101", "103", "103"]
    assert values(response, "round") == [1, 1, 1, 2, 2, 3]
    assert toy.hung_up == []


async def test_everyone_pauses(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The pause is between two calls to the same person."""
    running = await begin(hass, **EVERYONE, rounds=2, pause=60)
    await report_of(hass, toy, "101", UNREACHABLE)
    await pass_time(hass, freezer, 30)
    await report_of(hass, toy, "102", UNREACHABLE)
    await report_of(hass, toy, "103", CallState.RINGING_CALLEE)
    await pass_time(hass, freezer, 30)
    assert callers(toy)[3:] == ["101"]
    await pass_time(hass, freezer, 30)
    assert callers(toy)[3:] == ["101", "102"]
    await report_of(hass, toy, "101", UNREACHABLE)
    await report_of(hass, toy, "102", UNREACHABLE)

    assert (await running)["answered_by"] == "103"


async def test_everyone_answered_in_the_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Who answers after the timeout of their attempt is not called again."""
    running = await begin(hass, **EVERYONE, rounds=2, pause=60)
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT)
    for number in ("101", "102", "103"):
        await report_of(hass, toy, number, CallState.RINGING_CALLEE)
    await pass_time(hass, freezer, 60)

    assert values(await running, "result") == ["answered"] * 3
    assert len(toy.requests) == 3


@pytest.mark.parametrize("can_follow", [True, False])
async def test_thirty_people(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    *,
    can_follow: bool,
) -> None:
    """With the default limits, all of thirty people are called in the end."""
    if not can_follow:
        toy.sink.health(Channel.STREAM, ChannelState.FAILING)
    numbers = [str(number) for number in range(300, 330)]
    running = await begin(hass, callers=numbers, callee="200", mode="everyone")
    assert callers(toy) == numbers[:10]
    if can_follow:
        await report_of(hass, toy, "300", CallState.RINGING_CALLEE)
        await report_of(hass, toy, "305", UNREACHABLE)
        assert callers(toy) == numbers[:12]
    for _ in range(4):
        await pass_time(hass, freezer, ATTEMPT_TIMEOUT)

    assert running.done()
    assert sorted(values(await running, "number")) == numbers
    assert sorted(callers(toy)) == numbers


# --- Both ---


@pytest.mark.parametrize("data", MODES)
async def test_invalid_person(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any]
) -> None:
    """An invalid person is a failed attempt in each round that it is part of."""
    people = ["Nobody", "101"]
    running = await begin(hass, **data | {"callers": people})
    await report(hass, toy, CallState.RINGING_CALLEE)

    failed, answered = (await running)["attempts"]
    assert failed["error"] == message("no_contacts", contact="Nobody")
    assert answered["result"] == "answered"


@pytest.mark.parametrize("data", MODES)
async def test_refused(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any]
) -> None:
    """If the PBX refuses all, the escalation ends."""
    toy.error = REFUSED
    response = await escalate(hass, **data, rounds=2)

    assert response["ended_by"] == "nobody"
    assert values(response, "result") == ["failed"] * 6
    assert toy.sink.open_calls() == []


@pytest.mark.parametrize("data", MODES)
async def test_uncertain(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    data: dict[str, Any],
) -> None:
    """Phones that may ring are waited for."""
    toy.error = CallUncertainError("reset")
    running = await begin(hass, **data)
    toy.error = None
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT - 1)
    assert not running.done()
    await pass_time(hass, freezer, 1)

    assert values(await running, "result") == ["undetermined"] * 3


@pytest.mark.parametrize("data", MODES)
async def test_same_phone_twice(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, data: dict[str, Any]
) -> None:
    """A phone that is in the list twice rings once."""
    await set_up(hass, new_toy, contact("Kitchen", "101"))
    people = ["Kitchen", "1 0 1", {"number": "101", "timeout": 5}, "102", "Nobody"]
    running = await begin(hass, **data | {"callers": people})
    toy = toys.latest
    assert callers(toy) == ["101", "102"]
    for number in ("101", "102"):
        await report_of(hass, toy, number, UNREACHABLE)

    response = await running
    assert sorted(map(str, values(response, "contact"))) == ["Kitchen", "None", "None"]


@pytest.mark.parametrize("data", MODES)
async def test_places(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    data: dict[str, Any],
) -> None:
    """As many ring as the maximum of concurrent calls allows, the rest afterwards."""
    await set_options(hass, toy_entry, calls_at_once=2)
    await place_call(hass, caller="104", callee="201")
    running = await begin(hass, **data)
    assert callers(toy) == ["104", "101"]
    await report_of(hass, toy, "104", CallResult.ANSWERED)
    assert callers(toy) == ["104", "101", "102"]
    await report_of(hass, toy, "101", UNREACHABLE)
    assert callers(toy) == ["104", "101", "102", "103"]
    await report_of(hass, toy, "102", UNREACHABLE)
    await report_of(hass, toy, "103", UNREACHABLE)

    assert values(await running, "result") == ["caller_unreachable"] * 3


async def test_answered_before_there_was_a_place(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A person who was not called before another one answered is no attempt."""
    await set_options(hass, toy_entry, calls_at_once=2)
    running = await begin(hass, **TOGETHER)
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)

    response = await running
    assert values(response, "number") == ["101", "102"]
    assert callers(toy) == ["101", "102"]


async def test_everyone_holds_a_place_until_the_answer(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """The next person is called while the one who answered talks."""
    await set_options(hass, toy_entry, calls_at_once=1)
    running = await begin(hass, **EVERYONE)
    for number in ("101", "102", "103"):
        assert callers(toy)[-1] == number
        await report_of(hass, toy, number, CallState.RINGING_CALLEE)

    assert values(await running, "result") == ["answered"] * 3
    assert len(toy.sink.open_calls()) == 3


@pytest.mark.parametrize("data", MODES)
async def test_hourly_limit(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    data: dict[str, Any],
) -> None:
    """A call that the hourly limit refuses is a failed attempt."""
    await set_options(hass, toy_entry, calls_per_hour=2)
    running = await begin(hass, **data)
    await report_of(hass, toy, "101", UNREACHABLE)
    await report_of(hass, toy, "102", UNREACHABLE)

    response = await running
    assert values(response, "result")[2] == "failed"
    error = message("too_many_per_hour", pbx="Toy", limit="2")
    assert values(response, "number")[2] == "103"
    assert response["attempts"][2]["error"] == error


@pytest.mark.parametrize("data", MODES)
async def test_cooldown(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    data: dict[str, Any],
) -> None:
    """The cooldown is about earlier calls, not about those of the escalation."""
    running = await begin(hass, **data, rounds=2, cooldown=60)
    for number in ("101", "102", "103") * 2:
        await report_of(hass, toy, number, UNREACHABLE)
    assert values(await running, "result") == ["caller_unreachable"] * 6
    await pass_time(hass, freezer, 5)

    again = await escalate(hass, **data, cooldown=60)
    assert values(again, "result") == ["failed"] * 3
    error = message("called_recently", pbx="Toy", seconds="60")
    assert values(again, "error") == [error] * 3


@pytest.mark.parametrize("data", MODES)
async def test_removed(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    data: dict[str, Any],
) -> None:
    """The removal of the PBX raises an error, also for those without a place."""
    await set_options(hass, toy_entry, calls_at_once=2)
    running = await begin(hass, **data)
    await hass.config_entries.async_remove(toy_entry.entry_id)

    with raises("pbx_removed"):
        await running
    assert len(parties(toy)) == 2

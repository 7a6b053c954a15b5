"""Tests of calling people one after another, through the action to a toy PBX."""

import asyncio
from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.pbx.backends.base import CallRequest, Placed
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    CredentialsError,
    PbxError,
)
from custom_components.pbx.backends.updates import CallResult, CallState, Source
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, reauth_flows, run_pending, set_options, settle, until
from ..reporting import end_call
from ..toy import ToyBackend, Toys
from .escalating import (
    REFUSED,
    UNREACHABLE,
    begin,
    escalate,
    parties,
    report,
    values,
)
from .messages import message, raises

# Twice the ring time, and 10 s.
ATTEMPT_TIMEOUT = 70

# The parties of an attempt, but for the number of the caller.
BETWEEN = {"callee": "200", "caller_contact": None, "callee_contact": None}

LOST = CallUncertainError("reset")

# The results that a PBX can report after the caller has answered.
AFTER_AN_ANSWER = sorted(set(CallResult) - {UNREACHABLE, CallResult.UNDETERMINED})


type Fail = Callable[..., None]


@pytest.fixture
def fail(toy: ToyBackend, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return a function that makes the next requests fail, each with its error."""
    originate = toy.originate

    def fail_next(*errors: PbxError) -> None:
        remaining = list(errors)

        async def fail_first(request: CallRequest) -> Placed:
            if not remaining:
                return await originate(request)
            toy.requests.append(request)
            raise remaining.pop(0)

        monkeypatch.setattr(toy, "originate", fail_first)

    return fail_next


async def place_call(hass: HomeAssistant, **data: object) -> None:
    """Place a call that is not part of the escalation."""
    await hass.services.async_call(DOMAIN, "originate", data, blocking=True)


# --- callers: each rings first ---


async def test_callers(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The first caller to answer ends the escalation, before the call ends."""
    running = await begin(hass, callers=["105", "104", "101", "102"], callee="200")
    assert parties(toy) == [("105", "200")]
    await report(hass, toy, UNREACHABLE, ring_time=1.0, talk_time=0.0)
    assert parties(toy)[1:] == [("104", "200")]
    await report(hass, toy, UNREACHABLE, ring_time=30.0, talk_time=0.0)
    assert parties(toy)[2:] == [("101", "200")]
    assert not running.done()
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert running.done()
    first, second, third = (request.call_id for request in toy.requests)
    assert await running == {
        "ended_by": "answered",
        "answered_by": "101",
        "answered_by_contact": None,
        "answered": [{"number": "101", "contact": None}],
        "attempts": [
            {
                "number": "105",
                "contact": None,
                **BETWEEN,
                "caller": "105",
                "round": 1,
                "cause": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 1.0,
                "talk_time": 0.0,
                "originated_call_id": first,
                "played": None,
                "confirmed": None,
            },
            {
                "number": "104",
                "contact": None,
                **BETWEEN,
                "caller": "104",
                "round": 1,
                "cause": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 30.0,
                "talk_time": 0.0,
                "originated_call_id": second,
                "played": None,
                "confirmed": None,
            },
            {
                "number": "101",
                "contact": None,
                **BETWEEN,
                "caller": "101",
                "round": 1,
                "cause": None,
                "result": "answered",
                "caller_answered": True,
                "ring_time": None,
                "talk_time": None,
                "originated_call_id": third,
                "played": None,
                "confirmed": None,
            },
        ],
    }
    await report(hass, toy, CallState.CONNECTED, CallResult.ANSWERED)
    assert len(toy.requests) == 3


@pytest.mark.parametrize("source", [Source.EVENT, Source.REPORT])
@pytest.mark.parametrize("result", AFTER_AN_ANSWER)
@pytest.mark.parametrize("reports_all", [True, False])
async def test_callers_callee_does_not_matter(
    hass: HomeAssistant,
    toy: ToyBackend,
    result: CallResult,
    source: Source,
    *,
    reports_all: bool,
) -> None:
    """A caller who answered counts, however the call continues or is reported."""
    running = await begin(hass, callers=["101", "102"], callee="200")
    if reports_all:
        await report(hass, toy, CallState.RINGING_CALLEE)
        assert running.done()
    await report(hass, toy, result, source=source)

    response = await running
    assert response["answered_by"] == "101"
    assert values(response, "result") == ["answered"]
    assert values(response, "caller_answered") == [True]
    assert parties(toy) == [("101", "200")]


async def test_unreachable_in_the_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The answer to the request may already have the result."""
    toy.placed = Placed("id-1", UNREACHABLE)
    response = await escalate(hass, callers=["105", "104"], callee="200")

    assert response["answered_by"] is None
    assert values(response, "result") == ["caller_unreachable"] * 2
    assert len(toy.requests) == 2


# --- callees: the caller rings first for each of them ---


async def test_callees(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Callees are called in order until one is connected to the caller."""
    running = await begin(
        hass, caller="200", callees=["103", "105", "104", "101", "102"]
    )
    for result in (CallResult.BUSY, CallResult.FAILED, CallResult.NO_ANSWER):
        await report(hass, toy, CallState.RINGING_CALLEE)
        await report(hass, toy, result, ring_time=30.0)
    await report(hass, toy, CallState.RINGING_CALLEE)
    assert not running.done()
    await report(hass, toy, CallState.CONNECTED)
    assert running.done()

    response = await running
    assert response["answered_by"] == "101"
    assert values(response, "number") == ["103", "105", "104", "101"]
    assert values(response, "result") == ["busy", "failed", "no_answer", "answered"]
    assert values(response, "caller_answered") == [True] * 4
    assert values(response, "ring_time")[2] == 30
    assert parties(toy) == [("200", number) for number in ("103", "105", "104", "101")]


@pytest.mark.parametrize("source", [Source.EVENT, Source.REPORT])
async def test_callees_end_alone(
    hass: HomeAssistant, toy: ToyBackend, source: Source
) -> None:
    """If the PBX only reports the end of a call, the result counts."""
    running = await begin(hass, caller="200", callees=["103", "101", "102"])
    await report(hass, toy, CallResult.BUSY, source=source, talk_time=0.0)
    assert not running.done()
    await report(hass, toy, CallResult.ANSWERED, source=source, talk_time=8.0)

    response = await running
    assert response["answered_by"] == "101"
    assert values(response, "result") == ["busy", "answered"]
    assert values(response, "talk_time") == [0, 8]
    assert len(toy.requests) == 2


async def test_callees_caller_unreachable(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who is unreachable is called again for the next callee."""
    running = await begin(hass, caller="105", callees=["101", "102"])
    await report(hass, toy, UNREACHABLE)
    await report(hass, toy, UNREACHABLE)

    response = await running
    assert response["answered_by"] is None
    assert values(response, "result") == ["caller_unreachable"] * 2
    assert values(response, "caller_answered") == [False] * 2
    assert parties(toy) == [("105", "101"), ("105", "102")]


async def test_default_caller(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """The caller may be the default, and numbers may be written in any form."""
    await set_options(hass, toy_entry, caller="200")
    running = await begin(hass, callees=["1 0 3", 103, "0912-123 45 67"], call_limit=40)
    for result in (CallResult.BUSY, CallResult.BUSY, CallResult.ANSWERED):
        await report(hass, toy, result)

    assert (await running)["answered_by"] == "09121234567"
    assert parties(toy) == [("200", "103"), ("200", "103"), ("200", "09121234567")]
    assert {request.call_limit for request in toy.requests} == {40}


# --- Rounds and pauses ---


async def test_rounds_and_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The list is repeated, with a pause between any two attempts."""
    running = await begin(hass, callers=["105", "103"], callee="200", rounds=2, pause=5)
    for count in (1, 2, 3):
        await report(hass, toy, UNREACHABLE)
        await pass_time(hass, freezer, 4)
        assert len(toy.requests) == count
        await pass_time(hass, freezer, 1)
        assert len(toy.requests) == count + 1
    # There is no pause after the last attempt.
    await report(hass, toy, UNREACHABLE)

    assert running.done()
    response = await running
    assert response["answered_by"] is None
    assert response["ended_by"] == "nobody"
    assert response["answered"] == []
    assert values(response, "number") == ["105", "103"] * 2
    assert values(response, "round") == [1, 1, 2, 2]
    # Each attempt is a separate call.
    assert len({request.call_id for request in toy.requests}) == 4


async def test_no_pause_after_an_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An answer ends the escalation without a pause."""
    running = await begin(
        hass, callers=["101", "103"], callee="200", rounds=2, pause=600
    )
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert running.done()
    assert (await running)["answered_by"] == "101"
    assert len(toy.requests) == 1


async def test_second_round(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A person may answer in a later round."""
    running = await begin(hass, callers=["103"], callee="200", rounds=10)
    for _ in range(3):
        await report(hass, toy, UNREACHABLE)
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "103"
    assert values(response, "result") == ["caller_unreachable"] * 3 + ["answered"]
    assert len(toy.requests) == 4


# --- Errors of the PBX ---


async def test_refused(hass: HomeAssistant, toy: ToyBackend, fail: Fail) -> None:
    """A refused request is a failed attempt with an error; the next one follows."""
    fail(REFUSED)
    running = await begin(hass, callers=["102", "101"], callee="200")
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "101"
    refused, answered = response["attempts"]
    assert refused == {
        "number": "102",
        "contact": None,
        **BETWEEN,
        "caller": "102",
        "round": 1,
        "cause": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "played": None,
        "confirmed": None,
        "error": message("refused", pbx="Toy", detail="No line for *********67"),
    }
    assert "error" not in answered
    assert parties(toy) == [("102", "200"), ("101", "200")]


async def test_uncertain_and_answered(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """An uncertain call may ring, so its person is waited for."""
    fail(CallUncertainError("reset", "id-1"))
    running = await begin(hass, callers=["101", "102"], callee="200")
    assert len(toy.requests) == 1
    await report(hass, toy, CallState.RINGING_CALLEE, originated_call_id="id-1")

    response = await running
    (attempt,) = response["attempts"]
    assert response["answered_by"] == "101"
    assert attempt["result"] == "answered"
    assert attempt["originated_call_id"] == "id-1"
    assert attempt["error"] == message("call_uncertain", pbx="Toy", detail="reset")


async def test_uncertain_and_found_by_numbers(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """An uncertain call without an ID is found by its numbers."""
    fail(LOST)
    running = await begin(hass, caller="200", callees=["101", "102"])
    parties = {"caller": "200", "callee": "101", "originated_call_id": ""}
    await report(hass, toy, CallState.CONNECTED, call_id="1.2", **parties)

    assert (await running)["answered_by"] == "101"
    assert len(toy.requests) == 1


async def test_uncertain_without_updates(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail, freezer: FrozenDateTimeFactory
) -> None:
    """No other phone rings until an uncertain call can no longer ring."""
    fail(LOST)
    running = await begin(hass, callers=["102", "101"], callee="200")
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT - 1)
    assert len(toy.requests) == 1
    await pass_time(hass, freezer, 1)
    assert parties(toy)[1:] == [("101", "200")]
    await report(hass, toy, CallState.RINGING_CALLEE)

    lost, answered = (await running)["attempts"]
    assert lost["result"] == "undetermined"
    assert lost["caller_answered"] is None
    assert lost["error"] == message("call_uncertain", pbx="Toy", detail="reset")
    assert answered["result"] == "answered"


@pytest.mark.parametrize(
    ("limits", "attempt_timeout"),
    [({}, 70), ({"call_limit": 60}, 130), ({"timeout": 5, "call_limit": 100}, 120)],
)
@pytest.mark.parametrize(
    "people",
    [
        {"callers": ["101", "102"], "callee": "200"},
        {"caller": "200", "callees": ["101", "102"]},
    ],
)
async def test_attempt_timeout(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    people: dict[str, Any],
    limits: dict[str, int],
    attempt_timeout: int,
) -> None:
    """An attempt without updates times out."""
    running = await begin(hass, **people, **limits)
    for count in (1, 2):
        await pass_time(hass, freezer, attempt_timeout - 1)
        assert len(toy.requests) == count
        assert not running.done()
        await pass_time(hass, freezer, 1)

    response = await running
    assert response["answered_by"] is None
    assert values(response, "result") == ["undetermined"] * 2
    assert values(response, "caller_answered") == [None] * 2
    ids = [request.call_id for request in toy.requests]
    assert values(response, "originated_call_id") == ids
    assert not any("error" in attempt for attempt in response["attempts"])


@pytest.mark.parametrize("pause", [0, 30])
async def test_answer_after_the_timeout(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, pause: int
) -> None:
    """A call that is answered after its attempt timed out counts."""
    people = ["101", "102", "106"]
    running = await begin(hass, caller="200", callees=people, pause=pause)
    await pass_time(hass, freezer, ATTEMPT_TIMEOUT)
    first = toy.requests[0].call_id
    assert len(toy.requests) == (1 if pause else 2)
    await report(hass, toy, CallResult.ANSWERED, originated_call_id=first)
    if pause:
        await pass_time(hass, freezer, pause)
    else:
        await report(hass, toy, CallResult.BUSY)

    response = await running
    assert response["answered_by"] == "101"
    assert values(response, "result") == ["answered", "busy"][: len(toy.requests)]
    assert len(toy.requests) == (1 if pause else 2)


async def test_wrong_credentials(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Refused credentials fail each attempt and start one reauthentication."""
    toy.error = CredentialsError()
    response = await escalate(hass, callers=["101", "102"], callee="200", rounds=2)
    await settle(hass)

    assert response["answered_by"] is None
    assert values(response, "result") == ["failed"] * 4
    refused = message("invalid_auth", pbx="Toy", detail="")
    assert values(response, "error") == [refused] * 4
    assert len(toy.requests) == 4
    assert len(reauth_flows(hass)) == 1


# --- Dialing rules ---


async def test_escalation_is_checked_first(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A forbidden number is not called, and does not affect the others."""
    await set_options(hass, toy_entry, forbidden_numbers=["103"])
    running = await begin(
        hass, callers=["103", "104", "103"], callee="200", pause=60, rounds=2
    )

    # There is no pause after a target that was not called.
    assert parties(toy) == [("104", "200")]
    await report(hass, toy, CallState.RINGING_CALLEE)
    refused, answered = (await running)["attempts"]
    assert (refused["number"], refused["result"]) == ("103", "failed")
    assert refused["error"] == message(
        "number_forbidden", field="caller", number="***", pbx="Toy"
    )
    assert answered["result"] == "answered"


async def test_callee_is_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A fault that all targets share is reported once."""
    await set_options(hass, toy_entry, forbidden_numbers=["200"])
    with raises("number_forbidden") as caught:
        await escalate(hass, callers=["103", "104"], callee="200")
    assert caught.value.translation_placeholders == {
        "field": "callee",
        "number": "***",
        "pbx": "Toy",
    }

    assert toy.requests == []


async def test_attempts_are_checked(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A refused attempt fails, and the next one follows."""
    await set_options(hass, toy_entry, cooldown=30)
    await place_call(hass, caller="101", callee="103")
    await pass_time(hass, freezer, 1)

    running = await begin(hass, caller="200", callees=["103", "104", "103"])
    assert parties(toy)[1:] == [("200", "104")]
    await pass_time(hass, freezer, 31)
    await report(hass, toy, CallResult.NO_ANSWER)
    # By then the cooldown was over.
    await report(hass, toy, CallResult.BUSY)

    first, second, third = (await running)["attempts"]
    assert first["result"] == "failed"
    assert first["error"] == message("called_recently", pbx="Toy", seconds="30")
    assert first["originated_call_id"] is None
    assert second["result"] == "no_answer"
    assert third["result"] == "busy"
    assert parties(toy)[1:] == [("200", "104"), ("200", "103")]


async def test_own_calls_do_not_count(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The cooldown does not apply to the escalation's own calls."""
    running = await begin(
        hass, callers=["105", "105"], callee="200", rounds=2, cooldown=600
    )
    for _ in range(4):
        await report(hass, toy, UNREACHABLE)

    assert values(await running, "result") == ["caller_unreachable"] * 4
    again = await escalate(hass, callers=["105"], callee="200", cooldown=600)
    assert values(again, "result") == ["failed"]
    assert len(toy.requests) == 4


async def test_limits(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An escalation does not count for the limit of concurrent calls."""
    await set_options(hass, toy_entry, calls_at_once=1, calls_per_hour=3)
    await place_call(hass, caller="101", callee="200")
    running = await begin(hass, callers=["105", "105", "105"], callee="200")
    await report(hass, toy, UNREACHABLE)
    await report(hass, toy, UNREACHABLE)

    first, second, third = (await running)["attempts"]
    assert [first["result"], second["result"]] == ["caller_unreachable"] * 2
    # The hourly limit still applies.
    assert third["result"] == "failed"
    assert third["error"] == message("too_many_per_hour", pbx="Toy", limit="3")


async def test_uncertain_calls_do_not_block(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """With the default limits, five uncertain calls do not block an escalation."""
    fail(*[LOST] * 5)
    for callee in range(201, 206):
        with raises("call_uncertain"):
            await place_call(hass, caller="101", callee=callee)
    await place_call(hass, caller="101", callee="200")
    running = await begin(hass, callers=["105", "105"], callee="200")
    await report(hass, toy, UNREACHABLE)
    await report(hass, toy, UNREACHABLE)

    assert values(await running, "result") == ["caller_unreachable"] * 2


# --- Reloads, removal and stop ---


@pytest.mark.parametrize("pause", [0, 30])
async def test_reload(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    pause: int,
) -> None:
    """After a reload, the escalation continues with the new backend."""
    old = toys.latest
    running = await begin(hass, callers=["103", "101"], callee="200", pause=pause)
    if pause:
        await report(hass, old, UNREACHABLE)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await settle(hass)
    new = toys.latest
    assert not running.done()
    if pause:
        await pass_time(hass, freezer, pause)
    else:
        first = old.requests[0].call_id
        await end_call(hass, new, first, UNREACHABLE)
    await report(hass, new, CallState.RINGING_CALLEE)

    assert (await running)["answered_by"] == "101"
    assert parties(old) == [("103", "200")]
    assert parties(new) == [("101", "200")]


async def test_attempt_during_a_reload(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """An attempt waits for a reload to finish."""
    old = toys.latest
    running = await begin(hass, callers=["103", "101"], callee="200")
    reload = asyncio.create_task(hass.config_entries.async_reload(toy_entry.entry_id))
    await until(lambda: toy_entry.state is not ConfigEntryState.LOADED)
    old.end(UNREACHABLE)
    assert await reload
    await settle(hass)
    assert len(toys.made) == 2
    await report(hass, toys.latest, CallState.RINGING_CALLEE)

    response = await running
    assert values(response, "result") == ["caller_unreachable", "answered"]
    assert "error" not in response["attempts"][1]
    assert parties(*toys.made) == [("103", "200"), ("101", "200")]


async def test_changed_rule(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A changed rule applies to later attempts."""
    running = await begin(hass, callers=["103", "102", "101"], callee="200")
    await set_options(hass, toy_entry, forbidden_numbers=["102"])
    await report(hass, toy, UNREACHABLE)
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    results = ["caller_unreachable", "failed", "answered"]
    assert values(response, "result") == results
    assert parties(toy) == [("103", "200"), ("101", "200")]


async def test_not_loaded(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """The action raises an error while its PBX is not loaded."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)

    with raises("pbx_not_loaded"):
        await escalate(hass, callers=["101"], callee="200")


async def test_unloaded_between_attempts(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """If the PBX is not loaded, only that attempt fails."""
    old = toys.latest
    data = {"callers": ["103", "102", "101"], "callee": "200", "pause": 60}
    running = await begin(hass, **data)
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await report(hass, old, UNREACHABLE)
    await pass_time(hass, freezer, 60)
    assert await hass.config_entries.async_setup(toy_entry.entry_id)
    await pass_time(hass, freezer, 60)
    await report(hass, toys.latest, CallState.RINGING_CALLEE)

    response = await running
    assert values(response, "result") == ["caller_unreachable", "failed", "answered"]
    assert response["attempts"][1] == {
        "number": "102",
        "contact": None,
        **BETWEEN,
        "caller": "102",
        "round": 1,
        "cause": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "played": None,
        "confirmed": None,
        "error": message("pbx_not_loaded", pbx="Toy"),
    }
    assert parties(*toys.made) == [("103", "200"), ("101", "200")]


@pytest.mark.parametrize("when", ["call", "pause", "while unloaded", "request"])
async def test_removed(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, when: str
) -> None:
    """The removal of the PBX raises an error; it does not mean no answer.

    The error does not wait for the end of a pause.
    """
    if when == "request":
        toy.answers.clear()
    data = {"callers": ["103", "101"], "callee": "200", "pause": 3600}
    running = asyncio.create_task(escalate(hass, **data))
    await until(lambda: toy.requests)
    await run_pending()
    if when in {"pause", "while unloaded"}:
        await report(hass, toy, UNREACHABLE)
    if when == "while unloaded":
        assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await hass.config_entries.async_remove(toy_entry.entry_id)
    toy.answers.set()
    await settle(hass)

    with raises("pbx_removed"):
        await running
    assert parties(toy) == [("103", "200")]


async def test_attempt_during_a_removal(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Nor does an attempt during the removal count as not answered."""
    running = await begin(hass, callers=["103", "101"], callee="200")
    removal = asyncio.create_task(hass.config_entries.async_remove(toy_entry.entry_id))
    await until(lambda: toy_entry.state is not ConfigEntryState.LOADED)
    toy.end(UNREACHABLE)
    await removal

    with raises("pbx_removed"):
        await running
    assert parties(toy) == [("103", "200")]


async def test_removed_before_the_first_call(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A PBX that is removed before the first call leaves nothing behind."""
    await set_options(hass, toy_entry, admins_only=True)
    is_checked, may_go_on = asyncio.Event(), asyncio.Event()
    get_user = hass.auth.async_get_user

    async def slow(user_id: str) -> User | None:
        is_checked.set()
        await may_go_on.wait()
        return await get_user(user_id)

    monkeypatch.setattr(hass.auth, "async_get_user", slow)
    running = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            "escalate",
            {"callers": ["103"], "callee": "200"},
            blocking=True,
            context=Context(user_id=hass_admin_user.id),
        )
    )
    await is_checked.wait()
    await hass.config_entries.async_remove(toy_entry.entry_id)
    may_go_on.set()
    with pytest.raises(HomeAssistantError):
        await running

    assert toy.requests == []
    assert f"pbx.{toy_entry.entry_id}" not in hass_storage


@pytest.mark.parametrize("when", ["call", "pause", "request"])
async def test_home_assistant_stops(
    hass: HomeAssistant, toy: ToyBackend, when: str
) -> None:
    """The stop of Home Assistant raises an error; it does not mean no answer."""
    if when == "request":
        toy.answers.clear()
    data = {"callers": ["103", "101"], "callee": "200", "pause": 30}
    running = asyncio.create_task(escalate(hass, **data))
    await until(lambda: toy.requests)
    await run_pending()
    if when == "pause":
        await report(hass, toy, UNREACHABLE)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    toy.answers.set()
    with raises("stopping"):
        await running
    # No further escalation starts.
    with raises("stopping"):
        await escalate(hass, callers=["103"], callee="200")
    hass.set_state(CoreState.running)

    assert parties(toy) == [("103", "200")]
    # The PBX itself connects or ends the call.
    assert toy.hung_up == []


async def test_two_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Concurrent escalations do not mix up their calls."""
    one = await begin(hass, callers=["103", "101"], callee="200")
    other = await begin(hass, callers=["105", "102"], callee="106")
    first, second = (request.call_id for request in toy.requests)
    await report(hass, toy, UNREACHABLE, originated_call_id=second)
    await report(hass, toy, CallState.RINGING_CALLEE)
    await report(hass, toy, UNREACHABLE, originated_call_id=first)
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert (await one)["answered_by"] == "101"
    assert (await other)["answered_by"] == "102"
    assert sorted(parties(toy)) == [
        ("101", "200"),
        ("102", "106"),
        ("103", "200"),
        ("105", "106"),
    ]


async def test_without_response(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The response is optional."""
    running = asyncio.create_task(
        hass.services.async_call(
            DOMAIN, "escalate", {"callers": "101", "callee": "200"}, blocking=True
        )
    )
    await settle(hass)
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert await running is None
    assert parties(toy) == [("101", "200")]

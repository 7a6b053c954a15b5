"""Tests of ringing people one after another, through the action to a toy PBX."""

import asyncio
from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.pbx.backends.base import (
    CallRequest,
    CallUncertainError,
    CredentialsError,
    Feature,
    PbxError,
    PbxErrorCode,
    Placed,
)
from custom_components.pbx.backends.updates import CallResult, CallState, Source
from custom_components.pbx.const import DOMAIN

from ..common import all_told, pass_time, reauth_flows, set_options, settle, until
from ..people import contact, device_of, set_up
from ..telling import add_other_pbx, end_call
from ..toy import ToyBackend, Toys

# Twice the ring time, and 10 s.
PATIENCE = 70

ALARM = {"entity_id": "script.alarm"}

REFUSED = PbxError(PbxErrorCode.REFUSED, "No line for *********67")
LOST = CallUncertainError("reset")
UNREACHABLE = CallResult.CALLER_UNREACHABLE

# What a PBX can tell after the caller has answered.
AFTER_AN_ANSWER = sorted(set(CallResult) - {UNREACHABLE, CallResult.UNDETERMINED})


type Fail = Callable[..., None]


@pytest.fixture
def fail(toy: ToyBackend, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return what lets the next requests fail, each with its error."""
    originate = toy.originate

    def let_fail(*errors: PbxError) -> None:
        coming = list(errors)

        async def fail_first(request: CallRequest) -> Placed:
            if not coming:
                return await originate(request)
            toy.requests.append(request)
            raise coming.pop(0)

        monkeypatch.setattr(toy, "originate", fail_first)

    return let_fail


async def escalate(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action with a response."""
    response = await hass.services.async_call(
        DOMAIN, "escalate", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def begin(hass: HomeAssistant, **data: object) -> asyncio.Task[dict[str, Any]]:
    """Run the action until it waits, and return it."""
    running = asyncio.create_task(escalate(hass, **data))
    await settle(hass)
    return running


async def tell(
    hass: HomeAssistant,
    toy: ToyBackend,
    *steps: CallState | CallResult,
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """Let the PBX report how the latest call gets on, or ends."""
    for step in steps:
        if isinstance(step, CallState):
            toy.tell(step, **facts)
        else:
            toy.end(step, **facts)
    await settle(hass)


async def place_call(hass: HomeAssistant, **data: object) -> None:
    """Place a call beside the escalation."""
    await hass.services.async_call(DOMAIN, "originate", data, blocking=True)


def asked(*toys: ToyBackend) -> list[tuple[str, str]]:
    """Return caller and callee of every request, in order."""
    return [
        (request.caller, request.callee) for toy in toys for request in toy.requests
    ]


def column(response: dict[str, Any], name: str) -> list[Any]:
    """Return one thing about every attempt."""
    return [attempt[name] for attempt in response["attempts"]]


# --- callers: each is rung first ---


async def test_callers(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The first one to answer ends it, long before the end of their talk."""
    running = await begin(hass, callers=["105", "104", "101", "102"], callee="200")
    assert asked(toy) == [("105", "200")]
    await tell(hass, toy, UNREACHABLE, ring_time=1.0, talk_time=0.0)
    assert asked(toy)[1:] == [("104", "200")]
    await tell(hass, toy, UNREACHABLE, ring_time=30.0, talk_time=0.0)
    assert asked(toy)[2:] == [("101", "200")]
    assert not running.done()
    await tell(hass, toy, CallState.RINGING_CALLEE)

    assert running.done()
    first, second, third = (request.call_id for request in toy.requests)
    assert await running == {
        "answered_by": "101",
        "answered_by_contact": None,
        "attempts": [
            {
                "number": "105",
                "contact": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 1.0,
                "talk_time": 0.0,
                "originated_call_id": first,
            },
            {
                "number": "104",
                "contact": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 30.0,
                "talk_time": 0.0,
                "originated_call_id": second,
            },
            {
                "number": "101",
                "contact": None,
                "result": "answered",
                "caller_answered": True,
                "ring_time": None,
                "talk_time": None,
                "originated_call_id": third,
            },
        ],
    }
    await tell(hass, toy, CallState.CONNECTED, CallResult.ANSWERED)
    assert len(toy.requests) == 3


@pytest.mark.parametrize("source", [Source.EVENT, Source.REPORT])
@pytest.mark.parametrize("result", AFTER_AN_ANSWER)
@pytest.mark.parametrize("tells_all", [True, False])
async def test_callers_callee_does_not_matter(
    hass: HomeAssistant,
    toy: ToyBackend,
    result: CallResult,
    source: Source,
    *,
    tells_all: bool,
) -> None:
    """Who picked up has answered, however it went on, and however it is told."""
    running = await begin(hass, callers=["101", "102"], callee="200")
    if tells_all:
        await tell(hass, toy, CallState.RINGING_CALLEE)
        assert running.done()
    await tell(hass, toy, result, source=source)

    response = await running
    assert response["answered_by"] == "101"
    assert column(response, "result") == ["answered"]
    assert column(response, "caller_answered") == [True]
    assert asked(toy) == [("101", "200")]


async def test_unreachable_in_the_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A PBX that answers only when it knows that nobody is there has told all."""
    toy.placed = Placed("id-1", UNREACHABLE)
    response = await escalate(hass, callers=["105", "104"], callee="200")

    assert response["answered_by"] is None
    assert column(response, "result") == ["caller_unreachable"] * 2
    assert len(toy.requests) == 2


# --- callees: the caller is rung first, each time ---


async def test_callees(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Each is tried in turn; who talks with the caller ends it."""
    running = await begin(
        hass, caller="200", callees=["103", "105", "104", "101", "102"]
    )
    for result in (CallResult.BUSY, CallResult.FAILED, CallResult.NO_ANSWER):
        await tell(hass, toy, CallState.RINGING_CALLEE)
        await tell(hass, toy, result, ring_time=30.0)
    await tell(hass, toy, CallState.RINGING_CALLEE)
    assert not running.done()
    await tell(hass, toy, CallState.CONNECTED)
    assert running.done()

    response = await running
    assert response["answered_by"] == "101"
    assert column(response, "number") == ["103", "105", "104", "101"]
    assert column(response, "result") == ["busy", "failed", "no_answer", "answered"]
    assert column(response, "caller_answered") == [True] * 4
    assert column(response, "ring_time")[2] == 30
    assert asked(toy) == [("200", number) for number in ("103", "105", "104", "101")]


@pytest.mark.parametrize("source", [Source.EVENT, Source.REPORT])
async def test_callees_end_alone(
    hass: HomeAssistant, toy: ToyBackend, source: Source
) -> None:
    """Where the PBX tells nothing in between, the end of the talk tells."""
    running = await begin(hass, caller="200", callees=["103", "101", "102"])
    await tell(hass, toy, CallResult.BUSY, source=source, talk_time=0.0)
    assert not running.done()
    await tell(hass, toy, CallResult.ANSWERED, source=source, talk_time=8.0)

    response = await running
    assert response["answered_by"] == "101"
    assert column(response, "result") == ["busy", "answered"]
    assert column(response, "talk_time") == [0, 8]
    assert len(toy.requests) == 2


async def test_callees_caller_unreachable(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who is not there is rung again for the next callee."""
    running = await begin(hass, caller="105", callees=["101", "102"])
    await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, UNREACHABLE)

    response = await running
    assert response["answered_by"] is None
    assert column(response, "result") == ["caller_unreachable"] * 2
    assert column(response, "caller_answered") == [False] * 2
    assert asked(toy) == [("105", "101"), ("105", "102")]


async def test_default_caller(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """The caller may be the PBX's default, and numbers are as people write them."""
    await set_options(hass, toy_entry, caller="200")
    running = await begin(hass, callees=["1 0 3", 103, "0912-123 45 67"], call_limit=40)
    for result in (CallResult.BUSY, CallResult.BUSY, CallResult.ANSWERED):
        await tell(hass, toy, result)

    assert (await running)["answered_by"] == "09121234567"
    assert asked(toy) == [("200", "103"), ("200", "103"), ("200", "09121234567")]
    assert {request.call_limit for request in toy.requests} == {40}


# --- Rounds and pauses ---


async def test_rounds_and_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The list is gone through again; between any two attempts there is a pause."""
    running = await begin(hass, callers=["105", "103"], callee="200", rounds=2, pause=5)
    for count in (1, 2, 3):
        await tell(hass, toy, UNREACHABLE)
        await pass_time(hass, freezer, 4)
        assert len(toy.requests) == count
        await pass_time(hass, freezer, 1)
        assert len(toy.requests) == count + 1
    # No pause after the last one.
    await tell(hass, toy, UNREACHABLE)

    assert running.done()
    response = await running
    assert response["answered_by"] is None
    assert column(response, "number") == ["105", "103"] * 2
    # Each attempt is a call of its own.
    assert len({request.call_id for request in toy.requests}) == 4


async def test_no_pause_after_an_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Whoever waits for it is told at once that somebody has answered."""
    running = await begin(
        hass, callers=["101", "103"], callee="200", rounds=2, pause=600
    )
    await tell(hass, toy, CallState.RINGING_CALLEE)

    assert running.done()
    assert (await running)["answered_by"] == "101"
    assert len(toy.requests) == 1


async def test_second_round(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Who did not answer at first may answer later."""
    running = await begin(hass, callers=["103"], callee="200", rounds=10)
    for _ in range(3):
        await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "103"
    assert column(response, "result") == ["caller_unreachable"] * 3 + ["answered"]
    assert len(toy.requests) == 4


# --- What goes wrong at the PBX ---


async def test_refused(hass: HomeAssistant, toy: ToyBackend, fail: Fail) -> None:
    """A refusal is an attempt, with its reason, and the next one goes on at once."""
    fail(REFUSED)
    running = await begin(hass, callers=["102", "101"], callee="200")
    await tell(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "101"
    refused, answered = response["attempts"]
    assert refused == {
        "number": "102",
        "contact": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "error": "The PBX Toy refused: No line for *********67",
    }
    assert "error" not in answered
    assert asked(toy) == [("102", "200"), ("101", "200")]


async def test_uncertain_and_answered(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """A request whose answer was lost may ring: its person is waited for."""
    fail(CallUncertainError("reset", "id-1"))
    running = await begin(hass, callers=["101", "102"], callee="200")
    assert len(toy.requests) == 1
    await tell(hass, toy, CallState.RINGING_CALLEE, originated_call_id="id-1")

    response = await running
    (attempt,) = response["attempts"]
    assert response["answered_by"] == "101"
    assert attempt["result"] == "answered"
    assert attempt["originated_call_id"] == "id-1"
    assert "did not confirm the call" in attempt["error"]
    assert "{" not in attempt["error"]


async def test_uncertain_and_found_by_its_parties(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """So is one whose id was in the answer: its two parties tell which it is."""
    fail(LOST)
    running = await begin(hass, caller="200", callees=["101", "102"])
    parties = {"caller": "200", "callee": "101", "originated_call_id": ""}
    await tell(hass, toy, CallState.CONNECTED, call_id="1.2", **parties)

    assert (await running)["answered_by"] == "101"
    assert len(toy.requests) == 1


async def test_uncertain_and_nothing_heard(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail, freezer: FrozenDateTimeFactory
) -> None:
    """No other phone rings before it is sure that this one does not anymore."""
    fail(LOST)
    running = await begin(hass, callers=["102", "101"], callee="200")
    await pass_time(hass, freezer, PATIENCE - 1)
    assert len(toy.requests) == 1
    await pass_time(hass, freezer, 1)
    assert asked(toy)[1:] == [("101", "200")]
    await tell(hass, toy, CallState.RINGING_CALLEE)

    lost, answered = (await running)["attempts"]
    assert lost["result"] == "undetermined"
    assert lost["caller_answered"] is None
    assert "did not confirm the call" in lost["error"]
    assert answered["result"] == "answered"


@pytest.mark.parametrize(
    ("limits", "patience"),
    [({}, 70), ({"call_limit": 60}, 130), ({"timeout": 5, "call_limit": 100}, 120)],
)
@pytest.mark.parametrize(
    "people",
    [
        {"callers": ["101", "102"], "callee": "200"},
        {"caller": "200", "callees": ["101", "102"]},
    ],
)
async def test_no_news(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    people: dict[str, Any],
    limits: dict[str, int],
    patience: int,
) -> None:
    """An attempt of which nothing is heard is given up when it must be over."""
    running = await begin(hass, **people, **limits)
    for count in (1, 2):
        await pass_time(hass, freezer, patience - 1)
        assert len(toy.requests) == count
        assert not running.done()
        await pass_time(hass, freezer, 1)

    response = await running
    assert response["answered_by"] is None
    assert column(response, "result") == ["undetermined"] * 2
    assert column(response, "caller_answered") == [None] * 2
    ids = [request.call_id for request in toy.requests]
    assert column(response, "originated_call_id") == ids
    assert not any("error" in attempt for attempt in response["attempts"])


@pytest.mark.parametrize("pause", [0, 30])
async def test_late_news(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, pause: int
) -> None:
    """A talk that lasted longer than anybody waited for is an answer after all."""
    people = ["101", "102", "106"]
    running = await begin(hass, caller="200", callees=people, pause=pause)
    await pass_time(hass, freezer, PATIENCE)
    first = toy.requests[0].call_id
    assert len(toy.requests) == (1 if pause else 2)
    await tell(hass, toy, CallResult.ANSWERED, originated_call_id=first)
    if pause:
        await pass_time(hass, freezer, pause)
    else:
        await tell(hass, toy, CallResult.BUSY)

    response = await running
    assert response["answered_by"] == "101"
    assert column(response, "result") == ["answered", "busy"][: len(toy.requests)]
    assert len(toy.requests) == (1 if pause else 2)


async def test_wrong_credentials(hass: HomeAssistant, toy: ToyBackend) -> None:
    """They fail every attempt, and are asked for once."""
    toy.error = CredentialsError()
    response = await escalate(hass, callers=["101", "102"], callee="200", rounds=2)
    await settle(hass)

    assert response["answered_by"] is None
    assert column(response, "result") == ["failed"] * 4
    for error in column(response, "error"):
        assert "refused the stored credentials" in error
    assert len(toy.requests) == 4
    assert len(reauth_flows(hass)) == 1


# --- What the rules say ---


async def test_escalation_is_checked_first(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Who may not be dialed is not rung, and does not silence the others."""
    await set_options(hass, toy_entry, forbidden_numbers=["103"])
    running = await begin(
        hass, callers=["103", "104", "103"], callee="200", pause=60, rounds=2
    )

    # Nobody waits after somebody who was not rung.
    assert asked(toy) == [("104", "200")]
    await tell(hass, toy, CallState.RINGING_CALLEE)
    refused, answered = (await running)["attempts"]
    assert (refused["number"], refused["result"]) == ("103", "failed")
    assert "caller (***) is forbidden" in refused["error"]
    assert answered["result"] == "answered"


async def test_callee_is_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """What is wrong beside the list is wrong with all of them, and told once."""
    await set_options(hass, toy_entry, forbidden_numbers=["200"])
    with pytest.raises(ServiceValidationError, match=r"callee \(\*\*\*\) is forbidden"):
        await escalate(hass, callers=["103", "104"], callee="200")

    assert toy.requests == []


async def test_attempts_are_checked(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An attempt that is refused has failed, and the next one is made."""
    await set_options(hass, toy_entry, cooldown=30)
    await place_call(hass, caller="101", callee="103")
    await pass_time(hass, freezer, 1)

    running = await begin(hass, caller="200", callees=["103", "104", "103"])
    assert asked(toy)[1:] == [("200", "104")]
    await pass_time(hass, freezer, 31)
    await tell(hass, toy, CallResult.NO_ANSWER)
    # By then the cooldown was over.
    await tell(hass, toy, CallResult.BUSY)

    first, second, third = (await running)["attempts"]
    assert first["result"] == "failed"
    assert "30 seconds" in first["error"]
    assert first["originated_call_id"] is None
    assert second["result"] == "no_answer"
    assert third["result"] == "busy"
    assert asked(toy)[1:] == [("200", "104"), ("200", "103")]


async def test_own_rounds_are_no_reason(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An escalation calls the same callee over and over: it was asked to."""
    running = await begin(
        hass, callers=["105", "105"], callee="200", rounds=2, cooldown=600
    )
    for _ in range(4):
        await tell(hass, toy, UNREACHABLE)

    assert column(await running, "result") == ["caller_unreachable"] * 4
    again = await escalate(hass, callers=["105"], callee="200", cooldown=600)
    assert column(again, "result") == ["failed"]
    assert len(toy.requests) == 4


async def test_beside_other_calls(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An escalation has one call on, and does not wait for others to end."""
    await set_options(hass, toy_entry, calls_at_once=1, calls_per_hour=3)
    await place_call(hass, caller="101", callee="200")
    running = await begin(hass, callers=["105", "105", "105"], callee="200")
    await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, UNREACHABLE)

    first, second, third = (await running)["attempts"]
    assert [first["result"], second["result"]] == ["caller_unreachable"] * 2
    # What it costs is limited all the same.
    assert third["result"] == "failed"
    assert "calls per hour" in third["error"]


async def test_lost_answers_do_not_stop_it(
    hass: HomeAssistant, toy: ToyBackend, fail: Fail
) -> None:
    """With the usual limits five lost answers hold up nobody at all."""
    fail(*[LOST] * 5)
    for _ in range(5):
        with pytest.raises(HomeAssistantError, match="did not confirm"):
            await place_call(hass, caller="101", callee="200")
    await place_call(hass, caller="101", callee="200")
    running = await begin(hass, callers=["105", "105"], callee="200")
    await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, UNREACHABLE)

    assert column(await running, "result") == ["caller_unreachable"] * 2


# --- What happens to the script, the entry and Home Assistant meanwhile ---


@pytest.mark.parametrize("in_the_pause", [False, True])
async def test_stopped_script(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    *,
    in_the_pause: bool,
) -> None:
    """Nobody further is rung; the call that is on goes on."""
    running = await begin(hass, callers=["103", "101"], callee="200", pause=30)
    if in_the_pause:
        await tell(hass, toy, UNREACHABLE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(toy.sink.open_calls()) == (0 if in_the_pause else 1)
    await tell(hass, toy, UNREACHABLE)
    await pass_time(hass, freezer, PATIENCE)

    assert asked(toy) == [("103", "200")]
    assert toy.hung_up == []
    assert len(toy.sink.open_calls()) == 0


async def test_turned_off_script(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """So it is with a script that is turned off, in Home Assistant's own way."""
    step = {
        "action": "pbx.escalate",
        "data": {"callers": ["103", "101"], "callee": "200"},
    }
    assert await async_setup_component(
        hass, "script", {"script": {"alarm": {"sequence": [step]}}}
    )
    await hass.services.async_call("script", "turn_on", ALARM)
    await until(lambda: toy.requests)
    await all_told()
    await hass.services.async_call("script", "turn_off", ALARM, blocking=True)
    assert len(toy.sink.open_calls()) == 1
    await tell(hass, toy, UNREACHABLE)
    await pass_time(hass, freezer, PATIENCE)

    assert asked(toy) == [("103", "200")]
    assert len(toy.sink.open_calls()) == 0


async def test_stopped_script_in_the_request(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """A request that is on its way is not torn, and is the last."""
    toy.answers.clear()
    data = {"callers": ["103", "101"], "callee": "200"}
    running = asyncio.create_task(escalate(hass, **data))
    await until(lambda: toy.requests)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    toy.answers.set()
    await settle(hass)

    (call,) = toy.sink.open_calls()
    assert not call.is_requested
    await tell(hass, toy, UNREACHABLE)
    assert asked(toy) == [("103", "200")]


@pytest.mark.parametrize("pause", [0, 30])
async def test_reload(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    pause: int,
) -> None:
    """A reload in the middle ends nothing: it goes on with the new connection."""
    old = toys.latest
    running = await begin(hass, callers=["103", "101"], callee="200", pause=pause)
    if pause:
        await tell(hass, old, UNREACHABLE)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await settle(hass)
    new = toys.latest
    assert not running.done()
    if pause:
        await pass_time(hass, freezer, pause)
    else:
        first = old.requests[0].call_id
        await end_call(hass, new, first, UNREACHABLE)
    await tell(hass, new, CallState.RINGING_CALLEE)

    assert (await running)["answered_by"] == "101"
    assert asked(old) == [("103", "200")]
    assert asked(new) == [("101", "200")]


async def test_attempt_in_a_reload(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """An attempt waits for a reload that is not over yet."""
    old = toys.latest
    running = await begin(hass, callers=["103", "101"], callee="200")
    reload = asyncio.create_task(hass.config_entries.async_reload(toy_entry.entry_id))
    await until(lambda: toy_entry.state is not ConfigEntryState.LOADED)
    old.end(UNREACHABLE)
    assert await reload
    await settle(hass)
    assert len(toys.made) == 2
    await tell(hass, toys.latest, CallState.RINGING_CALLEE)

    response = await running
    assert column(response, "result") == ["caller_unreachable", "answered"]
    assert "error" not in response["attempts"][1]
    assert asked(*toys.made) == [("103", "200"), ("101", "200")]


async def test_edited_meanwhile(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A rule that is made in the middle counts for the attempts that follow."""
    running = await begin(hass, callers=["103", "102", "101"], callee="200")
    await set_options(hass, toy_entry, forbidden_numbers=["102"])
    await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    results = ["caller_unreachable", "failed", "answered"]
    assert column(response, "result") == results
    assert asked(toy) == [("103", "200"), ("101", "200")]


async def test_not_loaded(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """The action stays, and explains itself, while its PBX is not loaded."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)

    with pytest.raises(HomeAssistantError, match="not loaded"):
        await escalate(hass, callers=["101"], callee="200")


async def test_not_loaded_in_the_middle(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A PBX that is unloaded meanwhile fails the attempt, and only that."""
    old = toys.latest
    data = {"callers": ["103", "102", "101"], "callee": "200", "pause": 60}
    running = await begin(hass, **data)
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await tell(hass, old, UNREACHABLE)
    await pass_time(hass, freezer, 60)
    assert await hass.config_entries.async_setup(toy_entry.entry_id)
    await pass_time(hass, freezer, 60)
    await tell(hass, toys.latest, CallState.RINGING_CALLEE)

    response = await running
    assert column(response, "result") == ["caller_unreachable", "failed", "answered"]
    assert response["attempts"][1] == {
        "number": "102",
        "contact": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "error": "The PBX Toy is not loaded, so it was not asked. "
        "See why under Settings > Devices & services",
    }
    assert asked(*toys.made) == [("103", "200"), ("101", "200")]


@pytest.mark.parametrize("when", ["call", "pause", "while unloaded", "request"])
async def test_removed(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, when: str
) -> None:
    """A PBX that is removed ends it with an error: this is no "nobody answered".

    Nobody waits for the end of a pause before it is told.
    """
    if when == "request":
        toy.answers.clear()
    data = {"callers": ["103", "101"], "callee": "200", "pause": 3600}
    running = asyncio.create_task(escalate(hass, **data))
    await until(lambda: toy.requests)
    await all_told()
    if when in {"pause", "while unloaded"}:
        await tell(hass, toy, UNREACHABLE)
    if when == "while unloaded":
        assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await hass.config_entries.async_remove(toy_entry.entry_id)
    toy.answers.set()
    await settle(hass)

    with pytest.raises(HomeAssistantError, match="was removed") as caught:
        await running
    assert caught.value.translation_key == "pbx_removed"
    assert asked(toy) == [("103", "200")]


async def test_attempt_in_a_removal(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Nor has somebody failed to answer who would be rung while the PBX goes."""
    running = await begin(hass, callers=["103", "101"], callee="200")
    removal = asyncio.create_task(hass.config_entries.async_remove(toy_entry.entry_id))
    await until(lambda: toy_entry.state is not ConfigEntryState.LOADED)
    toy.end(UNREACHABLE)
    await removal

    with pytest.raises(HomeAssistantError, match="was removed"):
        await running
    assert asked(toy) == [("103", "200")]


async def test_removed_while_it_is_checked(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of a PBX is made anew that is removed before the first call."""
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
    """It ends with Home Assistant, and does not say that nobody answered."""
    if when == "request":
        toy.answers.clear()
    data = {"callers": ["103", "101"], "callee": "200", "pause": 30}
    running = asyncio.create_task(escalate(hass, **data))
    await until(lambda: toy.requests)
    await all_told()
    if when == "pause":
        await tell(hass, toy, UNREACHABLE)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    toy.answers.set()
    with pytest.raises(HomeAssistantError, match="is being stopped"):
        await running
    # Nor does another one begin.
    with pytest.raises(HomeAssistantError, match="is being stopped"):
        await escalate(hass, callers=["103"], callee="200")
    hass.set_state(CoreState.running)

    assert asked(toy) == [("103", "200")]


async def test_two_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Two escalations do not take each other's answers."""
    one = await begin(hass, callers=["103", "101"], callee="200")
    other = await begin(hass, callers=["105", "102"], callee="106")
    first, second = (request.call_id for request in toy.requests)
    await tell(hass, toy, UNREACHABLE, originated_call_id=second)
    await tell(hass, toy, CallState.RINGING_CALLEE)
    await tell(hass, toy, UNREACHABLE, originated_call_id=first)
    await tell(hass, toy, CallState.RINGING_CALLEE)

    assert (await one)["answered_by"] == "101"
    assert (await other)["answered_by"] == "102"
    assert sorted(asked(toy)) == [
        ("101", "200"),
        ("102", "106"),
        ("103", "200"),
        ("105", "106"),
    ]


async def test_without_response(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The response is there for whom it interests."""
    running = asyncio.create_task(
        hass.services.async_call(
            DOMAIN, "escalate", {"callers": "101", "callee": "200"}, blocking=True
        )
    )
    await settle(hass)
    await tell(hass, toy, CallState.RINGING_CALLEE)

    assert await running is None
    assert asked(toy) == [("101", "200")]


# --- What is asked for ---


async def test_requests_to_callers(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Each caller is one complete request, round by round."""
    await set_options(hass, toy_entry, timeout=20, call_limit=60)
    toy.error = REFUSED
    await escalate(hass, callers=["1 0 1", "102"], callee="200", rounds=2)

    assert [request.caller for request in toy.requests] == ["101", "102"] * 2
    first = toy.requests[0]
    assert first == CallRequest(
        call_id=first.call_id,
        caller="101",
        callee="200",
        context="main",
        caller_id="101",
        is_external=False,
        timeout=20,
        call_limit=60,
    )


async def test_requests_to_callees(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Each callee is one; the caller's default is a default."""
    await set_options(hass, toy_entry, caller="101")
    toy.error = REFUSED
    callees = ["102", "0912", "09121234567"]
    await escalate(hass, callees=callees, caller_id="557", trunk_name="t")

    assert [
        (request.caller, request.callee, request.caller_id) for request in toy.requests
    ] == [("101", callee, "557") for callee in callees]


@pytest.mark.parametrize("toy_features", [(), (Feature.INTERNAL_TRUNK,)])
async def test_trunk_to_callees(
    hass: HomeAssistant, toy: ToyBackend, toy_features: tuple[Feature, ...]
) -> None:
    """No trunk reaches an extension; what is asked for goes to a PBX that knows."""
    toy.error = REFUSED
    callees = ["102", "0912", "09121234567"]
    await escalate(hass, caller="101", callees=callees, trunk_name="t")

    trunk = "t" if toy_features else None
    assert [request.trunk_name for request in toy.requests] == [None, None, trunk]


@pytest.mark.parametrize("toy_features", [(), (Feature.INTERNAL_TRUNK,)])
@pytest.mark.parametrize("at", ["action", "defaults"])
async def test_trunk_in_a_list(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, at: str
) -> None:
    """It goes with external callers only, wherever it is named; so do numbers."""
    data = {"callers": ["557", "0912 123 4567", "+98"], "callee": "200"}
    data |= {"trunk_name": "t"} if at == "action" else {}
    default = "t" if at == "defaults" else "other"
    await set_options(hass, toy_entry, trunk_name=default)
    toy.error = REFUSED
    await escalate(hass, **data)

    assert [
        (request.caller, request.caller_id, request.trunk_name)
        for request in toy.requests
    ] == [("557", "557", None), ("09121234567", None, "t"), ("+98", None, "t")]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "one_list"),
        ({"caller": "101", "callee": "102"}, "one_list"),
        ({"callers": ["101"], "callees": ["102"]}, "one_list"),
        ({"callers": ["101"], "callee_contacts": ["Mum"]}, "one_list"),
        ({"callers": ["101"], "callee": "200", "caller": "102"}, "list_and_single"),
        ({"callees": ["101"], "caller": "200", "callee": "102"}, "list_and_single"),
        ({"callers": ["101"], "caller_contact": "Mum"}, "list_and_single"),
        ({"callers": ["101"]}, "number_empty"),
        ({"callers": ["101"], "callee": ""}, "number_empty"),
        ({"callees": ["101"]}, "missing_fields"),
        ({"callees": [""], "caller": "200"}, "number_empty"),
        ({"callers": [" "], "callee": "200"}, "missing_fields"),
        ({"callers": [None], "callee": "200"}, "number_no_state"),
        ({"callers": None, "callee": "200"}, "number_no_state"),
        ({"callers": "unknown", "callee": "200"}, "number_no_state"),
        ({"callers": ["10x", "10x"], "callee": "200"}, "number_invalid_character"),
        ({"callers": ["10x", ""], "callee": "200"}, "nobody_to_ring"),
        ({"callers": ["101,102"], "callee": "200"}, "number_invalid_character"),
        ({"callers": ["09121234567"], "callee": "200"}, "trunk_required"),
        ({"caller_contacts": ["Nobody"], "callee": "200"}, "unknown_contact"),
    ],
)
async def test_incomplete(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    data: dict[str, Any],
    key: str,
) -> None:
    """Where nobody can be rung, nobody is, and why is told in words."""
    await set_up(hass, new_toy, contact("Mum", "09121234567"), caller="")
    with pytest.raises(ServiceValidationError) as caught:
        await escalate(hass, **data)

    assert caught.value.translation_key == key
    assert "{" not in str(caught.value)
    assert toys.latest.requests == []


# --- Contacts ---

MUM = contact("Mum", "09121234567", "Mama", timeout=5, call_limit=60, caller_id="2188")
GUARD = contact("Guard", "+98215555", trunk_name="main_trunk")
WORKSHOP = contact("Workshop", "103", timeout=9)


async def test_contacts(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Contacts are rung in order, before numbers; who answered is named."""
    made = await set_up(hass, new_toy, GUARD, WORKSHOP)
    toy = toys.latest
    people = [device_of(hass, made, "Workshop"), " guard "]
    running = await begin(
        hass, caller_contacts=people, callers=["102"], callee="200", rounds=2
    )
    for _ in range(4):
        await tell(hass, toy, UNREACHABLE)
    await tell(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "+98215555"
    assert response["answered_by_contact"] == "Guard"
    assert [(each["number"], each["contact"]) for each in response["attempts"]] == [
        ("103", "Workshop"),
        ("+98215555", "Guard"),
        ("102", None),
        ("103", "Workshop"),
        ("+98215555", "Guard"),
    ]
    trunks = [request.trunk_name for request in toy.requests]
    assert trunks == [None, "main_trunk", None, None, "main_trunk"]


async def test_contacts_as_callees(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """As callees, each has its own settings, and with them the time of its attempt."""
    await set_up(hass, new_toy, MUM, WORKSHOP)
    toy = toys.latest
    running = await begin(
        hass, callee_contacts=["Mama", "Workshop"], caller_contact="Workshop"
    )
    for count, patience in ((1, 80), (2, 28)):
        assert len(toy.requests) == count
        await pass_time(hass, freezer, patience - 1)
        assert not running.done()
        await pass_time(hass, freezer, 1)

    response = await running
    assert column(response, "contact") == ["Mum", "Workshop"]
    assert asked(toy) == [("103", "09121234567"), ("103", "103")]
    assert [
        (request.timeout, request.call_limit, request.caller_id)
        for request in toy.requests
    ] == [(5, 60, "2188"), (9, None, "103")]


async def test_contact_as_the_callee(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The callee may be a contact, whose settings go for all who are rung."""
    await set_up(hass, new_toy, MUM, WORKSHOP)
    toy = toys.latest
    toy.error = REFUSED
    await escalate(
        hass, caller_contacts=["Workshop"], callers=[102], callee_contact="Mum"
    )

    assert asked(toy) == [("103", "09121234567"), ("102", "09121234567")]
    # Those of the workshop are about calls to it.
    assert [(each.timeout, each.caller_id) for each in toy.requests] == [
        (5, "2188")
    ] * 2


async def test_contacts_of_two_pbxs(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The first contact in a list tells which PBX is meant; the others are there."""
    made = await set_up(hass, new_toy, MUM)
    await add_other_pbx(hass, made)
    first, second = toys.made
    first.error = REFUSED
    await escalate(hass, callee_contacts=["Mum"], callees=["102"])

    assert asked(first) == [("101", "09121234567"), ("101", "102")]
    assert second.requests == []


# --- Those in the list who cannot be rung ---

DEVICE = "7d2f0123456789abcdef0123456789ab"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"caller_contacts": ["Nobody"]}, "There is no contact Nobody"),
        ({"caller_contacts": [DEVICE]}, "was removed (device 7d2f…)"),
        ({"caller_contacts": ["unknown"]}, "caller_contacts says unknown"),
        ({"caller_contacts": [""]}, "caller_contacts is empty"),
        ({"caller_contacts": [None]}, "caller_contacts is empty"),
        ({"caller_contacts": [["Mum"]]}, "a list in caller_contacts"),
        ({"callers": ["unknown", "101"]}, "the entity had no state"),
        ({"callers": ["unavailable", "101"]}, "the entity had no state"),
        ({"callers": [None, "101"]}, "the entity had no state"),
        ({"callers": ["", "101"]}, "Missing: caller"),
        ({"callers": [True, "101"]}, "true or false in callers"),
        ({"callers": [["102"], "101"]}, "a list in callers"),
        ({"callers": [10.5, "101"]}, "a fraction in callers"),
        ({"callers": [491234567, "101"]}, "Put the number in quotes"),
        ({"callers": ["10x", "101"]}, "the character x"),
    ],
)
async def test_one_cannot_be_rung(
    hass: HomeAssistant, toy: ToyBackend, entry: dict[str, Any], words: str
) -> None:
    """Who cannot be rung is an attempt that failed; the others are rung."""
    running = await begin(hass, **{"callers": ["101"], "callee": "200", **entry})
    await tell(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "101"
    failed, _ = response["attempts"]
    assert words in failed.pop("error")
    assert failed == {
        "number": None,
        "contact": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
    }
    assert asked(toy) == [("101", "200")]


async def test_one_without_a_trunk(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Who would need a trunk is told by number, and the others are rung."""
    running = await begin(hass, callers=["0912 123 4567", "101"], callee="200")
    await tell(hass, toy, CallState.RINGING_CALLEE)

    failed, answered = (await running)["attempts"]
    assert (failed["number"], failed["result"]) == ("09121234567", "failed")
    assert "reached by a trunk only" in failed["error"]
    assert answered["result"] == "answered"


async def test_nobody_can_be_rung(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Where all have failed so, the action has, with all that is against them."""
    with pytest.raises(ServiceValidationError) as caught:
        await escalate(
            hass,
            caller_contacts=[DEVICE],
            callers=["unknown", "09121234567"],
            callee="200",
        )

    words = str(caught.value)
    assert "device 7d2f…" in words
    assert "the entity had no state" in words
    assert "*********67" in words
    assert DEVICE[4:8] not in words
    assert toy.requests == []


@pytest.mark.parametrize("removed", [DEVICE, "Nobody"])
async def test_removed_one_names_no_pbx(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, removed: str
) -> None:
    """With several PBXs, the first contact that is there tells which is meant."""
    made = await set_up(hass, new_toy, MUM)
    await add_other_pbx(hass, made)
    first, _ = toys.made
    first.error = REFUSED
    response = await escalate(hass, callee_contacts=[removed, "Mum"])

    assert column(response, "contact") == [None, "Mum"]
    assert asked(first) == [("101", "09121234567")]
    with pytest.raises(ServiceValidationError, match="contact"):
        await escalate(hass, callee_contacts=[removed])


@pytest.mark.parametrize(
    "data",
    [
        {"callers": [], "callee": "200"},
        {"callees": []},
        {"caller_contacts": [], "callee": "200"},
        {"callee_contacts": [], "callees": []},
    ],
)
async def test_nobody_on_duty(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any]
) -> None:
    """A list with nobody in it rings nobody, and is no fault."""
    assert await escalate(hass, **data) == {
        "answered_by": None,
        "answered_by_contact": None,
        "attempts": [],
    }
    assert toy.requests == []


async def test_other_list_is_empty(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The list that the editor has left behind empty is none."""
    toy.error = REFUSED
    await escalate(hass, callers=["101"], callees=[], callee="200")

    assert asked(toy) == [("101", "200")]


def repairs(hass: HomeAssistant) -> list[dict[str, str]]:
    """Return what is said of the escalations of automations and scripts."""
    return [
        issue.translation_placeholders or {}
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
        and issue.translation_key == "escalation_incomplete"
        and not issue.is_fixable
        and not issue.is_persistent
    ]


@pytest.mark.parametrize("automation_id", [{"id": "42"}, {}])
@pytest.mark.parametrize("others", ["101", ""])
async def test_repair_names_the_automation(
    hass: HomeAssistant, toy: ToyBackend, automation_id: dict[str, str], others: str
) -> None:
    """The owner is told which automation has it, until it runs without."""
    toy.error = REFUSED
    step = {
        "action": "pbx.escalate",
        "data": {"callers": "{{ trigger.event.data.people }}", "callee": "200"},
        "continue_on_error": True,
    }
    alarm = {
        **automation_id,
        "alias": "Night alarm",
        "triggers": [{"trigger": "event", "event_type": "alarm"}],
        "actions": [step],
    }
    assert await async_setup_component(hass, "automation", {"automation": [alarm]})
    await settle(hass)
    hass.bus.async_fire("alarm", {"people": ["unknown", others]})
    await settle(hass)

    (told,) = repairs(hass)
    assert told["automation"] == "Night alarm"
    assert told["pbx"] == "Toy"
    assert "the entity had no state" in told["detail"]
    hass.bus.async_fire("alarm", {"people": ["101"]})
    await settle(hass)
    assert repairs(hass) == []


async def test_repair_names_the_script(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """So it is with a script; it goes with the PBX."""
    toy.error = REFUSED
    data = {"caller_contacts": [DEVICE], "callers": ["101"], "callee": "200"}
    step = {"action": "pbx.escalate", "data": data}
    alarm = {"alias": "Night alarm", "sequence": [step]}
    assert await async_setup_component(hass, "script", {"script": {"alarm": alarm}})
    await hass.services.async_call("script", "alarm", {}, blocking=True)

    (told,) = repairs(hass)
    assert told["automation"] == "Night alarm"
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    assert repairs(hass) == []


async def test_no_repair_for_a_person(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Who runs the action by hand sees what is wrong."""
    toy.error = REFUSED
    await escalate(hass, caller_contacts=[DEVICE], callers=["101"], callee="200")

    assert repairs(hass) == []

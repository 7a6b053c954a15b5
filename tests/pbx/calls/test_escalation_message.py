"""Tests of people who hear a message when they are called, on a toy PBX."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.announcement import Played, SpokenValue, ValueKind
from custom_components.pbx.backends.base import CallRequest, Feature, Placed
from custom_components.pbx.backends.errors import DeniedError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, CallState
from scripts.support.tones import say, to_wav

from ..common import (
    pass_time,
    place_call,
    run_pending,
    set_options,
    settle,
    until,
    until_waiting,
)
from ..people import contact, set_up
from ..speech.engines import Engine
from ..toy import SPEECH, ToyBackend, Toys
from .escalating import escalate, report_of, values
from .messages import message, raises

pytestmark = pytest.mark.usefixtures("engine")

NO_ANSWER, ANSWERED = CallResult.NO_ANSWER, CallResult.ANSWERED
CONNECTED = CallState.CONNECTED
PEOPLE: dict[str, Any] = {"callers": ["101", "102", "103"], "message": "Fire"}
WITH_KEY: dict[str, Any] = PEOPLE | {"confirm_key": 1, "decline_key": "2"}


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX that speaks, but cannot ring phones together."""
    return (Feature.HANG_UP, *SPEECH)


def rung(toy: ToyBackend) -> list[str]:
    """Return the numbers that were called, in order."""
    return [request.callee for request in toy.requests]


def request_of(toy: ToyBackend, number: str) -> CallRequest:
    """Return the latest request that calls a number."""
    return [each for each in toy.requests if each.callee == number][-1]


async def begin(hass: HomeAssistant, **data: object) -> asyncio.Task[dict[str, Any]]:
    """Run the action until it waits, with its message made, and return its task."""
    running = asyncio.create_task(escalate(hass, **data))
    await until_waiting(hass, running)
    return running


async def hear(
    hass: HomeAssistant,
    toy: ToyBackend,
    number: str,
    played: Played,
    **facts: Any,  # noqa: ANN401 - any field of an announcement or an update
) -> None:
    """Let the PBX report what came of the latest announcement to a number."""
    toy.announce(played, originated_call_id=request_of(toy, number).call_id, **facts)
    await settle(hass)


async def confirm(hass: HomeAssistant, toy: ToyBackend, number: str) -> None:
    """Let a person answer and press the key."""
    await hear(hass, toy, number, Played.NONE, confirmed=False)
    await hear(hass, toy, number, Played.PART, confirmed=True)


async def cancel(running: asyncio.Task[Any]) -> None:
    """Cancel an escalation, as what stops its script does."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


# --- In turn ---


async def test_confirmed(hass: HomeAssistant, toy: ToyBackend, engine: Engine) -> None:
    """Only a person who presses the key has answered; others lead to the next."""
    running = await begin(hass, **WITH_KEY, repeat=3, repeat_pause=2, key_timeout=5)
    # Voicemail hears all of it and presses nothing.
    await hear(hass, toy, "101", Played.FULL, confirmed=False)
    assert rung(toy) == ["101"]
    await report_of(hass, toy, "101", ANSWERED)
    await hear(hass, toy, "102", Played.NONE, confirmed=False)
    await report_of(hass, toy, "102", ANSWERED)
    await confirm(hass, toy, "103")

    response = await running
    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "103"
    assert response["answered"] == [{"number": "103", "contact": None}]
    assert rung(toy) == ["101", "102", "103"]
    assert values(response, "result") == ["answered"] * 3
    assert values(response, "played") == ["full", "none", "part"]
    assert values(response, "confirmed") == [False, False, True]
    assert values(response, "caller") == [None] * 3
    assert values(response, "callee") == ["101", "102", "103"]
    assert values(response, "caller_answered") == [None] * 3
    announcements = {request.announcement for request in toy.requests}
    (announcement,) = announcements
    assert announcement is not None
    assert (announcement.confirm_key, announcement.decline_key) == ("1", "2")
    assert (announcement.repeat, announcement.repeat_pause) == (3, 2)
    assert (announcement.key_timeout, announcement.connect_to) == (5, None)
    assert announcement.audio.seconds > 0
    assert len(engine.asked) == 1


async def test_all_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, engine: Engine
) -> None:
    """No engine is asked for a message that no one can hear."""
    await set_options(hass, toy_entry, cooldown=600)
    callers = ["101", {"number": "102", "timeout": "soon"}]
    running = await begin(hass, **PEOPLE | {"callers": callers})
    await report_of(hass, toy, "101", NO_ANSWER)
    await report_of(hass, toy, "102", NO_ANSWER)
    await running
    # Another message, as the first one is known already.
    response = await escalate(hass, callers=callers, message="Water")

    assert response["ended_by"] == "nobody"
    assert values(response, "result") == ["failed"] * 2
    assert all("cooldown" in error for error in values(response, "error"))
    assert len(engine.asked) == 1
    assert rung(toy) == ["101", "102"]


async def test_some_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, engine: Engine
) -> None:
    """The others hear the message."""
    await set_options(hass, toy_entry, cooldown=600, calls_at_once=1)
    running = await begin(hass, callers=["101"], message="Fire")
    await report_of(hass, toy, "101", NO_ANSWER)
    await running
    running = await begin(hass, **PEOPLE | {"message": "Water"}, mode="everyone")
    assert rung(toy) == ["101", "102"]
    await report_of(hass, toy, "102", NO_ANSWER)
    await report_of(hass, toy, "103", NO_ANSWER)
    response = await running
    assert sorted(values(response, "result")) == ["failed", "no_answer", "no_answer"]
    assert len(engine.asked) == 2


async def test_heard(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Without a key, who answers has answered; the action waits for the last word."""
    running = await begin(hass, **PEOPLE)
    await report_of(hass, toy, "101", NO_ANSWER)
    await hear(hass, toy, "102", Played.PART)
    assert not running.done()
    await hear(hass, toy, "102", Played.FULL)
    await report_of(hass, toy, "102", ANSWERED)

    response = await running
    assert response["answered_by"] == "102"
    assert values(response, "result") == ["no_answer", "answered"]
    assert values(response, "played") == ["none", "full"]
    assert values(response, "confirmed") == [None, None]


async def test_connected(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The callee is connected after the message, which the action waits for."""
    running = await begin(hass, **PEOPLE, callee="200")
    assert request_of(toy, "101").announcement.connect_to == "200"  # type: ignore[union-attr]
    await hear(hass, toy, "101", Played.FULL, connected=False)
    assert not running.done()
    await hear(hass, toy, "101", Played.FULL, connected=True)

    assert (await running)["answered_by"] == "101"


async def test_end_is_never_reported(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The action does not wait forever."""
    running = await begin(hass, **PEOPLE)
    await hear(hass, toy, "101", Played.PART)
    await pass_time(hass, freezer, 3600)

    assert (await running)["answered_by"] == "101"


async def test_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The pause is between two attempts, and the rounds follow."""
    people = WITH_KEY | {"callers": ["101"]}
    running = await begin(hass, **people, pause=20, rounds=2)
    await report_of(hass, toy, "101", ANSWERED)
    await pass_time(hass, freezer, 19)
    assert rung(toy) == ["101"]
    await pass_time(hass, freezer, 1)
    await report_of(hass, toy, "101", ANSWERED)

    response = await running
    assert response["ended_by"] == "nobody"
    assert response["answered"] == []
    assert values(response, "confirmed") == [False, False]


async def test_message_counts_for_the_timeout(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """An attempt lasts as long as the message may."""
    running = await begin(hass, **WITH_KEY, key_timeout=60)
    await hear(hass, toy, "101", Played.FULL, confirmed=False)
    await pass_time(hass, freezer, 70)
    assert rung(toy) == ["101"]
    # Wrong keys may extend the wait.
    await pass_time(hass, freezer, 4 * 60 + 2 + 10)
    assert rung(toy) == ["101", "102"]
    await cancel(running)
    await settle(hass)


# --- Together ---


async def test_together(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The first to confirm ends the calls that ring, and those that listen."""
    running = await begin(hass, **WITH_KEY, mode="together")
    assert rung(toy) == ["101", "102", "103"]
    assert {request.group for request in toy.requests} == {None}
    await hear(hass, toy, "101", Played.PART, confirmed=False)
    assert toy.hung_up == []
    await confirm(hass, toy, "103")
    others = [request_of(toy, number).call_id for number in ("101", "102")]
    assert sorted(toy.hung_up) == sorted(others)
    await report_of(hass, toy, "101", ANSWERED)
    await report_of(hass, toy, "102", NO_ANSWER)

    response = await running
    assert response["answered"] == [{"number": "103", "contact": None}]
    assert values(response, "result") == ["answered", "no_answer", "answered"]
    assert values(response, "confirmed") == [False, False, True]


async def test_together_without_key(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The first to answer stops the others, and hears the message."""
    running = await begin(hass, **PEOPLE, mode="together")
    await hear(hass, toy, "102", Played.NONE)
    others = [request_of(toy, number).call_id for number in ("101", "103")]
    assert sorted(toy.hung_up) == sorted(others)
    await pass_time(hass, freezer, 2)
    assert not running.done()
    await hear(hass, toy, "102", Played.FULL)
    await report_of(hass, toy, "102", ANSWERED)

    response = await running
    assert response["answered_by"] == "102"
    assert values(response, "played") == ["none", "full", "none"]


async def test_both_answer_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The second of two who answer at once is hung up, and reported."""
    running = await begin(hass, **PEOPLE, mode="together")
    for number in ("103", "102"):
        toy.announce(Played.NONE, originated_call_id=request_of(toy, number).call_id)
    await settle(hass)
    ended = [request_of(toy, number).call_id for number in ("101", "102")]
    assert sorted(toy.hung_up) == sorted(ended)
    for number in ("101", "102", "103"):
        await report_of(hass, toy, number, ANSWERED)
    await running


async def test_together_and_requested(
    hass: HomeAssistant, toy: ToyBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call whose request had no response yet is hung up after it."""
    originate, answer = toy.originate, asyncio.Event()

    async def slow(request: CallRequest) -> Placed:
        placed = await originate(request)
        if request.callee == "103":
            await answer.wait()
        return placed

    monkeypatch.setattr(toy, "originate", slow)
    running = asyncio.create_task(escalate(hass, **WITH_KEY, mode="together"))
    await until(lambda: len(toy.requests) == 3)
    await run_pending()
    first, second, third = (each.call_id for each in toy.requests)
    toy.announce(confirmed=True, originated_call_id=first)
    await run_pending()
    assert toy.hung_up == [second]
    answer.set()
    await settle(hass)
    assert toy.hung_up == [second, third]
    await report_of(hass, toy, "102", NO_ANSWER)
    await report_of(hass, toy, "103", NO_ANSWER)

    assert (await running)["answered_by"] == "101"


async def test_together_and_begun_late(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A call that begins while another person confirms is hung up."""
    canceled = await begin(hass, **WITH_KEY | {"callers": ["102"]})
    await cancel(canceled)
    await settle(hass)
    # The same person is called again as soon as the first call has ended.
    people = WITH_KEY | {"callers": ["101", "102"], "mode": "together"}
    running = asyncio.create_task(escalate(hass, **people))
    await until(lambda: len(toy.requests) == 2)
    # The other one has its message, and waits for the end of the first call.
    await settle(hass)
    toy.announce(confirmed=True)
    await run_pending()
    toy.end(NO_ANSWER, originated_call_id=toy.requests[0].call_id)
    await settle(hass)

    assert rung(toy) == ["102", "101", "102"]
    assert toy.hung_up == [toy.requests[0].call_id, toy.requests[2].call_id]
    await report_of(hass, toy, "102", NO_ANSWER)
    assert (await running)["answered_by"] == "101"


async def test_together_answered_in_the_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A late confirmation ends the other calls, too."""
    data = WITH_KEY | {"mode": "together", "callee": "200"}
    running = await begin(hass, **data, rounds=2, pause=600)
    await pass_time(hass, freezer, 150)
    await confirm(hass, toy, "101")
    await pass_time(hass, freezer, 600)

    assert (await running)["answered_by"] == "101"
    assert len(toy.hung_up) == 2
    assert len(toy.requests) == 3


async def test_together_and_no_place(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A person who was not called before the confirmation is not called."""
    await set_options(hass, toy_entry, calls_at_once=2)
    running = await begin(hass, **WITH_KEY, mode="together")
    assert rung(toy) == ["101", "102"]
    await confirm(hass, toy, "101")
    await report_of(hass, toy, "102", NO_ANSWER)
    await report_of(hass, toy, "101", ANSWERED)

    response = await running
    assert values(response, "number") == ["101", "102"]
    assert rung(toy) == ["101", "102"]


# --- Everyone ---


async def test_everyone(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Each hears the message, until they have confirmed it."""
    running = await begin(hass, **WITH_KEY, mode="everyone", rounds=2)
    await confirm(hass, toy, "102")
    await report_of(hass, toy, "102", ANSWERED)
    for _ in range(2):
        await report_of(hass, toy, "101", ANSWERED)
        await report_of(hass, toy, "103", NO_ANSWER)

    response = await running
    assert response["ended_by"] == "answered"
    assert response["answered_by"] == "102"
    assert len(response["answered"]) == 1
    assert rung(toy) == ["101", "102", "103", "101", "103"]
    assert toy.hung_up == []


async def test_everyone_confirmed_in_the_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Who confirms after their attempt has timed out is not called again."""
    data = WITH_KEY | {"mode": "everyone", "callee": "200"}
    running = await begin(hass, **data, rounds=2, pause=600)
    await pass_time(hass, freezer, 150)
    await confirm(hass, toy, "101")
    await pass_time(hass, freezer, 600)
    assert sorted(rung(toy)) == ["101", "102", "102", "103", "103"]
    await report_of(hass, toy, "102", NO_ANSWER)
    await report_of(hass, toy, "103", NO_ANSWER)

    assert (await running)["answered"] == [{"number": "101", "contact": None}]


async def test_everyone_without_key(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Who listens keeps their place: the line is in use until the last word."""
    await set_options(hass, toy_entry, calls_at_once=2)
    running = await begin(hass, **PEOPLE, mode="everyone")
    await hear(hass, toy, "101", Played.PART)
    await hear(hass, toy, "102", Played.PART)
    assert rung(toy) == ["101", "102"]
    await hear(hass, toy, "102", Played.FULL)
    await report_of(hass, toy, "102", ANSWERED)
    assert rung(toy) == ["101", "102", "103"]
    for number in ("103", "101"):
        assert not running.done()
        await hear(hass, toy, number, Played.FULL)
        await report_of(hass, toy, number, ANSWERED)

    response = await running
    assert values(response, "played") == ["full"] * 3
    assert len(response["answered"]) == 3


# --- Until and stop ---


@pytest.mark.parametrize("data", [PEOPLE, WITH_KEY])
@pytest.mark.parametrize("how", ["until", "canceled"])
async def test_called_off(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    data: dict[str, Any],
    how: str,
) -> None:
    """What rings is hung up; a call that is spoken to is spoken to its end."""
    hass.states.async_set("light.hall", "off")
    condition = {"condition": "state", "entity_id": "light.hall", "state": "on"}
    running = await begin(hass, **data, mode="everyone", until=condition)
    confirmed = False if "confirm_key" in data else None
    await hear(hass, toy, "101", Played.PART, confirmed=confirmed)
    if how == "until":
        hass.states.async_set("light.hall", "on")
        await pass_time(hass, freezer, 1)
        for number in ("102", "103"):
            await report_of(hass, toy, number, NO_ANSWER)
        response = await running
        assert response["ended_by"] == "until"
        assert values(response, "result") == ["answered", "no_answer", "no_answer"]
        assert values(response, "played") == ["part", "none", "none"]
    else:
        await cancel(running)
        await settle(hass)

    ringing = [request_of(toy, number).call_id for number in ("102", "103")]
    assert sorted(toy.hung_up) == sorted(ringing)


async def test_until_while_it_is_heard(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Who has answered in time has ended the calls."""
    hass.states.async_set("light.hall", "off")
    condition = {"condition": "state", "entity_id": "light.hall", "state": "on"}
    running = await begin(hass, **PEOPLE, until=condition)
    await hear(hass, toy, "101", Played.PART)
    hass.states.async_set("light.hall", "on")
    await pass_time(hass, freezer, 1)
    await report_of(hass, toy, "101", ANSWERED)

    assert (await running)["ended_by"] == "answered"
    assert toy.hung_up == []


async def test_canceled_while_it_is_heard(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A script that is stopped lets the person hear the message."""
    running = await begin(hass, **PEOPLE)
    await hear(hass, toy, "101", Played.PART)
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == []
    assert rung(toy) == ["101"]


async def test_home_assistant_stops(hass: HomeAssistant, toy: ToyBackend) -> None:
    """No phone rings for a message that Home Assistant cannot play any more."""
    running = await begin(hass, **PEOPLE)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await run_pending()
    with raises("stopping"):
        await running
    await settle(hass)
    hass.set_state(CoreState.running)

    assert toy.hung_up == [request_of(toy, "101").call_id]


# --- People and settings ---


async def test_personal_settings(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A person's settings apply, and those of the callee but for its context do not."""
    await set_up(
        hass,
        new_toy,
        contact("Mom", "201", timeout=45, context="mom"),
        contact("Guard", "300", timeout=7, context="guards"),
    )
    people = ["Mom", {"number": "102", "timeout": 5}, "103"]
    data = {"callers": people, "message": "Fire", "mode": "everyone"}
    running = await begin(hass, **data, callee="Guard", confirm_key="1")
    toy = toys.latest

    assert rung(toy) == ["201", "102", "103"]
    assert [each.timeout for each in toy.requests] == [45, 5, 30]
    assert {each.context for each in toy.requests} == {"guards"}
    seconds = {
        each.announcement and each.announcement.connect_to for each in toy.requests
    }
    assert seconds == {"300"}
    await confirm(hass, toy, "201")
    await cancel(running)
    await settle(hass)


async def test_own_context(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, engine: Engine
) -> None:
    """A person's context and caller ID count; their settings for speech do not."""
    own = {"language": "fa", "repeat": 5, "confirm_key": "9"}
    mom = contact("Mom", "201", context="mom", caller_id="2188", **own)
    await set_up(hass, new_toy, mom, contact("Guard", "300", timeout=7))
    people = {"callers": ["Mom", "102"], "message": "Fire", "mode": "everyone"}
    running = await begin(hass, **people, callee="Guard")
    toy = toys.latest

    assert [each.context for each in toy.requests] == ["mom", "main"]
    assert [each.caller_id for each in toy.requests] == ["2188", "102"]
    (said,) = {each.announcement for each in toy.requests}
    assert said is not None
    assert (said.repeat, said.confirm_key) == (2, None)
    assert [each[1] for each in engine.asked] == ["en"]
    await cancel(running)
    await settle(hass)
    running = await begin(hass, **people | {"callers": ["102"]}, context="own")
    assert toy.requests[-1].context == "own"
    await cancel(running)
    await settle(hass)


async def test_invalid_person(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A person who cannot be called has heard nothing."""
    running = await begin(hass, **WITH_KEY | {"callers": ["Nobody", "101"]})
    await confirm(hass, toy, "101")

    failed, answered = (await running)["attempts"]
    assert failed["error"] == message("no_contacts", contact="Nobody")
    assert (failed["played"], failed["confirmed"]) == ("none", False)
    assert answered["confirmed"] is True


async def test_same_phone_twice(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A phone that is in the list twice rings once."""
    people = PEOPLE | {"callers": ["101", "1 0 1"], "mode": "together"}
    running = await begin(hass, **people)
    assert rung(toy) == ["101"]
    await cancel(running)
    await settle(hass)


# --- Errors ---


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (
            {"callees": ["101"], "caller": "200", "message": "Fire"},
            "message_with_callees",
        ),
        ({"callees": ["101"], "caller": "200", "repeat": 2}, "message_with_callees"),
        (PEOPLE | {"media": "media-source://x/y"}, "message_or_media"),
        ({"callers": ["101"], "confirm_key": "1"}, "message_or_media"),
        (PEOPLE | {"decline_key": "1"}, "decline_without_confirm"),
        (PEOPLE | {"callee": ""}, "number_empty"),
        (PEOPLE | {"callee": "unknown"}, "number_no_state"),
        (PEOPLE | {"caller": "200"}, "list_and_single"),
        (PEOPLE | {"confirm_key": "12"}, "given_no_key"),
        ({"callers": ["101"]}, "number_empty"),
    ],
)
async def test_invalid(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any], key: str
) -> None:
    """Fields that do not go together are refused before anyone is called."""
    with raises(key):
        await escalate(hass, **data)
    assert toy.requests == []


async def test_digits_are_refused(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An escalation does not collect keys."""
    with pytest.raises(Exception, match="digits"):
        await escalate(hass, **PEOPLE, digits=4)
    assert toy.requests == []


@pytest.mark.parametrize(("number", "field"), [("101", "caller"), ("200", "callee")])
async def test_forbidden(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    engine: Engine,
    number: str,
    field: str,
) -> None:
    """The numbers are checked before the engine is asked."""
    await set_options(hass, toy_entry, forbidden_numbers=[number])
    data = {"callers": ["101"], "callee": "200", "message": "Fire"}
    with raises("number_forbidden") as caught:
        await escalate(hass, **data)

    assert caught.value.translation_placeholders == {
        "field": field,
        "number": "***",
        "pbx": "Toy",
    }
    assert engine.asked == []
    assert toy.requests == []


@pytest.mark.parametrize("mode", ["in_turn", "together", "everyone"])
@pytest.mark.parametrize(
    ("limit", "key"),
    [
        ({"cooldown": 600}, "called_recently"),
        ({"calls_per_hour": 3}, "too_many_per_hour"),
    ],
)
async def test_limited(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    engine: Engine,
    freezer: FrozenDateTimeFactory,
    mode: str,
    limit: dict[str, int],
    key: str,
) -> None:
    """The engine is not asked for calls that the limits refuse."""
    await set_options(hass, toy_entry, **limit)
    for number in ("101", "102", "103"):
        await place_call(hass, caller="200", callee=number)
        toy.end()
    freezer.tick(1)
    response = await escalate(hass, **PEOPLE, mode=mode)

    error = message(key, pbx="Toy", seconds="600", limit="3")
    assert response["ended_by"] == "nobody"
    assert values(response, "error") == [error] * 3
    assert values(response, "played") == ["none"] * 3
    assert engine.asked == []


async def test_limited_at_first(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    engine: Engine,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A later round rings, and speaks, when the limit is over."""
    await set_options(hass, toy_entry, cooldown=60)
    await place_call(hass, caller="200", callee="101")
    toy.end()
    freezer.tick(1)
    running = await begin(hass, **PEOPLE | {"callers": ["101"]}, rounds=2, pause=60)
    assert engine.asked == []
    await pass_time(hass, freezer, 60)
    await until(lambda: len(toy.requests) == 2)
    await settle(hass)
    said = request_of(toy, "101").announcement
    assert said is not None
    assert said.audio.pcm == say("Fire")
    await hear(hass, toy, "101", Played.FULL)
    await report_of(hass, toy, "101", ANSWERED)

    assert values(await running, "result") == ["failed", "answered"]


async def test_rules_again(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, engine: Engine
) -> None:
    """The numbers are checked again before a phone rings."""
    ready = asyncio.Event()

    async def speak(text: str) -> tuple[str, bytes]:
        await ready.wait()
        return "wav", to_wav(say(text))

    engine._answer = speak  # noqa: SLF001 - the test's own engine
    running = asyncio.create_task(escalate(hass, **WITH_KEY))
    await until(lambda: engine.asked)
    options = toy_entry.options | {"forbidden_numbers": ["101"]}
    hass.config_entries.async_update_entry(toy_entry, options=options)
    ready.set()
    await until(lambda: toy.requests)
    await run_pending()
    await confirm(hass, toy, "102")

    response = await running
    assert rung(toy) == ["102"]
    assert len(engine.asked) == 1
    assert values(response, "result") == ["failed", "answered"]


@pytest.mark.parametrize("mode", ["in_turn", "together", "everyone"])
async def test_engine_fails(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine, mode: str
) -> None:
    """A message that cannot be made is the error of the action, asked for once."""

    async def fail(_text: str) -> tuple[None, None]:
        await asyncio.sleep(0)
        return None, None

    engine._answer = fail  # noqa: SLF001 - the test's own engine
    with pytest.raises(HomeAssistantError):
        await escalate(hass, **PEOPLE, mode=mode)
    await settle(hass)

    assert len(engine.asked) == 1
    assert toy.requests == []


async def test_until_while_the_engine_works(
    hass: HomeAssistant,
    toy: ToyBackend,
    engine: Engine,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No one is called for what was over before the message was made."""

    async def never(_text: str) -> tuple[None, None]:
        await asyncio.Event().wait()
        return None, None

    engine._answer = never  # noqa: SLF001 - the test's own engine
    hass.states.async_set("light.hall", "off")
    condition = {"condition": "state", "entity_id": "light.hall", "state": "on"}
    running = asyncio.create_task(escalate(hass, **PEOPLE, until=condition))
    await until(lambda: engine.asked)
    hass.states.async_set("light.hall", "on")
    freezer.tick(1)
    async_fire_time_changed(hass)

    assert (await running)["ended_by"] == "until"
    assert toy.requests == []


async def test_cannot_speak(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine
) -> None:
    """A PBX that cannot play it now is an error before the engine is asked."""
    toy.speech_error = DeniedError(PbxErrorCode.NO_SPEECH)
    with raises("no_speech"):
        await escalate(hass, **PEOPLE)

    assert engine.asked == []
    assert toy.requests == []


@pytest.mark.parametrize("toy_features", [(Feature.HANG_UP,)])
async def test_not_supported(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A kind of PBX that never can says so."""
    with raises("announcements_not_supported"):
        await escalate(hass, **PEOPLE)
    assert toy.requests == []


# --- What the PBX can do ---


class TestOnePhoneAtATime:
    """A PBX that cannot stop a phone that rings."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return (*SPEECH, Feature.SPOKEN_VALUES)

    async def test_together(self, hass: HomeAssistant, toy: ToyBackend) -> None:
        """Phones cannot hear a message together, as the others would ring on."""
        with raises("together_not_supported"):
            await escalate(
                hass, callers=["101"], message="Fire", mode="together", confirm_key="1"
            )
        assert toy.requests == []

    async def test_values(self, hass: HomeAssistant, toy: ToyBackend) -> None:
        """A list is prepared once, to last, and needs no engine if it has no text."""
        running = asyncio.create_task(
            escalate(
                hass,
                callers=["101", "102"],
                message=[{"digits": "112"}],
                confirm_key="1",
                cooldown=0,
            )
        )
        for is_confirmed in (False, True):
            await until(lambda: toy.requests)
            await run_pending()
            toy.announce(Played.FULL, confirmed=is_confirmed)
            toy.end()
            toy.requests.clear()
        assert (await running)["ended_by"] == "answered"
        (prepared,) = toy.messages
        assert prepared.is_lasting
        assert prepared.parts == (SpokenValue(ValueKind.DIGITS, "112"),)

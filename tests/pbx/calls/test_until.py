"""Tests of the conditions that end an escalation, through the action to a toy PBX."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import ConditionChecker
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.calls.until import Until

from ..common import pass_time, run_pending, settle
from ..toy import ToyBackend
from .escalating import UNREACHABLE, begin, escalate, parties, report, report_of, values
from .messages import raises

ALARM = "input_boolean.alarm"
IS_OFF = {"condition": "state", "entity_id": ALARM, "state": "off"}
NIGHT = {"condition": "state", "entity_id": "sun.sun", "state": "below_horizon"}
MISSING = {"condition": "state", "entity_id": "light.missing", "state": "on"}
PEOPLE: dict[str, Any] = {"callers": ["101", "102"], "callee": "200"}


@pytest.fixture(autouse=True)
def states(hass: HomeAssistant) -> None:
    """Set the states that the conditions check."""
    hass.states.async_set(ALARM, "on")
    hass.states.async_set("sun.sun", "above_horizon")


def turn_off(hass: HomeAssistant) -> None:
    """Meet the condition."""
    hass.states.async_set(ALARM, "off")


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let phones ring together."""
    return (Feature.HANG_UP, Feature.GROUPS)


async def test_met_at_the_start(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Conditions that are met already end the escalation before anyone is called."""
    turn_off(hass)
    response = await escalate(hass, **PEOPLE, until=[IS_OFF])

    assert response == {
        "ended_by": "until",
        "answered_by": None,
        "answered_by_contact": None,
        "answered": [],
        "attempts": [],
    }
    assert toy.requests == []


@pytest.mark.parametrize("until", [[IS_OFF], IS_OFF, (IS_OFF,)])
async def test_met_while_it_rings(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    until: object,
) -> None:
    """Once a second, they are checked; the phone that rings is hung up."""
    running = await begin(hass, **PEOPLE, until=until)
    await pass_time(hass, freezer, 10)
    turn_off(hass)
    await settle(hass)
    assert toy.hung_up == []
    await pass_time(hass, freezer, 1)
    assert toy.hung_up == [toy.requests[0].call_id]
    # The result of the call is waited for.
    assert not running.done()
    await report(hass, toy, UNREACHABLE)

    assert running.done()
    response = await running
    assert response["ended_by"] == "until"
    assert values(response, "result") == ["caller_unreachable"]
    assert "until_errors" not in response
    await pass_time(hass, freezer, 100)
    assert parties(toy) == [("101", "200")]


async def test_end_is_not_reported(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The result of a call that was hung up is waited for two seconds."""
    running = await begin(hass, **PEOPLE, until=[IS_OFF])
    turn_off(hass)
    await pass_time(hass, freezer, 1)
    assert len(toy.hung_up) == 1
    assert not running.done()
    await pass_time(hass, freezer, 2)

    assert values(await running, "result") == ["undetermined"]


@pytest.mark.parametrize("toy_features", [()])
async def test_pbx_cannot_hang_up(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The phone rings on, but no other one is called."""
    running = await begin(hass, **PEOPLE, until=[IS_OFF])
    turn_off(hass)
    await pass_time(hass, freezer, 1)

    assert (await running)["ended_by"] == "until"
    assert toy.hung_up == []
    await report(hass, toy, UNREACHABLE)
    assert parties(toy) == [("101", "200")]


async def test_met_before_an_attempt(hass: HomeAssistant, toy: ToyBackend) -> None:
    """They are checked before each attempt, too."""
    running = await begin(hass, **PEOPLE, until=[IS_OFF])
    turn_off(hass)
    await report(hass, toy, UNREACHABLE)

    response = await running
    assert response["ended_by"] == "until"
    assert values(response, "number") == ["101"]
    assert parties(toy) == [("101", "200")]
    assert toy.hung_up == []


async def test_met_in_a_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The pause between two attempts is ended."""
    running = await begin(hass, **PEOPLE, pause=600, until=[IS_OFF])
    await report(hass, toy, UNREACHABLE)
    turn_off(hass)
    await pass_time(hass, freezer, 1)

    assert (await running)["ended_by"] == "until"
    assert parties(toy) == [("101", "200")]


async def test_answered_before(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A call that was answered continues."""
    running = await begin(hass, **PEOPLE, until=[IS_OFF])
    await report(hass, toy, CallState.RINGING_CALLEE)
    turn_off(hass)
    await pass_time(hass, freezer, 10)

    assert (await running)["ended_by"] == "answered"
    assert toy.hung_up == []


@pytest.mark.parametrize("mode", ["together", "everyone"])
async def test_several_phones_ring(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, mode: str
) -> None:
    """All phones that ring are hung up."""
    running = await begin(hass, **PEOPLE, mode=mode, rounds=3, until=[IS_OFF])
    turn_off(hass)
    await pass_time(hass, freezer, 1)
    assert sorted(toy.hung_up) == sorted(each.call_id for each in toy.requests)
    for number in ("101", "102"):
        await report_of(hass, toy, number, UNREACHABLE)

    response = await running
    assert response["ended_by"] == "until"
    assert values(response, "number") == ["101", "102"]
    assert len(toy.requests) == 2


async def test_everyone_who_answered_talks_on(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Of everyone, only the phones that ring are hung up."""
    running = await begin(hass, **PEOPLE, mode="everyone", until=[IS_OFF])
    await report_of(hass, toy, "101", CallState.RINGING_CALLEE)
    turn_off(hass)
    await pass_time(hass, freezer, 1)
    assert toy.hung_up == [toy.requests[1].call_id]
    await report_of(hass, toy, "102", UNREACHABLE)

    response = await running
    assert response["ended_by"] == "until"
    assert response["answered_by"] == "101"


async def test_all_have_to_be_met(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """All conditions have to be met; a disabled one does not count."""
    disabled = {**MISSING, "enabled": False}
    running = await begin(hass, **PEOPLE, until=[IS_OFF, disabled, NIGHT])
    turn_off(hass)
    await pass_time(hass, freezer, 2)
    assert toy.hung_up == []
    hass.states.async_set("sun.sun", "below_horizon")
    await pass_time(hass, freezer, 1)
    assert len(toy.hung_up) == 1
    await report(hass, toy, UNREACHABLE)

    assert (await running)["ended_by"] == "until"


@pytest.mark.parametrize(
    "until", [[], [{**IS_OFF, "enabled": False}], {**IS_OFF, "enabled": False}]
)
async def test_never_met(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    until: object,
) -> None:
    """Without an enabled condition, the escalation is not called off."""
    turn_off(hass)
    running = await begin(hass, **PEOPLE, until=until)
    await pass_time(hass, freezer, 5)
    await report(hass, toy, UNREACHABLE)
    await report(hass, toy, CallResult.ANSWERED)

    assert (await running)["ended_by"] == "answered"


@pytest.mark.parametrize("key", ["and", "or"])
async def test_nested(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, key: str
) -> None:
    """Conditions may contain others, in both forms."""
    inner = {"condition": "or", "conditions": [IS_OFF, NIGHT]}
    running = await begin(hass, **PEOPLE, until=[{key: [inner]}])
    turn_off(hass)
    await pass_time(hass, freezer, 1)
    await report(hass, toy, UNREACHABLE)

    assert (await running)["ended_by"] == "until"


async def test_unreadable(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A condition that cannot be read is not met, and is in the response once."""
    running = await begin(hass, **PEOPLE, until=[MISSING, MISSING, IS_OFF])
    turn_off(hass)
    for _ in range(3):
        await pass_time(hass, freezer, 1)
    assert toy.hung_up == []
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["ended_by"] == "answered"
    (error,) = response["until_errors"]
    assert "light.missing" in error


async def test_readable_again(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """It counts as soon as it can be read."""
    running = await begin(hass, **PEOPLE, until=[MISSING])
    hass.states.async_set("light.missing", "on")
    await pass_time(hass, freezer, 1)
    await report(hass, toy, UNREACHABLE)

    response = await running
    assert response["ended_by"] == "until"
    assert len(response["until_errors"]) == 1


class Broken(ConditionChecker):
    """A condition with a bug."""

    def _async_check(self, **_kwargs: object) -> bool:
        raise ZeroDivisionError


async def test_broken(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is logged once, and the condition is not met."""
    checker = Broken(hass)
    await checker.async_setup()
    until = Until(hass, [checker])

    assert [until.is_met(), until.is_met()] == [False, False]
    assert until.errors == ["ZeroDivisionError"]
    assert caplog.text.count("Error in a condition that ends an escalation") == 1


@pytest.mark.parametrize(
    ("until", "key"),
    [
        ("{{ is_state('input_boolean.alarm', 'off') }}", "until_template"),
        # What the script engine makes of these templates.
        (False, "until_template"),
        ([IS_OFF, True], "until_template"),
        ({"condition": "template", "value_template": False}, "until_template"),
        ({"value_template": "{{ true }}"}, "until_template"),
        ({"condition": "numeric_state", "value_template": 1}, "until_template"),
        ([{"or": [IS_OFF, False]}], "until_template"),
        ({"condition": "not", "conditions": {"not": False}}, "until_template"),
        ({"condition": "trigger", "id": "off"}, "until_trigger"),
        ([{"and": [IS_OFF, {"condition": "trigger", "id": "x"}]}], "until_trigger"),
        (None, "until_invalid"),
        (5, "until_invalid"),
        ([[IS_OFF]], "until_invalid"),
        ({}, "until_invalid"),
        ({"condition": "state"}, "until_invalid"),
        ({"condition": "missing.is_on"}, "until_invalid"),
        ({"condition": "device", "device_id": "x", "domain": "pbx"}, "until_invalid"),
    ],
)
async def test_refused(
    hass: HomeAssistant, toy: ToyBackend, until: object, key: str
) -> None:
    """What cannot change is refused before anyone is called."""
    with raises(key) as caught:
        await escalate(hass, **PEOPLE, until=until)

    assert "{detail}" not in str(caught.value)
    assert toy.requests == []


async def test_template_in_an_automation(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The script engine renders a template, which is refused as one."""
    condition = {
        "condition": "template",
        "value_template": "{{ is_state('a.b', 'c') }}",
    }
    step = {
        "action": "pbx.escalate",
        "data": {**PEOPLE, "until": [condition]},
    }
    assert await async_setup_component(
        hass, "script", {"script": {"alarm": {"sequence": [step]}}}
    )
    with raises("until_template"):
        await hass.services.async_call("script", "alarm", {}, blocking=True)
    assert toy.requests == []


async def test_in_an_automation(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A condition in a script is passed on as it is written."""
    step = {
        "action": "pbx.escalate",
        "data": {**PEOPLE, "until": {"or": [IS_OFF, NIGHT]}},
        "response_variable": "outcome",
    }
    then = {"event": "ended", "event_data": {"by": "{{ outcome.ended_by }}"}}
    ended: list[Any] = []
    hass.bus.async_listen("ended", lambda event: ended.append(event.data))
    assert await async_setup_component(
        hass, "script", {"script": {"alarm": {"sequence": [step, then]}}}
    )
    await hass.services.async_call("script", "turn_on", {"entity_id": "script.alarm"})
    # `settle` would wait for the script.
    await run_pending()
    hass.states.async_set("sun.sun", "below_horizon")
    freezer.tick(1)
    async_fire_time_changed(hass)
    await run_pending()
    await report(hass, toy, UNREACHABLE)

    assert ended == [{"by": "until"}]

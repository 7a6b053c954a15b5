"""Tests of ending what an escalation lets ring, when what runs it is stopped."""

import asyncio
from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallState

from ..common import pass_time, run_pending, settle, until
from ..toy import ToyBackend
from .escalating import UNREACHABLE, begin, escalate, parties, report, report_of
from .messages import raises

PEOPLE: dict[str, Any] = {"callers": ["101", "102"], "callee": "200"}
MODES = ["in_turn", "together", "everyone"]


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let phones ring together."""
    return (Feature.HANG_UP, Feature.GROUPS)


def ids(toy: ToyBackend) -> list[str]:
    """Return the ids of the requests."""
    return [request.call_id for request in toy.requests]


async def cancel(running: asyncio.Task[Any]) -> None:
    """Cancel an escalation, as what stops its script does."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def end_all(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Report the ends of all calls."""
    for call_id in ids(toy):
        await report(hass, toy, UNREACHABLE, originated_call_id=call_id)


@pytest.mark.parametrize("mode", MODES)
async def test_canceled(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, mode: str
) -> None:
    """What rings is hung up, and no further call is placed."""
    running = await begin(hass, **PEOPLE, mode=mode, rounds=3, pause=1)
    expected = parties(toy)
    await cancel(running)
    await settle(hass)
    assert sorted(toy.hung_up) == sorted(ids(toy))
    await end_all(hass, toy)
    await pass_time(hass, freezer, 100)

    assert parties(toy) == expected
    assert toy.sink.open_calls() == []


@pytest.mark.parametrize("mode", MODES)
async def test_canceled_in_a_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory, mode: str
) -> None:
    """In a pause, nothing rings."""
    running = await begin(hass, **PEOPLE, mode=mode, rounds=2, pause=60)
    await end_all(hass, toy)
    expected = parties(toy)
    await cancel(running)
    await pass_time(hass, freezer, 100)

    assert parties(toy) == expected
    assert toy.hung_up == []


@pytest.mark.parametrize("mode", MODES)
async def test_canceled_while_requested(
    hass: HomeAssistant, toy: ToyBackend, mode: str
) -> None:
    """A request under way is not interrupted; the call is hung up afterwards."""
    toy.answers.clear()
    running = asyncio.create_task(escalate(hass, **PEOPLE, mode=mode))
    await until(lambda: toy.requests)
    await run_pending()
    expected = parties(toy)
    await cancel(running)
    await run_pending()
    assert toy.hung_up == []
    toy.answers.set()
    await settle(hass)

    assert sorted(toy.hung_up) == sorted(ids(toy))
    assert parties(toy) == expected


async def test_stopper_does_not_wait(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The handler ends at once, before the PBX has done anything."""
    toy.answers.clear()
    running = asyncio.create_task(escalate(hass, **PEOPLE))
    await until(lambda: toy.requests)
    await run_pending()
    running.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert running.done()
    toy.answers.set()
    await settle(hass)


@pytest.mark.parametrize("toy_features", [()])
async def test_pbx_cannot_hang_up(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The phone rings on, and the same request again joins the call."""
    running = await begin(hass, **PEOPLE)
    await cancel(running)
    again = await begin(hass, **PEOPLE)
    assert parties(toy) == [("101", "200")]
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert (await again)["answered_by"] == "101"


async def test_answered_calls_continue(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Who has answered talks on."""
    running = await begin(hass, **PEOPLE, mode="everyone")
    await report_of(hass, toy, "102", CallState.RINGING_CALLEE)
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == ids(toy)[:1]


async def test_uncertain(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A phone whose request had no response may begin to ring: it is hung up."""
    toy.error = CallUncertainError("reset")
    running = await begin(hass, **PEOPLE)
    toy.error = None
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == ids(toy)


@pytest.mark.parametrize("late", [0, 1, 5, None])
async def test_uncertain_and_late(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    late: int | None,
) -> None:
    """A phone that begins to ring after that is hung up after 1 or 5 seconds."""
    toy.error = CallUncertainError("reset")
    running = await begin(hass, **PEOPLE)
    toy.error = None
    asked_at: list[float] = []
    began = freezer().timestamp()

    async def hang_up(_call_id: str) -> None:
        asked_at.append(freezer().timestamp() - began)
        if late is None or asked_at[-1] < late:
            raise CallNotFoundError

    monkeypatch.setattr(toy, "hang_up", hang_up)
    await cancel(running)
    for _ in range(6):
        await run_pending()
        freezer.tick(1)
        async_fire_time_changed(hass)
    await run_pending()

    expected = [at for at in (0, 1, 5) if late is None or at <= late]
    assert [round(at) for at in asked_at] == expected


@pytest.mark.parametrize("toy_features", [(Feature.HANG_UP,)])
async def test_unloaded(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Without a connection to the PBX, nothing is hung up."""
    running = await begin(hass, **PEOPLE)
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == []


async def test_failure(
    hass: HomeAssistant, toy: ToyBackend, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that cannot be hung up is logged; the same request again joins it."""
    running = await begin(hass, **PEOPLE)
    toy.error = PbxError(PbxErrorCode.CANNOT_CONNECT, "reset")
    await cancel(running)
    await settle(hass)
    assert "Failed to call off a call: cannot_connect: reset" in caplog.text
    toy.error = None
    again = await begin(hass, **PEOPLE)
    assert len(toy.requests) == 1
    await report(hass, toy, CallState.RINGING_CALLEE)
    assert (await again)["answered_by"] == "101"


# --- Scripts and automations ---

STEP = {"action": "pbx.escalate", "data": PEOPLE}
SCRIPT = {"entity_id": "script.bell"}
AUTOMATION = {"entity_id": "automation.bell"}
BELL = {
    "alias": "Bell",
    "mode": "restart",
    "triggers": [{"trigger": "event", "event_type": "bell"}],
    "actions": [STEP],
}


async def start_script(hass: HomeAssistant, mode: str = "single") -> None:
    """Set up a script and run it."""
    script = {"bell": {"mode": mode, "sequence": [STEP]}}
    assert await async_setup_component(hass, "script", {"script": script})
    await hass.services.async_call("script", "turn_on", SCRIPT)
    # `settle` would wait for the script.
    await run_pending()


async def start_automation(hass: HomeAssistant) -> None:
    """Set up an automation and trigger it."""
    assert await async_setup_component(hass, "automation", {"automation": [BELL]})
    await settle(hass)
    hass.bus.async_fire("bell")
    await run_pending()


async def test_script_turned_off(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A script that is turned off ends what rings."""
    await start_script(hass)
    await hass.services.async_call("script", "turn_off", SCRIPT, blocking=True)
    await settle(hass)
    assert toy.hung_up == ids(toy)
    await report(hass, toy, UNREACHABLE)
    await pass_time(hass, freezer, 100)

    assert parties(toy) == [("101", "200")]


async def test_automation_turned_off(hass: HomeAssistant, toy: ToyBackend) -> None:
    """So does an automation that is turned off."""
    await start_automation(hass)
    await hass.services.async_call("automation", "turn_off", AUTOMATION, blocking=True)
    await settle(hass)

    assert toy.hung_up == ids(toy)


async def test_automation_reloaded(
    hass: HomeAssistant, toy: ToyBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was edited."""
    await start_automation(hass)
    edited: dict[str, Any] = {"automation": [{**BELL, "mode": "single"}]}

    async def read(_hass: HomeAssistant) -> dict[str, Any]:
        return edited

    monkeypatch.setattr("homeassistant.config.async_hass_config_yaml", read)
    await hass.services.async_call("automation", "reload", blocking=True)
    await settle(hass)

    assert toy.hung_up == ids(toy)


@pytest.mark.parametrize(
    "start", [start_automation, lambda hass: start_script(hass, "restart")]
)
async def test_restarted(
    hass: HomeAssistant, toy: ToyBackend, start: Callable[[HomeAssistant], Any]
) -> None:
    """A restart ends the call and waits for its end, so no phone rings twice."""
    await start(hass)
    if hass.states.get("script.bell"):
        await hass.services.async_call("script", "turn_on", SCRIPT)
    else:
        hass.bus.async_fire("bell")
    await run_pending()
    assert toy.hung_up == ids(toy)
    assert len(toy.requests) == 1
    toy.end(UNREACHABLE)
    await run_pending()
    assert parties(toy) == [("101", "200")] * 2
    await report(hass, toy, CallState.RINGING_CALLEE)

    assert len(toy.hung_up) == 1


# --- Stop of Home Assistant ---


@pytest.mark.parametrize("when", ["ringing", "requested"])
@pytest.mark.parametrize(("mode", "is_needed"), zip(MODES, [0, 1, 0], strict=True))
async def test_home_assistant_stops(
    hass: HomeAssistant, toy: ToyBackend, mode: str, when: str, *, is_needed: int
) -> None:
    """Only phones that ring together need Home Assistant; the others are left."""
    if when == "requested":
        toy.answers.clear()
    running = asyncio.create_task(escalate(hass, **PEOPLE, mode=mode))
    await until(lambda: toy.requests)
    await run_pending()
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await run_pending()
    toy.answers.set()
    with raises("stopping"):
        await running
    await settle(hass)
    hass.set_state(CoreState.running)

    assert sorted(toy.hung_up) == (sorted(ids(toy)) if is_needed else [])

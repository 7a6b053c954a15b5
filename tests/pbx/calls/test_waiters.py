"""Tests of waiting for the state of a call."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
)
from homeassistant.core import CoreState, HomeAssistant, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, run_pending, settle
from ..toy import ToyBackend

type Waiting = asyncio.Future[ServiceResponse]


async def begin(hass: HomeAssistant, until: str = "ended", **data: object) -> Waiting:
    """Place a call and start waiting for it."""
    data = {"caller": "101", "callee": "200", "wait_until": until, **data}
    waiting = asyncio.ensure_future(
        hass.services.async_call(
            DOMAIN, "originate", data, blocking=True, return_response=True
        )
    )
    await run_pending()
    return waiting


@pytest.mark.parametrize(
    ("until", "state", "is_over"),
    [
        ("ended", CallState.RINGING_CALLEE, False),
        ("ended", CallState.CONNECTED, False),
        ("ended", CallState.ENDED, True),
        ("answered", CallState.RINGING_CALLEE, False),
        ("answered", CallState.CONNECTED, True),
        ("answered", CallState.ENDED, True),
    ],
)
async def test_wait(
    hass: HomeAssistant, toy: ToyBackend, until: str, state: CallState, is_over: bool
) -> None:
    """Waiting ends when the call reaches the state or ends."""
    waiting = await begin(hass, until)
    result = CallResult.BUSY if state is CallState.ENDED else None
    toy.report(state, result=result)
    await settle(hass)
    assert waiting.done() is is_over

    toy.end(CallResult.BUSY)
    response = await waiting
    assert response is not None
    expected = None if state is CallState.CONNECTED and is_over else "busy"
    assert response["result"] == expected


async def test_reached_before(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A state that was already reached is not waited for."""
    toy.answers.clear()
    waiting = await begin(hass)
    toy.report(CallState.CONNECTED)
    toy.end(talk_time=7.0)
    toy.answers.set()

    response = await waiting
    assert response is not None
    assert (response["result"], response["talk_time"]) == ("answered", 7.0)


async def test_provisional_end_before(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """Nor is a provisional end from before the answer."""
    toy.answers.clear()
    waiting = await begin(hass)
    toy.end(CallResult.BUSY, is_provisional=True)
    toy.answers.set()
    await pass_time(hass, freezer, 0.5)
    assert not waiting.done()

    await pass_time(hass, freezer, 1)
    assert waiting.done()
    assert (await waiting or {})["result"] == "busy"


async def test_another_call(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Waiting continues when another call ends."""
    waiting = await begin(hass)
    other = await begin(hass, callee="201")
    toy.end()
    await settle(hass)

    assert (waiting.done(), other.done()) == (False, True)
    toy.end(originated_call_id=toy.requests[0].call_id)
    await waiting


async def test_canceled_wait(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Canceling one wait affects no other."""
    first = await begin(hass)
    second = await begin(hass, callee="201")
    first.cancel()
    await settle(hass)
    for request in toy.requests:
        toy.end(originated_call_id=request.call_id)

    assert (await second or {})["result"] == "answered"
    assert first.cancelled()


async def test_better_end(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """With a provisional end, waiting ends when it becomes final."""
    waiting = await begin(hass)
    toy.end(CallResult.BUSY, is_provisional=True)
    await pass_time(hass, freezer, 0.5)
    assert not waiting.done()

    await pass_time(hass, freezer, 0.5)
    assert (await waiting or {})["result"] == "busy"


async def test_deadline(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A call without updates ends at its deadline, and so does waiting."""
    waiting = await begin(hass, timeout=30, call_limit=60)
    await pass_time(hass, freezer, 60)
    later = await begin(hass, callee="201", timeout=30, call_limit=60)
    await pass_time(hass, freezer, 69)
    assert not waiting.done()

    await pass_time(hass, freezer, 2)
    assert (await waiting or {})["result"] == "undetermined"
    assert not later.done()
    await pass_time(hass, freezer, 60)
    assert (await later or {})["result"] == "undetermined"
    assert len(toy.requests) == 2


async def test_removed(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """Waiting for a call of a removed PBX raises an error."""
    waiting = await begin(hass)
    await hass.config_entries.async_remove(toy_entry.entry_id)

    with pytest.raises(HomeAssistantError) as caught:
        await waiting
    assert caught.value.translation_key == "pbx_removed"
    # Late updates do no harm.
    toy.end()
    await settle(hass)


async def test_removed_before_the_answer(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """Waiting does not start after the PBX was removed."""
    toy.answers.clear()
    waiting = await begin(hass)
    await hass.config_entries.async_remove(toy_entry.entry_id)
    toy.answers.set()

    with pytest.raises(HomeAssistantError) as caught:
        await waiting
    assert caught.value.translation_key == "pbx_removed"


async def test_reload(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """A reload during a call ends neither the call nor the waiting."""
    waiting = await begin(hass)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await settle(hass)
    assert not waiting.done()

    toy.end(CallResult.NO_ANSWER)
    assert (await waiting or {})["result"] == "no_answer"


async def test_stopped(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """When Home Assistant stops, waiting ends and no timer is left."""
    waiting = await begin(hass, timeout=1, call_limit=1)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await settle(hass)

    with pytest.raises(HomeAssistantError) as caught:
        await waiting
    assert caught.value.translation_key == "stopping"
    late = await begin(hass, callee="201")
    with pytest.raises(HomeAssistantError) as caught:
        await late
    assert caught.value.translation_key == "stopping"
    # Late updates set no timer, either, so that no call expires.
    before = len(toy.sink.open_calls())
    toy.end(CallResult.BUSY, is_provisional=True)
    await pass_time(hass, freezer, 60)
    assert len(toy.sink.open_calls()) == before
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    hass.set_state(CoreState.running)

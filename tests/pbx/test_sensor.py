"""Tests of the sensor of the calls that are on."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_REPORTED
from homeassistant.core import EventStateReportedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)

from .common import let_time_pass, pass_time, settle, until
from .telling import (
    add_other_pbx,
    attributes,
    begin_call,
    end_call,
    observe,
    ring_in,
    state_of,
)
from .toy import ToyBackend, Toys

ACTIVE = "sensor.toy_active_calls"


async def test_calls_from_here(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Calls are counted from the PBX's answer to the end, at once."""
    assert state_of(hass, ACTIVE) == "0"
    assert attributes(hass, ACTIVE) == {
        "state_class": "measurement",
        "unit_of_measurement": "calls",
    }

    first = await begin_call(hass, toy_entry)
    assert state_of(hass, ACTIVE) == "1"
    second = await begin_call(hass, toy_entry, callee="201")
    assert state_of(hass, ACTIVE) == "2"
    await observe(hass, toy, first, CallState.CONNECTED)
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, toy, first)
    assert state_of(hass, ACTIVE) == "1"
    await end_call(hass, toy, second)
    assert state_of(hass, ACTIVE) == "0"


async def test_calls_of_others(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Calls of others are counted, one of which no more is told for an hour at most."""
    await ring_in(hass, toy)
    await ring_in(hass, toy)
    assert state_of(hass, ACTIVE) == "1"
    toy.sink.call(
        CallUpdate(
            state=CallState.CONNECTED,
            call_id="1.3",
            caller="101",
            callee="102",
            direction=Direction.INTERNAL,
        )
    )
    assert state_of(hass, ACTIVE) == "2"
    toy.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.ANSWERED)
    )
    assert state_of(hass, ACTIVE) == "1"


@pytest.mark.parametrize("state", [CallState.PLACED, CallState.CONNECTED])
async def test_end_is_lost(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    state: CallState,
) -> None:
    """A call of others whose end was lost does not stay for ever."""
    toy.sink.call(CallUpdate(state=state, call_id="1.3", direction=Direction.INTERNAL))
    assert state_of(hass, ACTIVE) == "1"
    await pass_time(hass, freezer, 3601)
    assert state_of(hass, ACTIVE) == "0"


async def test_refused_meanwhile(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call that is refused, while another one ends, is not counted for ever."""
    call_id = await begin_call(hass, toy_entry)
    toy.answers.clear()
    placing = asyncio.ensure_future(begin_call(hass, toy_entry, callee="201"))
    await until(lambda: len(toy.requests) == 2)
    assert state_of(hass, ACTIVE) == "1"
    toy.sink.call(
        CallUpdate(
            state=CallState.ENDED,
            originated_call_id=call_id,
            result=CallResult.ANSWERED,
        )
    )
    assert state_of(hass, ACTIVE) == "0"
    toy.error = PbxError(PbxErrorCode.REFUSED, "All lines busy")
    toy.answers.set()
    with pytest.raises(Exception, match="All lines busy"):
        await placing

    assert state_of(hass, ACTIVE) == "0"


async def test_reload_in_the_middle(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Calls that are on stay counted over a reload, one that is requested too."""
    call_id = await begin_call(hass, toy_entry)
    toy.answers.clear()
    placing = asyncio.ensure_future(begin_call(hass, toy_entry, callee="201"))
    await until(lambda: len(toy.requests) == 2)

    reloading = asyncio.ensure_future(
        hass.config_entries.async_reload(toy_entry.entry_id)
    )
    await until(lambda: len(toys.made) == 2)
    assert await reloading
    assert state_of(hass, ACTIVE) == "1"
    assert [each.is_requested for each in toys.latest.sink.open_calls()] == [
        False,
        True,
    ]
    toy.answers.set()
    requested = await placing
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, toys.latest, call_id)
    await end_call(hass, toys.latest, requested)
    assert state_of(hass, ACTIVE) == "0"


async def test_writes_changes_only(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A step of a call, or a ping, that changes no number writes no state."""
    call_id = await begin_call(hass, toy_entry)
    written: list[str] = []

    @callback
    def note(data: EventStateReportedData) -> bool:
        written.append(data["entity_id"])
        return False

    hass.bus.async_listen(EVENT_STATE_REPORTED, print, event_filter=note)
    for state in (CallState.RINGING_CALLEE, CallState.CONNECTED):
        await observe(hass, toy, call_id, state)
    await let_time_pass(hass, 61)

    assert toy.pings == 2
    assert ACTIVE not in written


async def test_two_pbxs(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Each PBX has its own calls."""
    other = await add_other_pbx(hass, toy_entry)
    assert toys.latest is not toy

    call_id = await begin_call(hass, other)
    await settle(hass)
    assert state_of(hass, ACTIVE) == "0"
    assert state_of(hass, "sensor.other_active_calls") == "1"
    await end_call(hass, toys.latest, call_id)
    assert state_of(hass, "sensor.other_active_calls") == "0"

"""Tests of the sensors of calls."""

from homeassistant.core import HomeAssistant, State
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
)
from sandbox import Fault, Sandbox

from .common import ORIGINATE, change_account, let_time_pass
from .telling import add_other_pbx, attributes, begin_call, end_call, observe

ACTIVE = "sensor.sandbox_active_calls"
LAST = "sensor.sandbox_last_result"


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return a state."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


async def test_active_calls(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Calls are counted from the request to the end, at once."""
    assert state_of(hass, ACTIVE) == "0"
    assert attributes(hass, ACTIVE) == {
        "state_class": "measurement",
        "unit_of_measurement": "calls",
    }

    first = await begin_call(hass, loaded_entry)
    assert state_of(hass, ACTIVE) == "1"
    second = await begin_call(hass, loaded_entry, callee="201")
    assert state_of(hass, ACTIVE) == "2"
    await observe(hass, loaded_entry, first, CallState.CONNECTED)
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, loaded_entry, first)
    assert state_of(hass, ACTIVE) == "1"
    await end_call(hass, loaded_entry, second)
    assert state_of(hass, ACTIVE) == "0"


async def test_refused_meanwhile(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A call that is refused, while another one ends, is not counted for ever."""
    call = await begin_call(hass, loaded_entry)
    tracker = loaded_entry.runtime_data.tracking.tracker
    refused = tracker.request(call.request)

    await end_call(hass, loaded_entry, call)
    assert state_of(hass, ACTIVE) == "0"
    tracker.reject(refused, "All lines busy")
    await hass.async_block_till_done()

    assert state_of(hass, ACTIVE) == "0"
    assert state_of(hass, LAST) == "answered"


async def test_reload_in_the_middle(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Calls that are on stay counted over a reload, one that is requested too."""
    call = await begin_call(hass, loaded_entry)
    tracker = loaded_entry.runtime_data.tracking.tracker
    requested = tracker.request(call.request)

    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, ACTIVE) == "1"
    tracker.confirm(requested, "requested")
    loaded_entry.runtime_data.tracking.async_tell_placed()
    await hass.async_block_till_done()
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, loaded_entry, call)
    await end_call(hass, loaded_entry, requested)
    assert state_of(hass, ACTIVE) == "0"


@pytest.mark.parametrize("result", CallResult)
async def test_last_result(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, result: CallResult
) -> None:
    """The last result is shown, with whose call it was."""
    assert state_of(hass, LAST) == "unknown"
    state = hass.states.get(LAST)
    assert state is not None
    assert state.attributes["options"] == [
        "answered",
        "no_answer",
        "busy",
        "declined",
        "failed",
        "caller_unreachable",
        "undetermined",
    ]

    call = await begin_call(hass, loaded_entry)
    await end_call(hass, loaded_entry, call, result)

    assert state_of(hass, LAST) == result
    assert attributes(hass, LAST) == {
        "caller": "101",
        "callee": "200",
        "placed_at": dt_util.utc_from_timestamp(call.requested_at).isoformat(),
    }


async def test_result_stays(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Neither the next call, nor a refused one, nor a PBX that is away changes it."""
    await end_call(hass, loaded_entry, await begin_call(hass, loaded_entry))
    await begin_call(hass, loaded_entry, callee="201")
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="All lines busy"))
    with pytest.raises(Exception, match="All lines busy"):
        await begin_call(hass, loaded_entry, callee="202")
    change_account(sandbox, password="changed")
    await let_time_pass(hass, 61)
    assert not loaded_entry.runtime_data.coordinator.last_update_success

    assert state_of(hass, LAST) == "answered"
    assert attributes(hass, LAST)["callee"] == "200"
    assert state_of(hass, ACTIVE) == "1"


async def test_result_over_a_reload(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A call that ended while the entry was reloaded is not missed."""
    await end_call(hass, loaded_entry, await begin_call(hass, loaded_entry))
    call = await begin_call(hass, loaded_entry, callee="201")
    tracker = loaded_entry.runtime_data.tracking.tracker
    assert await hass.config_entries.async_unload(loaded_entry.entry_id)

    tracker.observe(_end_of(call.originated_call_id))
    # Refused ones are not calls that ended.
    tracker.reject(tracker.request(call.request), "All lines busy")
    assert await hass.config_entries.async_setup(loaded_entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, LAST) == "busy"
    assert attributes(hass, LAST)["callee"] == "201"
    assert state_of(hass, ACTIVE) == "0"


async def test_restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The last result is known after a restart."""
    known = {"caller": "101", "callee": "200", "placed_at": "2026-11-01T10:00:00+00:00"}
    _stored(hass, "no_answer", known)

    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, LAST) == "no_answer"
    assert attributes(hass, LAST) == known
    assert state_of(hass, ACTIVE) == "0"


async def test_restart_with_another_version(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A result that is none any more is not shown."""
    _stored(hass, "abducted", {"callee": "200"})

    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, LAST) == "unknown"
    assert attributes(hass, LAST) == {}


async def test_two_pbxs(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Each PBX has its own calls."""
    other = await add_other_pbx(hass, loaded_entry)

    call = await begin_call(hass, other)
    assert state_of(hass, ACTIVE) == "0"
    assert state_of(hass, "sensor.other_active_calls") == "1"
    await end_call(hass, other, call)

    assert state_of(hass, LAST) == "unknown"
    assert state_of(hass, "sensor.other_last_result") == "answered"


def _end_of(originated_call_id: str) -> CallEvidence:
    return CallEvidence(
        source=EvidenceSource.REPORT,
        state=CallState.ENDED,
        originated_call_id=originated_call_id,
        result=CallResult.BUSY,
    )


def _stored(hass: HomeAssistant, result: str, known: dict[str, str]) -> None:
    """Let Home Assistant have been stopped while a result was shown."""
    extra = {"native_value": result, "native_unit_of_measurement": None}
    mock_restore_cache_with_extra_data(hass, [(State(LAST, result, known), extra)])

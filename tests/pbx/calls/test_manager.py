"""Tests of what outlives a reload, and a restart, in the middle of a call."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.manager import (
    CallTracking,
    async_get_tracking,
    async_known_tracking,
    async_remove_tracking,
)
from custom_components.pbx.calls.tracker import CallTracker

from ..common import pass_time

REQUEST = CallRequest(
    caller="101",
    callee="200",
    context="main_routing",
    caller_id="101",
    trunk_name=None,
    timeout=30,
    call_limit=60,
)
ENTRY_ID = "an entry"
STORE_KEY = f"pbx.{ENTRY_ID}"


@pytest.fixture
async def tracking(hass: HomeAssistant) -> CallTracking:
    """Return the calls of an entry."""
    return await async_get_tracking(hass, ENTRY_ID)


def place(tracking: CallTracking, call_id: str = "id-1") -> Call:
    """Return a call that the PBX has confirmed."""
    call = tracking.tracker.request(REQUEST)
    tracking.async_save()
    tracking.tracker.confirm(call, call_id)
    return call


def observe(
    tracking: CallTracking, state: CallState, result: CallResult | None = None
) -> None:
    """Let evidence about the call come in."""
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=state,
        originated_call_id="id-1",
        result=result,
    )
    tracking.tracker.observe(evidence)


@pytest.mark.parametrize(
    ("until", "states", "expected"),
    [
        (CallState.ENDED, [CallState.CONNECTED], False),
        (CallState.ENDED, [CallState.ENDED], True),
        (CallState.CONNECTED, [CallState.RINGING_CALLEE], False),
        (CallState.CONNECTED, [CallState.CONNECTED], True),
        (CallState.CONNECTED, [CallState.ENDED], True),
        (CallState.RINGING_CALLEE, [CallState.RINGING_CALLEE], True),
        (CallState.RINGING_CALLEE, [CallState.CONNECTED], True),
    ],
)
async def test_wait(
    hass: HomeAssistant,
    tracking: CallTracking,
    until: CallState,
    states: list[CallState],
    expected: bool,
) -> None:
    """Waiting ends when the call has come so far, or has ended before."""
    call = place(tracking)
    other = place(tracking, "id-2")
    waiting = asyncio.ensure_future(tracking.async_wait(call, until))
    await asyncio.sleep(0)
    for state in states:
        result = CallResult.BUSY if state is CallState.ENDED else None
        observe(tracking, state, result)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert waiting.done() is expected
    assert other.state is CallState.PLACED
    waiting.cancel()
    if expected:
        # It has come so far already.
        await tracking.async_wait(call, until)
    await async_remove_tracking(hass, ENTRY_ID)


async def test_stopped_waiting(tracking: CallTracking) -> None:
    """Who stops waiting stops nothing else."""
    call = place(tracking)
    first = asyncio.ensure_future(tracking.async_wait(call, CallState.ENDED))
    second = asyncio.ensure_future(tracking.async_wait(call, CallState.ENDED))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    observe(tracking, CallState.ENDED, CallResult.ANSWERED)
    await second

    assert call.result is CallResult.ANSWERED


async def test_deadline(
    hass: HomeAssistant, tracking: CallTracking, freezer: FrozenDateTimeFactory
) -> None:
    """A call of which nothing is heard ends at its deadline, and so does waiting."""
    call = place(tracking)
    await pass_time(hass, freezer, 60)
    later = place(tracking, "id-2")
    waiting = asyncio.ensure_future(tracking.async_wait(call, CallState.ENDED))

    await pass_time(hass, freezer, 69)
    assert call.result is None
    await pass_time(hass, freezer, 2)
    await waiting
    assert call.result is CallResult.UNDETERMINED
    assert later.result is None
    await pass_time(hass, freezer, 60)
    assert later.result is CallResult.UNDETERMINED


async def test_restart(
    hass: HomeAssistant,
    tracking: CallTracking,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Outstanding calls and the cursor are there again after a restart."""
    place(tracking)
    observe(tracking, CallState.RINGING_CALLEE)
    tracking.cursor = "row 7"
    await pass_time(hass, freezer, 2)
    assert len(hass_storage[STORE_KEY]["data"]["calls"]) == 1

    restarted = CallTracking(hass, ENTRY_ID)
    await restarted.async_load()
    (call,) = restarted.tracker.outstanding
    assert call.request == REQUEST
    assert call.state is CallState.RINGING_CALLEE
    assert restarted.cursor == "row 7"
    observe(restarted, CallState.ENDED, CallResult.BUSY)
    assert call.result is CallResult.BUSY
    await pass_time(hass, freezer, 2)
    assert hass_storage[STORE_KEY]["data"]["calls"] == []
    await async_remove_tracking(hass, ENTRY_ID)


async def test_restart_after_the_deadline(
    hass: HomeAssistant,
    tracking: CallTracking,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """A call that is overdue has a minute in which the report can tell its end."""
    call = place(tracking)
    await pass_time(hass, freezer, 2)
    stored = hass_storage[STORE_KEY]["data"]["calls"]
    assert stored[0]["deadline"] == call.deadline
    freezer.tick(timedelta(days=1))

    restarted = CallTracking(hass, ENTRY_ID)
    await restarted.async_load()
    (overdue,) = restarted.tracker.outstanding
    await pass_time(hass, freezer, 59)
    assert overdue.result is None
    await pass_time(hass, freezer, 2)
    assert overdue.result is CallResult.UNDETERMINED
    await async_remove_tracking(hass, ENTRY_ID)


@pytest.mark.parametrize(
    "calls", [[{}], [{"request": {}}], [{"request": None, "surprise": 1}], "nonsense"]
)
async def test_broken_store(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    calls: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A store that cannot be understood costs its calls, not the PBX."""
    hass_storage[STORE_KEY] = {
        "version": 1,
        "minor_version": 1,
        "key": STORE_KEY,
        "data": {"cursor": "row 7", "calls": calls},
    }
    tracking = await async_get_tracking(hass, ENTRY_ID)

    assert tracking.tracker.outstanding == ()
    assert tracking.cursor == "row 7"
    assert "could not be read" in caplog.text


async def test_one_broken_call(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A stored call that cannot be understood costs no other."""
    good = CallTracker(lambda: dt_util.utcnow().timestamp()).request(REQUEST)
    broken = {**good.as_dict(), "deadline": "soon"}
    nobody = {**good.as_dict(), "request": {**asdict(REQUEST), "caller": None}}
    hass_storage[STORE_KEY] = {
        "version": 1,
        "minor_version": 1,
        "key": STORE_KEY,
        "data": {"cursor": "row 7", "calls": [broken, {}, good.as_dict(), nobody]},
    }
    tracking = await async_get_tracking(hass, ENTRY_ID)

    (call,) = tracking.tracker.outstanding
    assert call.request == REQUEST
    assert caplog.text.count("A call that was outstanding could not be read") == 3
    await async_remove_tracking(hass, ENTRY_ID)


@pytest.mark.parametrize("is_requested", [False, True])
@pytest.mark.parametrize(
    "broken",
    [
        {"request": {**asdict(REQUEST), "timeout": "long"}},
        {"request": {**asdict(REQUEST), "call_limit": "long"}},
        {"originated_call_id": ["id-2"]},
        {"conversation_id": None},
        {"callee_identity": ["200"]},
        {"requested_at": None},
        {"requested_at_pbx": "then"},
        {"deadline": float("nan")},
        {"reached": "the moon"},
        {"ending": "happy"},
        {"result": "answered"},
    ],
    ids=str,
)
async def test_call_with_a_broken_field(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    broken: dict[str, object],
    is_requested: bool,
) -> None:
    """Whichever of its fields is wrong, a stored call costs no other."""
    good = CallTracker(lambda: dt_util.utcnow().timestamp()).request(REQUEST).as_dict()
    bad = {**good, **broken, "is_requested": is_requested}
    hass_storage[STORE_KEY] = {
        "version": 1,
        "minor_version": 1,
        "key": STORE_KEY,
        "data": {"calls": [bad, {**good, "originated_call_id": "id-1"}, bad]},
    }
    tracking = await async_get_tracking(hass, ENTRY_ID)

    (call,) = tracking.tracker.outstanding
    assert call.originated_call_id == "id-1"
    assert caplog.text.count("A call that was outstanding could not be read") == 2
    await async_remove_tracking(hass, ENTRY_ID)


async def test_cursor_of_another_pbx(
    hass: HomeAssistant,
    tracking: CallTracking,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """How far a report was read is forgotten where the PBX is another one."""
    tracking.async_set_address("http://pbx.lan/api/v4")
    tracking.cursor = "row 7"
    tracking.async_set_address("http://pbx.lan/api/v4")
    assert tracking.cursor == "row 7"
    await pass_time(hass, freezer, 2)

    restarted = CallTracking(hass, ENTRY_ID)
    await restarted.async_load()
    restarted.async_set_address("http://pbx.lan/api/v4")
    assert restarted.cursor == "row 7"
    restarted.async_set_address("http://other.lan/api/v4")
    assert restarted.cursor == ""
    await pass_time(hass, freezer, 2)
    stored = hass_storage[STORE_KEY]["data"]
    assert (stored["address"], stored["cursor"]) == ("http://other.lan/api/v4", "")
    await async_remove_tracking(hass, ENTRY_ID)


async def test_better_end(
    hass: HomeAssistant,
    tracking: CallTracking,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whoever waits is told after the second in which a better end could come."""
    call = place(tracking)
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.ENDED,
        originated_call_id="id-1",
        result=CallResult.BUSY,
        is_provisional=True,
    )
    waiting = asyncio.ensure_future(tracking.async_wait(call, CallState.ENDED))
    await pass_time(hass, freezer, 5)
    tracking.tracker.observe(evidence)
    await pass_time(hass, freezer, 0.5)
    assert not waiting.done()
    assert tracking.tracker.active == 0

    await pass_time(hass, freezer, 0.5)
    await waiting
    assert call.result is CallResult.BUSY
    await pass_time(hass, freezer, 2)
    assert hass_storage[STORE_KEY]["data"]["calls"] == []
    await async_remove_tracking(hass, ENTRY_ID)


@pytest.mark.parametrize("history", [None, 7, [["soon", "200"]]])
async def test_broken_history(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    history: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So does a history that cannot be understood."""
    hass_storage[STORE_KEY] = {
        "version": 1,
        "minor_version": 1,
        "key": STORE_KEY,
        "data": {"cursor": "row 7", "calls": [], "history": history},
    }
    tracking = await async_get_tracking(hass, ENTRY_ID)

    assert tracking.history.as_list(dt_util.utcnow().timestamp()) == []
    assert tracking.cursor == "row 7"
    assert "history of the calls could not be read" in caplog.text


async def test_one_broken_row_of_the_history(
    hass: HomeAssistant, hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory
) -> None:
    """A call of the history that cannot be understood lifts no limit."""
    now = dt_util.utcnow().timestamp()
    hass_storage[STORE_KEY] = {
        "version": 1,
        "minor_version": 1,
        "key": STORE_KEY,
        "data": {"history": [[now - 9, "200"], {"at": now}, [now, "201", now + 30]]},
    }
    tracking = await async_get_tracking(hass, ENTRY_ID)

    assert tracking.history.has_called("200", 60, now)
    assert tracking.history.has_within_the_hour(2, now)
    freezer.tick(30)
    assert not tracking.history.has_within_the_hour(2, now + 30)


async def test_removed(
    hass: HomeAssistant,
    tracking: CallTracking,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Waiting for a call of a PBX that is removed ends with an error."""
    call = place(tracking)
    await pass_time(hass, freezer, 2)
    waiting = asyncio.ensure_future(tracking.async_wait(call, CallState.ENDED))
    await asyncio.sleep(0)
    await async_remove_tracking(hass, ENTRY_ID)

    with pytest.raises(HomeAssistantError) as caught:
        await waiting
    assert caught.value.translation_key == "pbx_removed"
    with pytest.raises(HomeAssistantError):
        await tracking.async_wait(call, CallState.ENDED)
    # An answer that was on its way writes nothing any more, and waits for nothing.
    provisional = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.ENDED,
        originated_call_id="id-1",
        result=CallResult.FAILED,
        is_provisional=True,
    )
    tracking.tracker.observe(provisional)
    observe(tracking, CallState.ENDED, CallResult.BUSY)
    tracking.async_save()
    await pass_time(hass, freezer, 5)
    assert STORE_KEY not in hass_storage
    with pytest.raises(HomeAssistantError) as caught:
        async_known_tracking(hass, ENTRY_ID)
    assert caught.value.translation_key == "pbx_removed"
    assert await async_get_tracking(hass, ENTRY_ID) is not tracking


async def test_one_per_entry(hass: HomeAssistant, tracking: CallTracking) -> None:
    """An entry has the same calls however often it is set up."""
    assert await async_get_tracking(hass, ENTRY_ID) is tracking
    assert await async_get_tracking(hass, "another") is not tracking


async def test_removed_while_not_loaded(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """An entry that was never set up leaves no store behind either."""
    key = f"pbx.{entry.entry_id}"
    data = {"cursor": "", "calls": []}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert key not in hass_storage


@pytest.mark.usefixtures("freezer")
def test_clock(tracking: CallTracking) -> None:
    """Calls are timed by Home Assistant's clock."""
    call = tracking.tracker.request(REQUEST)

    assert call.requested_at == dt_util.utcnow().timestamp()

"""Tests of the events of calls."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.updates import (
    CALL_EVENTS,
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
    PbxEventType,
)
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.event import EVENT_CALL_ENDED, EVENT_INCOMING_CALL
from sandbox import Fault, Sandbox

from .common import ORIGINATE, change_account, let_time_pass
from .telling import (
    add_other_pbx,
    attributes,
    begin_call,
    end_call,
    listeners,
    observe,
    send_event,
)

ORIGINATED = "event.sandbox_originated_call"
PBX_CALL = "event.sandbox_pbx_call"

OTHER_EVENTS = [kind for kind in PbxEventType if kind not in CALL_EVENTS]


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return a state."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


@pytest.mark.parametrize("key", ["originated_call", "pbx_call"])
async def test_registered(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, key: str
) -> None:
    """Both belong to the PBX's device and are told apart by entry and key."""
    entity = er.async_get(hass).async_get(f"event.sandbox_{key}")

    assert entity is not None
    assert entity.unique_id == f"{loaded_entry.entry_id}_{key}"
    assert entity.original_device_class is None
    device = dr.async_get(hass).async_get(entity.device_id or "")
    assert device is not None
    assert device.identifiers == {(DOMAIN, loaded_entry.entry_id)}
    assert state_of(hass, entity.entity_id) == "unknown"


async def test_originated_call(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A call is placed, connected, ended, and says each time what is known."""
    call = await begin_call(hass, loaded_entry)
    known: dict[str, object] = {
        "caller": "101",
        "callee": "200",
        "originated_call_id": call.originated_call_id,
        "result": None,
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "cause": None,
        "evidence": None,
    }
    assert attributes(hass, ORIGINATED) == {**known, "event_type": "placed"}

    await observe(hass, loaded_entry, call, CallState.CONNECTED)
    known["caller_answered"] = True
    assert attributes(hass, ORIGINATED) == {**known, "event_type": "connected"}

    await end_call(hass, loaded_entry, call, ring_time=4.0, talk_time=20.0)
    assert attributes(hass, ORIGINATED) == {
        **known,
        "event_type": "ended",
        "result": "answered",
        "ring_time": 4.0,
        "talk_time": 20.0,
        "evidence": "event",
    }


async def test_ringing_callee(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """That the callee is ringing is no event of its own."""
    call = await begin_call(hass, loaded_entry)
    before = state_of(hass, ORIGINATED)

    await observe(hass, loaded_entry, call, CallState.RINGING_CALLEE)

    assert state_of(hass, ORIGINATED) == before
    assert attributes(hass, ORIGINATED)["event_type"] == "placed"


async def test_all_at_once(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Events of the same moment are told one by one."""
    call = await begin_call(hass, loaded_entry)
    told = async_capture_events(hass, "state_changed")
    for state in (CallState.CONNECTED, CallState.ENDED):
        loaded_entry.runtime_data.tracking.tracker.observe(
            CallEvidence(
                source=EvidenceSource.REPORT,
                state=state,
                originated_call_id=call.originated_call_id,
                result=CallResult.BUSY if state is CallState.ENDED else None,
            )
        )
    await hass.async_block_till_done()

    changes = [e.data["new_state"] for e in told if e.data["entity_id"] == ORIGINATED]
    assert [state.attributes["event_type"] for state in changes] == [
        "connected",
        "ended",
    ]
    assert changes[0].state < changes[1].state


async def test_uncertain(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A call that may have been placed is told of, without an id."""
    sandbox.faults.set(ORIGINATE, Fault("reset", placed=True))
    with pytest.raises(Exception, match="did not confirm"):
        await begin_call(hass, loaded_entry)
    await hass.async_block_till_done()

    told = attributes(hass, ORIGINATED)
    assert (told["event_type"], told["callee"]) == ("placed", "200")
    assert told["originated_call_id"] is None


async def test_refused(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A call that never was is no event."""
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="All lines busy"))
    with pytest.raises(Exception, match="All lines busy"):
        await begin_call(hass, loaded_entry)
    await hass.async_block_till_done()

    assert state_of(hass, ORIGINATED) == "unknown"


@pytest.mark.parametrize("kind", CALL_EVENTS)
async def test_pbx_call(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, kind: PbxEventType
) -> None:
    """Every event about a call is shown with what it carries."""
    await send_event(hass, loaded_entry, kind, number="09121234567", ring_time=3.5)

    assert attributes(hass, PBX_CALL) == {
        "event_type": kind.value,
        "number": "09121234567",
        "ring_time": 3.5,
    }


@pytest.mark.parametrize("kind", OTHER_EVENTS)
async def test_no_call(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, kind: PbxEventType
) -> None:
    """Events about other things are not shown."""
    await send_event(hass, loaded_entry, kind, extension="101")

    assert state_of(hass, PBX_CALL) == "unknown"


async def test_bus_events(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """The end of a call and a call that comes in are on the event bus too."""
    ended = async_capture_events(hass, EVENT_CALL_ENDED)
    incoming = async_capture_events(hass, EVENT_INCOMING_CALL)

    call = await begin_call(hass, loaded_entry)
    await observe(hass, loaded_entry, call, CallState.CONNECTED)
    await end_call(hass, loaded_entry, call, ring_time=4.0)
    await send_event(hass, loaded_entry, PbxEventType.OUTGOING, number="200")
    await send_event(hass, loaded_entry, PbxEventType.INCOMING, number="0912")

    assert [event.data for event in ended] == [
        {
            "entity_id": ORIGINATED,
            "config_entry_id": loaded_entry.entry_id,
            "caller": "101",
            "callee": "200",
            **call.outcome(),
        }
    ]
    assert [event.data for event in incoming] == [
        {
            "entity_id": PBX_CALL,
            "config_entry_id": loaded_entry.entry_id,
            "number": "0912",
        }
    ]


async def test_two_pbxs(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Each PBX has its own events."""
    other = await add_other_pbx(hass, loaded_entry)

    await begin_call(hass, other)
    await send_event(hass, other, PbxEventType.INCOMING, number="0912")

    for key in ("originated_call", "pbx_call"):
        assert state_of(hass, f"event.sandbox_{key}") == "unknown"
        assert state_of(hass, f"event.other_{key}") != "unknown"


async def test_pbx_away(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """What is told does not depend on whether the PBX can be asked."""
    change_account(sandbox, password="changed")
    await let_time_pass(hass, 61)
    assert not loaded_entry.runtime_data.coordinator.last_update_success

    await send_event(hass, loaded_entry, PbxEventType.INCOMING, number="0912")

    assert attributes(hass, PBX_CALL)["number"] == "0912"


async def test_reload(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """A reload keeps what was told; the call goes on; nothing is told twice."""
    call = await begin_call(hass, loaded_entry)
    before = state_of(hass, ORIGINATED)
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, ORIGINATED) == before

    ended = async_capture_events(hass, EVENT_CALL_ENDED)
    await end_call(hass, loaded_entry, call)

    assert attributes(hass, ORIGINATED)["event_type"] == "ended"
    assert len(ended) == 1


async def test_unload(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Nobody listens any more when the PBX is taken down."""
    assert listeners(hass) > 0

    assert await hass.config_entries.async_unload(loaded_entry.entry_id)
    await hass.async_block_till_done()

    assert listeners(hass) == 0

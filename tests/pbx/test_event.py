"""Tests of the event entity of a PBX."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    VoicemailUpdate,
)
from custom_components.pbx.const import DOMAIN

from .common import let_time_pass, pass_time, settle
from .people import contact, device_of, phone, set_up
from .reporting import (
    attributes,
    begin_call,
    enable,
    end_call,
    observe,
    ring_in,
    state_of,
)
from .toy import ToyBackend, Toys

CALLS = "event.toy_calls"
NOTHING: dict[str, object] = {
    "caller": None,
    "callee": None,
    "direction": None,
    "trunk": None,
    "unique_id": None,
    "originated_call_id": None,
    "result": None,
    "caller_answered": None,
    "ring_time": None,
    "talk_time": None,
    "cause": None,
    "caller_contact": None,
    "callee_contact": None,
    "number": None,
    "name": None,
    "contact": None,
    "person": None,
    "anonymous": False,
}


@pytest.fixture
async def toy(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,  # noqa: ARG001 - makes it
    toys: Toys,
) -> ToyBackend:
    """Return the toy, with the entity enabled."""
    await enable(hass, CALLS)
    return toys.latest


async def test_registered(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """It belongs to the PBX's device, and is disabled by default."""
    entity = er.async_get(hass).async_get(CALLS)
    assert entity is not None
    assert entity.unique_id == f"{toy_entry.entry_id}_calls"
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    device = dr.async_get(hass).async_get(entity.device_id or "")
    assert device is not None
    assert device.identifiers == {(DOMAIN, toy_entry.entry_id)}


async def test_call_from_here(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call has an event with its details for each state."""
    call_id = await begin_call(hass, toy_entry)
    known = {
        **NOTHING,
        "caller": "101",
        "callee": "200",
        "number": "200",
        "originated_call_id": call_id,
    }
    assert attributes(hass, CALLS) == {**known, "event_type": "placed"}

    # That the callee rings is no event of its own.
    placed = state_of(hass, CALLS)
    await observe(hass, toy, call_id, CallState.RINGING_CALLEE)
    assert state_of(hass, CALLS) == placed

    await observe(hass, toy, call_id, CallState.CONNECTED)
    known["caller_answered"] = True
    assert attributes(hass, CALLS) == {**known, "event_type": "connected"}

    times: dict[str, Any] = {"ring_time": 4.0, "talk_time": 20.0}
    await end_call(hass, toy, call_id, **times, cause="normal_clearing")
    assert attributes(hass, CALLS) == {
        **known,
        **times,
        "event_type": "ended",
        "result": "answered",
        "cause": "normal_clearing",
    }


@pytest.mark.parametrize(
    ("direction", "event_type"),
    [
        (Direction.INCOMING, "incoming"),
        (Direction.OUTGOING, "placed"),
        (Direction.INTERNAL, "placed"),
    ],
)
async def test_call_of_others(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    direction: Direction,
    event_type: str,
) -> None:
    """Any call is shown with the details from the PBX."""
    numbers = {
        Direction.INCOMING: "09121234567",
        Direction.OUTGOING: "101",
        Direction.INTERNAL: None,
    }
    await ring_in(hass, toy, direction=direction, trunk="provider")
    assert attributes(hass, CALLS) == {
        **NOTHING,
        "event_type": event_type,
        "caller": "09121234567",
        "callee": "101",
        "number": numbers[direction],
        "direction": direction.value,
        "trunk": "provider",
        "unique_id": "1.2",
    }
    toy.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.NO_ANSWER)
    )
    # Another phone may answer an incoming call for some seconds.
    await pass_time(hass, freezer, 4)
    assert attributes(hass, CALLS)["event_type"] == "ended"
    assert attributes(hass, CALLS)["result"] == "no_answer"


async def test_voicemail(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A voicemail has an event."""
    toy.sink.voicemail(VoicemailUpdate("101", "09121234567", 12.0, "success"))
    assert attributes(hass, CALLS) == {
        "event_type": "voicemail",
        "mailbox": "101",
        "caller": "09121234567",
        "duration": 12.0,
        "state": "success",
        "caller_contact": None,
        "number": "09121234567",
        "name": None,
        "contact": None,
        "person": None,
        "anonymous": False,
    }


async def test_names(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> None:
    """An event has the names of the contacts, and what actions need of the other."""
    mum = contact("Mum", "09121234567", person="person.mum")
    made = await set_up(hass, new_toy, mum, phone("Kitchen", "101"))
    await enable(hass, CALLS)
    other_side = {
        "caller_contact": "Mum",
        "number": "09121234567",
        "name": "Mum",
        "contact": device_of(hass, made, "Mum"),
        "person": "person.mum",
        "anonymous": False,
    }
    await ring_in(hass, toys.latest)
    shown = attributes(hass, CALLS)
    assert shown == {**shown, **other_side, "callee_contact": "Kitchen"}

    toys.latest.sink.voicemail(VoicemailUpdate("101", "09121234567"))
    shown = attributes(hass, CALLS)
    assert shown == {**shown, **other_side, "event_type": "voicemail"}
    toys.latest.sink.voicemail(VoicemailUpdate("101"))
    shown = attributes(hass, CALLS)
    assert (shown["anonymous"], shown["number"], shown["name"]) == (True, None, None)

    await ring_in(hass, toys.latest, "", call_id="1.3")
    shown = attributes(hass, CALLS)
    assert (shown["anonymous"], shown["number"], shown["name"]) == (True, None, None)
    assert shown["callee_contact"] == "Kitchen"


async def test_all_at_once(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Concurrent events are shown one by one."""
    call_id = await begin_call(hass, toy_entry)
    changes = async_capture_events(hass, "state_changed")
    toy.report(CallState.CONNECTED, originated_call_id=call_id)
    toy.end(CallResult.BUSY, originated_call_id=call_id)
    await settle(hass)

    states = [e.data["new_state"] for e in changes if e.data["entity_id"] == CALLS]
    assert [each.attributes["event_type"] for each in states] == ["connected", "ended"]
    assert states[0].state < states[1].state


async def test_uncertain(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call that was possibly placed is shown without an ID."""
    toy.error = CallUncertainError("lost")
    with pytest.raises(Exception, match="did not confirm"):
        await begin_call(hass, toy_entry)
    await settle(hass)

    shown = attributes(hass, CALLS)
    assert (shown["event_type"], shown["callee"]) == ("placed", "200")
    assert shown["originated_call_id"] is None


async def test_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A refused call has no event."""
    toy.error = PbxError(PbxErrorCode.REFUSED, "All lines busy")
    with pytest.raises(Exception, match="All lines busy"):
        await begin_call(hass, toy_entry)
    await settle(hass)

    assert state_of(hass, CALLS) == "unknown"


async def test_pbx_away(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Events do not depend on the availability of the API."""
    toy.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 61)
    assert state_of(hass, "binary_sensor.toy_connected") == "off"
    await ring_in(hass, toy)

    assert attributes(hass, CALLS)["caller"] == "09121234567"


async def test_reload(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """A reload keeps the last event and the call, without duplicates."""
    call_id = await begin_call(hass, toy_entry)
    before = state_of(hass, CALLS)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await settle(hass)
    assert state_of(hass, CALLS) == before

    ended = async_capture_events(hass, "pbx_call_ended")
    await end_call(hass, toys.latest, call_id)

    assert toys.latest is not toy
    assert attributes(hass, CALLS)["event_type"] == "ended"
    assert len(ended) == 1

"""Tests of the buttons, the events and the sensors of contacts."""

from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from custom_components.pbx.backends.updates import CallResult, CallState
from sandbox import Fault, Sandbox

from .calls.test_contacts import MUM, WORKSHOP, sent
from .common import ORIGINATE, place_call
from .people import contact, entity_of, set_up
from .telling import observe


async def press(hass: HomeAssistant, entity_id: str) -> None:
    """Press a button."""
    data = {"entity_id": entity_id}
    await hass.services.async_call("button", "press", data, blocking=True)


async def test_press(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The button calls its contact, by the contact's own settings."""
    made = await set_up(hass, entry, MUM, WORKSHOP)
    await press(hass, entity_of(hass, made, "Mum", "call"))

    (body,) = sent(sandbox)
    assert (body["callee"], body["call_limit"]) == ("09121234567", "60")


async def test_refused(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """What is wrong is told to whoever pressed."""
    made = await set_up(hass, entry, WORKSHOP, caller="")
    button = entity_of(hass, made, "Workshop", "call")
    with pytest.raises(ServiceValidationError, match="Missing: caller"):
        await press(hass, button)
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="No way"))
    hass.config_entries.async_update_entry(
        made, options={**made.options, "caller": "101"}
    )
    await hass.async_block_till_done()
    with pytest.raises(HomeAssistantError, match="Sandbox refused: No way"):
        await press(hass, button)


async def test_told(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What came of calls to a contact is told there, and of no other's."""
    made = await set_up(hass, entry, MUM, WORKSHOP)
    data = {"callee": "0912 123 4567", "caller": "102"}
    await place_call(hass, config_entry_id=made.entry_id, **data)
    (call,) = made.runtime_data.tracking.tracker.outstanding
    await observe(hass, made, call, CallState.CONNECTED)
    event = hass.states.get(entity_of(hass, made, "Mum", "contact_call"))
    assert event is not None
    assert event.attributes["event_type"] == "connected"
    await observe(hass, made, call, CallState.ENDED, result=CallResult.BUSY)

    told = {
        name: hass.states.get(entity_of(hass, made, name, "contact_result"))
        for name in ("Mum", "Workshop")
    }
    assert {name: state and state.state for name, state in told.items()} == {
        "Mum": "busy",
        "Workshop": "unknown",
    }
    other = hass.states.get(entity_of(hass, made, "Workshop", "contact_call"))
    assert other is not None
    assert other.state == "unknown"


async def test_restored(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The last result is known after a restart."""
    state = State("sensor.mum_last_result", "busy", {"callee": "09121234567"})
    stored = {"native_value": "busy", "native_unit_of_measurement": None}
    mock_restore_cache_with_extra_data(hass, [(state, stored)])
    made = await set_up(hass, entry, contact("Mum", "09121234567"))

    shown = hass.states.get(entity_of(hass, made, "Mum", "contact_result"))
    assert shown is not None
    assert shown.state == "busy"

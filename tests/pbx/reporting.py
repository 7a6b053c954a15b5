"""Helpers for tests of triggers, conditions and entities that report calls."""

from typing import Any

from homeassistant.config_entries import RELOAD_AFTER_UPDATE_DELAY
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)
from custom_components.pbx.const import DOMAIN

from .common import let_time_pass, settle
from .people import set_up
from .toy import ToyBackend

# Event that the automations of these tests fire.
REPORT = "test_report"


async def add_other_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Set up a second PBX like the first; its toy is the latest then."""
    return await set_up(hass, entry, title="Other")


async def begin_call(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    *,
    caller: str = "101",
    callee: str = "200",
    **data: object,
) -> str:
    """Place a call through a PBX, and return its id."""
    data |= {"config_entry_id": entry.entry_id, "caller": caller, "callee": callee}
    response = await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, return_response=True
    )
    await settle(hass)
    assert response is not None
    return str(response["originated_call_id"])


async def observe(
    hass: HomeAssistant,
    toy: ToyBackend,
    call_id: str,
    state: CallState,
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """Report an update about a placed call."""
    toy.sink.call(CallUpdate(state=state, originated_call_id=call_id, **facts))
    await settle(hass)


async def end_call(
    hass: HomeAssistant,
    toy: ToyBackend,
    call_id: str,
    result: CallResult = CallResult.ANSWERED,
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """End a placed call."""
    await observe(hass, toy, call_id, CallState.ENDED, result=result, **facts)


async def ring_in(
    hass: HomeAssistant,
    toy: ToyBackend,
    caller: str = "09121234567",
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """Start an incoming call."""
    known = {"call_id": "1.2", "callee": "101", "direction": Direction.INCOMING}
    toy.sink.call(CallUpdate(state=CallState.PLACED, caller=caller, **known | facts))
    await settle(hass)


async def enable(hass: HomeAssistant, entity_id: str) -> None:
    """Enable an entity that is disabled by default, and wait for the reload."""
    er.async_get(hass).async_update_entity(entity_id, disabled_by=None)
    await let_time_pass(hass, RELOAD_AFTER_UPDATE_DELAY + 1)


async def automate(
    hass: HomeAssistant,
    trigger: dict[str, Any],
    *variables: str,
    condition: dict[str, Any] | None = None,
) -> list[Event[dict[str, Any]]]:
    """Set up an automation; return the list to which it reports these variables."""
    reports = async_capture_events(hass, REPORT)
    automation = {
        "id": "test",
        "alias": "Test",
        "mode": "queued",
        "triggers": [trigger],
        "conditions": [condition] if condition else [],
        "actions": [
            {
                "event": REPORT,
                "event_data": {name: f"{{{{ trigger.{name} }}}}" for name in variables},
            }
        ],
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    return reports


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return a state."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


def attributes(hass: HomeAssistant, entity_id: str) -> dict[str, Any]:
    """Return the attributes of an entity, without those of every entity."""
    state = hass.states.get(entity_id)
    assert state is not None
    common = {"friendly_name", "event_types", "device_class", "options"}
    return {key: state.attributes[key] for key in state.attributes.keys() - common}

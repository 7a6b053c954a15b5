"""What the tests of all that tells of calls have in common."""

from typing import Any

from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.dispatcher import DATA_DISPATCHER, async_dispatcher_send
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.signals import SIGNAL_CALL, SIGNAL_PBX_EVENT

from .common import place_call

# What an automation runs in these tests.
REPORT = "test_report"


async def add_other_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Set up a second PBX like the first."""
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Other",
        data={**entry.data, CONF_WEBHOOK_ID: "other"},
        options=entry.options,
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    return other


async def begin_call(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    *,
    caller: str = "101",
    callee: str = "200",
) -> Call:
    """Place a call through a PBX."""
    await place_call(hass, config_entry_id=entry.entry_id, caller=caller, callee=callee)
    await hass.async_block_till_done()
    call: Call = entry.runtime_data.tracking.tracker.outstanding[-1]
    return call


async def observe(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    call: Call,
    state: CallState,
    **facts: Any,  # noqa: ANN401 - any field of evidence
) -> None:
    """Let the PBX tell something about a call."""
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=state,
        originated_call_id=call.originated_call_id,
        **facts,
    )
    assert entry.runtime_data.tracking.tracker.observe(evidence) is call
    await hass.async_block_till_done()


async def end_call(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    call: Call,
    result: CallResult = CallResult.ANSWERED,
    **times: float,
) -> None:
    """Let a call end."""
    await observe(hass, entry, call, CallState.ENDED, result=result, **times)


async def send_event(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    kind: PbxEventType,
    **attributes: str | float,
) -> None:
    """Let a PBX send an event."""
    event = PbxEvent(type=kind, attributes=attributes)
    async_dispatcher_send(hass, SIGNAL_PBX_EVENT, entry.entry_id, event)
    await hass.async_block_till_done()


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


def attributes(hass: HomeAssistant, entity_id: str) -> dict[str, Any]:
    """Return the attributes of an entity, without those of every entity."""
    state = hass.states.get(entity_id)
    assert state is not None
    common = {"friendly_name", "event_types", "device_class", "options"}
    return {key: state.attributes[key] for key in state.attributes.keys() - common}


def listeners(hass: HomeAssistant) -> int:
    """Return how many there are that want to be told."""
    signals = hass.data.get(DATA_DISPATCHER, {})
    return sum(len(signals.get(key, ())) for key in (SIGNAL_CALL, SIGNAL_PBX_EVENT))

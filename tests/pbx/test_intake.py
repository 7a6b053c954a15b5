"""Tests of what a PBX has told, on its way to whom it concerns."""

from collections.abc import Callable

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
)
from custom_components.pbx.intake import async_take_event
from custom_components.pbx.signals import SIGNAL_PBX_EVENT

from .telling import begin_call


def _taker(told: list[object]) -> Callable[[str, PbxEvent], None]:
    @callback
    def take(entry_id: str, event: PbxEvent) -> None:
        told.append((entry_id, event))

    return take


async def test_event(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """An event is counted, moves its call on, and is told to whoever listens."""
    told: list[object] = []
    async_dispatcher_connect(hass, SIGNAL_PBX_EVENT, _taker(told))
    call = await begin_call(hass, loaded_entry)
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.CONNECTED,
        originated_call_id=call.originated_call_id,
    )
    event = PbxEvent(type=PbxEventType.OUTGOING, evidence=evidence)
    async_take_event(hass, loaded_entry, event)
    async_take_event(hass, loaded_entry, PbxEvent(type=PbxEventType.PONG))
    await hass.async_block_till_done()

    assert call.state is CallState.CONNECTED
    assert told[0] == (loaded_entry.entry_id, event)
    assert loaded_entry.runtime_data.events.received[PbxEventType.OUTGOING] == 1


async def test_unknown(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """What nobody knows is counted, and told to nobody."""
    told: list[object] = []
    async_dispatcher_connect(hass, SIGNAL_PBX_EVENT, _taker(told))
    async_take_event(hass, loaded_entry, None)

    assert told == []
    assert loaded_entry.runtime_data.events.unknown == 1

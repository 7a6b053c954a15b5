"""What a PBX has told, on its way to whom it concerns."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .backends.updates import CallEvidence, PbxEvent
from .coordinator import PbxConfigEntry
from .signals import SIGNAL_PBX_EVENT


@callback
def async_take_event(
    hass: HomeAssistant, entry: PbxConfigEntry, event: PbxEvent | None
) -> None:
    """Pass an event on; None is one that nobody here knows."""
    data = entry.runtime_data
    was_connected = data.events.is_connected
    data.events.take(event)
    if data.events.is_connected != was_connected:
        # What is known by events alone may be known again.
        data.coordinator.async_update_listeners()
    if event is None:
        return
    if event.evidence is not None:
        async_take_evidence(entry, event.evidence)
    if entry.runtime_data.events.is_repeated(event):
        return
    async_dispatcher_send(hass, SIGNAL_PBX_EVENT, entry.entry_id, event)


@callback
def async_take_evidence(entry: PbxConfigEntry, evidence: CallEvidence) -> None:
    """Pass on what was told about a call."""
    entry.runtime_data.tracking.tracker.observe(evidence)

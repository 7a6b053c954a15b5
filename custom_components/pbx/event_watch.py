"""Notices that a PBX's events, which its owner has set up, do not come."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .backends.updates import CallResult, CallState, EvidenceSource, PbxEvent
from .calls.call import Call
from .const import CONF_REQUIRE_EVENT_LOGIN, DOMAIN
from .coordinator import PbxConfigEntry
from .event_inbox import StreamState
from .signals import SIGNAL_CALL, SIGNAL_PBX_EVENT, SIGNAL_PING

# So many pings in a row, one a minute, without the echo that came before, likewise.
SILENT_PINGS = 5
# So many calls in a row, each of which an event should have told of, are no accident.
SILENT_CALLS = 5

# Of what the PBX tells by its report alone nothing can be missed.
_TOLD_BY_EVENTS = frozenset(
    {
        CallResult.ANSWERED,
        CallResult.NO_ANSWER,
        CallResult.BUSY,
        CallResult.DECLINED,
        CallResult.FAILED,
    }
)


class EventWatch:
    """Counts the calls whose end no event has told of."""

    def __init__(self, hass: HomeAssistant, entry: PbxConfigEntry) -> None:
        """Have missed nothing yet."""
        self._hass = hass
        self._entry = entry
        self._silent = 0

    @callback
    def async_start(self) -> None:
        """Watch until the entry is unloaded.

        Who has saved the page of the events, which every one of its fields is
        stored by, has been told what to enter in the PBX. Who has not, may do
        without events, until the first one comes.
        """
        hass, on_unload = self._hass, self._entry.async_on_unload
        on_unload(async_dispatcher_connect(hass, SIGNAL_PING, self._pinged))
        on_unload(async_dispatcher_connect(hass, SIGNAL_PBX_EVENT, self._event_came))
        if CONF_REQUIRE_EVENT_LOGIN not in self._entry.options:
            async_forget_silence(self._hass, self._entry)
            return
        on_unload(async_dispatcher_connect(hass, SIGNAL_CALL, self._call_changed))

    @callback
    def _call_changed(self, entry_id: str, call: Call, state: CallState) -> None:
        if entry_id != self._entry.entry_id or state is not CallState.ENDED:
            return
        is_by_report = call.evidence is EvidenceSource.REPORT
        if not is_by_report or call.result not in _TOLD_BY_EVENTS:
            return
        self._silent += 1
        if self._silent == SILENT_CALLS:
            self._raise_issue("events_missing")

    @callback
    def _pinged(self, entry_id: str) -> None:
        events = self._entry.runtime_data.events
        if entry_id != self._entry.entry_id or events.state is not StreamState.SILENT:
            return
        if events.pings == SILENT_PINGS:
            self._raise_issue("events_stopped")

    @callback
    def _event_came(self, entry_id: str, _event: PbxEvent) -> None:
        if entry_id == self._entry.entry_id:
            async_forget_silence(self._hass, self._entry)
            self._silent = 0

    @callback
    def _raise_issue(self, key: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{key}_{self._entry.entry_id}",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=key,
            translation_placeholders={"pbx": self._entry.title},
        )


@callback
def async_forget_silence(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Take back what was said of events that do not come."""
    for key in ("events_missing", "events_stopped"):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")

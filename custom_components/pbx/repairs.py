"""Repair issues of a PBX, and their fix flow."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple, override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from .backends.announcement import Played
from .backends.base import Channel, ChannelState
from .backends.errors import PbxError, PbxErrorCode
from .backends.updates import ExtensionUpdate
from .calls.call import Call
from .calls.changes import (
    CallChanged,
    Change,
    HealthChanged,
    LimitChanged,
    SettingsChanged,
    SpeechChecked,
    SpeechFailed,
)
from .calls.manager import CallManager
from .const import DOMAIN
from .errors import contact_text, unknown_contact_error


class _Issue(NamedTuple):
    """The issue of a channel whose events are not received."""

    translation_key: str
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING
    is_fixable: bool = False


_ISSUES: Final = {
    (Channel.STREAM, ChannelState.TAKEN_OVER): _Issue(
        "stream_taken_over", ir.IssueSeverity.ERROR, is_fixable=True
    ),
    (Channel.STREAM, ChannelState.FAILING): _Issue(
        "stream_down", ir.IssueSeverity.ERROR
    ),
    (Channel.EVENTS, ChannelState.SILENT): _Issue("events_missing"),
    (Channel.REPORT, ChannelState.DENIED): _Issue("report_denied"),
}
_CALLS_REFUSED: Final = _Issue("calls_refused")
_LIMIT: Final = "limit"
_NO_SPEECH: Final = _Issue("speech_unavailable")
_SPEECH_DENIED: Final = _Issue("speech_denied")
_SPEECH: Final = "speech"
_SPEECH_FAILED: Final = _Issue("speech_failed")
_OF_SPEECH: Final = {
    PbxErrorCode.NO_SPEECH: _NO_SPEECH,
    PbxErrorCode.ACCESS_DENIED: _SPEECH_DENIED,
}
_INCOMPLETE: Final = _Issue("escalation_incomplete")
_CONTACT: Final = _Issue("contact_not_usable")
_STATES_MISSING: Final = _Issue("states_missing")

# Seconds after the start in which a state of an extension is expected.
_STATES_TIMEOUT: Final = 600
# Key in the memory of a PBX, which lasts until its address changes.
_STATES_SEEN: Final = "extension_states_seen"


@callback
def async_watch_health(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Create an issue for what a PBX cannot do now, and delete it afterward.

    Returns:
        A callback that stops this, and deletes the issues.
    """

    @callback
    def changed(change: Change) -> None:
        match change:
            case HealthChanged(channel, state):
                issue = _ISSUES.get((channel, state))
                issue_id = _issue_id(manager.entry, channel)
                if issue is None:
                    ir.async_delete_issue(hass, DOMAIN, issue_id)
                else:
                    error = manager.link.errors.get(channel)
                    detail = error.detail if error else ""
                    _create_issue(hass, manager.entry, issue_id, issue, detail=detail)
            case LimitChanged(limit=None):
                ir.async_delete_issue(hass, DOMAIN, _issue_id(manager.entry, _LIMIT))
            case LimitChanged(limit):
                issue_id = _issue_id(manager.entry, _LIMIT)
                _create_issue(
                    hass, manager.entry, issue_id, _CALLS_REFUSED, limit=str(limit)
                )
            case _:
                _update_speech_issues(hass, manager, change)

    unsubscribe = manager.subscribe(changed)

    @callback
    def stop() -> None:
        unsubscribe()
        async_delete_issues(hass, manager.entry)

    return stop


@callback
def _update_speech_issues(
    hass: HomeAssistant, manager: CallManager, change: Change
) -> None:
    """Create or delete the issues of announcements that could not be played."""
    issue_id = _issue_id(manager.entry, _SPEECH)
    failed_id = _issue_id(manager.entry, _SPEECH_FAILED.translation_key)
    match change:
        case SpeechChecked(None):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        case SpeechChecked(PbxError(code=code) as error) if code in _OF_SPEECH:
            issue = _OF_SPEECH[code]
            _create_issue(hass, manager.entry, issue_id, issue, detail=error.detail)
        case SpeechFailed():
            _create_issue(hass, manager.entry, failed_id, _SPEECH_FAILED)
        case CallChanged(call) if _is_heard(call):
            ir.async_delete_issue(hass, DOMAIN, failed_id)


def _is_heard(call: Call) -> bool:
    """Return whether any of the announcement of a call was heard."""
    return call.announced is not None and call.announced.played is not Played.NONE


class _StatesWatch:
    """Creates an issue if no state of an extension arrives in time.

    Once a PBX has reported one, it is known to report them.
    """

    def __init__(self, hass: HomeAssistant, manager: CallManager) -> None:
        """Start to wait for a state."""
        self._hass = hass
        self._manager = manager
        self._issue_id = _issue_id(manager.entry, "states")
        self._cancel: CALLBACK_TYPE | None = None
        self._unsubscribe = manager.subscribe(self._changed)
        self._update()

    @callback
    def stop(self) -> None:
        """Stop waiting, and delete the issue."""
        self._unsubscribe()
        self._reset()

    @callback
    def _changed(self, change: Change) -> None:
        if isinstance(change, ExtensionUpdate):
            self._manager.store.memory.set(_STATES_SEEN, "yes")
            self.stop()
        elif isinstance(change, SettingsChanged):
            self._update()

    @callback
    def _update(self) -> None:
        # In a quiet house, no phone may be used for hours after a restart.
        is_known = self._manager.store.memory.get(_STATES_SEEN)
        if is_known or not self._manager.book.extensions:
            self._reset()
        elif self._cancel is None:
            job = HassJob(self._overdue, cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, _STATES_TIMEOUT, job)

    @callback
    def _overdue(self, _now: datetime) -> None:
        entry = self._manager.entry
        _create_issue(self._hass, entry, self._issue_id, _STATES_MISSING)

    @callback
    def _reset(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)


@callback
def async_watch_states(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Create an issue if no event brings the state of an extension.

    For a PBX that cannot be asked for the states. The first state deletes the issue.

    Returns:
        A callback that stops this, and deletes the issue.
    """
    return _StatesWatch(hass, manager).stop


@callback
def _create_issue(
    hass: HomeAssistant,
    entry: ConfigEntry,
    issue_id: str,
    issue: _Issue,
    **placeholders: str,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id},
        is_fixable=issue.is_fixable,
        severity=issue.severity,
        translation_key=issue.translation_key,
        translation_placeholders={"pbx": entry.title, **placeholders},
    )


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the issues of a PBX that is unloaded or removed."""
    for (domain, issue_id), issue in tuple(ir.async_get(hass).issues.items()):
        # The id of an issue about a contact does not contain the PBX.
        entry_id = (issue.data or {}).get("entry_id")
        is_own = entry_id == entry.entry_id or issue_id.endswith(f"_{entry.entry_id}")
        if domain == DOMAIN and is_own:
            ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_update_escalation_issue(
    hass: HomeAssistant, manager: CallManager, asker: State, faults: Sequence[str]
) -> None:
    """Create or delete the issue of an automation whose escalation is incomplete.

    Args:
        hass: the Home Assistant instance.
        manager: of the PBX.
        asker: the automation or script that runs the escalation.
        faults: why some of its callees cannot be called; empty deletes the issue.
    """
    issue_id = _issue_id(manager.entry, f"escalation_{asker.entity_id}")
    if not faults:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    detail = _escaped("; ".join(dict.fromkeys(faults)))
    _create_issue(
        hass, manager.entry, issue_id, _INCOMPLETE, automation=asker.name, detail=detail
    )


@callback
def async_update_contact_issue(
    hass: HomeAssistant,
    entry: ConfigEntry | None,
    asker: State,
    use: str,
    fault: HomeAssistantError | None = None,
) -> None:
    """Create or delete the issue of an automation that names a contact wrongly.

    Args:
        hass: the Home Assistant instance.
        entry: the PBX; None if the contacts do not say which one. The issue is deleted
            when it is unloaded or removed; without one, it goes with the oldest.
        asker: the automation or script that names the contact.
        use: the action or the trigger that it names the contact for, such as
            `originate`. An automation has one issue for each.
        fault: why the contact cannot be used; None deletes the issue.
    """
    issue_id = f"contact_{use}_{asker.entity_id}"
    if fault is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    oldest = min(
        hass.config_entries.async_entries(DOMAIN), key=lambda each: each.created_at
    )
    _create_issue(
        hass,
        entry or oldest,
        issue_id,
        _CONTACT,
        automation=asker.name,
        detail=_escaped(str(fault)),
    )


def _escaped(text: str) -> str:
    """Return a text for Markdown, in which the stars of a number are emphasis."""
    return text.replace("*", r"\*")


@callback
def async_create_trigger_issue(
    hass: HomeAssistant, automation: State, contact: str
) -> None:
    """Create the issue of an automation whose trigger is about a missing contact.

    Args:
        hass: the Home Assistant instance.
        automation: that has the trigger.
        contact: its name, or the id of a device that was removed.
    """
    ir.async_create_issue(
        hass,
        DOMAIN,
        _missing_issue_id("trigger", automation.entity_id, contact),
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="trigger_contact_missing",
        translation_placeholders={
            "automation": automation.name,
            "contact": contact_text(contact),
        },
    )


@callback
def async_delete_trigger_issue(
    hass: HomeAssistant, entity_id: str, contact: str
) -> None:
    """Delete the issue of an automation whose contact is not missing any more."""
    issue_id = _missing_issue_id("trigger", entity_id, contact)
    ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_create_condition_issue(
    hass: HomeAssistant, asker: State, contact: str, known: Sequence[str]
) -> None:
    """Create the issue of an automation whose condition is about a missing contact.

    Args:
        hass: the Home Assistant instance.
        asker: the automation or script that has the condition.
        contact: its name, or the id of a device that was removed.
        known: names of contacts that exist, to choose from.
    """
    ir.async_create_issue(
        hass,
        DOMAIN,
        _missing_issue_id("condition", asker.entity_id, contact),
        is_fixable=False,
        severity=_CONTACT.severity,
        translation_key=_CONTACT.translation_key,
        translation_placeholders={
            "automation": asker.name,
            "detail": _escaped(str(unknown_contact_error(contact, known))),
        },
    )


@callback
def async_delete_condition_issue(
    hass: HomeAssistant, entity_id: str, contact: str
) -> None:
    """Delete the issue of an automation whose contact is not missing any more."""
    issue_id = _missing_issue_id("condition", entity_id, contact)
    ir.async_delete_issue(hass, DOMAIN, issue_id)


def _missing_issue_id(use: str, entity_id: str, contact: str) -> str:
    """Return the id of an issue, without the name: diagnostics contain the id."""
    return f"{use}_{entity_id}_{sha256(contact.encode()).hexdigest()[:16]}"


def _issue_id(entry: ConfigEntry, name: str) -> str:
    return f"{name}_{entry.entry_id}"


class ReclaimStreamFlow(ConfirmRepairFlow):
    """Fix flow that takes the event stream back from another client."""

    def __init__(self, entry_id: str) -> None:
        """Initialize the flow."""
        super().__init__()
        self._entry_id = entry_id

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask for confirmation, then reload the entry."""
        if user_input is not None:
            self.hass.config_entries.async_schedule_reload(self._entry_id)
        return await super().async_step_confirm(user_input)


async def async_create_fix_flow(
    _hass: HomeAssistant,
    _issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the fix flow of the only fixable issue."""
    return ReclaimStreamFlow(str((data or {})["entry_id"]))

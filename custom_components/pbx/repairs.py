"""Repair issues of a PBX, and their fix flow."""

from collections.abc import Sequence
from typing import Final, NamedTuple, override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, State, callback
from homeassistant.helpers import issue_registry as ir

from .backends.base import Channel, ChannelState
from .calls.changes import Change, HealthChanged, LimitChanged
from .calls.manager import CallManager
from .const import DOMAIN


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
_INCOMPLETE: Final = _Issue("escalation_incomplete")


@callback
def async_watch_health(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Create an issue for each channel without events, and delete it afterward.

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
                    _create_issue(hass, manager, issue_id, issue, detail=detail)
            case LimitChanged(limit=None):
                ir.async_delete_issue(hass, DOMAIN, _issue_id(manager.entry, _LIMIT))
            case LimitChanged(limit):
                issue_id = _issue_id(manager.entry, _LIMIT)
                _create_issue(hass, manager, issue_id, _CALLS_REFUSED, limit=str(limit))

    unsubscribe = manager.subscribe(changed)

    @callback
    def stop() -> None:
        unsubscribe()
        async_delete_issues(hass, manager.entry)

    return stop


@callback
def _create_issue(
    hass: HomeAssistant,
    manager: CallManager,
    issue_id: str,
    issue: _Issue,
    **placeholders: str,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": manager.entry.entry_id},
        is_fixable=issue.is_fixable,
        severity=issue.severity,
        translation_key=issue.translation_key,
        translation_placeholders={"pbx": manager.entry.title, **placeholders},
    )


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the issues of a PBX that is unloaded or removed."""
    for domain, issue_id in tuple(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.endswith(f"_{entry.entry_id}"):
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
    # Repairs are shown as Markdown, in which the stars of a number are emphasis.
    detail = "; ".join(dict.fromkeys(faults)).replace("*", r"\*")
    _create_issue(
        hass, manager, issue_id, _INCOMPLETE, automation=asker.name, detail=detail
    )


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

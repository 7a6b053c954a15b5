"""What dashboards are told: WebSocket commands about calls, contacts and rights.

The state comes first, and again when anything but a call changes. Each change of a call
is one message. Only users who may read the calls of a PBX are told of them. To place
and to end a call, dashboards use the actions.
"""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.auth import EVENT_USER_UPDATED
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .backends.updates import ExtensionUpdate
from .calls.call_log import LogChange
from .calls.changes import Change, HealthChanged, SettingsChanged
from .calls.contact_registry import device_of
from .calls.dashboard import (
    State,
    dashboard_row,
    dashboard_rows,
    dashboard_state,
    enabled_managers,
)
from .calls.manager import SIGNAL_CHANGE, CallManager
from .calls.permissions import may_read_calls
from .const import DOMAIN

# Calls that are sent with the state, and at most in one page.
ROWS: Final = 50
MAX_ROWS: Final = 500
# Seconds in which changes are collected: a reload makes many.
COLLECT_TIME: Final = 0.1
# Messages about calls in that time; more, as when thousands are marked as seen, would
# cut off the page.
MAX_BURST: Final = 100

# The entities on which rights depend, and which a contact has.
_PREFIXES: Final = (f"{Platform.BUTTON}.", f"{Platform.BINARY_SENSOR}.")


@callback
def async_register_commands(hass: HomeAssistant) -> None:
    """Register the commands; once, as they cannot be taken away."""
    websocket_api.async_register_command(hass, ws_subscribe)
    websocket_api.async_register_command(hass, ws_calls)


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/subscribe"})
@callback
def ws_subscribe(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Send the state of all PBXs, and then each change."""
    feed = _Feed(hass, connection, msg["id"])
    connection.subscriptions[msg["id"]] = feed.close
    connection.send_result(msg["id"])
    feed.send_state()


@websocket_api.websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/calls",
        vol.Optional("before"): str,
        vol.Optional("limit", default=ROWS): vol.All(
            int, vol.Range(min=1, max=MAX_ROWS)
        ),
    }
)
@callback
def ws_calls(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Send a page of calls: those before a call, by its id, or the newest ones."""
    limit, before = msg["limit"], msg.get("before")
    # One more shows whether there are more.
    rows = dashboard_rows(hass, connection.user, limit + 1, before)
    page = {"rows": rows[:limit], "has_more": len(rows) > limit}
    connection.send_result(msg["id"], page)


class _Feed:
    """Sends to one page of one user what changes."""

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, msg_id: int
    ) -> None:
        """Listen to everything that the state depends on."""
        self._hass = hass
        self._connection = connection
        self._id = msg_id
        self._sent: State = {}
        # What stops to follow the log of each PBX.
        self._logs: dict[CallManager, CALLBACK_TYPE] = {}
        self._burst = 0
        self._burst_ends = 0.0
        self._is_due = False
        self._stop_timer: CALLBACK_TYPE | None = None
        self._stops = (
            async_dispatcher_connect(hass, SIGNAL_CHANGE, self._changed),
            async_dispatcher_connect(
                hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
            ),
            hass.bus.async_listen(EVENT_USER_UPDATED, self._user_updated),
            hass.bus.async_listen(
                er.EVENT_ENTITY_REGISTRY_UPDATED, self._entity_changed
            ),
        )

    @callback
    def close(self) -> None:
        """Send nothing more."""
        if self._stop_timer is not None:
            self._stop_timer()
        for stop in (*self._stops, *self._logs.values()):
            stop()

    def _send(self, event: Mapping[str, Any]) -> None:
        self._connection.send_event(self._id, event)

    # --- the state ------------------------------------------------------------

    @callback
    def send_state(self, *, is_due: bool = True) -> None:
        """Send the state.

        Args:
            is_due: whether to send it even if nothing but calls differs from what was
                sent last.
        """
        self._follow_logs()
        user = self._connection.user
        state = dashboard_state(self._hass, user)
        if is_due or state != self._sent:
            self._sent = state
            rows = dashboard_rows(self._hass, user, ROWS)
            now = dt_util.utcnow().isoformat()
            self._send({"type": "state", "now": now, **state, "rows": rows})

    @callback
    def _send_soon(self, *, is_due: bool = False) -> None:
        """Send the state once after all that changes at the same time."""
        self._is_due = self._is_due or is_due
        if self._stop_timer is None:
            timer = self._hass.loop.call_later(COLLECT_TIME, self._send_collected)
            self._stop_timer = timer.cancel

    @callback
    def _send_collected(self) -> None:
        self._stop_timer = None
        is_due, self._is_due = self._is_due, False
        self.send_state(is_due=is_due)

    @callback
    def _entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Handle a PBX that was added, loaded, reloaded, renamed or removed."""
        if entry.domain == DOMAIN:
            self._send_soon()

    @callback
    def _user_updated(self, event: Event[Any]) -> None:
        if event.data["user_id"] == self._connection.user.id:
            self._send_soon(is_due=True)

    @callback
    def _entity_changed(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        if event.data["entity_id"].startswith(_PREFIXES):
            self._send_soon()

    @callback
    def _changed(self, manager: CallManager, change: Change) -> None:
        match change:
            case ExtensionUpdate():
                self._send_extension(manager, change)
            case HealthChanged():
                # What the phones do may not be known anymore.
                self._send_soon()
            case SettingsChanged():
                # Rows may have other names, or may all have gone.
                self._send_soon(is_due=True)

    @callback
    def _send_extension(self, manager: CallManager, update: ExtensionUpdate) -> None:
        """Send what a phone does; the state would be many times as long."""
        owner = manager.book.with_number(update.number)
        device = device_of(self._hass, owner.subentry_id) if owner else None
        if device is None or not may_read_calls(manager, self._connection.user):
            return
        for sent in self._sent["contacts"]:
            if sent["contact"] == device.id:
                sent["extension_state"] = update.state
                state = {"contact": device.id, "extension_state": update.state}
                self._send({"type": "extension", **state})

    # --- the calls ------------------------------------------------------------

    @callback
    def _follow_logs(self) -> None:
        """Follow the logs of the PBXs that there are now."""
        managers = enabled_managers(self._hass)
        for gone in self._logs.keys() - set(managers):
            self._logs.pop(gone)()
        for manager in managers:
            if manager not in self._logs:
                self._logs[manager] = self._follow(manager)

    @callback
    def _follow(self, manager: CallManager) -> CALLBACK_TYPE:
        @callback
        def changed(change: LogChange) -> None:
            user = self._connection.user
            if not may_read_calls(manager, user):
                return
            if self._is_burst():
                self._send_soon(is_due=True)
            elif change.row is None:
                self._send({"type": "removed", "id": change.row_id})
            else:
                row = dashboard_row(change.row, manager, user)
                self._send({"type": "row", "row": row})

        return manager.log.subscribe(changed)

    def _is_burst(self) -> bool:
        """Count a change of a call, and return whether there are too many at once."""
        now = self._hass.loop.time()
        if now >= self._burst_ends:
            self._burst, self._burst_ends = 0, now + COLLECT_TIME
        self._burst += 1
        return self._burst > MAX_BURST

"""The calls of a config entry, over reloads of the entry and restarts.

It outlives the entry's runtime data: a reload in the middle of a call must end
neither the call nor the action that waits for it.
"""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime
import logging
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..backends.updates import CallState
from ..const import DOMAIN
from ..errors import failed
from ..signals import SIGNAL_CALL
from .call import Call
from .rules import History
from .tracker import CallTracker

_LOGGER = logging.getLogger(__name__)

_TRACKING: HassKey[dict[str, CallTracking]] = HassKey(f"{DOMAIN}_tracking")
_STORAGE_VERSION = 1
# Seconds: several calls within them are written once.
_SAVE_DELAY = 1
# Seconds that a call which is overdue at a start is given to end with the truth.
_RESTART_GRACE = 60


class CallTracking:
    """Follows the calls of one config entry.

    Attributes:
        tracker: the calls themselves.
        cursor: how far the PBX's call report has been read; empty is not at all.
        address: of the PBX whose report that is.
        history: of the calls so far, for the dialling rules.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Follow nothing yet."""
        self.tracker = CallTracker(_now)
        self.cursor = ""
        self.address = ""
        self.history = History()
        self._hass = hass
        self._entry_id = entry_id
        self._store = Store[dict[str, Any]](
            hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}", private=True
        )
        self._waiting: set[asyncio.Future[None]] = set()
        self._cancel_deadline: CALLBACK_TYPE | None = None
        self._watched_deadline: float | None = None
        # Calls that were placed, of which nobody has been told yet.
        self._placed: deque[Call] = deque()
        self._stop_listening = self.tracker.add_listener(self._changed)
        self.tracker.on_ending = self._ending
        self._is_removed = False

    async def async_load(self) -> None:
        """Go on with what was outstanding when Home Assistant was stopped."""
        stored = await self._store.async_load() or {}
        self.cursor = stored.get("cursor", "")
        self.address = stored.get("address", "")
        calls = _read_calls(stored.get("calls", []))
        self.history = _read_history(stored.get("history", []))
        for call in calls:
            if call.is_uncertain:
                until = call.requested_at + call.request.timeout
                self.history.doubt(call.requested_at, call.callee_identity, until)
        self.tracker.restore(calls)
        self._watch_deadline()

    @callback
    def async_set_address(self, address: str) -> None:
        """Take note of where the PBX is; the report of another is another one."""
        if address != self.address:
            self.cursor, self.address = "", address
            self.async_save()

    @callback
    def async_save(self) -> None:
        """Write soon what a restart must not lose."""
        if not self._is_removed:
            self._store.async_delay_save(self._as_dict, _SAVE_DELAY)

    async def async_wait(self, call: Call, until: CallState) -> None:
        """Wait until a call has come to a state, or has ended before.

        Raises:
            HomeAssistantError: the PBX was removed meanwhile.
        """
        future = self._hass.loop.create_future()

        def check(changed: Call, _state: CallState) -> None:
            if changed is call and _has_come(call, until) and not future.done():
                future.set_result(None)

        if _has_come(call, until) and not self._is_removed:
            return
        stop = self.tracker.add_listener(check)
        try:
            await self._async_wait_for(future)
        finally:
            stop()

    async def async_pause(self, seconds: float) -> None:
        """Let time go by.

        Raises:
            HomeAssistantError: the PBX was removed meanwhile.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._async_wait_for(self._hass.loop.create_future())

    async def _async_wait_for(self, future: asyncio.Future[None]) -> None:
        if self._is_removed:
            raise failed("pbx_removed")
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def async_remove(self) -> None:
        """Give up: the PBX is removed, and an answer still on its way too late."""
        self._is_removed = True
        self._stop_listening()
        if self._cancel_deadline is not None:
            self._cancel_deadline()
        for future in self._waiting:
            if not future.done():
                future.set_exception(failed("pbx_removed"))
        await self._store.async_remove()

    @callback
    def _ending(self) -> None:
        if not self._is_removed:
            self._watch_deadline()
            self.async_save()

    @callback
    def _changed(self, call: Call, state: CallState) -> None:
        if not call.is_uncertain:
            self.history.believe(call.requested_at, call.callee_identity)
        # In the order in which it happened.
        self.async_tell_placed()
        if state is CallState.PLACED:
            # Whoever asked for the call goes on before others are told.
            self._placed.append(call)
        else:
            self._tell(call, state)

    @callback
    def async_tell_placed(self) -> None:
        """Tell of the calls that were placed, if that has not been done."""
        while self._placed and not self._is_removed:
            self._tell(self._placed.popleft(), CallState.PLACED)

    @callback
    def _tell(self, call: Call, state: CallState) -> None:
        self._watch_deadline()
        self.async_save()
        async_dispatcher_send(self._hass, SIGNAL_CALL, self._entry_id, call, state)

    @callback
    def _watch_deadline(self) -> None:
        deadline = self.tracker.next_deadline
        if deadline == self._watched_deadline:
            return
        if self._cancel_deadline is not None:
            self._cancel_deadline()
            self._cancel_deadline = None
        self._watched_deadline = deadline
        if deadline is not None:
            self._cancel_deadline = async_call_later(
                self._hass,
                max(deadline - _now(), 0),
                HassJob(self._expire, cancel_on_shutdown=True),
            )

    @callback
    def _expire(self, _now: datetime) -> None:
        self._cancel_deadline = None
        self._watched_deadline = None
        self.tracker.expire()
        self._watch_deadline()

    def _as_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "cursor": self.cursor,
            "calls": [call.as_dict() for call in self.tracker.untold],
            "history": self.history.as_list(_now()),
        }


async def async_get_tracking(hass: HomeAssistant, entry_id: str) -> CallTracking:
    """Return the calls of a config entry, loaded when they were not there yet."""
    trackings = hass.data.setdefault(_TRACKING, {})
    if entry_id not in trackings:
        tracking = CallTracking(hass, entry_id)
        await tracking.async_load()
        trackings[entry_id] = tracking
    return trackings[entry_id]


@callback
def async_known_tracking(hass: HomeAssistant, entry_id: str) -> CallTracking:
    """Return the calls of a config entry that has been set up.

    Raises:
        HomeAssistantError: the PBX was removed meanwhile.
    """
    tracking = hass.data.get(_TRACKING, {}).get(entry_id)
    if tracking is None:
        raise failed("pbx_removed")
    return tracking


async def async_remove_tracking(hass: HomeAssistant, entry_id: str) -> None:
    """Forget the calls of a config entry that is removed."""
    tracking = hass.data.get(_TRACKING, {}).pop(entry_id, None)
    await (tracking or CallTracking(hass, entry_id)).async_remove()


def _read_calls(stored: Any) -> list[Call]:  # noqa: ANN401 - whatever a file holds
    """Return the calls of a store; one that cannot be read costs no other."""
    calls = []
    for each in stored if isinstance(stored, list) else [stored]:
        try:
            call = Call.from_dict(each)
            # The report can still tell what nobody here was awake to hear.
            call.deadline = max(call.deadline, _now() + _RESTART_GRACE)
        except AttributeError, KeyError, TypeError, ValueError:
            _LOGGER.warning("A call that was outstanding could not be read")
        else:
            calls.append(call)
    return calls


def _read_history(stored: Any) -> History:  # noqa: ANN401 - whatever a file holds
    """Return the history of a store; what cannot be read costs nothing else."""
    history = History()
    for row in stored if isinstance(stored, list) else [stored]:
        try:
            history.restore(row)
        except TypeError, ValueError:
            _LOGGER.warning("A part of the history of the calls could not be read")
    return history


def _now() -> float:
    return dt_util.utcnow().timestamp()


def _has_come(call: Call, until: CallState) -> bool:
    return call.state is CallState.ENDED or not until.is_after(call.reached)

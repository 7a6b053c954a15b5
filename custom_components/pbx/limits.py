"""Ends what rings or talks for too long, where the PBX itself does not."""

from datetime import datetime
from functools import partial
import logging

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .backends.base import CallNotFoundError, PbxError
from .backends.updates import CallState
from .calls.call import Call
from .coordinator import PbxConfigEntry

_LOGGER = logging.getLogger(__name__)

# Seconds until a call that could not be ended is tried again.
RETRY_DELAY = 5


class LimitKeeper:
    """Keeps the calls of a config entry within their limits.

    The limits are counted from the moments that the calls themselves hold, so
    neither a reload nor a restart lifts one.
    """

    def __init__(self, hass: HomeAssistant, entry: PbxConfigEntry) -> None:
        """Watch nothing yet."""
        self._hass = hass
        self._entry = entry
        self._client = entry.runtime_data.client
        self._tracker = entry.runtime_data.tracking.tracker
        self._timers: dict[Call, CALLBACK_TYPE] = {}
        self._failed: set[Call] = set()

    @callback
    def async_start(self) -> None:
        """Watch all calls until the entry is unloaded."""
        for call in self._tracker.outstanding:
            self._watch(call)
        self._entry.async_on_unload(self._tracker.add_listener(self._call_changed))
        self._entry.async_on_unload(self._stop)

    @callback
    def _call_changed(self, call: Call, _state: CallState) -> None:
        self._forget(call)
        # Not the state that is told: it may be an old one, told late.
        if call.state is CallState.ENDED:
            self._failed.discard(call)
        else:
            self._watch(call)

    @callback
    def _watch(self, call: Call) -> None:
        if (due := _due(call)) is not None:
            self._arrange(call, max(due - dt_util.utcnow().timestamp(), 0))

    @callback
    def _arrange(self, call: Call, delay: float) -> None:
        job = HassJob(partial(self._hang_up, call), cancel_on_shutdown=True)
        self._timers[call] = async_call_later(self._hass, delay, job)

    @callback
    def _hang_up(self, call: Call, _now: datetime) -> None:
        del self._timers[call]
        self._entry.async_create_background_task(
            self._hass, self._async_hang_up(call), f"pbx limit {self._entry.entry_id}"
        )

    async def _async_hang_up(self, call: Call) -> None:
        try:
            await self._client.hang_up(call.originated_call_id)
        except CallNotFoundError:
            # It has ended by itself, which is told in another way.
            return
        except PbxError as err:
            if call.state is CallState.ENDED or call in self._timers:
                return
            self._arrange(call, RETRY_DELAY)
            if call not in self._failed:
                self._failed.add(call)
                _LOGGER.warning(
                    "A call through %s has reached its limit and could not be"
                    " ended, which is tried again: %s",
                    self._entry.title,
                    err,
                )

    @callback
    def _forget(self, call: Call) -> None:
        if (cancel := self._timers.pop(call, None)) is not None:
            cancel()

    @callback
    def _stop(self) -> None:
        for call in tuple(self._timers):
            self._forget(call)


def _due(call: Call) -> float | None:
    """Return the Unix time at which a call is to be ended as it stands, if ever.

    How long the caller rings is the PBX's own affair: it is told in the request.
    """
    if not call.originated_call_id:
        return None
    if call.reached is CallState.RINGING_CALLEE:
        return call.reached_at + call.request.timeout
    if call.reached is CallState.CONNECTED and call.request.call_limit is not None:
        return call.reached_at + call.request.call_limit
    return None

"""A timer that expires the calls of a tracker at their deadlines."""

from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .tracker import CallTracker


class DeadlineTimer:
    """One timer for all calls of a PBX."""

    def __init__(self, hass: HomeAssistant, tracker: CallTracker) -> None:
        """Initialize the timer of a tracker, unset."""
        self._hass = hass
        self._tracker = tracker
        self._deadline: float | None = None
        self._cancel: CALLBACK_TYPE | None = None
        self._is_stopped = False

    @callback
    def set(self) -> None:
        """Set the timer to the next deadline."""
        deadline = self._tracker.next_deadline
        if deadline == self._deadline or self._is_stopped:
            return
        self._clear()
        self._deadline = deadline
        if deadline is not None:
            delay = max(deadline - dt_util.utcnow().timestamp(), 0)
            self._cancel = async_call_later(self._hass, delay, HassJob(self._expire))

    @callback
    def stop(self) -> None:
        """Cancel the timer permanently."""
        self._is_stopped = True
        self._clear()

    def _clear(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _expire(self, _now: datetime) -> None:
        self._cancel = self._deadline = None
        self._tracker.expire()
        self.set()

"""Storage that survives a restart: open calls, call history, a backend's memory."""

from collections.abc import Callable
import logging
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from .call import Call
from .rules import History

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION = 1

# Seconds within which several changes are written once.
_SAVE_DELAY = 1
# Seconds after a restart in which the PBX can still report how an overdue call ended.
_RESTART_GRACE = 60


class Memory:
    """Values that a backend keeps across restarts.

    Attributes:
        values: the values by key.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Initialize the memory without any values."""
        self.values: dict[str, str] = {}
        self._changed = changed

    def get(self, key: str) -> str:
        """Return a value; empty if there is none."""
        return self.values.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        if self.values.get(key) != value:
            self.values[key] = value
            self._changed()


class CallStore:
    """The storage file of a PBX.

    Attributes:
        address: address of the PBX that the memory belongs to.
        memory: memory of the backend.
        history: the placed calls of the last day.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, open_calls: Callable[[], list[Call]]
    ) -> None:
        """Initialize the storage of a config entry.

        Args:
            hass: Home Assistant.
            entry_id: ID of the config entry.
            open_calls: returns the calls to store.
        """
        self.address = ""
        self.memory = Memory(self.async_save)
        self.history = History()
        self._open_calls = open_calls
        self._is_removed = False
        self._store = Store[dict[str, Any]](
            hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}", private=True
        )

    async def async_load(self, now: float) -> list[Call]:
        """Read the file and return the open calls.

        Args:
            now: current Unix time.
        """
        stored = await self._store.async_load() or {}
        self.address = stored.get("address", "")
        key = self._store.key
        self.memory.values = _read_memory(stored.get("memory", {}), key)
        self.history = _read_history(stored.get("history", []), key)
        return _read_calls(stored.get("calls", []), now, key)

    @callback
    def async_set_address(self, address: str) -> None:
        """Set the address of the PBX, and clear the memory if it changed.

        The backend of the old address keeps its old memory, which is not stored.
        """
        if self.address != address:
            self.address = address
            self.memory = Memory(self.async_save)
            self.async_save()

    @callback
    def async_save(self) -> None:
        """Schedule a write."""
        if not self._is_removed:
            self._store.async_delay_save(self._as_dict, _SAVE_DELAY)

    async def async_remove(self) -> None:
        """Delete the file and stop writing it."""
        self._is_removed = True
        await self._store.async_remove()

    def _as_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            # A copy, as another thread serializes it while the backend runs.
            "memory": dict(self.memory.values),
            "calls": [call.as_dict() for call in self._open_calls()],
            "history": self.history.as_list(dt_util.utcnow().timestamp()),
        }


def _read_calls(stored: Any, now: float, key: str) -> list[Call]:  # noqa: ANN401 - whatever a file holds
    """Return the stored calls, skipping invalid ones."""
    calls = []
    for each in stored if isinstance(stored, list) else [stored]:
        try:
            call = Call.from_dict(each)
            call.deadline = max(call.deadline, now + _RESTART_GRACE)
        except AttributeError, KeyError, TypeError, ValueError:
            _LOGGER.warning("Ignoring an invalid call in storage file %s", key)
        else:
            calls.append(call)
    return calls


def _read_memory(stored: Any, key: str) -> dict[str, str]:  # noqa: ANN401 - whatever a file holds
    """Return the stored memory, skipping invalid values."""
    if not isinstance(stored, dict):
        _LOGGER.warning("Ignoring invalid backend data in storage file %s", key)
        return {}
    return {key: value for key, value in stored.items() if isinstance(value, str)}


def _read_history(stored: Any, key: str) -> History:  # noqa: ANN401 - whatever a file holds
    """Return the stored history, skipping invalid calls."""
    history = History()
    for row in stored if isinstance(stored, list) else [stored]:
        try:
            history.restore(row)
        except TypeError, ValueError:
            _LOGGER.warning("Ignoring an invalid history item in storage file %s", key)
    return history

"""What a restart must not lose: open calls, their history, a backend's memory."""

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

# Seconds: several changes within them are written once; and a call that is overdue
# at a start is given them to end with the truth.
_SAVE_DELAY = 1
_RESTART_GRACE = 60


class Memory:
    """What the backend of a PBX remembers over a restart.

    Attributes:
        values: by their keys.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Initialize the memory without any values."""
        self.values: dict[str, str] = {}
        self._changed = changed

    def get(self, key: str) -> str:
        """Return a value; empty where there is none."""
        return self.values.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        if self.values.get(key) != value:
            self.values[key] = value
            self._changed()


class CallStore:
    """The file of a PBX.

    Attributes:
        address: of the PBX that the memory is of.
        memory: of its backend.
        history: of the calls so far.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, open_calls: Callable[[], list[Call]]
    ) -> None:
        """Initialize the file of a config entry.

        Args:
            hass: Home Assistant.
            entry_id: of the config entry.
            open_calls: returns the calls that a restart must not lose.
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
        """Read the file, and return the calls that were open.

        Args:
            now: Unix time.
        """
        stored = await self._store.async_load() or {}
        self.address = stored.get("address", "")
        self.memory.values = _read_memory(stored.get("memory", {}))
        self.history = _read_history(stored.get("history", []))
        return _read_calls(stored.get("calls", []), now)

    @callback
    def async_set_address(self, address: str) -> None:
        """Forget what was known of another PBX, at another address.

        What the backend of that one still has to say is stored nowhere.
        """
        if self.address != address:
            self.address = address
            self.memory = Memory(self.async_save)
            self.async_save()

    @callback
    def async_save(self) -> None:
        """Write soon."""
        if not self._is_removed:
            self._store.async_delay_save(self._as_dict, _SAVE_DELAY)

    async def async_remove(self) -> None:
        """Delete the file, and write no other."""
        self._is_removed = True
        await self._store.async_remove()

    def _as_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            # A copy: it is written in another thread, and a backend goes on.
            "memory": dict(self.memory.values),
            "calls": [call.as_dict() for call in self._open_calls()],
            "history": self.history.as_list(dt_util.utcnow().timestamp()),
        }


def _read_calls(stored: Any, now: float) -> list[Call]:  # noqa: ANN401 - whatever a file holds
    """Return the calls of a store; one that cannot be read costs no other."""
    calls = []
    for each in stored if isinstance(stored, list) else [stored]:
        try:
            call = Call.from_dict(each)
            # The PBX can still tell what nobody here was awake to hear.
            call.deadline = max(call.deadline, now + _RESTART_GRACE)
        except AttributeError, KeyError, TypeError, ValueError:
            _LOGGER.warning("A call that was open could not be read")
        else:
            calls.append(call)
    return calls


def _read_memory(stored: Any) -> dict[str, str]:  # noqa: ANN401 - whatever a file holds
    """Return the memory of a store, without what no backend can have left there."""
    if not isinstance(stored, dict):
        _LOGGER.warning("What the PBX's backend remembered could not be read")
        return {}
    return {key: value for key, value in stored.items() if isinstance(value, str)}


def _read_history(stored: Any) -> History:  # noqa: ANN401 - whatever a file holds
    """Return the history of a store; what cannot be read costs nothing else."""
    history = History()
    for row in stored if isinstance(stored, list) else [stored]:
        try:
            history.restore(row)
        except TypeError, ValueError:
            _LOGGER.warning("A part of the history of calls could not be read")
    return history

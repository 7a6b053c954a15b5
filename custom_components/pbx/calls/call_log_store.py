"""The file of the call log of a PBX."""

from collections.abc import Callable, Sequence
import logging
import math
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .log_rows import LogRow

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1

# Seconds. The file may be large; Home Assistant also writes it when it stops.
SAVE_DELAY: Final = 60


class CallLogStore:
    """The file of a call log.

    Attributes:
        floor: Unix time; a call of the report that began before it is not added.
        cursor: up to which the report of the PBX was read; empty if it never was.
        address: of the PBX whose report that is.
        rows: returns what to write; it is called outside of the event loop.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize the file of a config entry."""
        self.floor = 0.0
        self.cursor = ""
        self.address = ""
        self._hass = hass
        self.rows: Callable[[], Sequence[LogRow]] = tuple
        self._is_removed = False
        self._store = Store[dict[str, Any]](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}.log",
            private=True,
            serialize_in_event_loop=False,
        )

    async def async_load(self, now: float) -> list[LogRow]:
        """Read the file, and return its rows; the log begins now if there is none.

        Args:
            now: current Unix time.
        """
        stored = await self._store.async_load()
        if not isinstance(stored, dict):
            self.floor = now
            return []
        self.floor = _time(stored.get("floor"), now)
        self.cursor = str(stored.get("cursor") or "")
        self.address = str(stored.get("address") or "")
        # Thousands of rows take long.
        return await self._hass.async_add_executor_job(self._read, stored.get("rows"))

    def _read(self, stored: Any) -> list[LogRow]:  # noqa: ANN401 - whatever a file holds
        """Return the stored rows, skipping invalid ones."""
        rows = []
        for each in stored if isinstance(stored, list) else [stored]:
            try:
                rows.append(LogRow.from_dict(each))
            except AttributeError, KeyError, TypeError, ValueError:
                key = self._store.key
                _LOGGER.warning("Ignoring an invalid call in storage file %s", key)
        return rows

    @callback
    def begin(self, now: float) -> None:
        """Begin a log: older calls of the report are not added."""
        self.floor = now
        self.cursor = ""
        self.async_save()

    @callback
    def keep_nothing_before(self, at: float) -> None:
        """Note that calls until a time were dropped, and must not return."""
        self.floor = max(self.floor, at)

    @callback
    def set_cursor(self, cursor: str, address: str) -> None:
        """Note up to where the report was read."""
        if (cursor, address) != (self.cursor, self.address):
            self.cursor, self.address = cursor, address
            self.async_save()

    @callback
    def async_save(self) -> None:
        """Schedule a write."""
        if not self._is_removed:
            self._store.async_delay_save(self._as_dict, SAVE_DELAY)

    @callback
    def clear(self) -> None:
        """Delete the file; it is written again at the next change."""
        self.cursor = ""
        self._hass.async_create_task(self._store.async_remove(), "pbx delete log")

    async def async_remove(self) -> None:
        """Delete the file, and stop writing it."""
        self._is_removed = True
        await self._store.async_remove()

    def _as_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "cursor": self.cursor,
            "floor": self.floor,
            "rows": [row.as_dict() for row in self.rows()],
        }


def _time(stored: Any, default: float) -> float:  # noqa: ANN401 - whatever a file holds
    is_number = isinstance(stored, int | float) and math.isfinite(stored)
    return stored if is_number else default

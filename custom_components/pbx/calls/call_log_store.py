"""The file of the call log of a PBX."""

from collections.abc import Callable, Sequence
from contextlib import suppress
import logging
import math
from time import monotonic
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .log_rows import LogRow

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1

# How many ids are kept of calls whose rows were dropped.
MAX_DROPPED: Final = 100

# Seconds. The file may be large; Home Assistant also writes it when it stops.
SAVE_DELAY: Final = 60
# Seconds; where a call begins or ends every minute.
MAX_SAVE_DELAY: Final = 600


class CallLogStore:
    """The file of a call log.

    Attributes:
        floor: Unix time; a call of the report that began before it is not added.
        dropped_before: Unix time; no call at all that began before it is added.
        cursor: up to which the report of the PBX was read; empty if it never was.
        address: of the PBX whose report that is.
        rows: returns what to write; it is called outside of the event loop.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize the file of a config entry."""
        self.floor = self.dropped_before = 0.0
        self.cursor = ""
        self.address = ""
        self._hass = hass
        self.rows: Callable[[], Sequence[LogRow]] = tuple
        self._dropped: tuple[str, ...] = ()
        self._is_removed = False
        # When what has changed is written at the latest; 0 if nothing has.
        self._due = 0.0
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
        self.dropped_before = _time(stored.get("dropped_before"), 0)
        self._dropped = _texts(stored.get("dropped"))
        self.cursor = str(stored.get("cursor") or "")
        self.address = str(stored.get("address") or "")
        # Thousands of rows take long.
        return await self._hass.async_add_executor_job(self._read, stored.get("rows"))

    def _read(self, stored: Any) -> list[LogRow]:  # noqa: ANN401 - whatever a file holds
        """Return the stored rows, skipping invalid ones."""
        given = stored if isinstance(stored, list) else [stored]
        rows = []
        for each in given:
            # Those that are invalid are counted below: there may be thousands.
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                rows.append(LogRow.from_dict(each))
        if invalid := len(given) - len(rows):
            key = self._store.key
            _LOGGER.warning(
                "Ignoring %s invalid calls in storage file %s", invalid, key
            )
        return rows

    @callback
    def begin(self, now: float) -> None:
        """Begin a log: older calls of the report are not added."""
        self.floor = now
        self.cursor = ""
        self.async_save()

    @callback
    def note_dropped(self, row: LogRow) -> None:
        """Note that a row was dropped, and must not return."""
        self.floor = max(self.floor, row.began_at)
        self.dropped_before = max(self.dropped_before, row.began_at)
        # Two sources may not agree on when a call began.
        self._dropped = (*self._dropped, *row.ids)[-MAX_DROPPED:]

    def was_dropped(self, row: LogRow) -> bool:
        """Return whether a row, or one of a later call, was dropped."""
        if row.began_at < self.dropped_before:
            return True
        return not set(self._dropped).isdisjoint(row.ids)

    @callback
    def set_cursor(self, cursor: str, address: str) -> None:
        """Note up to where the report was read."""
        if (cursor, address) != (self.cursor, self.address):
            self.cursor, self.address = cursor, address
            self.async_save()

    @callback
    def async_save(self) -> None:
        """Schedule a write."""
        if self._is_removed:
            return
        now = monotonic()
        self._due = self._due or now + MAX_SAVE_DELAY
        delay = min(max(self._due - now, 0), SAVE_DELAY)
        self._store.async_delay_save(self._as_dict, delay)

    @callback
    def clear(self) -> None:
        """Delete the file; it is written again at the next change."""
        self.cursor = ""
        self._hass.async_create_task(self._async_delete(), "pbx delete log")

    async def async_remove(self) -> None:
        """Delete the file, and stop writing it."""
        self._is_removed = True
        await self._async_delete()

    async def _async_delete(self) -> None:
        # First waits for a write that is under way, which would bring the file back.
        await self._store.async_save({})
        await self._store.async_remove()

    def _as_dict(self) -> dict[str, Any]:
        self._due = 0
        return {
            "address": self.address,
            "cursor": self.cursor,
            "floor": self.floor,
            "dropped_before": self.dropped_before,
            "dropped": self._dropped,
            "rows": [row.as_dict() for row in self.rows()],
        }


def _texts(stored: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever a file holds
    return tuple(map(str, stored)) if isinstance(stored, list) else ()


def _time(stored: Any, default: float) -> float:  # noqa: ANN401 - whatever a file holds
    is_number = isinstance(stored, int | float) and math.isfinite(stored)
    return stored if is_number else default

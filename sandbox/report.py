"""Call report: rows in the order of their ObjectIds, twenty per page."""

from collections.abc import Callable
import re

from .calls import CallResult, SandboxCall
from .cdr import row
from .clock import Clock
from .config import SandboxConfig

PAGE_ROWS = 20

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
# The machine and process part of every ObjectId.
_MACHINE = "43180c714b"
_FIRST_COUNT = 0x12B600
_HISTORY_STEP = 600.0
_HISTORY_RESULTS: tuple[CallResult, ...] = (
    "answered",
    "no_answer",
    "busy",
    "caller_unreachable",
    "failed",
)


class CursorRefusedError(Exception):
    """The report cannot be read from this ID."""


class Report:
    """The calls that have ended, in this order."""

    def __init__(self, config: Callable[[], SandboxConfig], clock: Clock) -> None:
        """Initialize the report with the configured number of past calls."""
        self._config = config
        self._entries: list[tuple[str, SandboxCall]] = []
        count = config().report.history
        for age in range(count, 0, -1):
            self.add(_old_call(count - age, clock.time() - age * _HISTORY_STEP))

    def add(self, call: SandboxCall) -> str:
        """Add a call that has ended, and return the ID of its row."""
        count = (_FIRST_COUNT + len(self._entries)) & 0xFFFFFF
        object_id = f"{int(call.ended or 0):08x}{_MACHINE}{count:06x}"
        self._entries.append((object_id, call))
        return object_id

    def rows(self) -> list[dict[str, object]]:
        """Return all rows."""
        return [self._row(index) for index in range(len(self._entries))]

    def page(self, cursor: str) -> dict[str, object]:
        """Return the twenty rows after an ID, or the first twenty rows.

        Raises:
            CursorRefusedError: the report cannot be read from this ID.
        """
        start = self._after(cursor)
        rows = [
            self._row(index)
            for index in range(start, min(start + PAGE_ROWS, len(self._entries)))
        ]
        keeps = self._config().report.empty_last_id == "cursor"
        last_id = rows[-1]["_id"] if rows else cursor if keeps else ""
        return {"last_id": last_id, "data": rows}

    def _after(self, cursor: str) -> int:
        """Return the index of the first row after an ID."""
        if not cursor:
            return 0
        if _OBJECT_ID.fullmatch(cursor) is None:
            raise CursorRefusedError("Field '_id':value is invalid")
        ids = [object_id for object_id, _ in self._entries]
        if cursor not in ids and not self._config().report.accepts_unknown_cursor:
            raise CursorRefusedError("Requested operation failed")
        return sum(object_id <= cursor for object_id in ids)

    def _row(self, index: int) -> dict[str, object]:
        object_id, call = self._entries[index]
        config = self._config()
        return row(object_id, index + 1, call, config.report, config.time_zone)


def _old_call(index: int, started: float) -> SandboxCall:
    """Return a fictional past call."""
    result = _HISTORY_RESULTS[index % len(_HISTORY_RESULTS)]
    answered = started + 4 if result == "answered" else None
    call = SandboxCall(
        id=f"orig.call.{int(started)}.{index:06d}",
        unique_id=f"{int(started)}.{index}",
        caller="101",
        callee="102",
        caller_id="101",
        context="main_routing",
        started=started,
    )
    call.state, call.result = "ended", result
    call.second_leg = None if result == "caller_unreachable" else started + 1
    call.answered, call.ended = answered, started + 30
    return call

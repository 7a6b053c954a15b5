"""Parse pages of Simotel's CDR report, and handle the cursors by which it is read.

Source: Simotel's v4 document of ``/reports/cdr/ordered/id``. Row ids are MongoDB
ObjectIds: 24 hexadecimal digits, the first 8 of which are the Unix time at which the
row was written. Only the ids order the rows and contain a usable time: the times in a
row are in the server's calendar and time zone.

A cursor is the id of a row, or a synthetic id that is made of a time only.
"""

from collections.abc import Iterable, Mapping, Sequence
import math
import re
from typing import Final, NamedTuple

from ..updates import CallResult, CallUpdate, Source
from .events import parse_call_end
from .fields import Fields, text

PAGE_ROWS: Final = 20

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_CALL_ID = re.compile(r"orig\.call\.[\w.]*\w", re.ASCII)
# The part after the time in a synthetic id.
_SYNTHETIC_SUFFIX: Final = "0" * 16
_LAST_SECOND: Final = 0xFFFF_FFFF
# Seconds before the last known row from which rows are read again.
_OVERLAP: Final = 2

_RANKS: Final = {result: rank for rank, result in enumerate(CallResult)}


class ReportPage(NamedTuple):
    """A page of the report.

    Attributes:
        updates: the ends of calls in its rows, by the PBX's clock. Without an
            `originated_call_id`, the call was not placed by request.
        cursor: of the next page.
        is_last: whether it is the last page for now.
    """

    updates: Sequence[CallUpdate]
    cursor: str
    is_last: bool


def best_first(updates: Iterable[CallUpdate]) -> list[CallUpdate]:
    """Return updates sorted so that the best result of each call comes first.

    Calls that were not placed by request come last.
    """
    calls: dict[str, list[CallUpdate]] = {}
    for each in updates:
        calls.setdefault(each.originated_call_id, []).append(each)
    others = calls.pop("", [])
    own = [each for ends in calls.values() for each in sorted(ends, key=_rank)]
    return [*own, *others]


def cursor_before(when: float) -> str:
    """Return a synthetic id lower than those of all rows since a Unix time."""
    second = int(min(max(when, 0), _LAST_SECOND)) if math.isfinite(when) else 0
    return f"{second:08x}{_SYNTHETIC_SUFFIX}"


def later_cursor(synthetic: str, known_id: str) -> str:
    """Return the later of two ids; the known one if it is not an ObjectId.

    Go back a little from the known id: the ids of one second are ordered by the process
    that wrote them, so a later row may have a lower id.
    """
    if (written := row_time(known_id)) is None:
        return known_id or synthetic
    return max(synthetic, cursor_before(written - _OVERLAP))


def candidate_cursors(cursor: str, known_id: str) -> Sequence[str]:
    """Return the cursors to try in order, until the PBX accepts one.

    The PBX might not accept a synthetic id, and the row of `known_id` may have been
    deleted. An empty cursor, the first row, always works.
    """
    if not _is_synthetic(cursor):
        return (cursor,)
    return tuple(dict.fromkeys((cursor, known_id, "")))


def is_cursor_ignored(data: object, cursor: str) -> bool:
    """Return whether a page begins before the cursor that was requested."""
    ids = map(_row_id, _rows(data))
    return any(_OBJECT_ID.fullmatch(row_id) and row_id < cursor for row_id in ids)


def parse_page(data: object, cursor: str) -> ReportPage:
    """Parse a page of the report. Never raises.

    Args:
        data: of the response, of any shape.
        cursor: that was requested.
    """
    rows = _rows(data)
    end = _next_cursor(data, rows, cursor)
    ends = (_parse_row(row) for row in rows)
    return ReportPage(
        updates=[each for each in ends if each is not None],
        cursor=end,
        # Without a new cursor, the same page would be read forever.
        is_last=len(rows) < PAGE_ROWS or end == cursor,
    )


def row_time(row_id: str) -> float | None:
    """Return the Unix time in a row's id; None if it is not an ObjectId."""
    return float(int(row_id[:8], 16)) if _OBJECT_ID.fullmatch(row_id) else None


def _next_cursor(data: object, rows: Sequence[object], cursor: str) -> str:
    """Return the id of the last row, from the page or from the row itself."""
    if not rows:
        return cursor
    last_id = _id(data.get("last_id")) if isinstance(data, Mapping) else ""
    if not last_id or last_id == cursor:
        last_id = next(filter(None, map(_row_id, reversed(rows))), cursor)
    # An older row shows that the PBX ignores the cursor, so reading cannot continue.
    is_old = _OBJECT_ID.fullmatch(last_id) is not None and last_id < cursor
    return cursor if is_old and not _is_synthetic(cursor) else last_id


def _parse_row(row: object) -> CallUpdate | None:
    if not isinstance(row, Mapping):
        return None
    fields = Fields(row)
    if (call_id := _originated_call_id(fields)) is None:
        return None
    return parse_call_end(fields, Source.REPORT, call_id, row_time(_row_id(row)))


def _rank(update: CallUpdate) -> int:
    return _RANKS[update.result or CallResult.UNDETERMINED]


def _originated_call_id(fields: Fields) -> str | None:
    """Return the id of a row's call request; empty if it was not placed by request.

    Return None if the row's comment contains several ids: this has been observed for
    calls with different results.
    """
    if call_id := fields.text("originated_call_id"):
        return call_id
    named = set(_CALL_ID.findall(fields.text("comment")))
    if not named:
        return ""
    return named.pop() if len(named) == 1 else None


def _rows(data: object) -> Sequence[object]:
    rows = data.get("data") if isinstance(data, Mapping) else data
    return rows if isinstance(rows, list) else ()


def _row_id(row: object) -> str:
    return _id(row.get("_id")) if isinstance(row, Mapping) else ""


def _id(value: object) -> str:
    """Return an id from text or from MongoDB's extended JSON (``$oid``)."""
    return text(value.get("$oid") if isinstance(value, Mapping) else value)


def _is_synthetic(cursor: str) -> bool:
    return _OBJECT_ID.fullmatch(cursor) is not None and cursor.endswith(
        _SYNTHETIC_SUFFIX
    )

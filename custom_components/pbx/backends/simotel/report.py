"""Pages of Simotel's CDR report, and the ids by which it is read in order.

Source: Simotel's v4 document of ``/reports/cdr/ordered/id``. The ids are
MongoDB's ObjectIds: 24 hexadecimal digits, the first 8 of which are the Unix
time at which the row was written. They alone order the rows and tell their
time: what a row says of its times is in the server's calendar and zone.
"""

from collections.abc import Iterable, Mapping, Sequence
import math
import re
from typing import Final, NamedTuple

from ..updates import CallResult, CallUpdate, Source
from .events import end_of_call
from .fields import Fields, text

PAGE_ROWS: Final = 20

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_CALL_ID = re.compile(r"orig\.call\.[\w.]*\w", re.ASCII)
# What is left of an id when its time is known and nothing else is.
_ANY_ROW: Final = "0" * 16
_LAST_SECOND: Final = 0xFFFF_FFFF
# Seconds.
_OVERLAP: Final = 2

_RANKS: Final = {result: rank for rank, result in enumerate(CallResult)}


class ReportPage(NamedTuple):
    """A page of the report.

    Attributes:
        updates: the ends of calls that its rows tell, by the PBX's clock. One
            without `originated_call_id` is of a call that nobody requested.
        cursor: where the next page begins.
        is_last: whether there is nothing after it for now.
    """

    updates: Sequence[CallUpdate]
    cursor: str
    is_last: bool


def best_first(updates: Iterable[CallUpdate]) -> list[CallUpdate]:
    """Return updates with the best end of each call before its others.

    Calls that nobody requested come last.
    """
    calls: dict[str, list[CallUpdate]] = {}
    for each in updates:
        calls.setdefault(each.originated_call_id, []).append(each)
    others = calls.pop("", [])
    ours = [each for ends in calls.values() for each in sorted(ends, key=_rank)]
    return [*ours, *others]


def cursor_before(when: float) -> str:
    """Return an id that is lower than those of all rows since a Unix time."""
    second = int(min(max(when, 0), _LAST_SECOND)) if math.isfinite(when) else 0
    return f"{second:08x}{_ANY_ROW}"


def later_cursor(made_up: str, known: str) -> str:
    """Return the later of two ids; the known one, if it is of another kind.

    The known one is gone back from a little: the ids of one second are in the
    order of the processes that wrote them, so a row may come in before it.
    """
    if (written := row_time(known)) is None:
        return known or made_up
    return max(made_up, cursor_before(written - _OVERLAP))


def starting_points(cursor: str, known: str) -> Sequence[str]:
    """Return the ids to read on from, until the PBX takes one.

    A made-up id need not be one that the PBX goes by. The row that `known` was
    the id of may be gone; only the very first row is always there.
    """
    if not _is_made_up(cursor):
        return (cursor,)
    return tuple(dict.fromkeys((cursor, known, "")))


def is_ignored(data: object, cursor: str) -> bool:
    """Return whether a page begins before the id that was asked for."""
    ids = map(_row_id, _rows(data))
    return any(_OBJECT_ID.fullmatch(row_id) and row_id < cursor for row_id in ids)


def parse_page(data: object, cursor: str) -> ReportPage:
    """Return a page of the report; never raises.

    Args:
        data: what the answer carries, of whatever shape.
        cursor: the id that it was asked for.
    """
    rows = _rows(data)
    end = _end_of(data, rows, cursor)
    ends = (_end_of_row(row) for row in rows)
    return ReportPage(
        updates=[each for each in ends if each is not None],
        cursor=end,
        # A page that leads nowhere would come again and again.
        is_last=len(rows) < PAGE_ROWS or end == cursor,
    )


def row_time(row_id: str) -> float | None:
    """Return the Unix time in a row's id."""
    return float(int(row_id[:8], 16)) if _OBJECT_ID.fullmatch(row_id) else None


def _end_of(data: object, rows: Sequence[object], cursor: str) -> str:
    """Return the id of the last row, as the page or the row itself tells it."""
    if not rows:
        return cursor
    told = _id(data.get("last_id")) if isinstance(data, Mapping) else ""
    if not told or told == cursor:
        told = next(filter(None, map(_row_id, reversed(rows))), cursor)
    # Nothing but old rows: the PBX goes by no id, and there is no going on.
    is_old = _OBJECT_ID.fullmatch(told) is not None and told < cursor
    return cursor if is_old and not _is_made_up(cursor) else told


def _end_of_row(row: object) -> CallUpdate | None:
    if not isinstance(row, Mapping):
        return None
    fields = Fields(row)
    if (call_id := _originated_call_id(fields)) is None:
        return None
    return end_of_call(fields, Source.REPORT, call_id, row_time(_row_id(row)))


def _rank(update: CallUpdate) -> int:
    return _RANKS[update.result or CallResult.UNDETERMINED]


def _originated_call_id(fields: Fields) -> str | None:
    """Return the call that a row is about; empty for one that nobody originated.

    The comment of a row has been seen to name several, whose ends differ: None.
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
    """Return an id: as text, or as the database's own export has it."""
    return text(value.get("$oid") if isinstance(value, Mapping) else value)


def _is_made_up(cursor: str) -> bool:
    return _OBJECT_ID.fullmatch(cursor) is not None and cursor.endswith(_ANY_ROW)

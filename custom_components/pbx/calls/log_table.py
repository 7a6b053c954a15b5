"""The rows of the call log in the order in which the calls began, and found by id."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Final

from .log_rows import LogRow

# Seconds by which the beginnings may differ of two reports of a call without an id.
_SAME_BEGINNING: Final = 900


class LogTable:
    """Rows of calls. Neither adding nor finding one takes longer if there are many."""

    def __init__(self) -> None:
        """Initialize the table without rows."""
        # Sorted by `order`.
        self._rows: list[LogRow] = []
        self._by_id: dict[str, LogRow] = {}
        # The row of each id of a call.
        self._row_ids: dict[str, str] = {}
        # A dictionary as an ordered set: ids of rows of calls that have not ended.
        self._live: dict[str, None] = {}
        # The `order` of missed calls that nobody has looked at, sorted.
        self._unseen: list[tuple[float, str]] = []

    def __iter__(self) -> Iterator[LogRow]:
        """Iterate over the rows, newest first."""
        return reversed(self._rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @property
    def oldest(self) -> LogRow | None:
        """The row of the call that began first; None if there is none."""
        return self._rows[0] if self._rows else None

    @property
    def live(self) -> list[LogRow]:
        """The rows of calls that have not ended."""
        return [self._by_id[each] for each in self._live]

    @property
    def unseen_count(self) -> int:
        """Number of missed calls that nobody has looked at."""
        return len(self._unseen)

    def get(self, row_id: str) -> LogRow | None:
        """Return a row; None if there is none."""
        return self._by_id.get(row_id)

    def of_call(self, call_id: str) -> LogRow | None:
        """Return the row about the call with an id; None if there is none."""
        return self._by_id.get(self._row_ids.get(call_id, ""))

    def page(self, limit: int, before: str | None = None) -> list[LogRow]:
        """Return rows, newest first; only those before a row, if one is given."""
        end = len(self._rows)
        if before is not None:
            row = self._by_id.get(before)
            end = 0 if row is None else self._position(row)
        return self._rows[max(end - max(limit, 0), 0) : end][::-1]

    def unseen(self, limit: int) -> list[LogRow]:
        """Return missed calls that nobody has looked at, newest first."""
        newest = self._unseen[max(len(self._unseen) - limit, 0) :]
        return [self._by_id[row_id] for _, row_id in reversed(newest)]

    def find(self, new: LogRow) -> LogRow | None:
        """Return the row about the same call; None if there is none."""
        for call_id in new.ids:
            if (row := self.of_call(call_id)) is not None:
                return row
        if new.ended_at is None:
            return None
        low = bisect_left(self._rows, new.began_at - _SAME_BEGINNING, key=_began_at)
        high = bisect_left(self._rows, new.ended_at + _SAME_BEGINNING, key=_began_at)
        fitting = (row for row in self._rows[low:high] if row.is_same_call(new))
        return next(fitting, None)

    def put(self, row: LogRow) -> bool:
        """Add or replace a row, and return whether that changed anything."""
        before = self._by_id.get(row.id)
        if row == before:
            return False
        position = self._position(row)
        if before is None:
            self._rows.insert(position, row)
        else:
            self._rows[position] = row
        self._by_id[row.id] = row
        for call_id in row.ids:
            self._row_ids[call_id] = row.id
        if row.result is None:
            self._live[row.id] = None
        else:
            self._live.pop(row.id, None)
        if before is not None:
            self._forget_unseen(before)
        if row.is_unseen:
            insort(self._unseen, order(row))
        return True

    def drop(self, row: LogRow) -> None:
        """Remove a row."""
        del self._rows[self._position(row)]
        del self._by_id[row.id]
        for call_id in row.ids:
            if self._row_ids.get(call_id) == row.id:
                del self._row_ids[call_id]
        self._live.pop(row.id, None)
        self._forget_unseen(row)

    def snapshot(self) -> Sequence[LogRow]:
        """Return the rows; also called outside of the event loop."""
        return tuple(self._rows)

    def _forget_unseen(self, row: LogRow) -> None:
        if row.is_unseen:
            del self._unseen[bisect_left(self._unseen, order(row))]

    def _position(self, row: LogRow) -> int:
        return bisect_left(self._rows, order(row), key=order)


def order(row: LogRow) -> tuple[float, str]:
    """Return what rows are sorted by."""
    return row.began_at, row.id


def _began_at(row: LogRow) -> float:
    return row.began_at

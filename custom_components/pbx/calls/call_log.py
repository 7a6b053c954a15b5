"""The call log of a PBX: every call, each once, in the order in which they began.

A live call is a row, too. The rows are bounded by their number and their age, and kept
over restarts in a file of their own, which is written rarely: it may be large.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
import logging
from secrets import token_hex
from typing import Any, Final, NamedTuple, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, callback

from ..backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
    VoicemailUpdate,
)
from ..const import (
    CONF_LOG_CALLS,
    CONF_LOG_DAYS,
    DEFAULT_LOG_CALLS,
    DEFAULT_LOG_DAYS,
)
from .asked_by import AskedBy
from .call import Call
from .call_log_store import CallLogStore
from .changes import Change, SettingsChanged
from .contacts import PhoneBook
from .log_rows import LogRow, row_of_call, row_of_end
from .log_table import LogTable, order
from .number import as_reported
from .tracker import CallTracker

_LOGGER = logging.getLogger(__name__)

_DAY: Final = 86_400
# Seconds after its beginning at which a call that nothing is heard of has ended.
LOST_AFTER: Final = 3600
# What a PBX calls a voice message that was left; empty if it does not say.
_LEFT: Final = ("", "success")
# Seconds after the end of a call in which its voice message is reported.
_MESSAGE_DELAY: Final = 300


class LogChange(NamedTuple):
    """A row was added, has changed, or was removed.

    Attributes:
        row_id: of the row.
        row: None if it was removed.
    """

    row_id: str
    row: LogRow | None


class LogOwner(Protocol):
    """The PBX of which the log is."""

    entry: ConfigEntry[Any]
    tracker: CallTracker

    @property
    def book(self) -> PhoneBook:
        """The phone book of now."""


class CallLog:
    """The calls of one PBX.

    Attributes:
        store: the file.
        missed_unseen: number of missed calls that nobody has looked at yet.
    """

    def __init__(
        self, owner: LogOwner, store: CallLogStore, clock: Callable[[], float]
    ) -> None:
        """Initialize the log without any calls.

        Args:
            owner: the PBX.
            store: its file.
            clock: returns the Unix time.
        """
        self._owner = owner
        self._clock = clock
        self.store = store
        store.rows = self._snapshot
        self._table = LogTable()
        self._rows_of_calls: dict[Call, str] = {}
        self._asked_by: dict[Call, AskedBy] = {}
        self._listeners: dict[Callable[[LogChange], None], None] = {}
        self._is_enabled = False
        self._last_id = 0

    # --- what is read ---------------------------------------------------------

    @property
    def is_enabled(self) -> bool:
        """Whether calls are kept."""
        return self._is_enabled

    @property
    def missed_unseen(self) -> int:
        """Number of missed calls that nobody has looked at yet."""
        return self._table.unseen_count

    def __iter__(self) -> Iterator[LogRow]:
        """Iterate over the rows, newest first."""
        return iter(self._table)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._table)

    def row(self, row_id: str) -> LogRow | None:
        """Return a row; None if there is none."""
        return self._table.get(row_id)

    def open_call(self, row: LogRow) -> Call | None:
        """Return the call of a row; None if it has ended, or is not followed."""
        calls = map(self._owner.tracker.open.get, row.ids)
        return next(filter(None, calls), None)

    def rows(self, limit: int, before: str | None = None) -> list[LogRow]:
        """Return rows, newest first.

        Args:
            limit: maximum number.
            before: id of a row; only older ones are returned, and none if it is not
                known anymore.
        """
        return self._table.page(limit, before)

    def unseen(self, limit: int) -> list[LogRow]:
        """Return missed calls that nobody has looked at yet, newest first."""
        return self._table.unseen(limit)

    @callback
    def subscribe(self, listener: Callable[[LogChange], None]) -> CALLBACK_TYPE:
        """Call a listener on each change of a row; return what unsubscribes it.

        Rows that go because no calls are kept anymore are not reported: changed
        settings are.
        """
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None) and None

    # --- what happens to the whole log ----------------------------------------

    async def async_load(self) -> None:
        """Read the file."""
        now = self._clock()
        for row in sorted(await self.store.async_load(now), key=order):
            if self._table.get(row.id) is None:
                self._table.put(row)
        self._is_enabled = self._limits() is not None
        if not self._is_enabled:
            self._clear()
        self.tidy()

    def _apply_settings(self) -> None:
        """Keep as many calls as the options say."""
        was_enabled, self._is_enabled = self._is_enabled, self._limits() is not None
        if self._is_enabled and not was_enabled:
            self.store.begin(self._clock())
            for call in self._owner.tracker.open:
                self.call_changed(call)
        elif was_enabled and not self._is_enabled:
            self._clear()
        self.tidy()

    async def async_remove(self) -> None:
        """Delete the file, and report nothing anymore."""
        self._listeners.clear()
        self._is_enabled = False
        self._forget_all()
        await self.store.async_remove()

    @callback
    def async_mark_seen(self) -> None:
        """Note that somebody has looked at the missed calls."""
        rows = self._table.unseen(self._table.unseen_count)
        seen = [replace(row, is_seen=True) for row in rows]
        # All of them first: whoever listens counts those that are left.
        for row in seen:
            self._table.put(row)
        for row in seen:
            self._report(LogChange(row.id, row))

    @callback
    def tidy(self) -> None:
        """Drop what is too old or too much, and end calls whose end was lost."""
        self._prune()
        is_open = self._owner.tracker.open.__contains__
        # Some go without an end: they were too many, or the same as another one.
        rows = self._rows_of_calls.items()
        self._rows_of_calls = {call: row for call, row in rows if is_open(call)}
        now = self._clock()
        for row in self._table.live:
            # One in the future began while the clock was wrong.
            is_lost = abs(now - row.began_at) >= LOST_AFTER
            if is_lost and self.open_call(row) is None:
                result = CallResult.UNDETERMINED
                self._put(replace(row, result=result, ended_at=now))

    def _prune(self) -> None:
        """Drop what is too old or too much."""
        if (limits := self._limits()) is None:
            return
        most, days = limits
        earliest = self._clock() - days * _DAY
        while (oldest := self._table.oldest) is not None and (
            len(self._table) > most or oldest.began_at < earliest
        ):
            self.store.note_dropped(oldest)
            self._drop(oldest)

    # --- what happens to a call -----------------------------------------------

    @callback
    def note_asked_by(self, call: Call, asked_by: AskedBy | None) -> None:
        """Note who had a call placed, before the PBX responds."""
        if asked_by is not None and self._is_enabled:
            self._asked_by[call] = asked_by

    @callback
    def forget_request(self, call: Call) -> None:
        """Forget a call that the PBX did not place."""
        self._asked_by.pop(call, None)

    @callback
    def call_changed(self, call: Call) -> None:
        """Add a call, or what has become known of it."""
        # Without an id, only its end can be known again.
        is_known = bool(call.ids) or call.result is not None
        if call.is_requested or not self._is_enabled or not is_known:
            return
        new = row_of_call(call, self._new_id(), self._direction(call))
        if (asked_by := self._asked_by.pop(call, None)) is not None:
            new = replace(new, asked_by=asked_by)
        known_id = self._rows_of_calls.get(call, "")
        row = self._table.get(known_id) or self._table.find(new)
        if row is None and self.store.was_dropped(new):
            return
        row = self._merge_others(new, row)
        if call.result is None:
            self._rows_of_calls[call] = new.id if row is None else row.id
        else:
            self._rows_of_calls.pop(call, None)
        self._add(new, row)
        is_same = row is not None and self._table.get(row.id) is row
        if row is not None and is_same and not known_id and call.result is None:
            # It is followed again after a restart, and so can be hung up again.
            self._report(LogChange(row.id, row))

    @callback
    def observe(self, update: CallUpdate, call: Call | None) -> None:
        """Process an update, after the tracker.

        One about a call that is not followed anymore may be a better end. The report
        also has calls of which no events came; those that were dropped do not return.

        Args:
            update: about a call.
            call: that it is about; None if it was not followed until now.
        """
        if call is not None:
            self.call_changed(call)
            return
        is_end = update.state is CallState.ENDED and update.result is not None
        is_followed = self._owner.tracker.open.has_id_of(update)
        if not self._is_enabled or not is_end or is_followed:
            return
        new = row_of_end(update, self._new_id(), self._clock())
        row = self._table.find(new)
        if row is None:
            is_reported = update.source is Source.REPORT
            if not is_reported or new.began_at <= self.store.floor:
                return
            if self.store.was_dropped(new):
                return
        self._add(new, row)

    @callback
    def changed(self, change: Change) -> None:
        """Process another change of the PBX, before its listeners do."""
        match change:
            case VoicemailUpdate():
                self._note_message(change)
            case SettingsChanged():
                self._apply_settings()

    def _note_message(self, update: VoicemailUpdate) -> None:
        """Note that a caller has left a voice message, unless that failed."""
        if update.state not in _LEFT:
            return
        earliest = self._clock() - _MESSAGE_DELAY
        caller = as_reported(update.caller)
        for row in self._table:
            is_recent = row.ended_at is None or row.ended_at >= earliest
            is_theirs = row.is_incoming and as_reported(row.caller) == caller
            if is_theirs and is_recent and not row.voicemail:
                self._put(replace(row, voicemail=True))
                return
            if row.began_at < earliest - _DAY:
                return

    # --- the rows -------------------------------------------------------------

    def _new_id(self) -> str:
        """Return an id that is greater than those before, and unique in the house."""
        self._last_id = max(self._last_id + 1, int(self._clock() * 1_000_000))
        return f"{self._last_id:014x}{token_hex(4)}"

    def _limits(self) -> tuple[int, float] | None:
        """Return the maximum number of rows and days; None if no calls are kept."""
        options = self._owner.entry.options
        calls = int(options.get(CONF_LOG_CALLS, DEFAULT_LOG_CALLS))
        days = int(options.get(CONF_LOG_DAYS, DEFAULT_LOG_DAYS))
        return (calls, days) if calls > 0 and days > 0 else None

    def _direction(self, call: Call) -> Direction | None:
        """Return the direction of a call, as seen from the house."""
        reported = call.direction
        if call.request is None:
            return reported
        if reported in (Direction.OUTGOING, Direction.INTERNAL):
            return reported
        is_external = self._owner.book.plan.is_external(call.callee)
        return Direction.OUTGOING if is_external else Direction.INTERNAL

    def _merge_others(self, new: LogRow, row: LogRow | None) -> LogRow | None:
        """Make one row of all that have an id of a call.

        Its events may have come before it was known that it was placed from here.
        """
        for call_id in new.ids:
            other = self._table.of_call(call_id)
            if other is not None and row is not None and other.id != row.id:
                merged = row.merged(other)
                self._drop(other)
                self._put(merged)
                row = merged
        return row

    def _add(self, new: LogRow, row: LogRow | None) -> None:
        """Add a row, or what it adds to a known one."""
        merged = new if row is None else row.merged(new)
        self._put(merged.named(self._owner.book, row))
        self._prune()

    def _put(self, row: LogRow) -> None:
        """Add or replace a row, and report that."""
        if self._table.put(row):
            self._report(LogChange(row.id, row))

    def _drop(self, row: LogRow) -> None:
        """Remove a row, and report that."""
        self._table.drop(row)
        self._report(LogChange(row.id, None))

    def _clear(self) -> None:
        """Drop all rows, and delete the file."""
        self._forget_all()
        self.store.clear()

    def _forget_all(self) -> None:
        # A new one, as another thread may write the old one.
        self._table = LogTable()
        self._rows_of_calls.clear()
        self._asked_by.clear()

    def _snapshot(self) -> Sequence[LogRow]:
        """Return the rows to write; also called outside of the event loop."""
        return self._table.snapshot()

    def _report(self, change: LogChange) -> None:
        self.store.async_save()
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                _LOGGER.exception("Error in a listener of the call log")

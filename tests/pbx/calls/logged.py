"""A PBX without Home Assistant, for tests of its call log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, override

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import (
    CallState,
    CallUpdate,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.call_log import CallLog, LogChange
from custom_components.pbx.calls.call_log_store import CallLogStore
from custom_components.pbx.calls.changes import SettingsChanged
from custom_components.pbx.calls.log_rows import LogRow
from custom_components.pbx.calls.tracker import CallTracker

from ..logs import MUM

START = 1_700_000_000.0
DAY = 86_400
REQUEST = CallRequest(
    call_id="ha-0", caller="101", callee=MUM, context="main_routing", timeout=30
)


class Memory(CallLogStore):
    """A file that is kept in memory."""

    def __init__(self, floor: float) -> None:
        """Begin a log."""
        self.floor = floor
        self.dropped_before = 0.0
        self._dropped = ()
        self.cursor = self.address = ""
        self.rows = tuple
        self.saves = 0
        self.is_deleted = False

    @override
    def async_save(self) -> None:
        """Count what would be written."""
        self.saves += 1

    @override
    def clear(self) -> None:
        """Forget the rows."""
        self.is_deleted = True

    @override
    async def async_load(self, now: float) -> list[LogRow]:
        """Return what was written, as after a restart."""
        return [LogRow.from_dict(each.as_dict()) for each in self.rows()]


@dataclass
class Pbx:
    """A PBX without Home Assistant.

    Attributes:
        now: Unix time.
        changes: of the log.
    """

    now: float = START
    options: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    changes: list[LogChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin a log."""
        self.store = Memory(self.now)
        self.begin()

    def begin(self) -> None:
        """Begin as at a start of Home Assistant: no call is followed."""
        self.entry: Any = SimpleNamespace(options=self.options)
        self.tracker = CallTracker(lambda: self.now, self._changed)
        self.log = CallLog(self, self.store, lambda: self.now)
        self.log.changed(SettingsChanged())
        self.log.subscribe(self.changes.append)

    async def restart(self) -> None:
        """Begin again with what the file holds."""
        rows = tuple(self.log)
        self.begin()
        self.store.rows = lambda: rows
        await self.log.async_load()
        self.store.rows = lambda: tuple(self.log)

    @property
    def book(self) -> Any:  # noqa: ANN401 - a phone book
        """Return a phone book with these names."""
        return SimpleNamespace(
            plan=SimpleNamespace(is_external=lambda number: len(number) > 5),
            owner_of=lambda number: (
                SimpleNamespace(name=self.names[number])
                if number in self.names
                else None
            ),
        )

    def _changed(self, call: Call, _state: CallState) -> None:
        self.log.call_changed(call)

    def report(self, *updates: CallUpdate) -> None:
        """Report updates."""
        for each in updates:
            self.log.observe(each, self.tracker.observe(each))

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.tracker.expire()
        self.log.tidy()

    def settle(self) -> None:
        """Let the last of several ends count."""
        self.pass_time(5)

    def set_options(self, **options: Any) -> None:  # noqa: ANN401 - any option
        """Change options."""
        self.options |= options
        self.log.changed(SettingsChanged())

    @property
    def rows(self) -> list[LogRow]:
        """All rows, the newest first."""
        return self.log.rows(10_000)


def check(log: CallLog) -> None:
    """Check that what the log knows of its rows is true."""
    rows = log.rows(10_000)
    began = [each.began_at for each in rows]
    assert began == sorted(began, reverse=True)
    assert len({each.id for each in rows}) == len(rows) == len(log)
    assert all(log.row(each.id) is each for each in rows)
    assert log.missed_unseen == sum(each.is_unseen for each in rows)
    ids = [call_id for each in rows for call_id in each.ids]
    assert len(ids) == len(set(ids))


def shown(changes: Sequence[LogChange]) -> dict[str, LogRow]:
    """Return the rows that somebody shows who has followed all changes."""
    rows: dict[str, LogRow] = {}
    for change in changes:
        if change.row is None:
            del rows[change.row_id]
        else:
            rows[change.row_id] = change.row
    return rows

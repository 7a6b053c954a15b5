"""The rows of the call log: what is stored of a call, and what is read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol, Self

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..backends.updates import CallResult, CallState, CallUpdate, Direction
from .asked_by import AskedBy
from .call import Call, is_unanswered
from .contact_registry import device_of
from .contacts import Contact, PhoneBook
from .ends import start_time
from .number import as_reported
from .open_calls import PLAUSIBLE_AGE

# Seconds by which the ends of the same call may differ, where it has no id.
_SAME_END: Final = 10
# Unix time; Python's dates end there.
_LATEST: Final = 253_402_300_799

_TEXTS: Final = (
    "caller",
    "callee",
    "answered_by",
    "caller_name",
    "callee_name",
    "answered_by_name",
)
_TIMES: Final = ("ended_at", "ring_time", "talk_time")
_SWITCHES: Final = ("is_placed", "is_unattended", "is_seen", "voicemail")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """What is stored of one call, whether it has ended or not.

    Attributes:
        id: of the row; later rows have greater ones.
        began_at: Unix time.
        ids: the PBX's ids of the call, and that of our request.
        reached: the latest state that is known, except `ended`.
        result: how it ended; None for a call that has not.
        ended_at: Unix time; None until then.
        direction: as seen from the house; None if unknown.
        is_placed: whether it was placed from here.
        is_unattended: whether no person answered, as far as the PBX can tell.
        is_seen: whether somebody has looked at it since it was missed.
        caller: number that calls, or rings first; empty if withheld or none.
        callee: number of the other party.
        answered_by: number of the extension that answered.
        caller_name: of the contact at the time of the call; empty if none.
        callee_name: likewise.
        answered_by_name: likewise.
        ring_time: seconds; None if unknown.
        talk_time: seconds; None if unknown.
        voicemail: whether the caller left a voice message.
        asked_by: who had it placed; None if unknown, or if it was not placed from here.
    """

    id: str
    began_at: float
    ids: tuple[str, ...] = ()
    reached: CallState = CallState.PLACED
    result: CallResult | None = None
    ended_at: float | None = None
    direction: Direction | None = None
    is_placed: bool = False
    is_unattended: bool = False
    is_seen: bool = False
    caller: str = ""
    callee: str = ""
    answered_by: str = ""
    caller_name: str = ""
    callee_name: str = ""
    answered_by_name: str = ""
    ring_time: float | None = None
    talk_time: float | None = None
    voicemail: bool = False
    asked_by: AskedBy | None = None

    @property
    def state(self) -> CallState:
        """State of the call."""
        return self.reached if self.result is None else CallState.ENDED

    @property
    def is_incoming(self) -> bool:
        """Whether it came in from outside, and was not placed from here."""
        return self.direction is Direction.INCOMING and not self.is_placed

    @property
    def is_missed(self) -> bool:
        """Whether it came in, has ended, and no person answered it."""
        return self.is_incoming and is_unanswered(
            self.reached, self.result, is_unattended=self.is_unattended
        )

    @property
    def is_unseen(self) -> bool:
        """Whether it was missed, and nobody has looked at it yet."""
        return self.is_missed and not self.is_seen

    @property
    def other_number(self) -> str:
        """Number of who is called from here or the house, or calls from outside."""
        if self.is_incoming:
            return self.caller
        is_outgoing = self.direction is Direction.OUTGOING
        return self.callee if self.is_placed or is_outgoing else ""

    @property
    def other_name(self) -> str:
        """Name of the other side at the time of the call."""
        if self.is_incoming:
            return self.caller_name
        return self.callee_name if self.other_number else ""

    def is_same_call(self, other: LogRow) -> bool:
        """Return whether two rows are about one call, as they have no id in common.

        That takes the same two parties and direction, the same talk time, and ends
        within a few seconds, and that one of the rows has no id.
        """
        if self.ids and other.ids:
            return not set(self.ids).isdisjoint(other.ids)
        if self.ended_at is None or other.ended_at is None:
            return False
        directions = {self.direction, other.direction} - {None}
        return (
            len(directions) < 2  # noqa: PLR2004 - the same, or one is not known
            and self.is_placed == other.is_placed
            and abs(self.ended_at - other.ended_at) <= _SAME_END
            and (self.talk_time or 0) == (other.talk_time or 0)
            and as_reported(self.caller) == as_reported(other.caller)
            and as_reported(self.callee) == as_reported(other.callee)
        )

    def merged(self, other: LogRow) -> Self:
        """Return this row with what another row about the same call adds.

        The order does not matter for how the call ended.
        """
        better, worse = (self, other) if _is_better(self, other) else (other, self)
        is_unattended = better.is_unattended
        if better.result is worse.result:
            is_unattended = is_unattended or worse.is_unattended
        is_later = other.reached.is_after(self.reached)
        texts = {
            name: getattr(self, name) or getattr(other, name) for name in _TEXTS[:2]
        }
        return replace(
            self,
            ids=tuple(dict.fromkeys((*self.ids, *other.ids))),
            reached=other.reached if is_later else self.reached,
            result=better.result,
            ended_at=better.ended_at,
            direction=self.direction or other.direction,
            is_placed=self.is_placed or other.is_placed,
            is_unattended=is_unattended,
            is_seen=self.is_seen or other.is_seen,
            answered_by=better.answered_by or worse.answered_by,
            ring_time=_known(better.ring_time, worse.ring_time),
            talk_time=_known(better.talk_time, worse.talk_time),
            voicemail=self.voicemail or other.voicemail,
            asked_by=self.asked_by or other.asked_by,
            **texts,
        )

    def named(self, book: PhoneBook, before: LogRow | None = None) -> Self:
        """Return this row with the names of its numbers.

        Args:
            book: the phone book of now.
            before: the row until now, whose names are kept for the same numbers.
        """
        names = {}
        for name in _TEXTS[:3]:
            number = getattr(self, name)
            if before is not None and number == getattr(before, name):
                names[f"{name}_name"] = getattr(before, f"{name}_name")
            else:
                owner = book.owner_of(number) if number else None
                names[f"{name}_name"] = owner.name if owner else ""
        return replace(self, **names)

    def as_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as JSON-serializable data."""
        stored: dict[str, Any] = {}
        for each in fields(self):
            if (value := getattr(self, each.name)) != each.default:
                stored[each.name] = value
        if self.asked_by is not None:
            stored["asked_by"] = self.asked_by.as_dict()
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a stored row.

        Raises:
            KeyError, TypeError, ValueError: the data is not a valid stored row.
        """
        asked_by, direction, result = map(
            stored.get, ("asked_by", "direction", "result")
        )
        row = cls(
            **{
                **stored,
                "ids": tuple(stored.get("ids", ())),
                "reached": CallState(stored.get("reached", CallState.PLACED)),
                "result": None if result is None else CallResult(result),
                "direction": None if direction is None else Direction(direction),
                "asked_by": None if asked_by is None else AskedBy.from_dict(asked_by),
            }
        )
        texts = (row.id, *row.ids, *(getattr(row, name) for name in _TEXTS))
        times = (getattr(row, name) for name in _TIMES)
        known = [row.began_at, *(each for each in times if each is not None)]
        if not all(isinstance(each, str) for each in texts) or not all(
            isinstance(getattr(row, name), bool) for name in _SWITCHES
        ):
            raise TypeError("A field of the stored row has another type")
        if not all(0 <= each <= _LATEST for each in known):
            raise ValueError("A time of the stored row is impossible")
        if (row.result is None) is not (row.ended_at is None):
            raise ValueError("The stored row has no end, or no result")
        return row


def row_of_call(call: Call, row_id: str, direction: Direction | None) -> LogRow:
    """Return what a call is in the log.

    Args:
        call: whose request, if any, has an answer.
        row_id: of the row.
        direction: as seen from the house.
    """
    began_at = call.began_at
    if began_at == call.ended_at:
        # Nothing but its end is known.
        began_at -= _lasted(call)
    return LogRow(
        id=row_id,
        began_at=began_at,
        ids=tuple(dict.fromkeys(call.ids)),
        reached=call.reached,
        result=call.result,
        ended_at=call.ended_at if call.result is not None else None,
        direction=direction,
        is_placed=call.request is not None,
        is_unattended=call.is_unattended,
        caller=call.caller,
        callee=call.callee,
        answered_by=call.answered_by,
        ring_time=_ring_time(call),
        talk_time=call.talk_time,
    )


def _ring_time(call: Call) -> float | None:
    """Return the seconds until the answer, as measured here while the call lasts.

    PBXs tell them at the end only.
    """
    talks = call.result is None and call.reached is CallState.CONNECTED
    if call.ring_time is None and talks:
        return max(call.reached_at - call.began_at, 0)
    return call.ring_time


def row_of_end(update: CallUpdate, row_id: str, now: float) -> LogRow:
    """Return what the end of a call that is not followed is in the log."""
    at = now if update.at is None else min(update.at, now)
    began_at = start_time(update, at)
    if began_at == at:
        began_at -= _lasted(update)
    return LogRow(
        id=row_id,
        began_at=began_at,
        ids=tuple(filter(None, (update.originated_call_id, update.call_id))),
        result=update.result,
        ended_at=at,
        direction=update.direction,
        # A report has the id of the request of each call that was placed by one.
        is_placed=bool(update.originated_call_id),
        is_unattended=update.is_unattended,
        caller=update.caller,
        callee=update.callee,
        answered_by=update.answered_by,
        ring_time=update.ring_time,
        talk_time=update.talk_time,
    )


class Pbx(Protocol):
    """The PBX of which a log is."""

    hass: HomeAssistant
    entry: ConfigEntry[Any]

    @property
    def book(self) -> PhoneBook:
        """The phone book of now."""


@callback
def row_dict(row: LogRow, manager: Pbx, user: User | None) -> dict[str, Any]:
    """Return a row as users read it, with the names of now.

    Args:
        row: of the log.
        manager: of the PBX.
        user: who reads it; None for Home Assistant itself.
    """
    hass, book = manager.hass, manager.book
    caller, callee, answered_by = (
        book.owner_of(number) if number else None
        for number in (row.caller, row.callee, row.answered_by)
    )
    number = row.other_number
    contact = book.owner_of(number) if number else None
    device = device_of(hass, contact.subentry_id) if contact else None
    return {
        "id": row.id,
        "config_entry_id": manager.entry.entry_id,
        "state": row.state.value,
        "direction": row.direction and row.direction.value,
        "missed": row.is_missed,
        "seen": not row.is_unseen,
        "anonymous": row.is_incoming and not row.caller,
        "result": row.result and row.result.value,
        "started_at": _iso(row.began_at),
        "ended_at": _iso(row.ended_at),
        "ring_time": row.ring_time,
        "talk_time": row.talk_time,
        "caller": row.caller or None,
        "caller_contact": _name(caller, row.caller_name),
        "callee": row.callee or None,
        "callee_contact": _name(callee, row.callee_name),
        "number": number or None,
        "name": _name(contact, row.other_name),
        "contact": device.id if device else None,
        "person": contact.person if contact else None,
        "answered_by": row.answered_by or None,
        "answered_by_contact": _name(answered_by, row.answered_by_name),
        "voicemail": row.voicemail,
        "asked_by": row.asked_by and row.asked_by.shown_to(user),
    }


def _lasted(ended: Call | CallUpdate) -> float:
    """Return the seconds that a call lasted, if the PBX reports a plausible number."""
    lasted = (ended.ring_time or 0) + (ended.talk_time or 0)
    return lasted if lasted < PLAUSIBLE_AGE else 0


def _name(contact: Contact | None, stored: str) -> str | None:
    return contact.name if contact is not None else stored or None


def _iso(at: float | None) -> str | None:
    return None if at is None else dt_util.utc_from_timestamp(at).isoformat()


def _is_better(row: LogRow, other: LogRow) -> bool:
    """Return whether the end of a row takes precedence, or is as good."""
    if row.result is None or other.result is None:
        return other.result is None
    return not other.result.is_better_than(row.result)


def _known(*values: float | None) -> float | None:
    """Return the first value that is known; None if none is."""
    return next((each for each in values if each is not None), None)

"""The open calls of a PBX, and the matching of updates to them."""

from collections.abc import Collection, Iterator

from ..backends.updates import CallUpdate, Direction, Source
from .call import Call
from .number import as_reported

# IDs of ended calls, kept so that a late update is not matched to another call.
MAX_ENDED_IDS = 1024
# Limit of open calls that we did not place; the oldest are dropped.
MAX_OTHER_CALLS = 200

# Seconds by which two readings of a PBX's clock may differ.
CLOCK_TOLERANCE = 2
# Seconds that a request may take; the conversation may begin meanwhile.
MAX_REQUEST_TIME = 10
# Seconds by which the reported start of a conversation may differ to be plausible.
PLAUSIBLE_AGE = 86_400


class OpenCalls:
    """The open calls, found by ID or by their two numbers; oldest first."""

    def __init__(self) -> None:
        """Initialize without any calls."""
        # Dictionaries serve as ordered sets.
        self._placed: dict[Call, None] = {}
        self._other_calls: dict[Call, None] = {}
        self._by_id: dict[str, Call] = {}
        self._by_numbers: dict[tuple[str, str], dict[Call, None]] = {}
        self._ended_ids: dict[str, None] = {}

    def __iter__(self) -> Iterator[Call]:
        """Iterate over the calls, oldest first."""
        return iter(sorted((*self._placed, *self._other_calls), key=_began_at))

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self._placed) + len(self._other_calls)

    def __contains__(self, call: Call) -> bool:
        """Return whether a call is open."""
        return call in self._placed or call in self._other_calls

    @property
    def placed(self) -> Collection[Call]:
        """The calls that we placed, oldest first."""
        return self._placed.keys()

    def get(self, call_id: str) -> Call | None:
        """Return the open call with an ID; None if there is none."""
        return self._by_id.get(call_id)

    def has_id_of(self, update: CallUpdate) -> bool:
        """Return whether an open call has an ID of an update."""
        ids = (update.originated_call_id, update.call_id)
        return any(each in self._by_id for each in ids)

    def add(self, call: Call) -> None:
        """Add a call; if there are too many other calls, drop the oldest."""
        if call.request is not None:
            self._placed[call] = None
            self._by_numbers.setdefault(_numbers(call), {})[call] = None
        else:
            if len(self._other_calls) >= MAX_OTHER_CALLS:
                self.remove(next(iter(self._other_calls)))
            self._other_calls[call] = None
        for call_id in call.ids:
            self._by_id[call_id] = call

    def remove(self, call: Call, *, remember: bool = True) -> None:
        """Remove a call.

        Args:
            call: an open call.
            remember: whether later updates about the call are ignored as late.
        """
        for call_id in call.ids:
            if self._by_id.get(call_id) is call:
                del self._by_id[call_id]
            if remember:
                self.remember_ended(call_id)
        if call.request is None:
            del self._other_calls[call]
            return
        del self._placed[call]
        same_numbers = self._by_numbers[_numbers(call)]
        del same_numbers[call]
        if not same_numbers:
            del self._by_numbers[_numbers(call)]

    def add_id(self, call: Call, call_id: str) -> None:
        """Index an open call by another of its IDs.

        A call with the same ID that was tracked as not placed by us is the same
        call, and is removed.
        """
        if call not in self or call_id not in call.ids:
            return
        known = self._by_id.get(call_id)
        if known is not None and known is not call and known.request is None:
            self.remove(known, remember=False)
        self._by_id[call_id] = call

    def remember_ended(self, call_id: str) -> None:
        """Remember the ID of an ended call; drop the oldest if there are too many."""
        self._ended_ids[call_id] = None
        if len(self._ended_ids) > MAX_ENDED_IDS:
            del self._ended_ids[next(iter(self._ended_ids))]

    def is_late(self, update: CallUpdate) -> bool:
        """Return whether an update is about a call that has ended."""
        return (
            update.originated_call_id in self._ended_ids
            or update.call_id in self._ended_ids
        )

    def with_numbers_of(self, update: CallUpdate) -> Collection[Call]:
        """Return the placed calls between the two numbers of an update."""
        return self._by_numbers.get(_numbers(update), ())

    def find(self, update: CallUpdate) -> Call | None:
        """Return the call that an update is about, by ID or by its numbers."""
        if (requested := self._by_id.get(update.originated_call_id)) is not None:
            return requested
        if self.is_late(update):
            return None
        by_id = self._by_id.get(update.call_id)
        by_numbers = self._find_by_numbers(update)
        if by_id is None or (
            by_numbers is not None and _may_be_same(by_id, by_numbers)
        ):
            return by_numbers
        is_manual = update.source is Source.REPORT and not update.originated_call_id
        return None if is_manual and by_id.request is not None else by_id

    def _find_by_numbers(self, update: CallUpdate) -> Call | None:
        """Return the placed call between the two numbers, if there is exactly one.

        A PBX may drop leading zeros and plus signs from the numbers that it reports.
        """
        # An incoming call was not placed by us, and a report has the IDs of the
        # calls that were.
        has_request_id = bool(update.originated_call_id)
        is_incoming = update.direction is Direction.INCOMING
        if not has_request_id and (is_incoming or update.source is Source.REPORT):
            return None
        matches = [
            call
            for call in self.with_numbers_of(update)
            # A call with a different ID is a different call.
            if not (has_request_id and call.originated_call_id)
        ]
        if len(matches) > 1:
            matches = [each for each in matches if _has_call_id(each, update)] or [
                each for each in matches if each.provisional is None
            ]
        if len(matches) > 1:
            # An uncertain call may still be open while its number is called again.
            matches = [each for each in matches if not _postdates(update, each)]
        # Several calls match equally: do not guess.
        if len(matches) != 1 or _predates(update, matches[0]):
            return None
        return matches[0]


def _began_at(call: Call) -> float:
    return call.began_at


def _numbers(parties: Call | CallUpdate) -> tuple[str, str]:
    """Return the two numbers in the form in which a PBX may report them."""
    if isinstance(parties, Call) and parties.request is not None:
        # A placed call keeps the numbers of its request.
        caller, callee = parties.request.caller, parties.request.callee
        return as_reported(caller), as_reported(callee)
    return as_reported(parties.caller), as_reported(parties.callee)


def _may_be_same(by_id: Call, by_numbers: Call) -> bool:
    """Return whether a call found by ID may be the placed call found by numbers."""
    is_later = by_id.began_at >= by_numbers.began_at - CLOCK_TOLERANCE
    return by_id is by_numbers or (
        by_id.request is None and is_later and not by_numbers.call_id
    )


def _has_call_id(call: Call, update: CallUpdate) -> bool:
    """Return whether a call has the call ID of an update."""
    return bool(update.call_id) and call.call_id == update.call_id


def _predates(update: CallUpdate, call: Call) -> bool:
    """Return whether an update is about a conversation that precedes a call."""
    earliest = call.began_at - CLOCK_TOLERANCE
    if update.at is not None and update.at < earliest:
        return True
    began_at = update.began_at
    return began_at is not None and earliest - PLAUSIBLE_AGE < began_at < earliest


def _postdates(update: CallUpdate, call: Call) -> bool:
    """Return whether an update's conversation began long after a request."""
    latest = call.began_at + MAX_REQUEST_TIME + CLOCK_TOLERANCE
    began_at = update.began_at
    return began_at is not None and latest < began_at < latest + PLAUSIBLE_AGE

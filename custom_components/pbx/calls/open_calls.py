"""The calls of a PBX that have not ended, and which of them an update is about."""

from collections.abc import Collection, Iterator

from ..backends.updates import CallUpdate, Direction, Source
from .call import Call
from .number import as_reported

# Remembered lest a late update about one call is taken for another's.
MAX_ENDED_IDS = 1024
# More calls of others than this are not one home's; the oldest are forgotten.
MAX_OTHERS = 200

# Seconds: by how much two readings of a PBX's clock may differ; how long it may take
# for a request, in which the conversation begins; and within which what looks like
# the time of a conversation is one.
CLOCK_TOLERANCE = 2
LONGEST_REQUEST = 10
PLAUSIBLE = 86_400


class OpenCalls:
    """Finds calls by their ids, and by their numbers; the oldest are the first."""

    def __init__(self) -> None:
        """Initialize without any calls."""
        # Dictionaries serve as sets that keep the order of the calls.
        self._placed: dict[Call, None] = {}
        self._others: dict[Call, None] = {}
        self._by_id: dict[str, Call] = {}
        self._by_numbers: dict[tuple[str, str], dict[Call, None]] = {}
        self._ended_ids: dict[str, None] = {}

    def __iter__(self) -> Iterator[Call]:
        """Return the calls, the oldest first."""
        return iter(sorted((*self._placed, *self._others), key=_beginning))

    def __len__(self) -> int:
        """Return how many calls there are."""
        return len(self._placed) + len(self._others)

    def __contains__(self, call: Call) -> bool:
        """Return whether a call has not ended."""
        return call in self._placed or call in self._others

    @property
    def placed(self) -> Collection[Call]:
        """Those from here, the oldest first."""
        return self._placed.keys()

    def add(self, call: Call) -> None:
        """Take a call; of others, the oldest is forgotten where there are too many."""
        if call.request is not None:
            self._placed[call] = None
            self._by_numbers.setdefault(_numbers(call), {})[call] = None
        else:
            if len(self._others) >= MAX_OTHERS:
                self.remove(next(iter(self._others)))
            self._others[call] = None
        for call_id in call.ids:
            self._by_id[call_id] = call

    def remove(self, call: Call, *, remember: bool = True) -> None:
        """Let go of a call.

        Args:
            call: which is one of these.
            remember: whether what comes of it later is late.
        """
        for call_id in call.ids:
            if self._by_id.get(call_id) is call:
                del self._by_id[call_id]
            if remember:
                self.remember(call_id)
        if call.request is None:
            del self._others[call]
            return
        del self._placed[call]
        fitting = self._by_numbers[_numbers(call)]
        del fitting[call]
        if not fitting:
            del self._by_numbers[_numbers(call)]

    def index(self, call: Call, call_id: str) -> None:
        """Find a call by one more of its ids.

        One that was followed under the same id as a call of others never was one.
        """
        if call not in self or call_id not in call.ids:
            return
        known = self._by_id.get(call_id)
        if known is not None and known is not call and known.request is None:
            self.remove(known, remember=False)
        self._by_id[call_id] = call

    def remember(self, call_id: str) -> None:
        """Remember that a call has ended, and forget the oldest of them."""
        self._ended_ids[call_id] = None
        if len(self._ended_ids) > MAX_ENDED_IDS:
            del self._ended_ids[next(iter(self._ended_ids))]

    def is_late(self, update: CallUpdate) -> bool:
        """Return whether it repeats, or is about an earlier call, that has ended."""
        return (
            update.originated_call_id in self._ended_ids
            or update.call_id in self._ended_ids
        )

    def between(self, update: CallUpdate) -> Collection[Call]:
        """Return the calls from here between the two numbers of an update."""
        return self._by_numbers.get(_numbers(update), ())

    def find(self, update: CallUpdate) -> Call | None:
        """Return the call that an update is about: by its ids, or by its numbers."""
        if (ours := self._by_id.get(update.originated_call_id)) is not None:
            return ours
        if self.is_late(update):
            return None
        known = self._by_id.get(update.call_id)
        mine = self._find_by_numbers(update)
        if known is None or (mine is not None and _may_be_one(known, mine)):
            return mine
        is_by_hand = update.source is Source.REPORT and not update.originated_call_id
        return None if is_by_hand and known.request is not None else known

    def _find_by_numbers(self, update: CallUpdate) -> Call | None:
        """Return the only call from here between two numbers, if there is just one.

        A PBX may lose leading zeros and plus signs of the numbers that it reports.
        """
        # A call from outside is not one that was placed from here, and a report
        # tells the ids of those that are.
        is_named = bool(update.originated_call_id)
        is_others = update.direction is Direction.INCOMING
        if not is_named and (is_others or update.source is Source.REPORT):
            return None
        fitting = [
            call
            for call in self.between(update)
            # One that has another id is another call.
            if not (is_named and call.originated_call_id)
        ]
        if len(fitting) > 1:
            fitting = [each for each in fitting if _is_same(each, update)] or [
                each for each in fitting if each.provisional is None
            ]
        if len(fitting) > 1:
            # One whose answer was lost may be waited for while it is dialed again.
            fitting = [each for each in fitting if not _is_younger(update, each)]
        # Among several it is anybody's guess, and nothing here is guessed.
        if len(fitting) != 1 or _is_older(update, fitting[0]):
            return None
        return fitting[0]


def _beginning(call: Call) -> float:
    return call.began_at


def _numbers(parties: Call | CallUpdate) -> tuple[str, str]:
    """Return the two numbers in the form in which a PBX reports them."""
    if isinstance(parties, Call) and parties.request is not None:
        # A call from here keeps the numbers that were requested.
        caller, callee = parties.request.caller, parties.request.callee
        return as_reported(caller), as_reported(callee)
    return as_reported(parties.caller), as_reported(parties.callee)


def _may_be_one(known: Call, mine: Call) -> bool:
    """Return whether a call that was taken for another's may be one from here."""
    is_later = known.began_at >= mine.began_at - CLOCK_TOLERANCE
    return known is mine or (known.request is None and is_later and not mine.call_id)


def _is_same(call: Call, update: CallUpdate) -> bool:
    """Return whether a call has been reported under the name that an update has."""
    return bool(update.call_id) and call.call_id == update.call_id


def _is_older(update: CallUpdate, call: Call) -> bool:
    """Return whether an update is about a conversation from before a call."""
    earliest = call.began_at - CLOCK_TOLERANCE
    if update.at is not None and update.at < earliest:
        return True
    began_at = update.began_at
    return began_at is not None and earliest - PLAUSIBLE < began_at < earliest


def _is_younger(update: CallUpdate, call: Call) -> bool:
    """Return whether an update's conversation began long after a request."""
    latest = call.began_at + LONGEST_REQUEST + CLOCK_TOLERANCE
    began_at = update.began_at
    return began_at is not None and latest < began_at < latest + PLAUSIBLE

"""Which numbers may be dialled, and how often: the dialling rules.

Pure: numbers, the time and who is a contact come from outside.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
import math
import re
from typing import Any, Final

from .number import parse_number
from .number_plan import NumberPlan

CALLS_AT_ONCE_RANGE: Final = (0, 1000)
CALLS_PER_HOUR_RANGE: Final = (0, 1000)
# Seconds.
COOLDOWN_RANGE: Final = (0, 86_400)

DEFAULT_CALLS_AT_ONCE: Final = 10
DEFAULT_CALLS_PER_HOUR: Final = 60
DEFAULT_COOLDOWN: Final = 0

_SHORT_NUMBER = re.compile(r"[0-9]{2,6}")
_HOUR = 3600


class Rule(StrEnum):
    """Why a call is refused; each value is the key of the sentence that says it."""

    EMERGENCY = "emergency_number"
    FORBIDDEN = "number_forbidden"
    CONTACTS_ONLY = "contacts_only"
    NOT_ALLOWED = "number_not_allowed"
    AT_ONCE = "too_many_at_once"
    PER_HOUR = "too_many_per_hour"
    COOLDOWN = "called_recently"


class History:
    """The calls of the last day: when, and to whom."""

    # As many as the largest limit of an hour has to know of.
    SIZE = CALLS_PER_HOUR_RANGE[1]

    def __init__(self, calls: Iterable[tuple[float, str]] = ()) -> None:
        """Go on with what was stored, the oldest first."""
        self._calls = deque(calls, maxlen=self.SIZE)
        # Until when those count that may not have been placed.
        self._doubted: dict[tuple[float, str], float] = {}

    def note(self, at: float, callee: str) -> None:
        """Take note of a call that is requested, with the identity of its callee."""
        self._calls.append((at, callee))

    def take_back(self, at: float, callee: str) -> None:
        """Forget one that the PBX did not place."""
        self._doubted.pop((at, callee), None)
        if (at, callee) in self._calls:
            self._calls.remove((at, callee))

    def doubt(self, at: float, callee: str, until: float) -> None:
        """Count one that may not have been placed for the hour until then only."""
        known = self._doubted.keys() & set(self._calls)
        self._doubted = {call: self._doubted[call] for call in known}
        self._doubted[at, callee] = until

    def believe(self, at: float, callee: str) -> None:
        """Count one as any other: it was placed."""
        self._doubted.pop((at, callee), None)

    def has_within_the_hour(self, count: int, now: float) -> bool:
        """Return whether there were so many calls, or more, in the last hour."""
        counted = sum(
            now < self._doubted.get(call, math.inf) for call in self._latest(_HOUR, now)
        )
        return counted >= count

    def has_called(
        self, callee: str, seconds: float, now: float, until: float | None = None
    ) -> bool:
        """Tell whether somebody was called in the last seconds.

        Args:
            callee: who, by the identity of the number.
            seconds: how long ago at most.
            now: Unix time.
            until: of calls that were placed later nothing is said.
        """
        return any(
            called == callee and (until is None or at < until)
            for at, called in self._latest(seconds, now)
        )

    def as_list(self, now: float) -> list[tuple[float | str, ...]]:
        """Return what a restart must not lose, for the next one's history."""
        calls = [*self._latest(COOLDOWN_RANGE[1], now)][::-1]
        return [
            (*call, self._doubted[call]) if call in self._doubted else call
            for call in calls
        ]

    def restore(self, row: Sequence[Any]) -> None:
        """Take a call as `as_list` returned it before a restart.

        Raises:
            TypeError, ValueError: this is none.
        """
        at, callee, *until = row
        if not isinstance(callee, str):
            raise TypeError("It has no callee")
        times = [float(at), *map(float, until)]
        self.note(times[0], callee)
        if until:
            self.doubt(times[0], callee, times[1])

    def _latest(self, seconds: float, now: float) -> Iterator[tuple[float, str]]:
        """Return the calls of the last seconds, the latest first."""
        for at, callee in reversed(self._calls):
            # A clock may have been set: what seems to come from far ahead is old.
            if abs(now - at) >= seconds:
                return
            yield at, callee


@dataclass(frozen=True, kw_only=True)
class DiallingRules:
    """What the owner of a PBX lets it be used for.

    Attributes:
        allowed: patterns of the only numbers that may be dialled; all if there is none.
        forbidden: patterns of numbers that may not, whatever else says that they may.
        blocks_emergency: whether emergency numbers may not be dialled, either.
        emergency: what counts as such beside the country's own.
        plan: what numbers mean where the PBX is.
        calls_at_once: how many calls may be on; 0 is any number.
        calls_per_hour: how many may be placed within an hour; 0 is any number.
        cooldown: seconds before the same callee is called again.
        admins_only: whether only administrators may call who is no contact.
    """

    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    blocks_emergency: bool = True
    emergency: tuple[str, ...] = ()
    plan: NumberPlan
    calls_at_once: int = DEFAULT_CALLS_AT_ONCE
    calls_per_hour: int = DEFAULT_CALLS_PER_HOUR
    cooldown: int = DEFAULT_COOLDOWN
    admins_only: bool = False

    def judge_number(
        self, number: str, *, is_contact: bool, contacts_only: bool = False
    ) -> Rule | None:
        """Return the rule against dialling a normalised number, if there is one.

        Args:
            number: of either party: both cost, and both ring.
            is_contact: whether the owner has entered it as somebody's.
            contacts_only: whether who asks may call nobody else.
        """
        if self.blocks_emergency and self.plan.is_emergency(number, self.emergency):
            return Rule.EMERGENCY
        if self.forbidden and self.plan.forbids(self.forbidden, number):
            return Rule.FORBIDDEN
        if is_contact:
            return None
        if contacts_only:
            return Rule.CONTACTS_ONLY
        if self.allowed and not self.plan.permits(self.allowed, number):
            return Rule.NOT_ALLOWED
        return None

    def judge_load(self, active: int, history: History, now: float) -> Rule | None:
        """Return the rule against one call more, if there is one.

        Args:
            active: how many calls are on, those that are being requested included.
            history: of the calls so far.
            now: Unix time.
        """
        if self.calls_at_once and active >= self.calls_at_once:
            return Rule.AT_ONCE
        if self.calls_per_hour and history.has_within_the_hour(
            self.calls_per_hour, now
        ):
            return Rule.PER_HOUR
        return None


def parse_emergency_number(text: str) -> str:
    """Return a short number in one form.

    Raises:
        ValueError: it is none.
    """
    number = parse_number(text)
    if not _SHORT_NUMBER.fullmatch(number):
        raise ValueError("It has other signs, or too many digits")
    return number

"""Which numbers may be dialled, and how often: the dialling rules.

Pure: numbers, the time and who is a contact come from outside.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
import math
import re
from typing import Any, Final, Self

from .countries import ELSEWHERE, Country
from .phone_number import normalise_number

CALLS_AT_ONCE_RANGE: Final = (0, 1000)
CALLS_PER_HOUR_RANGE: Final = (0, 1000)
# Seconds.
COOLDOWN_RANGE: Final = (0, 86_400)

DEFAULT_CALLS_AT_ONCE: Final = 10
DEFAULT_CALLS_PER_HOUR: Final = 60
DEFAULT_COOLDOWN: Final = 0
DEFAULT_OUTSIDE_PREFIXES: Final = ("0", "9", "00")

# What ends a pattern and stands for all that may follow, and for one digit.
_ANYTHING, _ANY_DIGIT = "*", "?"
# On a Persian or Arabic keyboard.
_QUESTION_MARKS = str.maketrans("؟", _ANY_DIGIT)
_SHORT_NUMBER = re.compile(r"[0-9]{2,6}")
_OUTSIDE_PREFIX = re.compile(r"[0-9]{1,4}")
# What is dialled for a plus sign in most countries.
_PLUS = "00"
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
        """Take note of a call that is requested."""
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
            callee: who, in the form in which numbers are compared.
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

    @classmethod
    def from_list(cls, stored: Iterable[Sequence[Any]]) -> Self:
        """Return the history that was stored before a restart.

        Raises:
            TypeError, ValueError: this is no stored history.
        """
        history = cls()
        for at, callee, *until in stored:
            if not isinstance(callee, str):
                raise TypeError("It has no callee")
            history.note(float(at), callee)
            if until:
                history.doubt(float(at), callee, float(until[0]))
        return history

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
        emergency: numbers that may not, either, however they are dialled.
        outside_prefixes: what is dialled in front of a number to get a line.
        country: where the PBX is.
        calls_at_once: how many calls may be on; 0 is any number.
        calls_per_hour: how many may be placed within an hour; 0 is any number.
        cooldown: seconds before the same callee is called again.
        admins_only: whether only administrators may call who is no contact.
    """

    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ELSEWHERE.emergency
    outside_prefixes: tuple[str, ...] = DEFAULT_OUTSIDE_PREFIXES
    country: Country = ELSEWHERE
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
        if self.is_emergency(number):
            return Rule.EMERGENCY
        if self.forbidden and self._is_in(self._forbidden, number):
            return Rule.FORBIDDEN
        if is_contact:
            return None
        if contacts_only:
            return Rule.CONTACTS_ONLY
        if self.allowed and not self._is_in(self._allowed, number):
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

    def is_emergency(self, number: str) -> bool:
        """Tell whether a number reaches help, behind prefixes and codes, too.

        A code such as ``*31#`` hides the own number, and ``#`` ends the dialling.
        """
        if not self.emergency:
            return False
        digits = re.split(r"[*#]+", number.replace("+", _PLUS))
        return any(map(self._emergency.fullmatch, digits))

    @cached_property
    def _emergency(self) -> re.Pattern[str]:
        outside = "|".join(self.outside_prefixes)
        plus = f"{_PLUS}|{self.country.exit_prefix}"
        home = rf"(?:{outside})?(?:{plus})?(?:{self.country.code})?"
        # Not behind a prefix, too: 900 123 112 is a number of its own in Spain.
        abroad = rf"(?:{plus})[1-9][0-9]{{0,2}}"
        numbers = "|".join(self.emergency)
        return re.compile(rf"(?:{home}|{abroad})0?(?:{numbers})")

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        return self._matcher(self.allowed)

    @cached_property
    def _forbidden(self) -> re.Pattern[str]:
        return self._matcher(self.forbidden)

    def _matcher(self, patterns: Iterable[str]) -> re.Pattern[str]:
        """Return one expression for all patterns."""
        forms = {form for pattern in patterns for form in self._forms(pattern)}
        return re.compile("|".join(map(_expression, sorted(forms))))

    def _is_in(self, matcher: re.Pattern[str], number: str) -> bool:
        return any(map(matcher.fullmatch, self._forms(number)))

    def _forms(self, text: str) -> set[str]:
        """Return a number or a pattern as it is, and as it is dialled at home."""
        code, trunk_prefix, exit_prefix, _ = self.country
        dialled = re.sub(rf"^(?:\+|{exit_prefix})", _PLUS, text)
        if code:
            # Nothing but digits: +98* is not 0*, which other countries are in, too.
            home = rf"{_PLUS}{code}(?:{trunk_prefix})?+(?=[0-9])"
            dialled = re.sub(rf"^{home}", trunk_prefix, dialled)
        return {text, dialled}


def parse_pattern(text: str) -> str:
    """Return a pattern of numbers in one form.

    It is a number, in which ``?`` stands for any one digit, and at whose end ``*``
    stands for whatever follows, or nothing.

    Raises:
        InvalidNumberError: anything else is in it, or nothing is, or too much.
    """
    return normalise_number(text.translate(_QUESTION_MARKS), wildcards=_ANY_DIGIT)


def parse_emergency_number(text: str) -> str:
    """Return a short number in one form.

    Raises:
        ValueError: it is none.
    """
    return _parse_digits(text, _SHORT_NUMBER)


def parse_outside_prefix(text: str) -> str:
    """Return what is dialled to get a line, in one form.

    Raises:
        ValueError: it is none.
    """
    return _parse_digits(text, _OUTSIDE_PREFIX)


def _parse_digits(text: str, shape: re.Pattern[str]) -> str:
    number = normalise_number(text)
    if not shape.fullmatch(number):
        raise ValueError("It has other signs, or too many digits")
    return number


def _expression(pattern: str) -> str:
    body = pattern.removesuffix(_ANYTHING)
    digits = (re.escape(part) for part in body.split(_ANY_DIGIT))
    return "[0-9]".join(digits) + ("" if body == pattern else ".*")

"""Which numbers may be dialed, and how often: the dialing rules.

Pure: numbers, the time and who is a contact come from outside.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
import math
from typing import Any, Final

from ..backends.base import CallRequest
from ..backends.redaction import mask_number
from ..const import (
    CONF_ADMINS_ONLY,
    CONF_ALLOWED_NUMBERS,
    CONF_BLOCK_EMERGENCY,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_EMERGENCY_NUMBERS,
    CONF_FORBIDDEN_NUMBERS,
)
from .call import Call
from .number_plan import NumberPlan

CALLS_AT_ONCE_RANGE: Final = (0, 1000)
CALLS_PER_HOUR_RANGE: Final = (0, 1000)
# Seconds.
COOLDOWN_RANGE: Final = (0, 86_400)
_HOUR: Final = 3600
# Seconds for which a call without a limit is taken to last, beside its ringing, where
# nobody can tell whether it is on.
_UNHEARD_TALK: Final = 60

DEFAULT_RULES: Final[Mapping[str, Any]] = {
    CONF_ALLOWED_NUMBERS: [],
    CONF_FORBIDDEN_NUMBERS: [],
    CONF_BLOCK_EMERGENCY: True,
    CONF_EMERGENCY_NUMBERS: [],
    CONF_CALLS_AT_ONCE: 10,
    CONF_CALLS_PER_HOUR: 60,
    CONF_COOLDOWN: 0,
    CONF_ADMINS_ONLY: False,
}
"""The options of a PBX whose owner has never seen the form."""


class Rule(StrEnum):
    """Why a call is refused; each value is the key of the sentence that says it."""

    EMERGENCY = "emergency_number"
    FORBIDDEN = "number_forbidden"
    CONTACTS_ONLY = "contacts_only"
    NOT_ALLOWED = "number_not_allowed"
    AT_ONCE = "too_many_at_once"
    PER_HOUR = "too_many_per_hour"
    COOLDOWN = "called_recently"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asks for a call, and how; all that had to be awaited.

    Attributes:
        is_admin: whether an administrator asks, or Home Assistant itself.
        cooldown: seconds that count more than those of the rules.
        began: Unix time; calls since then belong to the same escalation, which says
            itself how often somebody is called, and has one call on at a time.
    """

    is_admin: bool = True
    cooldown: int | None = None
    began: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules go by; made in the same step as the check.

    Attributes:
        now: Unix time.
        calls: from here that have not ended.
        history: of the calls so far.
        can_follow: whether anything tells how a call ends.
        is_named: returns whether the owner has entered a number as somebody's.
        default_caller: number that rings first if nothing else is said; or empty.
    """

    now: float
    calls: Collection[Call]
    history: History
    can_follow: bool
    is_named: Callable[[str], bool]
    default_caller: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is refused, and what fills the sentence that says it."""

    rule: Rule
    placeholders: Mapping[str, str] = field(default_factory=dict)


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

    def undo(self, at: float, callee: str) -> None:
        """Forget one that the PBX did not place."""
        self._doubted.pop((at, callee), None)
        if (at, callee) in self._calls:
            self._calls.remove((at, callee))

    def mark_uncertain(self, at: float, callee: str, until: float) -> None:
        """Count one that may not have been placed for the hour until then only."""
        known = self._doubted.keys() & set(self._calls)
        self._doubted = {call: self._doubted[call] for call in known}
        self._doubted[at, callee] = until

    def believe(self, at: float, callee: str) -> None:
        """Count one as any other: it was placed."""
        self._doubted.pop((at, callee), None)

    def has_within_the_hour(self, count: int, now: float) -> bool:
        """Return whether there were so many calls, or more, in the last hour."""
        if len(self._calls) < count:
            return False
        counted = sum(
            now < self._doubted.get(call, math.inf) for call in self._latest(_HOUR, now)
        )
        return counted >= count

    def has_called(
        self, callee: str, seconds: float, now: float, until: float | None = None
    ) -> bool:
        """Return whether somebody was called in the last seconds.

        Args:
            callee: who, by the identity of the number.
            seconds: how long ago at most.
            now: Unix time.
            until: calls that were placed later do not count.
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
            TypeError, ValueError: this is not one.
        """
        at, callee, *until = row
        if not isinstance(callee, str):
            raise TypeError("It has no callee")
        times = [float(at), *map(float, until)]
        self.note(times[0], callee)
        if until:
            self.mark_uncertain(times[0], callee, times[1])

    def _latest(self, seconds: float, now: float) -> Iterator[tuple[float, str]]:
        """Return the calls of the last seconds, the latest first."""
        for at, callee in reversed(self._calls):
            # A clock may have been set: what seems to come from far ahead is old.
            if abs(now - at) >= seconds:
                return
            yield at, callee


@dataclass(frozen=True, kw_only=True)
class DialingRules:
    """What the owner of a PBX lets it be used for.

    Attributes:
        plan: what numbers mean where the PBX is.
        allowed: patterns of the only numbers that may be dialed; all if there is none.
        forbidden: patterns of numbers that may not, whatever else says that they may.
        blocks_emergency: whether emergency numbers may not be dialed, either.
        emergency: what counts as such beside the country's own.
        calls_at_once: how many calls may be on; 0 is any number.
        calls_per_hour: how many may be placed within an hour; 0 is any number.
        cooldown: seconds before the same callee is called again.
        admins_only: whether only administrators may call who is not a contact.
    """

    plan: NumberPlan
    allowed: Sequence[str]
    forbidden: Sequence[str]
    blocks_emergency: bool
    emergency: Sequence[str]
    calls_at_once: int
    calls_per_hour: int
    cooldown: int
    admins_only: bool


def rules_of(options: Mapping[str, Any], plan: NumberPlan) -> DialingRules:
    """Return the rules of a PBX.

    Args:
        options: of the config entry; what is not in them is as in `DEFAULT_RULES`.
        plan: what numbers mean where the PBX is.
    """
    fields = {**DEFAULT_RULES, **options}
    return DialingRules(
        plan=plan,
        allowed=fields[CONF_ALLOWED_NUMBERS],
        forbidden=fields[CONF_FORBIDDEN_NUMBERS],
        blocks_emergency=fields[CONF_BLOCK_EMERGENCY],
        emergency=fields[CONF_EMERGENCY_NUMBERS],
        calls_at_once=fields[CONF_CALLS_AT_ONCE],
        calls_per_hour=fields[CONF_CALLS_PER_HOUR],
        cooldown=fields[CONF_COOLDOWN],
        admins_only=fields[CONF_ADMINS_ONLY],
    )


def check_request(
    request: CallRequest, rules: DialingRules, origin: Origin, facts: Facts
) -> Refusal | None:
    """Return why a call is refused, or None."""
    return check_numbers(request, rules, origin, facts) or _check_load(
        request, rules, origin, facts
    )


def check_numbers(
    request: CallRequest, rules: DialingRules, origin: Origin, facts: Facts
) -> Refusal | None:
    """Return why one of a call's numbers may not be dialed: both cost, both ring."""
    for name, number in ((CONF_CALLER, request.caller), (CONF_CALLEE, request.callee)):
        is_own = name == CONF_CALLER and number == facts.default_caller
        contacts_only = rules.admins_only and not origin.is_admin and not is_own
        rule = check_number(
            number,
            rules,
            is_named=facts.is_named(number),
            contacts_only=contacts_only,
        )
        if rule is not None:
            return Refusal(rule, {"field": name, "number": mask_number(number)})
    return None


def check_number(
    number: str, rules: DialingRules, *, is_named: bool, contacts_only: bool = False
) -> Rule | None:
    """Return the rule against dialing a number, if there is one.

    Args:
        number: as it is dialed.
        rules: of the PBX.
        is_named: whether the owner has entered it as somebody's.
        contacts_only: whether who asks may call nobody else.
    """
    plan = rules.plan
    if rules.blocks_emergency and plan.is_emergency(number, rules.emergency):
        return Rule.EMERGENCY
    if rules.forbidden and plan.forbids(rules.forbidden, number):
        return Rule.FORBIDDEN
    if is_named:
        return None
    if contacts_only:
        return Rule.CONTACTS_ONLY
    if rules.allowed and not plan.permits(rules.allowed, number):
        return Rule.NOT_ALLOWED
    return None


def _check_load(
    request: CallRequest, rules: DialingRules, origin: Origin, facts: Facts
) -> Refusal | None:
    """Return why there may not be one call more."""
    # An escalation has one call on at a time.
    if rules.calls_at_once and origin.began is None:
        active = sum(_counts(call, facts) for call in facts.calls)
        if active >= rules.calls_at_once:
            return Refusal(Rule.AT_ONCE, {"limit": str(rules.calls_at_once)})
    if rules.calls_per_hour and facts.history.has_within_the_hour(
        rules.calls_per_hour, facts.now
    ):
        return Refusal(Rule.PER_HOUR, {"limit": str(rules.calls_per_hour)})
    cooldown = rules.cooldown if origin.cooldown is None else origin.cooldown
    callee = rules.plan.identity(request.callee)
    if facts.history.has_called(callee, cooldown, facts.now, origin.began):
        return Refusal(Rule.COOLDOWN, {"seconds": str(cooldown)})
    return None


def _counts(call: Call, facts: Facts) -> bool:
    """Return whether a call counts as on.

    One that nobody can follow has most probably ended long before it is given up,
    and one that may not have been placed when its caller would have stopped ringing.
    """
    request = call.request
    if request is None or call.is_over:
        return False
    if call.is_requested or (facts.can_follow and not call.is_uncertain):
        return True
    talk = 0 if call.is_uncertain else request.call_limit or _UNHEARD_TALK
    return abs(facts.now - call.began_at) < request.timeout + talk

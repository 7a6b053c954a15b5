"""The dialing rules: which numbers may be called, and how often.

Pure functions: the time, the calls and the phone book are inputs.
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
    CONF_CALLER,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_EMERGENCY_NUMBERS,
    CONF_FORBIDDEN_NUMBERS,
)
from .asked_by import AskedBy
from .call import Call
from .number_plan import NumberPlan

CALLS_AT_ONCE_RANGE: Final = (0, 1000)
CALLS_PER_HOUR_RANGE: Final = (0, 1000)
# Seconds.
COOLDOWN_RANGE: Final = (0, 86_400)
_HOUR: Final = 3600
# Seconds of talk time that a call without a limit is assumed to have if its state
# cannot be followed.
_ASSUMED_TALK_TIME: Final = 60

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
"""The rules of a PBX until they are configured."""


class Rule(StrEnum):
    """The rule that refuses a call; each value is the translation key of its error."""

    EMERGENCY = "emergency_number"
    FORBIDDEN = "number_forbidden"
    CONTACTS_ONLY = "contacts_only"
    NOT_ALLOWED = "number_not_allowed"
    AT_ONCE = "too_many_at_once"
    PER_HOUR = "too_many_per_hour"
    COOLDOWN = "called_recently"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrigin:
    """Where the request for a call comes from.

    Attributes:
        is_admin: whether an administrator or Home Assistant itself requested it.
        cooldown: seconds that override the cooldown of the rules.
        escalation_began: Unix time at which the escalation began that the call
            belongs to. Its own calls do not count for the cooldown.
        is_in_turn: whether that escalation has only one active call at a time.
        asked_by: who had it placed; None if that is not known.
    """

    is_admin: bool = True
    cooldown: int | None = None
    escalation_began: float | None = None
    is_in_turn: bool = False
    asked_by: AskedBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInputs:
    """The state that the rules depend on at the moment of the check.

    Attributes:
        now: Unix time.
        calls: placed calls that have not ended.
        history: placed calls of the last day.
        can_follow: whether the PBX reports how calls end.
        has_number: returns whether a number is in the phone book.
        default_caller: number that rings first by default; empty if none is set.
    """

    now: float
    calls: Collection[Call]
    history: History
    can_follow: bool
    has_number: Callable[[str], bool]
    default_caller: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that refuses a call, and the placeholders of its error."""

    rule: Rule
    placeholders: Mapping[str, str] = field(default_factory=dict)


class History:
    """The time and the callee of each placed call of the last day."""

    # Enough for the largest hourly limit.
    SIZE = CALLS_PER_HOUR_RANGE[1]

    def __init__(self, calls: Iterable[tuple[float, str]] = ()) -> None:
        """Initialize the history with calls, oldest first."""
        self._calls = deque(calls, maxlen=self.SIZE)
        # The time until which each uncertain call counts.
        self._uncertain_until: dict[tuple[float, str], float] = {}

    def record(self, at: float, callee: str) -> None:
        """Add a requested call, with the identity of its callee."""
        self._calls.append((at, callee))

    def undo(self, at: float, callee: str) -> None:
        """Remove a call that the PBX did not place."""
        self._uncertain_until.pop((at, callee), None)
        if (at, callee) in self._calls:
            self._calls.remove((at, callee))

    def mark_uncertain(self, at: float, callee: str, until: float) -> None:
        """Count an uncertain call for the hourly limit only until a time."""
        known = self._uncertain_until.keys() & set(self._calls)
        self._uncertain_until = {call: self._uncertain_until[call] for call in known}
        self._uncertain_until[at, callee] = until

    def confirm(self, at: float, callee: str) -> None:
        """Count an uncertain call as placed."""
        self._uncertain_until.pop((at, callee), None)

    def has_reached_hourly_limit(self, limit: int, now: float) -> bool:
        """Return whether the last hour had as many calls as the limit."""
        if len(self._calls) < limit:
            return False
        counted = sum(
            now < self._uncertain_until.get(call, math.inf)
            for call in self._latest(_HOUR, now)
        )
        return counted >= limit

    def has_recent_call(
        self, callee: str, seconds: float, now: float, until: float | None = None
    ) -> bool:
        """Return whether a callee was called recently.

        Args:
            callee: identity of the callee's number.
            seconds: maximum age of the call.
            now: Unix time.
            until: Unix time from which calls do not count.
        """
        return any(
            called == callee and (until is None or at < until)
            for at, called in self._latest(seconds, now)
        )

    def as_list(self, now: float) -> list[tuple[float | str, ...]]:
        """Return the history in the form that `restore` reads after a restart."""
        calls = [*self._latest(COOLDOWN_RANGE[1], now)][::-1]
        return [
            (*call, self._uncertain_until[call])
            if call in self._uncertain_until
            else call
            for call in calls
        ]

    def restore(self, row: Sequence[Any]) -> None:
        """Add a call that `as_list` returned before a restart.

        Raises:
            TypeError, ValueError: the row is not a valid call.
        """
        at, callee, *until = row
        if not isinstance(callee, str):
            raise TypeError("The callee of a stored call is not a string")
        times = [float(at), *map(float, until)]
        self.record(times[0], callee)
        if until:
            self.mark_uncertain(times[0], callee, times[1])

    def _latest(self, seconds: float, now: float) -> Iterator[tuple[float, str]]:
        """Yield the calls of the last seconds, newest first."""
        for at, callee in reversed(self._calls):
            # The clock may have been set back, so a call far in the future is old.
            if abs(now - at) >= seconds:
                return
            yield at, callee


@dataclass(frozen=True, kw_only=True)
class DialingRules:
    """The dialing rules of a PBX.

    Attributes:
        plan: numbering plan of the PBX's country.
        allowed: patterns of the allowed numbers; if empty, all are allowed.
        forbidden: patterns of forbidden numbers, which override all permissions.
        blocks_emergency: whether emergency numbers are blocked.
        emergency: emergency numbers in addition to those of the country.
        calls_at_once: maximum number of concurrent calls; 0 for no limit.
        calls_per_hour: maximum number of calls per hour; 0 for no limit.
        cooldown: seconds until the same callee may be called again.
        admins_only: whether only administrators may call numbers that are not in the
            phone book.
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
        options: options of the config entry; `DEFAULT_RULES` apply to missing ones.
        plan: numbering plan of the PBX's country.
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
    request: CallRequest, rules: DialingRules, origin: CallOrigin, inputs: RuleInputs
) -> Refusal | None:
    """Return the refusal of a call, or None if it is allowed."""
    return check_numbers(request, rules, origin, inputs) or _check_limits(
        request, rules, origin, inputs
    )


def check_numbers(
    request: CallRequest, rules: DialingRules, origin: CallOrigin, inputs: RuleInputs
) -> Refusal | None:
    """Return the refusal of a number that the PBX dials, or None."""
    for name, number in request.numbers.items():
        is_own = name == CONF_CALLER and number == inputs.default_caller
        contacts_only = rules.admins_only and not origin.is_admin and not is_own
        rule = check_number(
            number,
            rules,
            in_phone_book=inputs.has_number(number),
            contacts_only=contacts_only,
        )
        if rule is not None:
            return Refusal(rule, {"field": name, "number": mask_number(number)})
    return None


def check_number(
    number: str,
    rules: DialingRules,
    *,
    in_phone_book: bool,
    contacts_only: bool = False,
) -> Rule | None:
    """Return the rule that refuses a number, or None if it is allowed.

    Args:
        number: number as dialed.
        rules: rules of the PBX.
        in_phone_book: whether the number is in the phone book.
        contacts_only: whether only numbers in the phone book are allowed.
    """
    plan = rules.plan
    if rules.blocks_emergency and plan.is_emergency(number, rules.emergency):
        return Rule.EMERGENCY
    if rules.forbidden and plan.forbids(rules.forbidden, number):
        return Rule.FORBIDDEN
    if in_phone_book:
        return None
    if contacts_only:
        return Rule.CONTACTS_ONLY
    if rules.allowed and not plan.permits(rules.allowed, number):
        return Rule.NOT_ALLOWED
    return None


def has_place(rules: DialingRules, origin: CallOrigin, inputs: RuleInputs) -> bool:
    """Return whether the maximum of concurrent calls allows another one."""
    if not rules.calls_at_once or origin.is_in_turn:
        return True
    active = sum(_is_active(call, inputs) for call in inputs.calls)
    return active < rules.calls_at_once


def _check_limits(
    request: CallRequest, rules: DialingRules, origin: CallOrigin, inputs: RuleInputs
) -> Refusal | None:
    """Return the refusal of a call by one of the limits, or None."""
    if not has_place(rules, origin, inputs):
        return Refusal(Rule.AT_ONCE, {"limit": str(rules.calls_at_once)})
    if rules.calls_per_hour and inputs.history.has_reached_hourly_limit(
        rules.calls_per_hour, inputs.now
    ):
        return Refusal(Rule.PER_HOUR, {"limit": str(rules.calls_per_hour)})
    cooldown = rules.cooldown if origin.cooldown is None else origin.cooldown
    for name, number in request.numbers.items():
        if name != CONF_CALLER and inputs.history.has_recent_call(
            rules.plan.identity(number), cooldown, inputs.now, origin.escalation_began
        ):
            return Refusal(Rule.COOLDOWN, {"seconds": str(cooldown)})
    return None


def _is_active(call: Call, inputs: RuleInputs) -> bool:
    """Return whether a call counts as active.

    A call that cannot be followed has most probably ended long before its deadline.
    An uncertain call counts only while its caller may be ringing.
    """
    request = call.request
    if request is None or call.is_over or call.is_released:
        return False
    if call.is_requested or (inputs.can_follow and not call.is_uncertain):
        return True
    talk = 0 if call.is_uncertain else _assumed_talk_time(request)
    return abs(inputs.now - call.began_at) < request.timeout + talk


def _assumed_talk_time(request: CallRequest) -> float:
    """Return the seconds that a call is assumed to last after the answer."""
    if request.announcement is not None and request.announcement.connect_to is None:
        return request.message_time
    return request.message_time + (request.call_limit or _ASSUMED_TALK_TIME)

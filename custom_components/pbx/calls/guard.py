"""Applies the dialing rules of a PBX to each call and records the call history."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from ..backends.base import CallRequest
from ..const import CONF_CALLER
from ..errors import user_error
from .call import Call
from .changes import Change, LimitChanged
from .contacts import PhoneBook
from .link import PbxLink
from .rules import (
    CallOrigin,
    DialingRules,
    Refusal,
    Rule,
    RuleInputs,
    check_numbers,
    check_request,
    has_place,
    rules_of,
)
from .storage import CallStore
from .tracker import CallTracker


class GuardedPbx(Protocol):
    """The PBX whose calls are checked."""

    entry: ConfigEntry[Any]
    link: PbxLink
    store: CallStore
    tracker: CallTracker

    @property
    def book(self) -> PhoneBook:
        """The phone book."""

    def notify(self, change: Change) -> None:
        """Notify the listeners of a change."""


class Guard:
    """Checks each call and maintains the history that the limits use.

    Attributes:
        refused: number of refused calls by rule.
    """

    def __init__(self, pbx: GuardedPbx) -> None:
        """Initialize the guard of a PBX."""
        self.refused: Counter[Rule] = Counter()
        self._pbx = pbx
        self._is_limited = False

    def check(
        self, request: CallRequest, origin: CallOrigin, *, waits: bool = False
    ) -> None:
        """Check a call that is requested next, without an await in between.

        Args:
            request: for the call.
            origin: of the call.
            waits: whether it will wait for a place among the concurrent calls.

        Raises:
            ServiceValidationError: a dialing rule refused the call.
        """
        rules = self._rules
        if waits:
            rules = replace(rules, calls_at_once=0)
        refusal = check_request(request, rules, origin, self._inputs())
        is_limited = refusal is not None and refusal.rule is Rule.PER_HOUR
        if is_limited or refusal is None:
            self.set_limited(rules.calls_per_hour if is_limited else None)
        if refusal is not None:
            raise self._refusal_error(refusal)

    def check_numbers(
        self, requests: Iterable[CallRequest], origin: CallOrigin
    ) -> None:
        """Check the numbers of requests, but not the limits.

        Raises:
            ServiceValidationError: a dialing rule refused one of the numbers.
        """
        rules, inputs = self._rules, self._inputs()
        for request in requests:
            if refusal := check_numbers(request, rules, origin, inputs):
                raise self._refusal_error(refusal)

    def has_place(self, origin: CallOrigin) -> bool:
        """Return whether the maximum of concurrent calls allows another one."""
        return has_place(self._rules, origin, self._inputs())

    def set_limited(self, limit: int | None) -> None:
        """Notify listeners when the hourly limit begins or stops refusing calls."""
        if self._is_limited != (limit is not None):
            self._is_limited = limit is not None
            self._pbx.notify(LimitChanged(limit))

    def record(self, call: Call) -> None:
        """Count a call that is about to be requested."""
        self._pbx.store.history.record(*self._history_key(call))

    def record_second(self, call: Call) -> None:
        """Count the second party of an announcement, which is called, for the cooldown.

        Together with the first one, it is one call of the hourly limit.
        """
        request, announced = call.request, call.announced
        if request is None or request.announcement is None or announced is None:
            return
        number = request.announcement.connect_to
        if number is None or not (announced.connected or announced.confirmed):
            return
        now = dt_util.utcnow().timestamp()
        identity = self._pbx.book.plan.identity(number)
        history = self._pbx.store.history
        if not history.has_recent_call(identity, now - call.began_at, now):
            history.record(now, identity)
            # An uncertain call always counts for the cooldown, and for the hourly limit
            # only until its phone has rung: here, never.
            history.mark_uncertain(now, identity, now)

    def undo(self, call: Call) -> None:
        """Remove a call that the PBX did not place."""
        self._pbx.store.history.undo(*self._history_key(call))

    def mark_uncertain(self, call: Call, request: CallRequest) -> None:
        """Count an uncertain call only while it may be ringing."""
        until = call.began_at + request.timeout
        self._pbx.store.history.mark_uncertain(*self._history_key(call), until)

    def confirm(self, call: Call) -> None:
        """Count an uncertain call as placed."""
        self._pbx.store.history.confirm(*self._history_key(call))

    @property
    def _rules(self) -> DialingRules:
        return rules_of(self._pbx.entry.options, self._pbx.book.plan)

    def _inputs(self) -> RuleInputs:
        """Return the current inputs of the rules."""
        pbx = self._pbx
        return RuleInputs(
            now=dt_util.utcnow().timestamp(),
            calls=pbx.tracker.open.placed,
            history=pbx.store.history,
            can_follow=pbx.link.can_follow,
            has_number=pbx.book.has_number,
            default_caller=pbx.entry.options.get(CONF_CALLER, ""),
        )

    def _refusal_error(self, refusal: Refusal) -> ServiceValidationError:
        """Count a refusal and return its error."""
        self.refused[refusal.rule] += 1
        title = self._pbx.entry.title
        return user_error(refusal.rule, pbx=title, **refusal.placeholders)

    def _history_key(self, call: Call) -> tuple[float, str]:
        """Return the key of a call in the history."""
        return call.began_at, self._pbx.book.plan.identity(call.callee)

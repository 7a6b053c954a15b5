"""Applies a PBX's rules to each of its calls, and notes what they go by."""

from collections import Counter
from collections.abc import Iterable
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
    DialingRules,
    Facts,
    Origin,
    Refusal,
    Rule,
    check_numbers,
    check_request,
    rules_of,
)
from .storage import CallStore
from .tracker import CallTracker


class Guarded(Protocol):
    """The PBX whose calls are checked."""

    entry: ConfigEntry[Any]
    link: PbxLink
    store: CallStore
    tracker: CallTracker

    @property
    def book(self) -> PhoneBook:
        """The contacts, and the plan by which numbers are compared."""

    def notify(self, change: Change) -> None:
        """Notify everybody of a change."""


class Guard:
    """Checks each call, and keeps the history that the rules go by.

    Attributes:
        refused: how many calls were refused, by the rule.
    """

    def __init__(self, pbx: Guarded) -> None:
        """Initialize the guard of a PBX."""
        self.refused: Counter[Rule] = Counter()
        self._pbx = pbx
        self._is_limited = False

    def check(self, request: CallRequest, origin: Origin) -> None:
        """Check one call, which is to be requested without any further wait.

        Raises:
            ServiceValidationError: a rule is against it.
        """
        rules = self._rules
        refusal = check_request(request, rules, origin, self._facts())
        is_limited = refusal is not None and refusal.rule is Rule.PER_HOUR
        if is_limited or refusal is None:
            self.set_limited(rules.calls_per_hour if is_limited else None)
        if refusal is not None:
            raise self._refuse(refusal)

    def check_numbers(self, requests: Iterable[CallRequest], origin: Origin) -> None:
        """Check who is to be called, but not how often.

        Raises:
            ServiceValidationError: a rule is against one of the numbers.
        """
        rules, facts = self._rules, self._facts()
        for request in requests:
            if refusal := check_numbers(request, rules, origin, facts):
                raise self._refuse(refusal)

    def set_limited(self, limit: int | None) -> None:
        """Notify of the hourly limit when it begins to refuse, and when it ends."""
        if self._is_limited != (limit is not None):
            self._is_limited = limit is not None
            self._pbx.notify(LimitChanged(limit))

    def note(self, call: Call) -> None:
        """Count a call that is about to be requested."""
        self._pbx.store.history.note(*self._key(call))

    def undo(self, call: Call) -> None:
        """Forget a call that the PBX did not place."""
        self._pbx.store.history.undo(*self._key(call))

    def mark_uncertain(self, call: Call, request: CallRequest) -> None:
        """Count a call that may not have been placed while it may be ringing."""
        until = call.began_at + request.timeout
        self._pbx.store.history.mark_uncertain(*self._key(call), until)

    def believe(self, call: Call) -> None:
        """Count a call as any other: it was placed."""
        self._pbx.store.history.believe(*self._key(call))

    @property
    def _rules(self) -> DialingRules:
        return rules_of(self._pbx.entry.options, self._pbx.book.plan)

    def _facts(self) -> Facts:
        """Return what the rules go by at this moment."""
        pbx = self._pbx
        return Facts(
            now=dt_util.utcnow().timestamp(),
            calls=pbx.tracker.open.placed,
            history=pbx.store.history,
            can_follow=pbx.link.can_follow,
            is_named=pbx.book.is_named,
            default_caller=pbx.entry.options.get(CONF_CALLER, ""),
        )

    def _refuse(self, refusal: Refusal) -> ServiceValidationError:
        """Count a refusal, and return its error."""
        self.refused[refusal.rule] += 1
        title = self._pbx.entry.title
        return user_error(refusal.rule, pbx=title, **refusal.placeholders)

    def _key(self, call: Call) -> tuple[float, str]:
        """Return what the history knows a call by."""
        return call.began_at, self._pbx.book.plan.identity(call.callee)

"""The attempts of an escalation to reach people, and what they report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from homeassistant.util.json import JsonObjectType

from ..backends.announcement import Announced, Announcement
from ..backends.updates import CallResult, CallState
from ..const import CONF_CALLEE, CONF_CALLER
from .call import Call
from .people import ATTR_CALLEE_CONTACT, ATTR_CALLER_CONTACT, Names
from .targets import Target

# Fields of a call's outcome that an attempt reports in addition to its own.
_REPORTED: Final = (
    "caller_answered",
    "ring_time",
    "talk_time",
    "cause",
    "originated_call_id",
)
_PARTIES: Final = (CONF_CALLER, CONF_CALLEE, ATTR_CALLER_CONTACT, ATTR_CALLEE_CONTACT)


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One call to one person of the list.

    Attributes:
        target: the person.
        round: how often the list has been gone through, from 1.
        answered_state: state of the call in which the person has answered.
        parties: numbers and names of the caller and the callee; empty if the person
            cannot be called.
        announcement: what the person hears; None for a call between two parties.
        call: the call, which is updated while it is tracked; None if it was not
            requested.
        error: why the call may not have been placed, or which setting was ignored;
            empty if there is none.
    """

    target: Target
    round: int
    answered_state: CallState
    parties: Names
    announcement: Announcement | None = None
    call: Call | None = None
    error: str = ""

    @property
    def announced(self) -> Announced | None:
        """What came of the announcement so far; None if there is none."""
        if self.announcement is None:
            return None
        known = None if self.call is None else self.call.announced
        return known or Announced.before(self.announcement)

    @property
    def is_answered(self) -> bool:
        """Whether the person has answered, as far as known.

        If a key is asked for, only a person who has pressed it has answered.
        """
        if self.call is None:
            return False
        if self.answered_state is CallState.RINGING_CALLEE:
            return self.call.caller_answered is True
        if self.announced is not None and self.announced.confirmed is not None:
            return self.announced.confirmed
        return self.is_connected

    @property
    def is_connected(self) -> bool:
        """Whether the callee has answered, with or without a key."""
        return self.call is not None and (
            self.call.result is CallResult.ANSWERED
            or self.call.reached is CallState.CONNECTED
        )

    @property
    def result(self) -> CallResult:
        """Result for this person, regardless of the other party."""
        if self.is_answered or self.is_connected:
            return CallResult.ANSWERED
        if self.call is None:
            return CallResult.FAILED
        return self.call.result or CallResult.UNDETERMINED

    def add_error(self, error: str) -> None:
        """Add an error, after the one of an ignored setting."""
        self.error = f"{self.error}; {error}" if self.error else error

    def outcome(self) -> JsonObjectType:
        """Return the outcome as the action reports it."""
        call_outcome = {} if self.call is None else self.call.outcome()
        outcome: JsonObjectType = {
            "number": self.target.number,
            "contact": self.target.name,
            **dict.fromkeys(_PARTIES),
            **self.parties,
            "round": self.round,
            "result": self.result,
        }
        outcome |= {name: call_outcome.get(name) for name in _REPORTED}
        announced = self.announced
        outcome["played"] = None if announced is None else announced.played.value
        outcome["confirmed"] = None if announced is None else announced.confirmed
        return outcome | {"error": self.error} if self.error else outcome


def summary(
    attempts: Sequence[Attempt], ended_by: str, until_errors: Sequence[str] = ()
) -> JsonObjectType:
    """Return the outcome of an escalation as the action reports it."""
    answered = [attempt for attempt in attempts if attempt.is_answered]
    first = answered[0].target if answered else None
    outcome: JsonObjectType = {
        "ended_by": ended_by,
        "answered_by": None if first is None else first.number,
        "answered_by_contact": None if first is None else first.name,
        "answered": [
            {"number": each.target.number, "contact": each.target.name}
            for each in answered
        ],
        "attempts": [attempt.outcome() for attempt in attempts],
    }
    if until_errors:
        outcome["until_errors"] = list(until_errors)
    return outcome

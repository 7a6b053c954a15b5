"""One originated call: what was asked for, how far it has come, what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
import math
from typing import Any, Final, Self

from ..backends.base import CallRequest
from ..backends.redaction import clean_text, mask_number
from ..backends.updates import CallResult, CallState, EvidenceSource
from .number import reported_form

# What a stored call is found by, and what is reckoned with.
_TEXTS: Final = ("originated_call_id", "conversation_id", "callee_identity")
_TIMES: Final = ("requested_at", "requested_at_pbx", "reached_at", "deadline")


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One originated call.

    Attributes:
        request: what was asked of the PBX.
        requested_at: Unix time by our clock.
        requested_at_pbx: the same moment by the PBX's clock.
        deadline: Unix time by our clock after which nothing more will be heard.
        originated_call_id: how the PBX calls it; empty if it told nothing (yet).
        conversation_id: how its evidence calls it beside that; or empty.
        is_requested: whether the answer to the request is still outstanding.
        is_uncertain: whether that answer was lost, and nothing else has told
            since that there is such a call.
        error: why the request is not known to have placed it, cleaned; or empty.
        reached: the farthest that it is known to have come, its end aside.
        reached_at: when it came there, Unix time by our clock.
        ending: what came of it unless a better end follows in a moment; None
            where that is not waited for.
        result: what came of it, once it has ended.
        cause: why it ended, as `CallEvidence` tells it; empty where it is not known.
        evidence: where the result comes from, once it has ended; None for a
            request that was refused.
        ring_time: seconds until the answer; None where it is not known.
        talk_time: seconds of conversation; None where it is not known.
        callee_identity: what other ways to dial the callee have in common.
        numbers: caller and callee as events may tell them: see `reported_form`.
    """

    request: CallRequest
    requested_at: float
    requested_at_pbx: float
    deadline: float
    originated_call_id: str = ""
    conversation_id: str = ""
    is_requested: bool = True
    is_uncertain: bool = False
    error: str = ""
    reached: CallState = CallState.PLACED
    reached_at: float = 0
    ending: CallResult | None = None
    result: CallResult | None = None
    cause: str = ""
    evidence: EvidenceSource | None = None
    ring_time: float | None = None
    talk_time: float | None = None
    callee_identity: str = ""
    numbers: tuple[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Do once what is asked for with each piece of evidence."""
        request = self.request
        self.numbers = reported_form(request.caller), reported_form(request.callee)

    @property
    def state(self) -> CallState:
        """How far the call has come."""
        return self.reached if self.result is None else CallState.ENDED

    @property
    def caller_answered(self) -> bool | None:
        """Whether the caller has answered; None while nobody knows.

        The PBX rings the caller first, so whatever happened at the callee's
        end says that the caller had answered.
        """
        if self.result is CallResult.CALLER_UNREACHABLE:
            return False
        has_result = self.result not in (None, CallResult.UNDETERMINED)
        told = has_result and self.evidence is not None
        return True if told or self.reached is not CallState.PLACED else None

    def outcome(self) -> dict[str, str | float | bool | None]:
        """Return what came of it, as actions, events and triggers tell it.

        The result is None while the call is on.
        """
        return {
            "originated_call_id": self.originated_call_id or None,
            # Plain texts: a template prints the whole of it as it is.
            "result": self.result and self.result.value,
            "caller_answered": self.caller_answered,
            "ring_time": self.ring_time,
            "talk_time": self.talk_time,
            "cause": self.cause or None,
            "evidence": self.evidence and self.evidence.value,
        }

    def outcome_at(self, state: CallState) -> dict[str, str | float | bool | None]:
        """Return the outcome for whoever is told that it has come to a state.

        That it was placed may be told when more is known already.
        """
        if state is not CallState.PLACED:
            return self.outcome()
        nothing: dict[str, str | float | bool | None] = dict.fromkeys(self.outcome())
        return {**nothing, "originated_call_id": self.originated_call_id or None}

    def as_dict(self) -> dict[str, Any]:
        """Return the call as JSON can hold it, for `from_dict`."""
        stored = asdict(self)
        # They are made of the request.
        del stored["numbers"]
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a call that was stored before a restart.

        Raises:
            KeyError, TypeError, ValueError: this is no stored call.
        """
        call = cls(**{**stored, "request": CallRequest(**stored["request"])})
        _check_stored(call)
        call.reached = CallState(call.reached)
        call.ending = call.ending and CallResult(call.ending)
        # Nobody waits for the answer to its request any more.
        call.is_uncertain |= call.is_requested and call.reached is CallState.PLACED
        call.is_requested = False
        return call

    def redacted(self) -> dict[str, Any]:
        """Return the call as it may stand in a diagnostics file, but for its names."""
        stored = self.as_dict()
        request = stored.pop("request")
        # They stand beside it already.
        del request["call_id"], stored["callee_identity"]
        # Some PBXs take a name as the caller ID, which is as private.
        for name in ("caller", "callee", "caller_id"):
            request[name] = request[name] and mask_number(request[name])
        # A trunk is often called by its number.
        for name in ("context", "trunk_name"):
            request[name] = request[name] and clean_text(request[name])
        return {**stored, "state": self.state, "request": request}


def _check_stored(call: Call) -> None:
    """Check the types in a call that was stored, which anybody may have edited.

    Raises:
        TypeError, ValueError: the call cannot be followed.
    """
    if call.result is not None:
        raise ValueError("It has ended")
    if not all(isinstance(getattr(call, name), str) for name in _TEXTS):
        raise TypeError("It is known by no text")
    times = [getattr(call, name) for name in _TIMES]
    times += [call.request.timeout, call.request.call_limit or 0]
    if not all(map(math.isfinite, times)):
        raise ValueError("It has a time that never comes")

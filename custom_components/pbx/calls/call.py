"""One call: who talks to whom, how far it has come, and how it ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
import math
from typing import Any, Final, Self

from ..backends.base import CallRequest, OpenCall
from ..backends.redaction import clean_text, mask_number
from ..backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)

# What a stored call is found by, and what is reckoned with.
_TEXTS: Final = ("originated_call_id", "call_id", "caller", "callee", "trunk", "error")
_TIMES: Final = ("began_at", "reached_at", "deadline")

type Outcome = dict[str, str | float | bool | None]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call, placed from here or by somebody else.

    Attributes:
        request: what was asked of the PBX; None for a call of somebody else.
        began_at: Unix time by our clock, as all times here.
        deadline: when it is given up, if nothing more is heard.
        caller: number of the party that calls, or is rung first; or empty.
        callee: number of the other party; or empty.
        direction: None where it is not known.
        trunk: name of the trunk that it uses; or empty.
        originated_call_id: how the PBX names the request; empty if it did not tell.
        call_id: how the PBX names the conversation; or empty.
        is_requested: whether the answer to the request is outstanding.
        is_uncertain: whether it is not known that there is such a call.
        error: why the request is not known to have placed it, cleaned; or empty.
        reached: the farthest state that it is known to have come to, its end aside.
        reached_at: when it came there.
        provisional: its end, for which a better one may follow until the deadline.
        result: how it ended, once it has.
        source: where the result comes from; None for a request that was refused.
        cause: why it ended, as `CallUpdate` has it; or empty.
        ring_time: seconds until the answer; None where it is not known.
        talk_time: seconds of conversation; None where it is not known.
        answered_by: number of the extension that answered; or empty.
    """

    began_at: float
    deadline: float
    request: CallRequest | None = None
    caller: str = ""
    callee: str = ""
    direction: Direction | None = None
    trunk: str = ""
    originated_call_id: str = ""
    call_id: str = ""
    is_requested: bool = False
    is_uncertain: bool = False
    error: str = ""
    reached: CallState = CallState.PLACED
    reached_at: float = 0
    provisional: CallUpdate | None = None
    result: CallResult | None = None
    source: Source | None = None
    cause: str = ""
    ring_time: float | None = None
    talk_time: float | None = None
    answered_by: str = ""

    @property
    def state(self) -> CallState:
        """How far the call has come."""
        return self.reached if self.result is None else CallState.ENDED

    @property
    def name(self) -> str:
        """How the request for it is named here; empty where there is none."""
        return self.request.call_id if self.request is not None else ""

    @property
    def ids(self) -> list[str]:
        """All its names, without any that it does not have."""
        names = (self.name, self.originated_call_id, self.call_id)
        return [each for each in names if each]

    @property
    def is_over(self) -> bool:
        """Whether it has ended, even if a better result may follow."""
        return self.result is not None or self.provisional is not None

    @property
    def caller_answered(self) -> bool | None:
        """Whether the caller has answered; None while nobody knows.

        The PBX rings the caller first, so whatever happened at the callee's
        end shows that the caller had answered.
        """
        if self.result is CallResult.CALLER_UNREACHABLE:
            return False
        has_result = self.result not in (None, CallResult.UNDETERMINED)
        is_reported = has_result and self.source is not None
        return True if is_reported or self.reached is not CallState.PLACED else None

    def outcome(self) -> Outcome:
        """Return how it ended, as actions and triggers report it.

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
        }

    def details(self, state: CallState) -> Outcome:
        """Return what is known of the call at a state, as event attributes.

        That it was placed may be reported when more is known already.
        """
        outcome = self.outcome()
        if state is CallState.PLACED:
            call_id = outcome["originated_call_id"]
            outcome = {**dict.fromkeys(outcome), "originated_call_id": call_id}
        return {
            "caller": self.caller or None,
            "callee": self.callee or None,
            "direction": self.direction and self.direction.value,
            "trunk": self.trunk or None,
            "unique_id": self.call_id or None,
            **outcome,
        }

    def as_open(self) -> OpenCall:
        """Return the call as a backend has to know it."""
        return OpenCall(
            call_id=self.originated_call_id or self.name or self.call_id,
            state=self.reached,
            since=self.reached_at,
            began_at=self.began_at,
            is_requested=self.is_requested,
            is_uncertain=self.is_uncertain,
            request=self.request,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the call as JSON can hold it, for `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a call of ours that was stored before a restart.

        Raises:
            KeyError, TypeError, ValueError: this is no stored call.
        """
        provisional = stored["provisional"]
        call = cls(
            **{
                **stored,
                "request": CallRequest(**stored["request"]),
                "provisional": provisional and _stored_update(provisional),
            }
        )
        _check_stored(call)
        call.reached = CallState(call.reached)
        call.direction = call.direction and Direction(call.direction)
        # Nobody waits for the answer to its request anymore.
        if call.is_requested and call.reached is CallState.PLACED:
            call.is_uncertain = True
            call.error = call.error or "Home Assistant was stopped before the answer"
        call.is_requested = False
        return call

    def redacted(self) -> dict[str, Any]:
        """Return the call as it may stand in a diagnostics file."""
        shown = {**self.as_dict(), "state": self.state}
        for name in ("caller", "callee", "answered_by"):
            shown[name] = mask_number(shown[name])
        shown["trunk"] = clean_text(shown["trunk"])
        del shown["provisional"], shown["request"]
        if self.request is not None:
            shown["request"] = self.request.redacted()
        return shown


def _stored_update(stored: Mapping[str, Any]) -> CallUpdate:
    """Return the end of a call, for which a better one may have followed."""
    update = CallUpdate(**stored)
    if update.state != CallState.ENDED:
        raise ValueError("It is no end")
    return replace(
        update,
        state=CallState(update.state),
        source=Source(update.source),
        direction=update.direction and Direction(update.direction),
        result=CallResult(stored["result"]),
    )


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
    if call.request is not None:
        times += [call.request.timeout, call.request.call_limit or 0]
    if not all(map(math.isfinite, times)):
        raise ValueError("It has a time that never comes")

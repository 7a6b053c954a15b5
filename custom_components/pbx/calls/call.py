"""The record of one call: its parties, its state and its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
import math
from typing import Any, Final, Self

from ..backends.announcement import Announced, Announcement
from ..backends.base import CallRequest, OpenCall
from ..backends.redaction import clean_text, mask_number
from ..backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)

# Fields of a stored call whose types are validated.
_TEXT_FIELDS: Final = (
    "originated_call_id",
    "call_id",
    "caller",
    "callee",
    "trunk",
    "error",
)
_TIME_FIELDS: Final = ("began_at", "reached_at", "deadline")

type Outcome = dict[str, str | float | bool | None]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call, whether placed by Home Assistant or not.

    All times are Unix times of Home Assistant's clock. Texts that are not known are
    empty.

    Attributes:
        request: the request sent to the PBX; None for a call that Home Assistant did
            not place.
        began_at: when the call began.
        deadline: when the call ends as undetermined if no update arrives.
        caller: number of the party that calls or rings first.
        callee: number of the other party.
        direction: direction of the call; None if unknown.
        trunk: name of the trunk that the call uses.
        originated_call_id: the PBX's ID of the request.
        call_id: the PBX's ID of the conversation.
        is_requested: whether the PBX has not answered the request yet.
        is_uncertain: whether the call may not exist.
        error: why the request may not have placed the call, redacted.
        reached: the latest state known, except `ended`.
        reached_at: when the call reached that state.
        provisional: an end that a better one may replace until the deadline.
        result: how the call ended; None until then.
        source: source of the result; None for a refused request.
        cause: why the call ended, as in `CallUpdate`.
        ring_time: seconds until the call was answered; None if unknown.
        talk_time: seconds of conversation; None if unknown.
        answered_by: number of the extension that answered.
        is_unattended: whether no person answered, as far as the PBX can tell.
        ended_at: when the call ended; None until then.
        is_ending: whether it is being hung up.
        is_released: whether another call may take its place among the concurrent ones.
        announced: what came of its announcement; None if there is none.
        is_caller_gone: whether the caller has hung up, or can no longer be connected.
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
    is_unattended: bool = False
    ended_at: float | None = None
    is_ending: bool = False
    is_released: bool = False
    announced: Announced | None = None
    is_caller_gone: bool = False

    @property
    def is_incoming(self) -> bool:
        """Whether it came in from outside, and was not placed from here."""
        return self.direction is Direction.INCOMING and self.request is None

    @property
    def is_missed(self) -> bool:
        """Whether it came in, has ended, and no person answered it."""
        return self.is_incoming and is_unanswered(
            self.reached, self.result, is_unattended=self.is_unattended
        )

    @property
    def state(self) -> CallState:
        """State of the call."""
        return self.reached if self.result is None else CallState.ENDED

    @property
    def request_id(self) -> str:
        """Our ID of the request; empty for a call that we did not place."""
        return self.request.call_id if self.request is not None else ""

    @property
    def ids(self) -> list[str]:
        """All known IDs of the call."""
        names = (self.request_id, self.originated_call_id, self.call_id)
        return [each for each in names if each]

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, even if a better result may follow."""
        return self.result is not None or self.provisional is not None

    @property
    def caller_answered(self) -> bool | None:
        """Whether the caller answered; None if unknown.

        The PBX rings the caller first, so any result that concerns the callee
        implies that the caller answered. Of phones that ring together, only the first
        one counts as answered.
        """
        if self.result is CallResult.CALLER_UNREACHABLE:
            return False
        if self.announced is not None:
            # An announcement has no caller.
            return None
        if self.result is not None and self.cause == "answered_elsewhere":
            return False
        has_result = self.result not in (None, CallResult.UNDETERMINED)
        is_reported = has_result and self.source is not None
        return True if is_reported or self.reached is not CallState.PLACED else None

    def outcome(self) -> Outcome:
        """Return the outcome as actions and triggers report it.

        The result is None while the call is active.
        """
        return {
            "originated_call_id": self.originated_call_id or None,
            # A plain string, because templates may print the whole dictionary.
            "result": self.result and self.result.value,
            "caller_answered": self.caller_answered,
            "ring_time": self.ring_time,
            "talk_time": self.talk_time,
            "cause": self.cause or None,
        }

    @property
    def is_announced(self) -> bool:
        """Whether its announcement is over: it has ended, or connected two parties."""
        is_connected = self.announced is not None and self.announced.connected is True
        return self.result is not None or is_connected

    def announcement_outcome(self) -> Outcome:
        """Return what came of its announcement, as actions report it."""
        announced = self.announced or Announced()
        return {
            "played": announced.played.value,
            "confirmed": announced.confirmed,
            "digits": announced.digits,
            "connected": announced.connected,
        }

    def details(self, state: CallState) -> Outcome:
        """Return the attributes of the event for a state of the call.

        The event for `placed` holds no outcome, even if it is already known.
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

    def as_open_call(self) -> OpenCall:
        """Return the call in the form that backends use."""
        return OpenCall(
            call_id=self.originated_call_id or self.request_id or self.call_id,
            state=self.reached,
            since=self.reached_at,
            began_at=self.began_at,
            is_requested=self.is_requested,
            is_uncertain=self.is_uncertain,
            request=self.request,
            announced=self.announced,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the call as JSON-serializable data for `from_dict`.

        What an announcement says, and which keys were pressed, is left out.
        """
        end = self.provisional and replace(self.provisional, announced=None)
        stored = asdict(replace(self, announced=None, request=None, provisional=end))
        if self.request is not None:
            announcement = self.request.announcement
            stored["request"] = {
                **asdict(replace(self.request, announcement=None)),
                "announcement": announcement and announcement.as_dict(),
            }
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a placed call that was stored before a restart.

        Raises:
            KeyError, TypeError, ValueError: the data is not a valid stored call.
        """
        provisional = stored["provisional"]
        call = cls(
            **{
                **stored,
                "request": _read_request(stored["request"]),
                "provisional": provisional and _read_update(provisional),
            }
        )
        _validate(call)
        if call.request is not None and call.request.announcement is not None:
            call.announced = Announced.before(call.request.announcement)
        call.reached = CallState(call.reached)
        call.direction = call.direction and Direction(call.direction)
        # The answer to the request was lost with the restart.
        if call.is_requested and call.reached is CallState.PLACED:
            call.is_uncertain = True
            call.error = call.error or "Home Assistant stopped before the PBX responded"
        call.is_requested = False
        return call

    def redacted(self) -> dict[str, Any]:
        """Return the call redacted for diagnostics."""
        shown = {**self.as_dict(), "state": self.state}
        for name in ("caller", "callee", "answered_by"):
            shown[name] = mask_number(shown[name])
        shown["trunk"] = clean_text(shown["trunk"])
        del shown["provisional"], shown["request"]
        if self.request is not None:
            shown["request"] = self.request.redacted()
        return shown


def is_unanswered(
    reached: CallState, result: CallResult | None, *, is_unattended: bool
) -> bool:
    """Return whether a call that came in has ended, and no person answered it.

    An undetermined result does not count: a person may have answered.
    """
    if reached is CallState.CONNECTED or result in (None, CallResult.UNDETERMINED):
        return False
    return is_unattended or result is not CallResult.ANSWERED


def _read_request(stored: Mapping[str, Any]) -> CallRequest:
    """Return a stored request, without what its announcement says.

    Raises:
        TypeError: the data is not a stored request.
    """
    if not isinstance(stored, Mapping):
        raise TypeError("The stored call has no request")
    announcement = stored.get("announcement")
    return CallRequest(
        **{
            **stored,
            "announcement": announcement and Announcement.from_dict(announcement),
        }
    )


def _read_update(stored: Mapping[str, Any]) -> CallUpdate:
    """Return a stored provisional end."""
    update = CallUpdate(**stored)
    if update.state != CallState.ENDED:
        raise ValueError("The stored update does not end the call")
    return replace(
        update,
        state=CallState(update.state),
        source=Source(update.source),
        direction=update.direction and Direction(update.direction),
        result=CallResult(stored["result"]),
    )


def _validate(call: Call) -> None:
    """Validate a stored call, as the file may have been edited.

    Raises:
        TypeError, ValueError: the call cannot be tracked.
    """
    if call.result is not None:
        raise ValueError("The stored call has ended")
    if not all(isinstance(getattr(call, name), str) for name in _TEXT_FIELDS):
        raise TypeError("A text field of the stored call is not a string")
    times = [getattr(call, name) for name in _TIME_FIELDS]
    if call.request is not None:
        times += [call.request.timeout, call.request.call_limit or 0]
    if not all(map(math.isfinite, times)):
        raise ValueError("A time of the stored call is not finite")

"""What a PBX reports about calls and extensions, in terms that every kind shares."""

from dataclasses import dataclass
from enum import StrEnum
import math
from typing import NamedTuple


class CallState(StrEnum):
    """How far a call has come; a call never goes back."""

    PLACED = "placed"
    RINGING_CALLEE = "ringing_callee"
    CONNECTED = "connected"
    ENDED = "ended"

    def is_after(self, other: CallState) -> bool:
        """Return whether a call comes to this state later than to the other."""
        return _ORDER[self] > _ORDER[other]


_ORDER = {state: position for position, state in enumerate(CallState)}


class CallResult(StrEnum):
    """How a call ended, the best first.

    Where the legs of one call end differently, the one that came farthest says how
    the call ended: somebody talked, a phone rang to the end, somebody was there.
    Only then it counts that a phone was not there, or that nobody can say.
    """

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    FAILED = "failed"
    CALLER_UNREACHABLE = "caller_unreachable"
    UNDETERMINED = "undetermined"

    def is_better_than(self, other: CallResult) -> bool:
        """Return whether it counts more than another result of the same call."""
        return _RANKS[self] < _RANKS[other]


_RANKS = {result: rank for rank, result in enumerate(CallResult)}


class Direction(StrEnum):
    """Whether a call uses a trunk, and which way."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"


class Source(StrEnum):
    """Where an update comes from; shown in diagnostics."""

    EVENT = "event"
    REPORT = "report"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUpdate:
    """One fact about a call, of this integration or of anyone else.

    Attributes:
        state: how far the call has come by it.
        source: where it comes from. A report names the request of each call from
            here: what it says of a call without one is about somebody else's.
        call_id: how the PBX names the conversation; empty where it is not told.
        originated_call_id: how it names the request for the call; empty where it is
            not told, or where the call was not requested.
        direction: None where it is not told.
        caller: number of the party that calls, or is rung first; empty where it is
            withheld or not told.
        callee: number of the other party, likewise.
        trunk: name of the trunk that the call uses; or empty.
        answered_by: number of the extension that answered; or empty.
        result: how the call ended, with the state `ended`.
        is_provisional: whether a better result may follow within a moment, as of a
            ring group, of which each extension reports an end of its own.
        cause: why it ended, as a word of ITU-T Q.850 in snake_case, such as
            `call_rejected`; empty where it is not told.
        ring_time: seconds until the answer; None where it is not told.
        talk_time: seconds of conversation; None where it is not told.
        at: Unix time by our clock; None is now.
        began_at: when the conversation began, likewise; None where it is not told.
    """

    state: CallState
    source: Source = Source.EVENT
    call_id: str = ""
    originated_call_id: str = ""
    direction: Direction | None = None
    caller: str = ""
    callee: str = ""
    trunk: str = ""
    answered_by: str = ""
    result: CallResult | None = None
    is_provisional: bool = False
    cause: str = ""
    ring_time: float | None = None
    talk_time: float | None = None
    at: float | None = None
    began_at: float | None = None


class ExtensionState(StrEnum):
    """What the phone of an extension is doing."""

    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    PAUSED = "paused"
    OFFLINE = "offline"


class ExtensionUpdate(NamedTuple):
    """What the phone of an extension is doing.

    Attributes:
        number: of the extension.
        state: None where the PBX uses a word that is not known here.
        participant: number of the party at the other end; or empty.
        direction: of its call; None where it is not told.
    """

    number: str
    state: ExtensionState | None
    participant: str = ""
    direction: Direction | None = None


class VoicemailUpdate(NamedTuple):
    """A voice message was left, or could not be.

    Attributes:
        mailbox: number of the mailbox.
        caller: number of the party that left it; or empty.
        duration: seconds; None where it is not told.
        state: a word of the PBX in snake_case, such as `success`; or empty.
    """

    mailbox: str
    caller: str = ""
    duration: float | None = None
    state: str = ""


def seconds(value: object) -> float | None:
    """Return a duration in seconds; None for what is no finite number ≥ 0."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None

"""Updates that a PBX reports about calls, extensions and voicemail."""

from dataclasses import dataclass
from enum import StrEnum
import math
from typing import Final, NamedTuple

from .announcement import Announced


class CallState(StrEnum):
    """The state of a call; a call never returns to an earlier state."""

    PLACED = "placed"
    RINGING_CALLEE = "ringing_callee"
    CONNECTED = "connected"
    ENDED = "ended"

    def is_after(self, other: CallState) -> bool:
        """Return whether this state comes after another one."""
        return _ORDER[self] > _ORDER[other]


_ORDER = {state: position for position, state in enumerate(CallState)}


class CallResult(StrEnum):
    """The result of a call, ordered by precedence.

    If the legs of a call end with different results, the first of them in this order is
    the result of the call: a leg that was answered wins over one that rang, and one
    that rang over one that could not be reached.
    """

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    FAILED = "failed"
    CALLER_UNREACHABLE = "caller_unreachable"
    UNDETERMINED = "undetermined"

    def is_better_than(self, other: CallResult) -> bool:
        """Return whether this result takes precedence over another one of the call."""
        return _RANKS[self] < _RANKS[other]


_RANKS = {result: rank for rank, result in enumerate(CallResult)}


class Direction(StrEnum):
    """The direction of a call, as seen from the PBX."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"


class Source(StrEnum):
    """The source of an update; shown in diagnostics."""

    EVENT = "event"
    REPORT = "report"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUpdate:
    """One fact about a call, placed by this integration or not.

    Attributes:
        state: the state that the call has reached.
        source: where the update comes from. A report always contains the request id of
            a call that was placed by request; without it, the call was not.
        call_id: the PBX's id of the conversation; empty if unknown.
        originated_call_id: the PBX's id of the call request; empty if unknown, or if
            the call was not placed by request.
        direction: None if unknown.
        caller: number of the party that calls, or that rings first; empty if withheld
            or unknown.
        callee: number of the other party; empty if unknown.
        trunk: name of the trunk that the call uses; empty if none or unknown.
        answered_by: number of the extension that answered; empty if unknown.
        result: of the call, with the state `ended`.
        is_provisional: whether a better result may follow shortly: each extension of a
            ring group reports an end of its own.
        is_unattended: whether no person answered, but at most the dialplan itself, with
            an announcement, a menu or a mailbox.
        cause: why the call ended, as the name of an ITU-T Q.850 cause in snake_case,
            such as `call_rejected`; empty if unknown.
        ring_time: seconds until the call was answered; None if unknown.
        talk_time: seconds of conversation; None if unknown.
        at: Unix time by the local clock; None for now.
        began_at: Unix time at which the conversation began, by the local clock; None if
            unknown.
        announced: what came of an announcement so far; None if there is none, or no
            news.
        is_caller_gone: whether the caller has hung up, or can no longer be connected.
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
    is_unattended: bool = False
    cause: str = ""
    ring_time: float | None = None
    talk_time: float | None = None
    at: float | None = None
    began_at: float | None = None
    announced: Announced | None = None
    is_caller_gone: bool = False


class ExtensionState(StrEnum):
    """The state of an extension."""

    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    PAUSED = "paused"
    OFFLINE = "offline"


class ExtensionUpdate(NamedTuple):
    """A new state of an extension.

    Attributes:
        number: of the extension.
        state: None if the PBX reports a state that is not supported.
        participant: number of the remote party; empty if unknown.
        direction: of the call; None if unknown.
    """

    number: str
    state: ExtensionState | None
    participant: str = ""
    direction: Direction | None = None


class Side(StrEnum):
    """A party of a call: the one that rings first, or the one it is connected to.

    The person who hears an announcement is the `CALLER` here, and the party that they
    are connected to afterward is the `CALLEE`.
    """

    CALLER = "caller"
    CALLEE = "callee"


class KeyUpdate(NamedTuple):
    """A key was pressed while two parties talk.

    Attributes:
        originated_call_id: the PBX's id of the call request.
        digit: the key, one of ``0-9*#A-D``.
        side: who has pressed it.
    """

    originated_call_id: str
    digit: str
    side: Side


class VoicemailUpdate(NamedTuple):
    """A voice message was left, or leaving it failed.

    Attributes:
        mailbox: number of the mailbox.
        caller: number of the party that left it; empty if unknown.
        duration: seconds; None if unknown.
        state: the PBX's own word in snake_case, such as `success`; empty if unknown.
    """

    mailbox: str
    caller: str = ""
    duration: float | None = None
    state: str = ""


# What PBXs report in place of a number that is withheld or unknown. SIP has the first
# one (RFC 3261, 8.1.1.3), which an Asterisk passes on.
_WITHHELD: Final = frozenset(
    {"anonymous", "private", "restricted", "unavailable", "unknown", "withheld"}
)


def known_number(text: str) -> str:
    """Return a number that a PBX reports; empty if it is withheld or unknown."""
    return "" if text.strip().casefold() in _WITHHELD else text


def seconds(value: object) -> float | None:
    """Return a duration in seconds; None if it is not a finite number ≥ 0."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


class Received(NamedTuple):
    """What came of a request that a PBX sent to the webhook.

    Attributes:
        name: of the event in lowercase letters, such as `PING`; empty for any other.
        answer: the JSON object that a question is answered with; None for an event.
    """

    name: str
    answer: dict[str, str] | None = None

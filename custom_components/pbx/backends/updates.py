"""What a PBX can tell about calls, in words that every kind of PBX shares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
import math


class CallState(StrEnum):
    """How far a call has come; a call never goes back."""

    PLACED = "placed"
    RINGING_CALLEE = "ringing_callee"
    CONNECTED = "connected"
    ENDED = "ended"

    def is_after(self, other: CallState) -> bool:
        """Tell whether a call comes to this state later than to the other."""
        return _ORDER[self] > _ORDER[other]


_ORDER = {state: position for position, state in enumerate(CallState)}


class CallResult(StrEnum):
    """What came of a call that has ended, the best first.

    Where the legs of one call end differently, the one that came farthest says
    what came of the call: somebody talked, a phone rang to the end, somebody was
    there. Only then it counts that a phone was not there, or that nobody can say.
    """

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    FAILED = "failed"
    CALLER_UNREACHABLE = "caller_unreachable"
    UNDETERMINED = "undetermined"

    def is_better_than(self, other: CallResult) -> bool:
        """Tell whether it counts more than another result of the same call."""
        return _RANKS[self] < _RANKS[other]


_RANKS = {result: rank for rank, result in enumerate(CallResult)}


class EvidenceSource(StrEnum):
    """Where a fact about a call comes from."""

    EVENT = "event"
    REPORT = "report"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvidence:
    """One fact about a call, from outside.

    Attributes:
        source: where it comes from.
        state: how far the call has come by it.
        originated_call_id: of the call; empty where the PBX leaves it out.
        caller: the party that was rung first; empty where it is not told.
        callee: the other party, likewise.
        conversation_id: what the PBX calls the conversation, which other
            evidence about it may tell, too; empty where it is not told.
        result: what came of the call, with the state `ended`.
        cause: why it ended, as a word of ITU-T Q.850 in snake_case, such as
            `call_rejected`; empty where it is not told.
        ring_time: seconds until the answer; None where it is not told.
        talk_time: seconds of conversation; None where it is not told.
        occurred_at: Unix time by the PBX's clock; None where it is not told.
        began_at: when the conversation began, likewise.
        is_provisional: whether a better end of the same call may follow it.
    """

    source: EvidenceSource
    state: CallState
    originated_call_id: str = ""
    caller: str = ""
    callee: str = ""
    conversation_id: str = ""
    result: CallResult | None = None
    cause: str = ""
    ring_time: float | None = None
    talk_time: float | None = None
    occurred_at: float | None = None
    # The one is told by the conversation's id, the other is no fact about the call.
    began_at: float | None = field(default=None, compare=False)
    is_provisional: bool = field(default=False, compare=False)


def best_first(evidence: Iterable[CallEvidence]) -> list[CallEvidence]:
    """Return evidence with the best end of each call before its others."""
    calls: dict[str, list[CallEvidence]] = {}
    for each in evidence:
        calls.setdefault(each.originated_call_id, []).append(each)
    return [each for ends in calls.values() for each in sorted(ends, key=_rank)]


def _rank(evidence: CallEvidence) -> int:
    return len(_RANKS) if evidence.result is None else _RANKS[evidence.result]


class PbxEventType(StrEnum):
    """What an event of a PBX is about."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    ENDED = "ended"
    VOICEMAIL = "voicemail"
    EXTENSION_STATE = "extension_state"
    PONG = "pong"
    OTHER = "other"


CALL_EVENTS = (
    PbxEventType.INCOMING,
    PbxEventType.OUTGOING,
    PbxEventType.ENDED,
    PbxEventType.VOICEMAIL,
)
"""Those about calls, of all phones of the PBX, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxEvent:
    """One event that a PBX sent.

    Attributes:
        type: what it is about.
        attributes: what it carries, for people; keys are snake_case words,
            what the PBX left out or left empty is not there.
        evidence: what it says about an originated call, if anything.
    """

    type: PbxEventType
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    evidence: CallEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """A page of a PBX's call report.

    Attributes:
        evidence: what its rows say about originated calls.
        cursor: where the next page begins.
        is_last: whether there is nothing after it for now.
        others: what its rows say about calls that nobody originated.
    """

    evidence: Sequence[CallEvidence]
    cursor: str
    is_last: bool
    others: Sequence[CallEvidence] = ()


def seconds(value: object) -> float | None:
    """Return a duration in seconds; None for what is no finite number ≥ 0."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None

"""The result of ringing a phone to show whether calls can be placed."""

from enum import StrEnum
from typing import NamedTuple


class RingOutcome(StrEnum):
    """What ringing a phone has shown; each value is the key of a translated text."""

    WORKS = "ring_works"
    NO_ANSWER = "ring_no_answer"
    BUSY = "ring_busy"
    DECLINED = "ring_declined"
    UNREACHABLE = "ring_unreachable"
    NO_ENDPOINT = "ring_no_endpoint"
    NO_EXTENSION = "ring_no_extension"
    FAILED = "ring_failed"
    FIRST_NOT_ANSWERED = "ring_first_not_answered"
    SECOND_NOT_ANSWERED = "ring_second_not_answered"
    UNDETERMINED = "ring_undetermined"


class RingResult(NamedTuple):
    """The result of ringing a phone.

    Attributes:
        outcome: what was found.
        detail: channel that was rung, with its number, or the cause of a failure.
    """

    outcome: RingOutcome
    detail: str = ""

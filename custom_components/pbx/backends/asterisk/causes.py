"""Hangup causes and dial statuses of channels, and the results that they stand for.

Source: ITU-T Q.850, as far as Asterisk uses it (`causes.h`), and its `Dial` events.
"""

from collections.abc import Collection
from typing import Final

from ..updates import CallResult

UNKNOWN_CAUSE: Final = 0
NORMAL_CLEARING: Final = 16
NO_ANSWER: Final = 19
ANSWERED_ELSEWHERE: Final = 26

_CAUSE_NAMES: Final = {
    0: "unknown",
    1: "unallocated_number",
    2: "no_route_to_transit_network",
    3: "no_route_to_destination",
    16: "normal_clearing",
    17: "user_busy",
    18: "no_user_response",
    19: "no_answer",
    20: "subscriber_absent",
    21: "call_rejected",
    22: "number_changed",
    23: "redirected_to_new_destination",
    26: "answered_elsewhere",
    27: "destination_out_of_order",
    28: "invalid_number_format",
    29: "facility_rejected",
    31: "normal_unspecified",
    34: "congestion",
    38: "network_out_of_order",
    41: "temporary_failure",
    42: "switch_congestion",
    44: "channel_not_available",
    50: "facility_not_subscribed",
    52: "outgoing_call_barred",
    54: "incoming_call_barred",
    58: "bearer_capability_not_available",
    66: "channel_not_implemented",
    88: "incompatible_destination",
    102: "timeout",
    111: "protocol_error",
    127: "interworking",
}

# Causes of a leg that was not answered; with any other cause it failed.
_NOT_ANSWERED: Final = frozenset({0, 16, 18, 19, 20, 31, 102})
_REFUSALS: Final = {17: CallResult.BUSY, 21: CallResult.DECLINED}
# Results of calls without a callee: the cause of the dialplan's `Hangup`.
_DIALPLAN_RESULTS: Final = {
    **_REFUSALS,
    NORMAL_CLEARING: CallResult.ANSWERED,
    18: CallResult.NO_ANSWER,
    NO_ANSWER: CallResult.NO_ANSWER,
    20: CallResult.NO_ANSWER,
}

# The dial status of a channel that was answered.
ANSWER: Final = "ANSWER"
STILL_RINGING: Final = frozenset({"", "RINGING", "PROGRESS", "PROCEEDING"})
# Asterisk also uses this status for other results: the hangup cause is more specific.
NOT_ANSWERED: Final = "NOANSWER"
# Results by dial status; with any other status, the leg failed.
_RESULTS: Final = {
    ANSWER: CallResult.ANSWERED,
    "CANCEL": CallResult.NO_ANSWER,
    "BUSY": CallResult.BUSY,
    # Still ringing when the caller hung up, or when the call was hung up.
    **dict.fromkeys(STILL_RINGING, CallResult.NO_ANSWER),
}
# If several phones were dialed, the first of these results counts.
_BEST_FIRST: Final = (
    CallResult.ANSWERED,
    CallResult.NO_ANSWER,
    CallResult.BUSY,
    CallResult.DECLINED,
)


def result_of_dial(status: str, cause: int) -> CallResult:
    """Return the result for a callee, by the dial status and the hangup cause."""
    if status == NOT_ANSWERED:
        return result_of_callee(cause)
    return _RESULTS.get(status, CallResult.FAILED)


def best_of(results: Collection[CallResult]) -> CallResult:
    """Return the result of a call in which several phones were dialed."""
    return next((each for each in _BEST_FIRST if each in results), CallResult.FAILED)


def result_of_callee(cause: int) -> CallResult:
    """Return the result for a callee who has not answered."""
    usual = CallResult.NO_ANSWER if cause in _NOT_ANSWERED else CallResult.FAILED
    return _REFUSALS.get(cause, usual)


def result_of_dialplan(cause: int) -> CallResult:
    """Return the result of a call for which the dialplan dialed no callee."""
    return _DIALPLAN_RESULTS.get(cause, CallResult.FAILED)


def cause_name(cause: int) -> str:
    """Return the name of a cause, such as ``cause_99`` for an unknown cause."""
    return _CAUSE_NAMES.get(cause, f"cause_{cause}")

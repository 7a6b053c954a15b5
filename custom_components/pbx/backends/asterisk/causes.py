"""Why a channel was hung up.

Source: ITU-T Q.850, as far as Asterisk uses it (`causes.h`).
"""

from typing import Final

NORMAL_CLEARING: Final = 16

_WORDS: Final = {
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


def cause_word(cause: int) -> str:
    """Return a cause as a word; one that has no name here by its number."""
    return _WORDS.get(cause, f"cause_{cause}")

"""Tests of the result of a call that has ended, by what its legs have reported."""

from typing import Any

import pytest

from custom_components.pbx.backends.announcement import Announcement
from custom_components.pbx.backends.asterisk.leg import Leg
from custom_components.pbx.backends.asterisk.leg_result import cause_of, result_of
from custom_components.pbx.backends.updates import CallResult

from .scene import CALLEE, OURS, request

ANSWERED, NO_ANSWER = CallResult.ANSWERED, CallResult.NO_ANSWER
BUSY, DECLINED, FAILED = CallResult.BUSY, CallResult.DECLINED, CallResult.FAILED
UNREACHABLE = CallResult.CALLER_UNREACHABLE
UP = 1_795_485_600.0
ANOTHER = "pbx-1.2"


def first_leg(fields: dict[str, Any]) -> Leg:
    """Return the first leg of a call of this integration."""
    return Leg(**{"id": OURS, "request": request(), **fields})


@pytest.mark.parametrize(
    ("fields", "cause", "result"),
    [
        # A callee has answered, or was dialed.
        ({"is_answered": True, "dialed": {CALLEE: "BUSY"}}, 17, ANSWERED),
        ({"dialed": {CALLEE: "BUSY"}}, 16, BUSY),
        ({"dialed": {CALLEE: "NOANSWER"}}, 21, DECLINED),
        ({"dialed": {CALLEE: "NOANSWER"}, "causes": {CALLEE: 19}}, 21, NO_ANSWER),
        ({"dialed": {CALLEE: "NOANSWER", ANOTHER: "BUSY"}}, 21, NO_ANSWER),
        ({"dialed": {CALLEE: "CHANUNAVAIL", ANOTHER: "BUSY"}}, 20, BUSY),
        # The caller did not answer.
        ({}, 19, UNREACHABLE),
        ({"request": None}, 19, NO_ANSWER),
        ({"request": None}, 17, BUSY),
        ({"request": request(held_call="ha-0")}, 21, DECLINED),
        # The dialplan itself has answered, or refused.
        ({"up_since": UP, "is_hung_up": True}, 0, ANSWERED),
        ({"up_since": UP}, 16, ANSWERED),
        ({"up_since": UP}, 17, BUSY),
        ({"up_since": UP}, 0, FAILED),
        # The phone was answered in our application, and not connected.
        ({"up_since": UP, "is_waiting": True, "is_hung_up": True}, 16, NO_ANSWER),
        ({"up_since": UP, "is_waiting": True}, 16, FAILED),
        (
            {"up_since": UP, "is_waiting": True, "request": request(is_signal=True)},
            16,
            ANSWERED,
        ),
        # Another phone of the group was answered first.
        ({"is_waiting": True}, 26, NO_ANSWER),
        ({"is_waiting": True, "is_late": True}, 0, NO_ANSWER),
        ({"is_waiting": True, "is_late": True, "up_since": UP}, 16, NO_ANSWER),
        ({"is_waiting": True, "is_late": True}, 17, UNREACHABLE),
    ],
)
def test_result(fields: dict[str, Any], cause: int, result: CallResult) -> None:
    """The result is that of the callees, as far as there are any."""
    assert result_of(first_leg(fields), cause) is result


@pytest.mark.parametrize(
    ("fields", "cause", "result"),
    [
        ({"up_since": UP}, 17, ANSWERED),
        ({"up_since": UP, "dialed": {CALLEE: "BUSY"}}, 16, ANSWERED),
        ({}, 17, BUSY),
        ({}, 23, FAILED),
        ({"has_rung": True}, 0, NO_ANSWER),
        ({"is_waiting": True}, 26, NO_ANSWER),
        ({"is_late": True}, 0, NO_ANSWER),
    ],
)
def test_announcement(fields: dict[str, Any], cause: int, result: CallResult) -> None:
    """The person who is called is the callee, whoever is connected afterward."""
    asked = request(announcement=Announcement(connect_to="552"))

    assert result_of(first_leg({"request": asked, **fields}), cause) is result


@pytest.mark.parametrize(
    ("fields", "cause", "inferred"),
    [
        ({}, 0, 0),
        ({"is_hung_up": True}, 0, 16),
        ({"is_hung_up": True}, 17, 17),
        ({"has_rung": True}, 0, 19),
        ({"has_rung": True, "up_since": UP}, 0, 0),
        ({"is_waiting": True}, 26, 26),
        ({"is_late": True, "up_since": UP}, 16, 26),
        ({"is_late": True}, 0, 26),
        ({"is_late": True}, 17, 17),
    ],
)
def test_cause(fields: dict[str, Any], cause: int, inferred: int) -> None:
    """An unknown cause is inferred from what was reported before."""
    assert cause_of(first_leg(fields), cause) == inferred

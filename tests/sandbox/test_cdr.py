"""What the PBX says about a call that has ended."""

from typing import Any

import pytest

from sandbox import EventPush, ReportStyle, SandboxCall
from sandbox.cdr import event_fields, row

from .helpers import START

ZONE = "Asia/Tehran"
# Every field that the documents' sample rows have in common.
DOCUMENTED = {
    "_id",
    "type",
    "cuid",
    "clid",
    "src",
    "dst",
    "dcontext",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "accountcode",
    "uniqueid",
    "userfield",
    "sequence",
    "comment",
    "wait",
    "starttime",
    "endtime",
    "record",
}


def _call(**changes: Any) -> SandboxCall:  # noqa: ANN401 - any field
    call = SandboxCall(
        id="orig.call.1686648400.787335",
        unique_id="1686648400.7",
        caller="557",
        callee="09120",
        started=START,
        type="outgoing",
        point="main_trunk",
        caller_id="021",
        context="main_routing",
    )
    call.result = "answered"
    call.second_leg, call.answered, call.ended = START + 2, START + 5, START + 70
    for name, value in changes.items():
        setattr(call, name, value)
    return call


def _row(call: SandboxCall, **style: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return row("64883750" + "0" * 16, 3, call, ReportStyle(**style), ZONE)


def test_the_row_of_an_answered_call() -> None:
    """All documented fields, numbers as text, Jalali dates but for the answer's."""
    fields = _row(_call())
    assert fields.keys() >= DOCUMENTED | {"originated_call_id", "outgoing_point"}
    assert all(isinstance(value, str) for value in fields.values())
    assert fields["comment"] == "originated call: orig.call.1686648400.787335"
    assert fields["originated_call_id"] == "orig.call.1686648400.787335"
    assert fields["clid"] == '"" <021>'
    assert fields["start"] == "1402-03-23 12:56:40"
    assert fields["starttime"] == "1402-03-23 12:56:42"
    assert fields["answer"] == "2023-06-13 12:56:45"
    assert fields["endtime"] == "1402-03-23 12:57:50"
    assert (fields["wait"], fields["billsec"]) == ("3", "65")
    assert (fields["duration"], fields["billsec_hhmmss"]) == ("68", "00:01:05")
    assert fields["record"] == "20230613_1686648400.7.mp3"
    assert fields["dstchannel"] == "SIP/09120-00000007"
    assert (fields["ANSWERED"], fields["outgoing"]) == ("1", "1")


def test_the_row_of_a_caller_never_reached() -> None:
    """It is marked as the documents have it."""
    call = _call(result="caller_unreachable", second_leg=None, answered=None)
    fields = _row(call)
    assert fields["channel"] == "OutgoingSpoolFailed"
    assert fields["disposition"] == "FAILED"
    assert (fields["type"], fields["dstchannel"], fields["answer"]) == ("local", "", "")
    assert (fields["lastapp"], fields["record"]) == ("Hangup", "")
    assert fields.keys() >= DOCUMENTED


def test_a_second_leg_that_could_not_be_built_has_no_channel() -> None:
    """Unlike the first."""
    fields = _row(_call(result="failed", answered=None))
    assert fields["channel"] == "SIP/557-00000007"
    assert (fields["dstchannel"], fields["lastdata"]) == ("", "")


@pytest.mark.parametrize(
    ("dates", "start"),
    [
        ("gregorian", "2023-06-13 12:56:40"),
        ("mongo", {"$date": {"$numberLong": "1686648400000"}}),
    ],
)
def test_other_dates(dates: str, start: object) -> None:
    """In every date field alike."""
    fields = _row(_call(), dates=dates)
    assert fields["start"] == start
    assert isinstance(fields["answer"], type(start))


def test_numbers_as_numbers() -> None:
    """As the samples have them."""
    fields = _row(_call(), numbers="numbers")
    assert (fields["billsec"], fields["wait"], fields["v"]) == (65, 3, 2)
    assert fields["sequence"] == "3"


def test_incoming_call() -> None:
    """It has an entry point and no originated call."""
    fields = _row(_call(type="incoming"))
    assert fields["entry_point"] == "main_trunk"
    assert fields["comment"] == ""
    assert "originated_call_id" not in fields
    push = EventPush(url="http://x")
    assert event_fields(_call(type="incoming"), push, ZONE)["outgoing_point"] == ""


def test_the_event() -> None:
    """The event has the same content in its own format."""
    fields = event_fields(_call(), EventPush(url="http://x"), ZONE)
    assert fields["starttime"] == "2023-06-13 12:56:42"
    assert fields["disposition"] == "ANSWERED"
    assert (fields["wait"], fields["billsec"], fields["duration"]) == (3, 65, 68)
    assert fields["outgoing_point"] == "main_trunk"
    push = EventPush(url="http://x", values="title", dates="jalali")
    fields = event_fields(_call(result="no_answer"), push, ZONE)
    assert fields["disposition"] == "No Answered"
    assert fields["starttime"] == "1402-03-23 12:56:42"


def test_a_call_without_an_end() -> None:
    """It is shown as one that failed at once."""
    fields = _row(_call(result=None, ended=None, answered=None, second_leg=None))
    assert fields["disposition"] == "FAILED"
    assert fields["endtime"] == fields["start"]

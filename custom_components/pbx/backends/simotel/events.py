"""The events that a Simotel sends, in words that every kind of PBX shares.

Source: Simotel's v4 documents of its Event API, one page for each event. They
vary in the case and the spelling of names and values; all of it is taken.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from ..updates import CallEvidence, PbxEvent, PbxEventType
from .evidence import (
    call_result,
    evidence_of_cdr,
    evidence_of_new_state,
    evidence_of_outgoing_call,
)
from .fields import Fields, folded, snake_case

type Attribute = Literal[
    # About calls. The PBX's own id of the conversation, and the id that an
    # originate request was answered with.
    "unique_id",
    "originated_call_id",
    # The only number that an event tells: who calls in, or who is called.
    "number",
    # The two parties, where an event tells both.
    "caller",
    "callee",
    # incoming, outgoing, local, feature; of a phone: incoming, outgoing.
    "direction",
    # The line to the telephone network.
    "trunk",
    # A word of `CallResult`, or else the PBX's own as one word.
    "result",
    # Seconds: of all, of ringing, of conversation.
    "duration",
    "ring_time",
    "talk_time",
    # A recording's file name.
    "recording",
    # What somebody said of a call, as a number, and the survey's name.
    "rating",
    "survey",
    # A voicemail's box.
    "mailbox",
    # Of a phone: idle, ringing, in_use, paused or offline; of a voicemail:
    # success or failed; or else the PBX's own as one word.
    "state",
    # Whose phone it is, and who is on the other end of its call.
    "extension",
    "participant",
    # What the PBX has to say about it.
    "message",
]
"""What an event may carry; what is counted or measured is a number."""

type _Reader = Callable[[Fields], str | float | None]
type _Readers = dict[Attribute, _Reader]


def _text(*names: str) -> _Reader:
    return lambda fields: fields.text(*names)


def _number(*names: str) -> _Reader:
    return lambda fields: fields.seconds(*names)


def _word(words: Mapping[str, str], *names: str) -> _Reader:
    """Read a word that is one of ours, or else as the PBX has it."""

    def read(fields: Fields) -> str:
        word = fields.text(*names)
        return words.get(folded(word), snake_case(word))

    return read


def _result(fields: Fields) -> str:
    return str(call_result(fields) or snake_case(fields.text("disposition")))


_EXTENSION_STATE: Final = _word(
    # "unavailable" is Home Assistant's own word, for what it cannot know.
    {"inuse": "in_use", "pause": "paused", "unavailable": "offline"},
    "state",
)
_UNIQUE_ID: Final[_Readers] = {"unique_id": _text("unique_id", "cuid")}
_CALL: Final[_Readers] = _UNIQUE_ID | {
    "originated_call_id": _text("originated_call_id")
}
_ENDED: Final[_Readers] = {
    **_CALL,
    "caller": _text("src"),
    "callee": _text("dst"),
    "result": _result,
    "duration": _number("duration"),
    "ring_time": _number("wait"),
    "talk_time": _number("billsec"),
    "recording": _text("record"),
    "direction": _word({}, "type"),
    "trunk": _text("entry_point", "outgoing_point"),
    "rating": _number("poll_point"),
    # Spelt like that in the table.
    "survey": _text("poll_label", "poll_lable"),
}

# By the name without case and punctuation.
_EVENTS: Final[Mapping[str, tuple[PbxEventType, _Readers]]] = {
    "incomingcall": (
        PbxEventType.INCOMING,
        {**_CALL, "number": _text("number"), "trunk": _text("entry_point")},
    ),
    "outgoingcall": (
        PbxEventType.OUTGOING,
        {
            **_CALL,
            "number": _text("number"),
            # The table names the one, the sample the other.
            "trunk": _text("outgoing_point", "entry_point"),
        },
    ),
    "cdr": (PbxEventType.ENDED, _ENDED),
    # It tells of the same call as a `Cdr`, or alone of one that has gone to a queue.
    "cdrqueue": (PbxEventType.ENDED, _ENDED),
    "voicemail": (
        PbxEventType.VOICEMAIL,
        {
            **_UNIQUE_ID,
            "mailbox": _text("number"),
            "caller": _text("caller"),
            "state": _word({}, "state"),
            "duration": _number("duration"),
            "recording": _text("filename"),
            "message": _text("message"),
        },
    ),
    "newstate": (
        PbxEventType.EXTENSION_STATE,
        {
            **_CALL,
            "extension": _text("exten", "number"),
            "state": _EXTENSION_STATE,
            "participant": _text("participant"),
            "direction": _word({"in": "incoming", "out": "outgoing"}, "direction"),
        },
    ),
    "ping": (PbxEventType.PONG, {}),
}


_EVIDENCE: Final[Mapping[str, Callable[[Fields], CallEvidence | None]]] = {
    "outgoingcall": evidence_of_outgoing_call,
    "newstate": evidence_of_new_state,
    "cdr": evidence_of_cdr,
    "cdrqueue": evidence_of_cdr,
}


# A contact center's, or of the PBX's own affairs: nothing is read from them.
_UNREAD: Final = frozenset(
    {
        "autodialerreport",
        "extenadded",
        "extenremoved",
        "incomingfax",
        "outgoingfax",
        "reservedcallinfront",
        "survey",
        "transfer",
        "trunkadded",
        "trunknewstate",
        "trunkremoved",
    }
)


def parse_event(values: Mapping[str, object]) -> PbxEvent | None:
    """Return an event of Simotel's Event API; never raises.

    Args:
        values: the query's parameters, the form's fields or the JSON object.

    Returns:
        None for an event that nobody here knows.
    """
    fields = Fields(values)
    names = [folded(fields.text(key)) for key in ("event_name", "event")]
    name = next((name for name in names if name in _EVENTS), None)
    if name is None:
        is_known = not _UNREAD.isdisjoint(names)
        return PbxEvent(type=PbxEventType.OTHER) if is_known else None
    event_type, readers = _EVENTS[name]
    attributes: dict[str, str | float] = {}
    for attribute, read in readers.items():
        if (value := read(fields)) not in {None, ""}:
            attributes[attribute] = value
    find_evidence = _EVIDENCE.get(name)
    return PbxEvent(
        type=event_type,
        attributes=attributes,
        evidence=find_evidence(fields) if find_evidence else None,
    )

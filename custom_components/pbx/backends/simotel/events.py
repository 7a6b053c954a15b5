"""The events that a Simotel sends, and what the rows of its report have in common.

Source: Simotel's v4 documents of its Event API, one page for each event, and of
``/reports/cdr/ordered/id``. They vary in the case and the spelling of names and
values; all of it is taken.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..base import PING
from ..updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
    Source,
    VoicemailUpdate,
)
from .fields import Fields, conversation_time, folded, snake_case

# The channel of a call whose caller was never reached, and the destination that
# Asterisk then goes on with.
_NO_CHANNEL: Final = "outgoingspoolfailed"
_NO_DESTINATION: Final = "failed"

# By the word without case, blanks and punctuation.
_RESULTS: Final = {
    "answer": CallResult.ANSWERED,
    "answered": CallResult.ANSWERED,
    "noanswer": CallResult.NO_ANSWER,
    "noanswered": CallResult.NO_ANSWER,
    "notanswered": CallResult.NO_ANSWER,
    "busy": CallResult.BUSY,
    "failed": CallResult.FAILED,
    "congestion": CallResult.FAILED,
}
# Parts of further words, of which nobody has written down a list.
_PARTS: Final = {
    "cancel": CallResult.NO_ANSWER,
    "reject": CallResult.DECLINED,
    "declin": CallResult.DECLINED,
}
_DIRECTIONS: Final = {
    "incoming": Direction.INCOMING,
    "in": Direction.INCOMING,
    "outgoing": Direction.OUTGOING,
    "out": Direction.OUTGOING,
    "local": Direction.INTERNAL,
    "feature": Direction.INTERNAL,
}
_STATES: Final = {
    "idle": ExtensionState.IDLE,
    "ringing": ExtensionState.RINGING,
    "inuse": ExtensionState.IN_USE,
    "pause": ExtensionState.PAUSED,
    "unavailable": ExtensionState.OFFLINE,
}


class Event(NamedTuple):
    """One event, and what it says.

    Attributes:
        name: in lowercase letters; empty for one that is not known here.
        unique_id: of the conversation, or the message; or empty.
    """

    name: str = ""
    call: CallUpdate | None = None
    extension: ExtensionUpdate | None = None
    voicemail: VoicemailUpdate | None = None
    unique_id: str = ""


def parse_event(values: Mapping[str, object]) -> Event:
    """Return an event of Simotel's Event API. Never raises.

    Args:
        values: the query's parameters, the form's fields or the JSON object.
    """
    fields = Fields(values)
    names = [folded(fields.text(key)) for key in ("event_name", "event")]
    if read := next((name for name in names if name in _EVENTS), ""):
        return _EVENTS[read](fields)._replace(name=read, unique_id=_call_id(fields))
    return Event(name=next((name for name in names if name in _UNREAD), ""))


def end_of_call(
    fields: Fields, source: Source, originated_call_id: str, at: float | None = None
) -> CallUpdate | None:
    """Return the end of a call, by the `Cdr` event or by a row of the report.

    Args:
        fields: of either.
        source: which of the two it is.
        originated_call_id: of the call; empty where it is not told.
        at: Unix time by the PBX's clock, where it is known.

    Returns:
        None where nothing says which call it is about.
    """
    result = call_result(fields)
    caller, callee = fields.text("src"), fields.text("dst")
    if folded(callee) == _NO_DESTINATION:
        caller = callee = ""
    call_id = _call_id(fields)
    if not (originated_call_id or call_id or (caller and callee)):
        return None
    return CallUpdate(
        state=CallState.ENDED,
        source=source,
        call_id=call_id,
        originated_call_id=originated_call_id,
        direction=_DIRECTIONS.get(folded(fields.text("type"))),
        caller=caller,
        callee=callee,
        trunk=fields.text("entry_point", "outgoing_point"),
        result=result,
        # Each phone of a ring group reports an end of its own.
        is_provisional=source is Source.EVENT and result is not CallResult.ANSWERED,
        ring_time=fields.seconds("wait"),
        talk_time=fields.seconds("billsec"),
        at=at,
        began_at=conversation_time(call_id),
    )


def call_result(fields: Fields) -> CallResult:
    """Return how a call ended; undetermined by a word that is not known here.

    The disposition is believed, whatever the seconds say: a busy call has been
    seen with a second of conversation. A caller who was not reached has been
    seen as `FAILED` and as `NO ANSWER`.
    """
    if (
        folded(fields.text("channel")) == _NO_CHANNEL
        or folded(fields.text("dst")) == _NO_DESTINATION
    ):
        return CallResult.CALLER_UNREACHABLE
    word = folded(fields.text("disposition"))
    by_part = (result for part, result in _PARTS.items() if part in word)
    return _RESULTS.get(word) or next(by_part, CallResult.UNDETERMINED)


def _incoming(fields: Fields) -> Event:
    return Event(
        call=CallUpdate(
            state=CallState.PLACED,
            call_id=_call_id(fields),
            originated_call_id=fields.text("originated_call_id"),
            direction=Direction.INCOMING,
            caller=fields.text("number"),
            trunk=fields.text("entry_point"),
        )
    )


def _outgoing(fields: Fields) -> Event:
    """Read an `OutgoingCall` event: of a call from here, its caller has answered."""
    originated_call_id = fields.text("originated_call_id")
    state = CallState.RINGING_CALLEE if originated_call_id else CallState.PLACED
    return Event(
        call=CallUpdate(
            state=state,
            call_id=_call_id(fields),
            originated_call_id=originated_call_id,
            direction=Direction.OUTGOING,
            callee=fields.text("number"),
            # The table names the one, the sample the other.
            trunk=fields.text("outgoing_point", "entry_point"),
        )
    )


def _ended(fields: Fields) -> Event:
    call_id = fields.text("originated_call_id")
    return Event(call=end_of_call(fields, Source.EVENT, call_id))


def _voicemail(fields: Fields) -> Event:
    return Event(
        voicemail=VoicemailUpdate(
            mailbox=fields.text("number"),
            caller=fields.text("caller"),
            duration=fields.seconds("duration"),
            state=snake_case(fields.text("state")),
        )
    )


def _new_state(fields: Fields) -> Event:
    """Read a `NewState` event: what a phone is doing, and perhaps with whom."""
    number, participant = fields.text("exten", "number"), fields.text("participant")
    state = _STATES.get(folded(fields.text("state")))
    direction = _DIRECTIONS.get(folded(fields.text("direction")))
    extension = ExtensionUpdate(number, state, participant, direction)
    # A phone that calls is in use before anybody answers it.
    talks = state is ExtensionState.IN_USE and direction is not Direction.OUTGOING
    call = None
    if talks and number and participant:
        call = CallUpdate(
            state=CallState.CONNECTED,
            call_id=_call_id(fields),
            originated_call_id=fields.text("originated_call_id"),
            caller=participant,
            callee=number,
            answered_by=number,
            began_at=conversation_time(_call_id(fields)),
        )
    return Event(call=call, extension=extension if number else None)


def _ping(_fields: Fields) -> Event:
    return Event()


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

# By the name without case and punctuation.
_EVENTS: Final[Mapping[str, Callable[[Fields], Event]]] = {
    "incomingcall": _incoming,
    "outgoingcall": _outgoing,
    "cdr": _ended,
    # Of a call through a queue; the same call as the `Cdr` tells of.
    "cdrqueue": _ended,
    "voicemail": _voicemail,
    "newstate": _new_state,
    PING: _ping,
}


def _call_id(fields: Fields) -> str:
    """Return the id of the conversation, under either of its names."""
    return fields.text("unique_id", "cuid")

"""Parse the events of Simotel's Event API, and the ends of calls in its CDR report.

Source: Simotel's v4 documents of its Event API, one page for each event, and of
``/reports/cdr/ordered/id``. Names and values vary in case and spelling; all variants
are accepted.
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
    known_number,
)
from .fields import Fields, conversation_time, fold_name, snake_case

# The channel of a call whose caller was unreachable, and the destination with which
# Asterisk then continues.
_FAILED_CHANNEL: Final = "outgoingspoolfailed"
_FAILED_DESTINATION: Final = "failed"

# By the disposition in lowercase, without spaces and punctuation.
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
# By a part of the disposition, for dispositions that are not documented.
_RESULT_STEMS: Final = {
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
    """A parsed event.

    Attributes:
        name: in lowercase letters; empty for an unknown event.
        call: the update of a call that the event contains, if any.
        extension: the update of an extension that the event contains, if any.
        voicemail: the voice message that the event reports, if any.
        unique_id: of the conversation or the message; empty if unknown.
    """

    name: str = ""
    call: CallUpdate | None = None
    extension: ExtensionUpdate | None = None
    voicemail: VoicemailUpdate | None = None
    unique_id: str = ""


def parse_event(values: Mapping[str, object]) -> Event:
    """Parse an event of Simotel's Event API. Never raises.

    Args:
        values: the query parameters, the form fields or the JSON object.
    """
    fields = Fields(values)
    names = [fold_name(fields.text(key)) for key in ("event_name", "event")]
    if read := next((name for name in names if name in _EVENTS), ""):
        return _EVENTS[read](fields)._replace(name=read, unique_id=_call_id(fields))
    return Event(name=next((name for name in names if name in _IGNORED), ""))


def parse_call_end(
    fields: Fields, source: Source, originated_call_id: str, at: float | None = None
) -> CallUpdate | None:
    """Parse the end of a call from a `Cdr` event or a row of the report.

    Args:
        fields: of the event or the row.
        source: which of the two it is.
        originated_call_id: the id of the call request; empty if unknown.
        at: Unix time by the PBX's clock; None if unknown.

    Returns:
        None if the call cannot be identified.
    """
    result = call_result(fields)
    direction = _DIRECTIONS.get(fold_name(fields.text("type")))
    is_incoming = direction is Direction.INCOMING and not originated_call_id
    caller, callee = fields.text("src"), fields.text("dst")
    if fold_name(callee) == _FAILED_DESTINATION:
        caller = callee = ""
    call_id = _call_id(fields)
    if not (originated_call_id or call_id or (caller and callee)):
        return None
    return CallUpdate(
        state=CallState.ENDED,
        source=source,
        call_id=call_id,
        originated_call_id=originated_call_id,
        direction=direction,
        caller=known_number(caller),
        callee=callee,
        trunk=fields.text("entry_point", "outgoing_point"),
        result=result,
        # Each phone of a ring group reports its own end, and a mailbox that has
        # answered is reported by an event of its own.
        is_provisional=is_incoming
        or (source is Source.EVENT and result is not CallResult.ANSWERED),
        ring_time=fields.seconds("wait"),
        talk_time=fields.seconds("billsec"),
        at=at,
        began_at=conversation_time(call_id),
    )


def call_result(fields: Fields) -> CallResult:
    """Return the result of a call; undetermined for an unknown disposition.

    The disposition takes precedence over the talk time: a busy call has been observed
    with one second of conversation. The disposition of an unreachable caller has been
    observed as `FAILED` and as `NO ANSWER`.
    """
    if (
        fold_name(fields.text("channel")) == _FAILED_CHANNEL
        or fold_name(fields.text("dst")) == _FAILED_DESTINATION
    ):
        return CallResult.CALLER_UNREACHABLE
    word = fold_name(fields.text("disposition"))
    by_part = (result for part, result in _RESULT_STEMS.items() if part in word)
    return _RESULTS.get(word) or next(by_part, CallResult.UNDETERMINED)


def _incoming(fields: Fields) -> Event:
    return Event(
        call=CallUpdate(
            state=CallState.PLACED,
            call_id=_call_id(fields),
            originated_call_id=fields.text("originated_call_id"),
            direction=Direction.INCOMING,
            caller=known_number(fields.text("number")),
            trunk=fields.text("entry_point"),
        )
    )


def _outgoing(fields: Fields) -> Event:
    """Parse `OutgoingCall`. If the call was requested, its caller has answered."""
    originated_call_id = fields.text("originated_call_id")
    state = CallState.RINGING_CALLEE if originated_call_id else CallState.PLACED
    return Event(
        call=CallUpdate(
            state=state,
            call_id=_call_id(fields),
            originated_call_id=originated_call_id,
            direction=Direction.OUTGOING,
            callee=fields.text("number"),
            # The table in the documents has the first name, the sample the second.
            trunk=fields.text("outgoing_point", "entry_point"),
        )
    )


def _ended(fields: Fields) -> Event:
    call_id = fields.text("originated_call_id")
    return Event(call=parse_call_end(fields, Source.EVENT, call_id))


def _voicemail(fields: Fields) -> Event:
    """Parse `VoiceMail`: a mailbox has answered, even if no message was left."""
    call_id = _call_id(fields)
    call = CallUpdate(state=CallState.PLACED, call_id=call_id, is_unattended=True)
    return Event(
        call=call if call_id else None,
        voicemail=VoicemailUpdate(
            mailbox=fields.text("number"),
            caller=known_number(fields.text("caller")),
            duration=fields.seconds("duration"),
            state=snake_case(fields.text("state")),
        ),
    )


def _new_state(fields: Fields) -> Event:
    """Parse `NewState`: the state of an extension, and possibly its participant."""
    number, other = fields.text("exten", "number"), fields.text("participant")
    participant = known_number(other)
    state = _STATES.get(fold_name(fields.text("state")))
    direction = _DIRECTIONS.get(fold_name(fields.text("direction")))
    extension = ExtensionUpdate(number, state, participant, direction)
    # The phone of a caller is in use before the call is answered.
    is_talking = state is ExtensionState.IN_USE and direction is not Direction.OUTGOING
    call = None
    if is_talking and number and other:
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


# Known events that are not used: of contact centers, or about the PBX itself.
_IGNORED: Final = frozenset(
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

# By the event's name in lowercase, without punctuation.
_EVENTS: Final[Mapping[str, Callable[[Fields], Event]]] = {
    "incomingcall": _incoming,
    "outgoingcall": _outgoing,
    "cdr": _ended,
    # Of a call through a queue, which a `Cdr` reports as well.
    "cdrqueue": _ended,
    "voicemail": _voicemail,
    "newstate": _new_state,
    PING: _ping,
}


def _call_id(fields: Fields) -> str:
    """Return the id of the conversation, which has two possible field names."""
    return fields.text("unique_id", "cuid")

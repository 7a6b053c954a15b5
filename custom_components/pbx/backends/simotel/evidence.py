"""What a Simotel's events and rows say about originated calls.

Source: Simotel's v4 documents of the events `OutgoingCall`, `NewState` and
`Cdr`, and of ``/reports/cdr/ordered/id``.
"""

from dataclasses import replace

from ..updates import CallEvidence, CallResult, CallState, EvidenceSource
from .fields import Fields, folded
from .times import conversation_time

# The channel of a call whose caller was never reached, and the destination
# that Asterisk then goes on with.
_NO_CHANNEL = "outgoingspoolfailed"
_NO_DESTINATION = "failed"

# By the word without case, blanks and punctuation.
_RESULTS = {
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
_PARTS = {
    "cancel": CallResult.NO_ANSWER,
    "reject": CallResult.DECLINED,
    "declin": CallResult.DECLINED,
}


def call_result(fields: Fields) -> CallResult | None:
    """Return what came of a call; None for a word that nobody here knows.

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
    parts = (result for part, result in _PARTS.items() if part in word)
    return _RESULTS.get(word) or next(parts, None)


def evidence_of_end(
    fields: Fields,
    source: EvidenceSource,
    originated_call_id: str,
    occurred_at: float | None = None,
) -> CallEvidence | None:
    """Return the end of a call as evidence; of no call that could be found, None.

    A row or a `Cdr` is an end, also where its word for it is none that is known.

    Args:
        fields: of the `Cdr` event or the row.
        source: which of the two it is.
        originated_call_id: of the call; empty where it is not told.
        occurred_at: Unix time by the PBX's clock, where it is known.
    """
    result = call_result(fields) or CallResult.UNDETERMINED
    caller, callee = _parties(fields.text("src"), fields.text("dst"))
    if not originated_call_id and not caller:
        return None
    return CallEvidence(
        source=source,
        state=CallState.ENDED,
        originated_call_id=originated_call_id,
        caller=caller,
        callee=callee,
        conversation_id=_conversation(fields),
        result=result,
        ring_time=fields.seconds("wait"),
        talk_time=fields.seconds("billsec"),
        occurred_at=occurred_at,
    )


def evidence_of_cdr(fields: Fields) -> CallEvidence | None:
    """Read a `Cdr` event; a call from outside is nobody's who is waited for.

    Unless it has the id of one that was asked for, whatever its type. Of a group of
    phones each may have its own, the one that answered as well.
    """
    call_id = fields.text("originated_call_id")
    if not call_id and folded(fields.text("type")) == "incoming":
        return None
    end = evidence_of_end(fields, EvidenceSource.EVENT, call_id)
    return end and replace(
        end,
        is_provisional=end.result is not CallResult.ANSWERED,
        began_at=conversation_time(end.conversation_id),
    )


def evidence_of_outgoing_call(fields: Fields) -> CallEvidence | None:
    """Read an `OutgoingCall` event: the caller has answered."""
    if not (call_id := fields.text("originated_call_id")):
        # It tells one number only, which anybody may have called.
        return None
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.RINGING_CALLEE,
        originated_call_id=call_id,
        conversation_id=_conversation(fields),
    )


def evidence_of_new_state(fields: Fields) -> CallEvidence | None:
    """Read a `NewState` event: the callee is on the phone with the caller."""
    if folded(fields.text("state")) != "inuse":
        return None
    # A phone that calls is in use before anybody answers it.
    if folded(fields.text("direction")) in {"out", "outgoing"}:
        return None
    caller, callee = _parties(fields.text("participant"), fields.text("exten"))
    if not caller:
        return None
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.CONNECTED,
        originated_call_id=fields.text("originated_call_id"),
        caller=caller,
        callee=callee,
        conversation_id=_conversation(fields),
        began_at=conversation_time(_conversation(fields)),
    )


def _conversation(fields: Fields) -> str:
    """Return the id of the conversation, under either of its names."""
    return fields.text("unique_id") or fields.text("cuid")


def _parties(caller: str, callee: str) -> tuple[str, str]:
    """Return two numbers by which a call can be found: both, or neither."""
    if not caller or not callee or folded(callee) == _NO_DESTINATION:
        return "", ""
    return caller, callee

"""Updates of announcements: about the person who is called, whatever the PBX reports.

For Simotel, an announcement is a call of the person to the number that leads to the
boxes. Its events and its report name that number, and may have a call without an answer
whose sound was heard.
"""

from dataclasses import replace
from typing import Final

from ..base import CallRequest
from ..updates import CallResult, CallState, CallUpdate, Source
from .script import Script

_DIGITS: Final = frozenset("0123456789*#")


def is_same_number(number: str, other: str) -> bool:
    """Return whether two numbers may be one, as events lose zeros and plus signs."""
    return bool(number) and _as_reported(number) == _as_reported(other)


def other_party(update: CallUpdate, number: str) -> str | None:
    """Return the party beside a number; None if the number is none of them."""
    if is_same_number(update.callee, number):
        return update.caller
    if is_same_number(update.caller, number):
        return update.callee
    return None


def connected(script: Script) -> CallUpdate:
    """Return the update of a call in which a box has asked."""
    return CallUpdate(
        state=CallState.CONNECTED,
        originated_call_id=script.call_id,
        call_id=script.unique_id,
        trunk=script.request.trunk_name or "",
        ring_time=_seconds(script.placed_at, script.said_at),
        at=script.said_at,
        announced=script.announced,
    )


def overdue(script: Script, now: float) -> CallUpdate:
    """Return the end of a call of which no report has come."""
    script.note_end(script.key_at or script.said_at or now)
    return CallUpdate(
        state=CallState.ENDED,
        source=Source.DEADLINE,
        originated_call_id=script.call_id,
        call_id=script.unique_id,
        result=CallResult.ANSWERED,
        talk_time=_talk_time(script) if script.is_talk_time_known else None,
        announced=script.announced,
    )


def about_person(script: Script, update: CallUpdate, now: float) -> CallUpdate | None:
    """Return an update of an announcement as one about the person.

    A request of a box proves that the person has answered, and nothing else does.

    Args:
        script: of the announcement.
        update: as the PBX reports it, by the local clock.
        now: Unix time.

    Returns:
        None if it says nothing.
    """
    if update.state is CallState.ENDED:
        return _end(script, update, now)
    if update.state is CallState.CONNECTED and is_second_party(script, update):
        script.note_second_party()
        return connected(script)
    if not update.call_id:
        return None
    return CallUpdate(
        state=CallState.PLACED,
        source=update.source,
        originated_call_id=script.call_id,
        call_id=update.call_id,
    )


def about_unknown_person(
    update: CallUpdate, person: str, request: CallRequest | None
) -> CallUpdate | None:
    """Return an update of an announcement of which no more is known than the person.

    Args:
        update: as the PBX reports it.
        person: the party beside the number of the announcements.
        request: of a call whose id may be this one, as the answer to it was lost.
    """
    if update.state is not CallState.ENDED:
        return None
    return replace(
        update,
        # The numbers of the request, by which the call is found.
        caller="" if request is None else request.caller,
        callee=person if request is None else request.callee,
        trunk="",
        result=_result(update),
    )


def _end(script: Script, update: CallUpdate, now: float) -> CallUpdate:
    is_named = update.result is not None
    script.reported_result = update.result.value if update.result else None
    ended = replace(
        update,
        originated_call_id=script.call_id,
        direction=None,
        caller="",
        callee=script.person,
        trunk="",
        answered_by="",
    )
    if script.said_at is None or not is_named:
        return replace(ended, result=_result(update))
    if script.ended_at is None:
        script.note_end(max(update.at or now, script.said_at))
    is_answer = update.result is CallResult.ANSWERED
    return replace(
        ended,
        result=CallResult.ANSWERED,
        # The last keys may be on their way.
        is_provisional=script.awaits_key_box,
        is_unattended=False,
        # Of the boxes, which do not ring.
        ring_time=None,
        talk_time=(is_answer and update.talk_time) or _talk_time(script),
        announced=script.announced,
    )


def _result(update: CallUpdate) -> CallResult | None:
    """Return the result for the person, who is the caller for the PBX."""
    is_unreachable = update.result is CallResult.CALLER_UNREACHABLE
    return CallResult.NO_ANSWER if is_unreachable else update.result


def is_second_party(script: Script, update: CallUpdate) -> bool:
    """Return whether an update is about the person and their second party."""
    number = script.announcement.connect_to
    return (
        script.is_connecting
        and number is not None
        and is_same_number(update.callee, number)
        and is_same_number(update.caller, script.person)
    )


def _talk_time(script: Script) -> float:
    return _seconds(script.said_at, script.ended_at)


def _seconds(since: float | None, until: float | None) -> float:
    """Return the seconds between two times that are known."""
    return round(max((until or 0) - (since or 0), 0), 1)


def _as_reported(number: str) -> str:
    return "".join(filter(_DIGITS.__contains__, number)).lstrip("0")

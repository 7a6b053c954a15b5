"""What Assist answers about calls: who called, and whether somebody did."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..backends.updates import Direction
from ..calls.call_query import find_rows
from ..calls.log_rows import LogRow, row_dict
from ..calls.manager import CallManager
from ..calls.permissions import async_get_user, is_log_public, may_read_calls
from ..const import CONF_DIRECTION, CONF_SINCE
from .answers import async_answer
from .contacts import VoiceContact

# How far back "who called?" looks, and how many callers it names.
_RECENT: Final = timedelta(days=1)
_NAMED: Final = 5


async def async_who_called(
    hass: HomeAssistant,
    language: str,
    managers: Sequence[CallManager],
    context: Context,
) -> str:
    """Answer who has called in the last day, the latest first, each once.

    Raises:
        UnknownUser: the user was removed.
    """
    readable = readable_by_voice(managers, await async_get_user(hass, context))
    if not readable:
        return await async_answer(hass, language, "calls_private")
    data = {
        CONF_DIRECTION: Direction.INCOMING,
        CONF_SINCE: dt_util.utcnow() - _RECENT,
    }
    said: dict[str, str] = {}
    for row, manager in find_rows(readable, data):
        if row.is_incoming and row.caller not in said:
            said[row.caller] = await _async_item(hass, language, manager, row)
        if len(said) == _NAMED:
            break
    if not said:
        return await async_answer(hass, language, "nobody_called")
    separator = "، " if language == "fa" else ", "
    calls = separator.join(said.values())
    return await async_answer(hass, language, "who_called", calls=calls)


async def async_did_call(
    hass: HomeAssistant,
    language: str,
    contacts: Sequence[VoiceContact],
    context: Context,
) -> str:
    """Answer when one of some contacts with one name has called last.

    Raises:
        UnknownUser: the user was removed.
    """
    user = await async_get_user(hass, context)
    readable = readable_by_voice([each.manager for each in contacts], user)
    if not readable:
        return await async_answer(hass, language, "calls_private")
    latest = _latest([each for each in contacts if each.manager in readable])
    name = contacts[0].name
    if latest is None:
        return await async_answer(hass, language, "did_not_call", name=name)
    key = "did_call_missed" if latest.is_missed else "did_call"
    time = _time(latest)
    return await async_answer(hass, language, key, name=name, time=time)


@callback
def readable_by_voice(
    managers: Sequence[CallManager], user: User | None
) -> list[CallManager]:
    """Return the PBXs whose calls a voice may read.

    Nobody knows who speaks to a voice device: without a user, a log that only
    administrators may read is not read to it.
    """
    unique = {manager.entry.entry_id: manager for manager in managers}
    return [
        each
        for each in unique.values()
        if (is_log_public(each) if user is None else may_read_calls(each, user))
    ]


def _latest(contacts: Sequence[VoiceContact]) -> LogRow | None:
    """Return the latest call that came in from one of some contacts."""
    found = []
    for each in contacts:
        book = each.manager.book
        theirs: dict[str, bool] = {"": False}
        for row in each.manager.log:
            if row.caller not in theirs:
                owner = book.owner_of(row.caller)
                is_same = owner and owner.subentry_id == each.contact.subentry_id
                theirs[row.caller] = bool(is_same)
            is_outgoing = row.is_placed or row.direction is Direction.OUTGOING
            if theirs[row.caller] and not is_outgoing:
                found.append(row)
                break
    return max(found, key=lambda row: row.began_at, default=None)


async def _async_item(
    hass: HomeAssistant, language: str, manager: CallManager, row: LogRow
) -> str:
    """Return who called, and when."""
    shown = row_dict(row, manager, None)
    name = shown["name"] or shown["number"]
    if name is None:
        name = await async_answer(hass, language, "withheld")
    key = "call_item_missed" if row.is_missed else "call_item"
    return await async_answer(hass, language, key, name=name, time=_time(row))


def _time(row: LogRow) -> str:
    """Return when a call began, with the date if that was not today."""
    at = dt_util.as_local(dt_util.utc_from_timestamp(row.began_at))
    is_today = at.date() == dt_util.now().date()
    return at.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")

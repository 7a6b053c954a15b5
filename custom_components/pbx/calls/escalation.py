"""Ringing people one after another until somebody answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..backends.base import CallRequest, PbxKind
from ..backends.updates import CallResult, CallState
from ..const import (
    CONF_CALLEE,
    CONF_CALLEE_CONTACTS,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACTS,
    CONF_CALLERS,
    CONF_INTERNAL_DIGITS,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
)
from ..errors import action_error, translated, user_error
from .call import Call
from .contacts import Contact
from .manager import CallManager
from .number import is_external
from .request import (
    as_caller,
    build_request,
    new_call_id,
    resolve_contact,
    with_contacts,
)
from .rules import Origin
from .tracker import GRACE

# Each list, and the field of a single call whose place its numbers take.
_LISTS: Final = {CONF_CALLEES: CONF_CALLEE, CONF_CALLERS: CONF_CALLER}

# Likewise, the list of contacts that stands beside each list of numbers.
CONTACT_LISTS: Final = {
    CONF_CALLEES: CONF_CALLEE_CONTACTS,
    CONF_CALLERS: CONF_CALLER_CONTACTS,
}

# What an attempt reports of its call, beside its own result.
_REPORTED: Final = ("caller_answered", "ring_time", "talk_time", "originated_call_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom to ring, and when to leave off.

    Attributes:
        tried: the list that the people stand in, `callees` or `callers`.
        requests: one complete request for each attempt, in order.
        names: of the contact that each attempt rings; None for a number.
        pause: seconds between two attempts.
    """

    tried: str
    requests: Sequence[CallRequest]
    names: Sequence[str | None]
    pause: float

    @property
    def until(self) -> CallState:
        """The state of a call that tells that the person has answered.

        Who is rung first has answered when the other side begins to ring.
        """
        if self.tried == CONF_CALLERS:
            return CallState.RINGING_CALLEE
        return CallState.CONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One person rung once.

    Attributes:
        number: of the person, as dialed.
        name: of the contact that it is; None for a number.
        until: the state of the call that tells that the person has answered.
        call: what became of it, for as long as it is followed; None where the
            PBX could not be asked for it, or a rule was against it.
        error: why it is not known to have been placed; or empty.
    """

    number: str
    name: str | None = None
    until: CallState
    call: Call | None = None
    error: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the person has answered, by all that is known by now."""
        if self.call is None:
            return False
        if self.until is CallState.RINGING_CALLEE:
            return self.call.caller_answered is True
        return (
            self.call.result is CallResult.ANSWERED
            or self.call.state is CallState.CONNECTED
        )

    @property
    def result(self) -> CallResult:
        """What came of ringing this person, whatever the other side did."""
        if self.is_answered:
            return CallResult.ANSWERED
        if self.call is None:
            return CallResult.FAILED
        return self.call.result or CallResult.UNDETERMINED

    def outcome(self) -> JsonObjectType:
        """Return what came of it, as the action tells it."""
        told = {} if self.call is None else self.call.outcome()
        outcome: JsonObjectType = {
            "number": self.number,
            "contact": self.name,
            "result": self.result,
        }
        outcome |= {name: told.get(name) for name in _REPORTED}
        return outcome | {"error": self.error} if self.error else outcome


def build_escalation(
    hass: HomeAssistant, manager: CallManager, data: Mapping[str, Any]
) -> Escalation:
    """Return the escalation that an action asks for, complete to the last number.

    Contacts in a list are rung before its numbers.

    Args:
        hass: Home Assistant.
        manager: of the PBX.
        data: of the action, checked by its schema.

    Raises:
        ServiceValidationError: something is missing, too much, or is not a number.
    """
    fields, options = with_contacts(hass, manager, data)
    given = [name for name, many in CONTACT_LISTS.items() if {name, many} & data.keys()]
    if len(given) != 1:
        raise user_error("one_list")
    (tried,) = given
    single = _LISTS[tried]
    if single in fields:
        raise user_error("list_and_single", many=tried, one=single)
    # A caller has a default. What is missing as a callee is no number.
    fields = {CONF_CALLEE: "", **fields}
    people = [
        resolve_contact(hass, manager, name)
        for name in data.get(CONTACT_LISTS[tried], ())
    ]
    request = partial(_request, manager.kind, single, fields, options)
    once = [
        request(person.number, _settings(person, single, options)) for person in people
    ]
    once += [request(number, {}) for number in data.get(tried, ())]
    names = [person.name for person in people]
    nobody = [None] * (len(once) - len(names))
    return Escalation(
        tried=tried,
        requests=once * data[CONF_ROUNDS],
        names=[*names, *nobody] * data[CONF_ROUNDS],
        pause=data[CONF_PAUSE],
    )


def _request(  # noqa: PLR0913, PLR0917 - the first four are the same for all
    kind: PbxKind,
    single: str,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    number: str | int,
    settings: Mapping[str, Any],
) -> CallRequest:
    """Return the request that rings one person.

    One trunk for a whole list is meant for those whom it reaches: as a default, it
    goes along for external callers only.
    """
    fields = {**data, single: number}
    trunk = {}
    if CONF_TRUNK_NAME in fields:
        trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}
    built = build_request(fields, {**options, **settings, **trunk}, kind)
    internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    if single == CONF_CALLEE and is_external(built.callee, internal_digits):
        return build_request({**fields, **trunk}, {**options, **settings}, kind)
    return built


def _settings(
    contact: Contact, single: str, options: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what a contact brings along, as callee or as caller."""
    if single == CONF_CALLEE:
        return contact.overrides
    return as_caller(contact, options)


async def async_escalate(
    manager: CallManager, escalation: Escalation, origin: Origin
) -> list[Attempt]:
    """Ring one person after another until somebody answers.

    Whoever cancels it ends it: nobody further is rung, a call that is on goes on.

    Raises:
        ServiceValidationError: one of the numbers may not be dialed.
        HomeAssistantError: the PBX is not loaded or was removed meanwhile, or Home
            Assistant is stopping. That is not the same as that nobody answered.
    """
    # Nobody is rung of whom nobody could take notice.
    await manager.link.wait_for_backend()
    if manager.is_over:
        raise action_error("stopping")
    manager.guard.check_numbers(escalation.requests, origin)
    # Its own rounds are no reason to refuse it.
    origin = replace(origin, began=dt_util.utcnow().timestamp())
    attempts: list[Attempt] = []
    for request, name in zip(escalation.requests, escalation.names, strict=True):
        if attempts and not _is_answered(attempts):
            await manager.pause(escalation.pause)
        # One that was given up may have turned out well in the pause.
        if _is_answered(attempts):
            break
        attempt = await _async_attempt(manager, escalation, request, origin)
        attempts.append(replace(attempt, name=name))
    return attempts


def _is_answered(attempts: Sequence[Attempt]) -> bool:
    return any(attempt.is_answered for attempt in attempts)


def summary(attempts: Sequence[Attempt]) -> JsonObjectType:
    """Return what came of an escalation, as the action reports it."""
    answered = next((attempt for attempt in attempts if attempt.is_answered), None)
    return {
        "answered_by": None if answered is None else answered.number,
        "answered_by_contact": None if answered is None else answered.name,
        "attempts": [attempt.outcome() for attempt in attempts],
    }


async def _async_attempt(
    manager: CallManager, escalation: Escalation, request: CallRequest, origin: Origin
) -> Attempt:
    """Ring one person; return when they have answered, or will not anymore."""
    tries_callers = escalation.tried == CONF_CALLERS
    number = request.caller if tries_callers else request.callee
    until = escalation.until
    # Each attempt is a call of its own.
    request = replace(request, call_id=new_call_id())
    try:
        call, error = await manager.attempt(request, origin)
    except HomeAssistantError as err:
        if manager.is_over:
            raise
        return Attempt(number=number, until=until, error=str(err))
    # After a lost answer, too: a phone may be ringing, and another one must not
    # ring beside it.
    with suppress(TimeoutError):
        async with asyncio.timeout(_patience(request)):
            await manager.wait(call, until)
    reason = str(translated(HomeAssistantError, error, manager)) if error else ""
    return Attempt(number=number, until=until, call=call, error=reason)


def _patience(request: CallRequest) -> float:
    """Return the seconds after which an attempt is given up without any update.

    Each party may ring for the whole timeout. The talk counts for callers, too:
    where the PBX reports nothing but the end, only then it shows that they had
    answered. Without a limit of the talk nobody can wait for its end.
    """
    return 2 * request.timeout + (request.call_limit or 0) + GRACE

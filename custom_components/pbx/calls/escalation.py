"""Ringing people one after another until somebody answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..backends.base import CallRequest
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
from ..errors import action_error, translated_error, user_error
from .call import Call
from .contacts import Contact
from .given import given_number, given_reference
from .manager import CallManager
from .number import InvalidNumberError, is_external, parse_number
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
class Entry:
    """One person in the list.

    Attributes:
        number: as it is dialed; None where there is none.
        name: of the contact that it is; None for a number.
        request: the complete request that rings them; None where there is a fault.
        fault: why they cannot be rung.
    """

    number: str | None
    name: str | None = None
    request: CallRequest | None = None
    fault: ServiceValidationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom to ring, and when to leave off.

    Attributes:
        tried: the list that the people stand in, `callees` or `callers`.
        entries: the people, in order.
        rounds: how often to go through them.
        pause: seconds between two attempts.
    """

    tried: str
    entries: Sequence[Entry]
    rounds: int
    pause: float

    @property
    def until(self) -> CallState:
        """The state of a call that tells that the person has answered.

        Who is rung first has answered when the other side begins to ring.
        """
        if self.tried == CONF_CALLERS:
            return CallState.RINGING_CALLEE
        return CallState.CONNECTED

    @property
    def faults(self) -> list[str]:
        """Why some cannot be rung, in words."""
        return [str(each.fault) for each in self.entries if each.fault is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One person rung once.

    Attributes:
        number: of the person, as dialed; None where there is none.
        name: of the contact that it is; None for a number.
        until: the state of the call that tells that the person has answered.
        call: what became of it, for as long as it is followed; None where the
            PBX could not be asked for it, or something was against it.
        error: why it is not known to have been placed; or empty.
    """

    number: str | None
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


def is_for_nobody(data: Mapping[str, Any]) -> bool:
    """Return whether an escalation has lists, and nobody in them."""
    names = (*CONTACT_LISTS, *CONTACT_LISTS.values())
    lists = [data[name] for name in names if name in data]
    return bool(lists) and not any(lists)


def build_escalation(
    hass: HomeAssistant, manager: CallManager, data: Mapping[str, Any], origin: Origin
) -> Escalation:
    """Return the escalation that an action asks for, checked to the last number.

    Contacts in a list are rung before its numbers. One that cannot be rung does not
    silence the others.

    Args:
        hass: Home Assistant.
        manager: of the PBX.
        data: of the action, as `given` returns them.
        origin: who asks.

    Raises:
        ServiceValidationError: something is missing or too much beside the list.
    """
    fields, options = with_contacts(hass, manager, data)
    given = [
        name
        for name, contacts in CONTACT_LISTS.items()
        if data.get(name) or data.get(contacts)
    ]
    if len(given) != 1:
        raise user_error("one_list")
    (tried,) = given
    single = _LISTS[tried]
    if single in fields:
        raise user_error("list_and_single", many=tried, one=single)
    # A caller has a default. What is missing as a callee is no number.
    fields = {CONF_CALLEE: "", **fields}
    build = _Builder(hass, manager, origin, tried, fields, options)
    entries = [build.contact(each) for each in data.get(CONTACT_LISTS[tried], ())]
    entries += [build.number(each) for each in data.get(tried, ())]
    return Escalation(
        tried=tried,
        entries=entries,
        rounds=data.get(CONF_ROUNDS, 1),
        pause=data.get(CONF_PAUSE, 0),
    )


@dataclass(frozen=True, slots=True)
class _Builder:
    """Makes requests of what stands in a list, by all that is the same for them."""

    hass: HomeAssistant
    manager: CallManager
    origin: Origin
    tried: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]

    def contact(self, given: object) -> Entry:
        """Return the entry of a contact."""
        try:
            reference = given_reference(CONTACT_LISTS[self.tried], given)
            contact = resolve_contact(self.hass, self.manager, reference)
        except ServiceValidationError as err:
            return Entry(number=None, fault=err)
        entry = Entry(number=contact.number, name=contact.name)
        return self._checked(entry, contact.number, self._settings(contact))

    def number(self, given: object) -> Entry:
        """Return the entry of a number."""
        entry = Entry(number=None)
        with suppress(InvalidNumberError):
            entry = Entry(number=parse_number(given if isinstance(given, str) else ""))
        return self._checked(entry, given, {})

    def _checked(
        self, entry: Entry, number: object, settings: Mapping[str, Any]
    ) -> Entry:
        """Return an entry with its request, or with what is against it."""
        try:
            request = self._request(given_number(self.tried, number), settings)
            self.manager.guard.check_numbers([request], self.origin)
        except ServiceValidationError as err:
            return replace(entry, fault=err)
        dialed = request.caller if self.tried == CONF_CALLERS else request.callee
        return replace(entry, number=dialed, request=request)

    def _request(self, number: str | int, settings: Mapping[str, Any]) -> CallRequest:
        """Return the request that rings one person.

        One trunk for a whole list is meant for those whom it reaches: as a default,
        it goes along for external callers only.
        """
        single, options, kind = _LISTS[self.tried], self.options, self.manager.kind
        fields, trunk = {**self.fields, single: number}, {}
        if CONF_TRUNK_NAME in fields:
            trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}
        built = build_request(fields, {**options, **settings, **trunk}, kind)
        internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
        if single == CONF_CALLEE and is_external(built.callee, internal_digits):
            return build_request({**fields, **trunk}, {**options, **settings}, kind)
        return built

    def _settings(self, contact: Contact) -> Mapping[str, Any]:
        """Return what a contact brings along, as callee or as caller."""
        if self.tried == CONF_CALLEES:
            return contact.overrides
        return as_caller(contact, self.options)


async def async_escalate(
    manager: CallManager, escalation: Escalation, origin: Origin
) -> list[Attempt]:
    """Ring one person after another until somebody answers.

    Whoever cancels it ends it: nobody further is rung, a call that is on goes on.

    Raises:
        ServiceValidationError: nobody in the list can be rung.
        HomeAssistantError: the PBX is not loaded or was removed meanwhile, or Home
            Assistant is stopping. That is not the same as that nobody answered.
    """
    _check_anybody(escalation.entries)
    # Nobody is rung of whom nobody could take notice.
    await manager.link.wait_for_backend()
    if manager.is_over:
        raise action_error("stopping")
    # Its own rounds are no reason to refuse it.
    origin = replace(origin, began=dt_util.utcnow().timestamp())
    attempts: list[Attempt] = []
    has_rung = False
    for entry in [*escalation.entries] * escalation.rounds:
        # Nobody waits for the sake of one who is not rung.
        if has_rung and entry.request is not None and not _is_answered(attempts):
            await manager.pause(escalation.pause)
        # One that was given up may have turned out well in the pause.
        if _is_answered(attempts):
            break
        attempts.append(await _async_attempt(manager, escalation, entry, origin))
        has_rung |= entry.request is not None
    return attempts


def _check_anybody(entries: Sequence[Entry]) -> None:
    """Check that there is somebody to ring.

    Raises:
        ServiceValidationError: there is not, with all that is against it.
    """
    faults = {str(each.fault): each.fault for each in entries if each.fault}
    if not all(each.fault for each in entries):
        return
    if len(faults) > 1:
        raise user_error("nobody_to_ring", reasons="; ".join(faults))
    # What is wrong with all of them is wrong beside the list.
    raise next(iter(faults.values()))


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
    manager: CallManager, escalation: Escalation, entry: Entry, origin: Origin
) -> Attempt:
    """Ring one person; return when they have answered, or will not anymore."""
    until = escalation.until
    attempt = Attempt(number=entry.number, name=entry.name, until=until)
    if entry.request is None:
        return replace(attempt, error=str(entry.fault))
    # Each attempt is a call of its own.
    request = replace(entry.request, call_id=new_call_id())
    try:
        call, error = await manager.attempt(request, origin)
    except HomeAssistantError as err:
        if manager.is_over:
            raise
        return replace(attempt, error=str(err))
    # After a lost answer, too: a phone may be ringing, and another one must not
    # ring beside it.
    with suppress(TimeoutError):
        async with asyncio.timeout(_patience(request)):
            await manager.wait(call, until)
    reason = str(translated_error(HomeAssistantError, error, manager)) if error else ""
    return replace(attempt, call=call, error=reason)


def _patience(request: CallRequest) -> float:
    """Return the seconds after which an attempt is given up without any update.

    Each party may ring for the whole timeout. The talk counts for callers, too:
    where the PBX reports nothing but the end, only then it shows that they had
    answered. Without a limit of the talk nobody can wait for its end.
    """
    return 2 * request.timeout + (request.call_limit or 0) + GRACE

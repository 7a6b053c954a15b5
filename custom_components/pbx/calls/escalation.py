"""Ringing people one after another until somebody answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..backends.base import CallRequest, PbxClient
from ..backends.updates import CallResult, CallState
from ..const import (
    CONF_CALLEE,
    CONF_CALLER,
    CONF_INTERNAL_DIGITS,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
)
from ..coordinator import PbxConfigEntry
from ..errors import failed, invalid, translated
from .call import Call
from .contacts import Contact, as_caller
from .guard import BY_ITSELF, Asking, async_get_guard
from .manager import async_known_tracking
from .number import is_external
from .request import async_try_to_dial, build_request
from .stopping import async_until_stop
from .tracker import GRACE

CONF_CALLEES: Final = "callees"
CONF_CALLERS: Final = "callers"
CONF_CALLEE_CONTACTS: Final = "callee_contacts"
CONF_CALLER_CONTACTS: Final = "caller_contacts"
CONF_ROUNDS: Final = "rounds"
CONF_PAUSE: Final = "pause"

ROUNDS_RANGE: Final = (1, 10)
# Seconds. Who would wait for more than an hour has an automation for it.
PAUSE_RANGE: Final = (0, 3600)

# Seconds that a reload of the entry may take before an attempt is given up.
LOAD_TIMEOUT = 10

# Each list, and the field of a single call whose place its numbers take.
_LISTS = {CONF_CALLEES: CONF_CALLEE, CONF_CALLERS: CONF_CALLER}

# Likewise, the list of contacts that stands beside each list of numbers.
CONTACT_LISTS = {
    CONF_CALLEES: CONF_CALLEE_CONTACTS,
    CONF_CALLERS: CONF_CALLER_CONTACTS,
}

# What an attempt tells of its call, beside its own result.
_TOLD = ("caller_answered", "ring_time", "talk_time", "originated_call_id")


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
        number: of the person, as dialled.
        name: of the contact that it is; None for a number.
        until: the state of the call that tells that the person has answered.
        call: what became of it, for as long as it is followed; None where the
            PBX could not be asked for it, or a dialling rule was against it.
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
        outcome |= {name: told.get(name) for name in _TOLD}
        return outcome | {"error": self.error} if self.error else outcome


def build_escalation(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    contacts: Mapping[str, Sequence[Contact]],
    client: PbxClient,
) -> Escalation:
    """Return the escalation that an action asks for, complete to the last number.

    Args:
        data: of the action, checked by its schema.
        options: of the config entry, the call defaults.
        contacts: that are in the lists, which are rung before their numbers.
        client: of the PBX.

    Raises:
        ServiceValidationError: something is missing, too much, or no number.
    """
    given = [name for name in _LISTS if name in data or name in contacts]
    if len(given) != 1:
        raise invalid("one_list")
    (tried,) = given
    single = _LISTS[tried]
    if single in data:
        raise invalid("list_and_single", many=tried, one=single)
    # A caller has a default. What is missing as a callee is no number.
    fields = {CONF_CALLEE: "", **data}
    # One trunk for a whole list is meant for those whom it reaches: as a default, it
    # goes along for external callers only.
    trunk = {}
    if CONF_TRUNK_NAME in fields:
        trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}

    def request(number: str | int, settings: Mapping[str, Any]) -> CallRequest:
        entry = {**fields, single: number}
        built = build_request(entry, {**options, **settings, **trunk}, client)
        if single == CONF_CALLEE and is_external(built.callee, internal_digits):
            built = build_request({**entry, **trunk}, {**options, **settings}, client)
        return built

    internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    people = contacts.get(tried, ())
    once = [
        request(contact.number, _settings(contact, single, options))
        for contact in people
    ]
    once += [request(number, {}) for number in data.get(tried, ())]
    names = [contact.name for contact in people]
    nobody = [None] * (len(once) - len(names))
    return Escalation(
        tried=tried,
        requests=once * data[CONF_ROUNDS],
        names=[*names, *nobody] * data[CONF_ROUNDS],
        pause=data[CONF_PAUSE],
    )


def _settings(
    contact: Contact, single: str, options: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what a contact brings along, as callee or as caller."""
    if single == CONF_CALLEE:
        return contact.overrides
    return as_caller(contact, options)


async def async_escalate(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    escalation: Escalation,
    asking: Asking = BY_ITSELF,
) -> list[Attempt]:
    """Ring one person after another until somebody answers.

    Whoever cancels it ends it: nobody further is rung, a call that is on goes on.

    Raises:
        ServiceValidationError: one of the numbers may not be dialled.
        HomeAssistantError: the PBX was removed meanwhile, or Home Assistant is
            being stopped. That is not the same as that nobody answered.
    """
    guard = async_get_guard(hass, entry)
    await guard.async_check_numbers(escalation.requests, asking)
    # Its own rounds are no reason to refuse it.
    asking = replace(asking, began=dt_util.utcnow().timestamp())
    attempts: list[Attempt] = []
    tracking = async_known_tracking(hass, entry.entry_id)
    async with async_until_stop(hass):
        for request, name in zip(escalation.requests, escalation.names, strict=True):
            if attempts and not _is_answered(attempts):
                await tracking.async_pause(escalation.pause)
            # One that was given up may have turned out well in the pause.
            if _is_answered(attempts):
                break
            attempt = await _async_attempt(hass, entry, escalation, request, asking)
            attempts.append(replace(attempt, name=name))
    return attempts


def _is_answered(attempts: Sequence[Attempt]) -> bool:
    return any(attempt.is_answered for attempt in attempts)


def summary(attempts: Sequence[Attempt]) -> JsonObjectType:
    """Return what came of an escalation, as the action tells it."""
    answered = next((attempt for attempt in attempts if attempt.is_answered), None)
    return {
        "answered_by": None if answered is None else answered.number,
        "answered_by_contact": None if answered is None else answered.name,
        "attempts": [attempt.outcome() for attempt in attempts],
    }


async def _async_attempt(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    escalation: Escalation,
    request: CallRequest,
    asking: Asking,
) -> Attempt:
    """Ring one person; return when they have answered, or will not any more."""
    tries_callers = escalation.tried == CONF_CALLERS
    number = request.caller if tries_callers else request.callee
    until = escalation.until
    if not await _async_is_loaded(hass, entry):
        reason = str(failed("pbx_not_loaded", pbx=entry.title))
        return Attempt(number=number, until=until, error=reason)
    tracking = entry.runtime_data.tracking
    try:
        call, error = await async_try_to_dial(hass, entry, request, asking)
    except ServiceValidationError as err:
        return Attempt(number=number, until=until, error=str(err))
    # After a lost answer, too: a phone may be ringing, and another one must not
    # ring beside it.
    with suppress(TimeoutError):
        async with asyncio.timeout(_patience(request)):
            await tracking.async_wait(call, until)
    reason = str(translated(HomeAssistantError, error, entry.title)) if error else ""
    return Attempt(number=number, until=until, call=call, error=reason)


def _patience(request: CallRequest) -> float:
    """Return the seconds after which an attempt is given up without evidence.

    Each party may ring for the whole timeout. The talk counts for callers, too:
    where the PBX tells nothing but the end, only then it tells that they had
    answered. Without a limit of the talk nobody can wait for its end.
    """
    return 2 * request.timeout + (request.call_limit or 0) + GRACE


async def _async_is_loaded(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Tell whether the PBX can be asked; bear with a reload.

    Raises:
        HomeAssistantError: the PBX was removed.
    """
    changed = asyncio.Event()
    stop = entry.async_on_state_change(changed.set)
    try:
        async with asyncio.timeout(LOAD_TIMEOUT):
            while not _is_loaded(hass, entry):
                await changed.wait()
                changed.clear()
    except TimeoutError:
        return _is_loaded(hass, entry)
    finally:
        stop()
    return True


def _is_loaded(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    if hass.config_entries.async_get_entry(entry.entry_id) is None:
        raise failed("pbx_removed")
    return entry.state is ConfigEntryState.LOADED

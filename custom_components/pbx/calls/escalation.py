"""Call people one after another until one answers."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..backends.base import CallRequest
from ..backends.updates import CallResult, CallState
from ..const import CONF_CALLEE, CONF_CALLER
from ..errors import action_error, translated_error, user_error
from .call import Call
from .escalation_targets import Escalation, Target
from .manager import CallManager
from .people import ATTR_CALLEE_CONTACT, ATTR_CALLER_CONTACT, Names, parties
from .request import new_call_id
from .rules import CallOrigin
from .tracker import GRACE

# Fields of a call's outcome that an attempt reports in addition to its own.
_REPORTED: Final = ("caller_answered", "ring_time", "talk_time", "originated_call_id")
_PARTIES: Final = (CONF_CALLER, CONF_CALLEE, ATTR_CALLER_CONTACT, ATTR_CALLEE_CONTACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to one person of the list.

    Attributes:
        number: number as dialed; None if it is invalid.
        name: name of the contact; None for a number.
        parties: numbers and names of the caller and the callee; empty if the person
            cannot be called.
        answered_state: state of the call in which the person has answered.
        call: the call, which is updated while it is tracked; None if it was not
            requested.
        error: why the call may not have been placed; empty if it was.
    """

    number: str | None
    name: str | None = None
    parties: Names
    answered_state: CallState
    call: Call | None = None
    error: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the person has answered, as far as known."""
        if self.call is None:
            return False
        if self.answered_state is CallState.RINGING_CALLEE:
            return self.call.caller_answered is True
        return (
            self.call.result is CallResult.ANSWERED
            or self.call.state is CallState.CONNECTED
        )

    @property
    def result(self) -> CallResult:
        """Result for this person, regardless of the other party."""
        if self.is_answered:
            return CallResult.ANSWERED
        if self.call is None:
            return CallResult.FAILED
        return self.call.result or CallResult.UNDETERMINED

    def outcome(self) -> JsonObjectType:
        """Return the outcome as the action reports it."""
        call_outcome = {} if self.call is None else self.call.outcome()
        outcome: JsonObjectType = {
            "number": self.number,
            "contact": self.name,
            **dict.fromkeys(_PARTIES),
            **self.parties,
            "result": self.result,
        }
        outcome |= {name: call_outcome.get(name) for name in _REPORTED}
        return outcome | {"error": self.error} if self.error else outcome


async def async_escalate(
    manager: CallManager, escalation: Escalation, origin: CallOrigin
) -> list[Attempt]:
    """Call one person after another until one answers.

    If this is canceled, no further call is placed, but an active call continues.

    Raises:
        ServiceValidationError: no one in the list can be called.
        HomeAssistantError: the PBX is not loaded or was removed, or Home Assistant is
            stopping. No error is raised if no one answered.
    """
    _check_targets(escalation.targets)
    # Without a backend, an answer could not be detected.
    await manager.link.wait_for_backend()
    if manager.is_closing:
        raise action_error("stopping")
    # The calls of the escalation itself do not count for the cooldown.
    origin = replace(origin, escalation_began=dt_util.utcnow().timestamp())
    attempts: list[Attempt] = []
    has_rung = False
    for target in [*escalation.targets] * escalation.rounds:
        # There is no pause before a target that is not called.
        if has_rung and target.request is not None and not _is_answered(attempts):
            await manager.pause(escalation.pause)
        # An attempt that timed out may have been answered during the pause.
        if _is_answered(attempts):
            break
        attempts.append(await _async_attempt(manager, escalation, target, origin))
        has_rung |= target.request is not None
    return attempts


def _check_targets(targets: Sequence[Target]) -> None:
    """Check that at least one target can be called.

    Raises:
        ServiceValidationError: there is none; the error contains all reasons.
    """
    faults = {str(each.fault): each.fault for each in targets if each.fault}
    if not all(each.fault for each in targets):
        return
    if len(faults) > 1:
        raise user_error("nobody_to_ring", reasons="; ".join(faults))
    # A fault that all targets share usually has a cause outside the list.
    raise next(iter(faults.values()))


def _is_answered(attempts: Sequence[Attempt]) -> bool:
    return any(attempt.is_answered for attempt in attempts)


def summary(attempts: Sequence[Attempt]) -> JsonObjectType:
    """Return the outcome of an escalation as the action reports it."""
    answered = next((attempt for attempt in attempts if attempt.is_answered), None)
    return {
        "answered_by": None if answered is None else answered.number,
        "answered_by_contact": None if answered is None else answered.name,
        "attempts": [attempt.outcome() for attempt in attempts],
    }


async def _async_attempt(
    manager: CallManager, escalation: Escalation, target: Target, origin: CallOrigin
) -> Attempt:
    """Call one person and return when they answered or the call ended."""
    answered_state = escalation.answered_state
    attempt = Attempt(
        number=target.number,
        name=target.name,
        parties=parties(target.request, manager.book) if target.request else {},
        answered_state=answered_state,
    )
    if target.request is None:
        return replace(attempt, error=str(target.fault))
    # Each attempt is a separate call.
    request = replace(target.request, call_id=new_call_id())
    try:
        call, error = await manager.attempt(request, origin)
    except HomeAssistantError as err:
        if manager.is_closing:
            raise
        return replace(attempt, error=str(err))
    # Wait for an uncertain call, too: a phone may be ringing, and no other phone
    # should ring at the same time.
    with suppress(TimeoutError):
        async with asyncio.timeout(_attempt_timeout(request)):
            await manager.wait(call, answered_state)
    reason = str(translated_error(HomeAssistantError, error, manager)) if error else ""
    return replace(attempt, call=call, error=reason)


def _attempt_timeout(request: CallRequest) -> float:
    """Return the seconds after which an attempt times out.

    Each party may ring for the whole timeout. The talk time is included, as some PBXs
    only report the end of a call. A call without a limit may last too long to wait
    for its end.
    """
    return 2 * request.timeout + (request.call_limit or 0) + GRACE

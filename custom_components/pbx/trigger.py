"""Triggers: what happens to calls and extensions."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import Trigger
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .backends.updates import (
    CallResult,
    CallState,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from .base_trigger import CONF_RESULT, PbxTrigger, options_schema
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.manager import CallManager
from .calls.number import InvalidNumberError, parse_number
from .calls.people import describe, describe_extension
from .filters import parties
from .key_trigger import KeyPressedTrigger

CONF_DIRECTION: Final = "direction"
CONF_CAUSE: Final = "cause"

# Seconds after which a missed call is reported no more: the PBX may report old calls
# when Home Assistant starts.
MAX_MISSED_AGE: Final = 600

_DIRECTION = {
    vol.Optional(CONF_DIRECTION): vol.All(
        cv.ensure_list, [vol.All(vol.Coerce(Direction), str)]
    )
}
_RESULT = {
    vol.Optional(CONF_RESULT): vol.All(
        cv.ensure_list, [vol.All(vol.Coerce(CallResult), str)]
    )
}
_CAUSE = {vol.Optional(CONF_CAUSE): vol.All(cv.ensure_list, [str])}


class _CallTrigger(PbxTrigger):
    """A call has come to a state.

    Variables, beneath `trigger`: `Call.details`, and those of `people.describe`.
    """

    _state: ClassVar[CallState]

    @callback
    @override
    def _payload(
        self, manager: CallManager, change: Change
    ) -> Mapping[str, Any] | None:
        if not isinstance(change, CallChanged) or change.state is not self._state:
            return None
        call = change.call
        if not (self._filter.is_about(manager) and self._fits(call)):
            return None
        self._report_missing()
        if not (
            self._has(CONF_DIRECTION, call.direction)
            and self._has(CONF_CAUSE, call.cause)
            and self._has(CONF_RESULT, call.result)
            and self._filter.matches(manager, self._numbers(call), parties(call))
        ):
            return None
        return {
            **call.details(change.state),
            **describe(self._hass, call, manager.book),
        }

    def _fits(self, call: Call) -> bool:
        """Return whether it is about calls of this kind."""
        raise NotImplementedError

    def _numbers(self, call: Call) -> Sequence[str]:
        """Return the numbers that the option *Number* is compared with."""
        return parties(call)


class CallEndedTrigger(_CallTrigger):
    """A call that was placed from here has ended.

    A call that the PBX refused never existed: the action reports it, not this.

    Options:
        direction: one or several of `Direction`; without it, all.
        result: one or several of `CallResult`; without it, all.
        cause: one or several words of `CallUpdate.cause`; without it, all.
    """

    _schema = options_schema(_DIRECTION, _RESULT, _CAUSE)
    _state = CallState.ENDED
    _reason = "end of a call"

    @override
    def _fits(self, call: Call) -> bool:
        return call.request is not None


class _CallerTrigger(_CallTrigger):
    """A call from outside, whose number is the caller's."""

    @override
    def _numbers(self, call: Call) -> Sequence[str]:
        return [call.caller]


class IncomingCallTrigger(_CallerTrigger):
    """A call comes in from outside, as the PBX reports it."""

    _schema = options_schema()
    _state = CallState.PLACED
    _reason = "incoming call"

    @override
    def _fits(self, call: Call) -> bool:
        return call.is_incoming


class MissedCallTrigger(_CallerTrigger):
    """A call came in, and no person answered it.

    The tracker reports the end of such a call a few seconds after its last update.

    Options:
        cause: one or several words of `CallUpdate.cause`; without it, all.
    """

    _schema = options_schema(_CAUSE)
    _state = CallState.ENDED
    _reason = "missed call"

    @override
    def _fits(self, call: Call) -> bool:
        age = dt_util.utcnow().timestamp() - (call.ended_at or 0)
        return call.is_missed and age <= MAX_MISSED_AGE


class CallConnectedTrigger(_CallTrigger):
    """The two parties of a call talk.

    Options:
        direction: one or several of `Direction`; without it, all.
    """

    _schema = options_schema(_DIRECTION)
    _state = CallState.CONNECTED
    _reason = "connected call"

    @override
    def _fits(self, call: Call) -> bool:
        return True


class PhoneRingsTrigger(PbxTrigger):
    """The phone of an extension rings.

    Options:
        contact: the extensions.
        number: of the other party, or a pattern, or a name.
        direction: one or several of `Direction`; without it, all.

    Variables, beneath `trigger`: those of `people.describe_extension`.
    """

    _schema = options_schema(_DIRECTION)
    _reason = "ringing phone"

    @callback
    @override
    def _payload(
        self, manager: CallManager, change: Change
    ) -> Mapping[str, Any] | None:
        if not isinstance(change, ExtensionUpdate):
            return None
        if change.state is not ExtensionState.RINGING:
            return None
        if not self._filter.is_about(manager):
            return None
        self._report_missing()
        change = change._replace(direction=_direction_of_ringing(manager, change))
        phone, other = [change.number], [change.participant]
        if not (
            self._has(CONF_DIRECTION, change.direction)
            and self._filter.matches(manager, other, phone)
        ):
            return None
        return describe_extension(self._hass, change, manager.book)


@callback
def _direction_of_ringing(
    manager: CallManager, update: ExtensionUpdate
) -> Direction | None:
    """Return the direction of the call for which a phone rings; None if unknown.

    PBXs report it as the phone sees it, or not at all.
    """
    plan = manager.book.plan
    for call in manager.tracker.open.placed:
        # The caller of a call that is placed from here rings first, if it has one.
        first = call.caller or call.callee
        if first == update.number and call.reached is CallState.PLACED:
            is_external = plan.is_external(call.callee)
            return Direction.OUTGOING if is_external else Direction.INTERNAL
    if update.direction not in (None, Direction.INCOMING) or not update.participant:
        return update.direction
    try:
        participant = parse_number(update.participant)
    except InvalidNumberError:
        return update.direction
    return Direction.INCOMING if plan.is_external(participant) else Direction.INTERNAL


_TRIGGERS: dict[str, type[Trigger]] = {
    "call_connected": CallConnectedTrigger,
    "call_ended": CallEndedTrigger,
    "incoming_call": IncomingCallTrigger,
    "key_pressed": KeyPressedTrigger,
    "missed_call": MissedCallTrigger,
    "phone_rings": PhoneRingsTrigger,
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return _TRIGGERS

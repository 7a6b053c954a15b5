"""Triggers: what happens to calls and extensions."""

from collections.abc import Mapping, Sequence
import logging
from typing import Any, ClassVar, Final, cast, override

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerAction,
    TriggerActionPayloadBuilder,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .backends.updates import (
    CallResult,
    CallState,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.manager import SIGNAL_CHANGE, CallManager
from .calls.number import InvalidNumberError, parse_number
from .calls.people import describe, describe_extension
from .errors import contact_text
from .filters import (
    CONFIG_ENTRY_OPTION,
    CONTACT_OPTION,
    NUMBER_OPTION,
    CallFilter,
    check_options,
    parties,
)
from .repairs import async_create_trigger_issue, async_delete_trigger_issue

_LOGGER = logging.getLogger(__name__)

CONF_RESULT: Final = "result"
CONF_DIRECTION: Final = "direction"
CONF_CAUSE: Final = "cause"

# Seconds after which a missed call is reported no more: the PBX may report old calls
# when Home Assistant starts.
MAX_MISSED_AGE: Final = 600

_COMMON = {**CONFIG_ENTRY_OPTION, **CONTACT_OPTION, **NUMBER_OPTION}
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


def _schema(*options: Mapping[Any, object]) -> vol.Schema:
    merged: dict[Any, object] = dict(_COMMON)
    for each in options:
        merged |= each
    return vol.Schema({vol.Required(CONF_OPTIONS, default=dict): merged})


class _PbxTrigger(Trigger):
    """A trigger for all PBXs, or for the one that it names.

    It listens whether or not that one is loaded, over reloads. An automation whose
    contact is in no phone book when something happens gets a repair.

    Options:
        config_entry_id: of the PBX; without it, all.
        contact: one or several contacts; without it, all.
        number: one or several numbers, patterns or names; without it, all.
    """

    _schema: ClassVar[vol.Schema]
    _reason: ClassVar[str]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Check the options."""
        config = cast("ConfigType", cls._schema(config))
        return {**config, CONF_OPTIONS: check_options(hass, config[CONF_OPTIONS])}

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Keep the options."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}
        self._filter = CallFilter(self._options)
        self._owner: Entity | None = None
        self._missing: set[str] = set()

    @override
    async def async_attach_action(
        self,
        action: TriggerAction,
        action_payload_builder: TriggerActionPayloadBuilder,
        *,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Find the automation, which the action is a method of."""
        owner = getattr(action, "__self__", None)
        self._owner = owner if isinstance(owner, Entity) else None
        return await super().async_attach_action(
            action, action_payload_builder, did_not_trigger=did_not_trigger
        )

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each change that fits."""

        @callback
        def changed(manager: CallManager, change: Change) -> None:
            if (payload := self._payload(manager, change)) is not None:
                result = payload.get(CONF_RESULT)
                reason = f"{self._reason}: {result}" if result else self._reason
                entry_id = manager.entry.entry_id
                run_action({ATTR_CONFIG_ENTRY_ID: entry_id, **payload}, reason)

        disconnect = async_dispatcher_connect(self._hass, SIGNAL_CHANGE, changed)

        @callback
        def detach() -> None:
            disconnect()
            self._set_missing(())

        return detach

    @callback
    def _report_missing(self) -> None:
        self._set_missing(self._filter.missing_contacts(self._hass))

    @callback
    def _set_missing(self, missing: Sequence[str]) -> None:
        """Create a repair for each contact that is missing now, and delete others."""
        owner_id = self._owner.entity_id if self._owner else None
        owner = self._hass.states.get(owner_id) if owner_id else None
        for contact in missing:
            if contact in self._missing:
                continue
            if owner is not None:
                async_create_trigger_issue(self._hass, owner, contact)
            else:
                _LOGGER.warning(
                    "A trigger is about the contact %s, which is in no phone book",
                    contact_text(contact),
                )
        for contact in self._missing.difference(missing):
            if owner_id:
                async_delete_trigger_issue(self._hass, owner_id, contact)
        self._missing = set(missing)

    @callback
    def _payload(
        self, manager: CallManager, change: Change
    ) -> Mapping[str, Any] | None:
        """Return the variables beneath `trigger`; None for a change that differs."""
        raise NotImplementedError

    def _has(self, option: str, value: str | None) -> bool:
        wanted = self._options.get(option)
        return not wanted or value in wanted


class _CallTrigger(_PbxTrigger):
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

    _schema = _schema(_DIRECTION, _RESULT, _CAUSE)
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

    _schema = _schema()
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

    _schema = _schema(_CAUSE)
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

    _schema = _schema(_DIRECTION)
    _state = CallState.CONNECTED
    _reason = "connected call"

    @override
    def _fits(self, call: Call) -> bool:
        return True


class PhoneRingsTrigger(_PbxTrigger):
    """The phone of an extension rings.

    Options:
        contact: the extensions.
        number: of the other party, or a pattern, or a name.
        direction: one or several of `Direction`; without it, all.

    Variables, beneath `trigger`: those of `people.describe_extension`.
    """

    _schema = _schema(_DIRECTION)
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
        # The caller of a call that is placed from here rings first.
        if call.caller == update.number and call.reached is CallState.PLACED:
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
    "missed_call": MissedCallTrigger,
    "phone_rings": PhoneRingsTrigger,
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return _TRIGGERS

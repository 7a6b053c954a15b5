"""Triggers: a call has ended, a call comes in."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast, override

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .backends.updates import CallResult, CallState, PbxEvent, PbxEventType
from .calls.call import Call
from .calls.contacts import plan_of
from .const import CONF_CALLEE, CONF_CALLER, CONF_NUMBER
from .filters import (
    CONFIG_ENTRY_OPTION,
    NUMBER_OPTION,
    NumberFilter,
    check_options,
)
from .signals import SIGNAL_CALL, SIGNAL_PBX_EVENT

CONF_RESULT = "result"


def _schema(options: Mapping[Any, object]) -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_OPTIONS, default=dict): {
                **CONFIG_ENTRY_OPTION,
                **options,
            }
        }
    )


class _PbxTrigger(Trigger):
    """A trigger that all PBXs set off, or the one that it names.

    It listens whether or not that one is loaded, over reloads.
    """

    _schema: ClassVar[vol.Schema]

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

    def _is_wanted(self, entry_id: str) -> bool:
        return self._options.get(ATTR_CONFIG_ENTRY_ID) in (None, entry_id)


class CallEndedTrigger(_PbxTrigger):
    """A call that was placed from here has ended.

    A call that the PBX refused never was: the action tells of it, not this.

    Options:
        result: one or several of `CallResult`; without it, all.
        config_entry_id: of the PBX; without it, all.

    Variables, beneath `trigger`:
        config_entry_id: of the PBX.
        caller, callee: the numbers as they were dialled.
        originated_call_id: how the PBX calls the call, or none.
        result: one of `CallResult`.
        caller_answered: true, false, or none where it is not known.
        ring_time, talk_time: seconds, or none where it is not known.
        evidence: where the result comes from: event, report or deadline.
    """

    _schema = _schema(
        {
            vol.Optional(CONF_RESULT): vol.All(
                cv.ensure_list, [vol.All(vol.Coerce(CallResult), str)]
            )
        }
    )

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each call that fits."""
        results = self._options.get(CONF_RESULT) or tuple(CallResult)

        @callback
        def call_changed(entry_id: str, call: Call, state: CallState) -> None:
            if state is not CallState.ENDED or call.result not in results:
                return
            if not self._is_wanted(entry_id):
                return
            payload = {
                ATTR_CONFIG_ENTRY_ID: entry_id,
                CONF_CALLER: call.request.caller,
                CONF_CALLEE: call.request.callee,
                **call.outcome(),
            }
            run_action(payload, f"end of a call: {call.result}")

        return async_dispatcher_connect(self._hass, SIGNAL_CALL, call_changed)


class IncomingCallTrigger(_PbxTrigger):
    """A call comes in from outside, as the PBX tells by an event.

    Options:
        number: one or several numbers of callers; without it, all.
        config_entry_id: of the PBX; without it, all.

    Variables, beneath `trigger`:
        config_entry_id: of the PBX.
        number: of whoever calls, or none where it is withheld.
        Besides, what else the event carries, as the attributes of the entity
        "PBX call" show it.
    """

    _schema = _schema(NUMBER_OPTION)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each call that fits."""
        numbers = NumberFilter(self._options)

        @callback
        def event_came(entry_id: str, event: PbxEvent) -> None:
            if event.type is not PbxEventType.INCOMING or not self._is_wanted(entry_id):
                return
            number = event.attributes.get(CONF_NUMBER)
            entry = self._hass.config_entries.async_get_known_entry(entry_id)
            if not numbers.matches([number], plan_of(self._hass, entry)):
                return
            payload = {
                **event.attributes,
                ATTR_CONFIG_ENTRY_ID: entry_id,
                CONF_NUMBER: number,
            }
            run_action(payload, "incoming call")

        return async_dispatcher_connect(self._hass, SIGNAL_PBX_EVENT, event_came)


_TRIGGERS: dict[str, type[Trigger]] = {
    "call_ended": CallEndedTrigger,
    "incoming_call": IncomingCallTrigger,
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return _TRIGGERS

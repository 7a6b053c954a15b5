"""Triggers of the PBX integration."""

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

from .backends.updates import CallResult, CallState, Direction
from .calls.changes import CallChanged, Change
from .calls.manager import SIGNAL_CHANGE, CallManager
from .const import CONF_CALLEE, CONF_CALLER, CONF_NUMBER
from .filters import (
    CONFIG_ENTRY_OPTION,
    NUMBER_OPTION,
    NumberFilter,
    check_options,
)

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
    """Base trigger for the changes of one PBX or of all PBXs.

    It stays active while a PBX is not loaded, and across reloads.
    """

    _schema: ClassVar[vol.Schema]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the options."""
        config = cast("ConfigType", cls._schema(config))
        return {**config, CONF_OPTIONS: check_options(hass, config[CONF_OPTIONS])}

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}

    def _is_wanted(self, manager: CallManager) -> bool:
        wanted = self._options.get(ATTR_CONFIG_ENTRY_ID)
        return wanted in (None, manager.entry.entry_id)


class CallEndedTrigger(_PbxTrigger):
    """Trigger for the end of a call that Home Assistant placed.

    A call that the PBX refused was never placed: the action raises an error, and
    this does not trigger.

    Options:
        result: one or more of `CallResult`; default: any.
        config_entry_id: of the PBX; default: any.

    Variables in `trigger`:
        config_entry_id: of the PBX.
        caller, callee: the numbers as they were dialed.
        originated_call_id: the PBX's ID of the request, or none.
        result: one of `CallResult`.
        caller_answered: true, false, or none if unknown.
        ring_time, talk_time: in seconds, or none if unknown.
        cause: why the call ended, as the PBX reports it, or none.
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
        def changed(manager: CallManager, change: Change) -> None:
            if not isinstance(change, CallChanged) or not self._is_wanted(manager):
                return
            call, state = change
            is_placed = call.request is not None
            if state is CallState.ENDED and is_placed and call.result in results:
                payload = {
                    ATTR_CONFIG_ENTRY_ID: manager.entry.entry_id,
                    CONF_CALLER: call.caller,
                    CONF_CALLEE: call.callee,
                    **call.outcome(),
                }
                run_action(payload, f"end of a call: {call.result}")

        return async_dispatcher_connect(self._hass, SIGNAL_CHANGE, changed)


class IncomingCallTrigger(_PbxTrigger):
    """Trigger for an incoming external call that the PBX reports.

    Options:
        number: one or more numbers of callers; default: any.
        config_entry_id: of the PBX; default: any.

    Variables in `trigger`:
        config_entry_id: of the PBX.
        number: of the caller, or none if it is withheld.
        trunk: the trunk that the call arrived on, or none.
        unique_id: the PBX's ID of the call, or none.
        originated_call_id: the PBX's ID of the request for the call, or none.
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
        def changed(manager: CallManager, change: Change) -> None:
            if not isinstance(change, CallChanged) or not self._is_wanted(manager):
                return
            call, state = change
            is_incoming = call.direction is Direction.INCOMING and call.request is None
            if state is not CallState.PLACED or not is_incoming:
                return
            if not numbers.matches([call.caller], manager.book.plan):
                return
            payload = {
                ATTR_CONFIG_ENTRY_ID: manager.entry.entry_id,
                CONF_NUMBER: call.caller or None,
                "trunk": call.trunk or None,
                "unique_id": call.call_id or None,
                "originated_call_id": call.originated_call_id or None,
            }
            run_action(payload, "incoming call")

        return async_dispatcher_connect(self._hass, SIGNAL_CHANGE, changed)


_TRIGGERS: dict[str, type[Trigger]] = {
    "call_ended": CallEndedTrigger,
    "incoming_call": IncomingCallTrigger,
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return _TRIGGERS

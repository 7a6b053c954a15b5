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

    def _is_wanted(self, manager: CallManager) -> bool:
        wanted = self._options.get(ATTR_CONFIG_ENTRY_ID)
        return wanted in (None, manager.entry.entry_id)


class CallEndedTrigger(_PbxTrigger):
    """A call that was placed from here has ended.

    A call that the PBX refused never was: the action tells of it, not this.

    Options:
        result: one or several of `CallResult`; without it, all.
        config_entry_id: of the PBX; without it, all.

    Variables, beneath `trigger`:
        config_entry_id: of the PBX.
        caller, callee: the numbers as they were dialed.
        originated_call_id: how the PBX names the call, or none.
        result: one of `CallResult`.
        caller_answered: true, false, or none where it is not known.
        ring_time, talk_time: seconds, or none where it is not known.
        cause: why it ended, as the PBX reports it, or none.
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
            is_from_here = call.request is not None
            if state is CallState.ENDED and is_from_here and call.result in results:
                payload = {
                    ATTR_CONFIG_ENTRY_ID: manager.entry.entry_id,
                    CONF_CALLER: call.caller,
                    CONF_CALLEE: call.callee,
                    **call.outcome(),
                }
                run_action(payload, f"end of a call: {call.result}")

        return async_dispatcher_connect(self._hass, SIGNAL_CHANGE, changed)


class IncomingCallTrigger(_PbxTrigger):
    """A call comes in from outside, as the PBX reports it.

    Options:
        number: one or several numbers of callers; without it, all.
        config_entry_id: of the PBX; without it, all.

    Variables, beneath `trigger`:
        config_entry_id: of the PBX.
        number: of the caller, or none where it is withheld.
        trunk: that it comes in by, or none.
        unique_id: how the PBX names the conversation, or none.
        originated_call_id: how it names the request for the call, or none.
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

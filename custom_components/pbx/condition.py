"""Conditions of the PBX integration."""

from typing import Any, Unpack, cast, override

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import (
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .calls.manager import DATA_MANAGERS
from .filters import (
    CONFIG_ENTRY_OPTION,
    NUMBER_OPTION,
    NumberFilter,
    check_options,
)

_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default=dict): {
            **CONFIG_ENTRY_OPTION,
            **NUMBER_OPTION,
        }
    }
)


class CallActiveCondition(Condition):
    """Whether a call placed by Home Assistant is active, from request to end.

    Options:
        number: one or more numbers of the caller or the callee; default: any.
        config_entry_id: of the PBX; default: any loaded PBX.
    """

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the options."""
        config = cast("ConfigType", _SCHEMA(config))
        return {**config, CONF_OPTIONS: check_options(hass, config[CONF_OPTIONS])}

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self._entry_id: str | None = options.get(ATTR_CONFIG_ENTRY_ID)
        self._numbers = NumberFilter(options)

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return whether a call that Home Assistant placed matches."""
        return any(
            self._numbers.matches((call.caller, call.callee), manager.book.plan)
            for entry_id, manager in self._hass.data.get(DATA_MANAGERS, {}).items()
            if self._entry_id in (None, entry_id) and manager.link.backend is not None
            for call in manager.tracker.open.placed
            if not call.is_over
        )


_CONDITIONS: dict[str, type[Condition]] = {"call_active": CallActiveCondition}


async def async_get_conditions(_hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of the integration."""
    return _CONDITIONS

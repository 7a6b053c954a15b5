"""Condition: a call is on."""

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
    """True from the request for a call until its end.

    Options:
        number: one or several numbers, caller or callee; without it, all.
        config_entry_id: of the PBX; without it, all that are loaded.
    """

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Check the options."""
        config = cast("ConfigType", _SCHEMA(config))
        return {**config, CONF_OPTIONS: check_options(hass, config[CONF_OPTIONS])}

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Keep the options."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self._entry_id: str | None = options.get(ATTR_CONFIG_ENTRY_ID)
        self._numbers = NumberFilter(options)

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Look through the calls from here that are on."""
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

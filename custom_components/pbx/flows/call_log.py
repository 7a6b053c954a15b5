"""The form of the call log: how many calls are kept, and who may read them."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..const import (
    CONF_LOG_CALLS,
    CONF_LOG_DAYS,
    CONF_LOG_READERS,
    DEFAULT_LOG_CALLS,
    DEFAULT_LOG_DAYS,
    LOG_CALLS_RANGE,
    LOG_DAYS_RANGE,
    READERS_ADMINS,
    READERS_EVERYONE,
)


def _number(limits: tuple[int, int], unit: str | None = None) -> NumberSelector:
    low, high = limits
    config = NumberSelectorConfig(
        min=low, max=high, step=1, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


CALL_LOG_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_LOG_CALLS, default=DEFAULT_LOG_CALLS): _number(
            LOG_CALLS_RANGE
        ),
        vol.Required(CONF_LOG_DAYS, default=DEFAULT_LOG_DAYS): _number(
            LOG_DAYS_RANGE, UnitOfTime.DAYS
        ),
        vol.Required(CONF_LOG_READERS, default=READERS_EVERYONE): SelectSelector(
            SelectSelectorConfig(
                options=[READERS_EVERYONE, READERS_ADMINS],
                translation_key=CONF_LOG_READERS,
                mode=SelectSelectorMode.LIST,
            )
        ),
    }
)


def parse_call_log(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the form, with whole numbers."""
    whole = {name: int(user_input[name]) for name in (CONF_LOG_CALLS, CONF_LOG_DAYS)}
    return {**user_input, **whole}

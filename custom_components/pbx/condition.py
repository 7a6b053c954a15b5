"""Condition: a call is active."""

from collections.abc import Sequence
from typing import Any, Final, Unpack, cast, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import (
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .calls.contacts import nearest_names
from .calls.manager import DATA_MANAGERS, CallManager
from .calls.running_automation import async_running_automation
from .filters import (
    CONFIG_ENTRY_OPTION,
    CONTACT_OPTION,
    NUMBER_OPTION,
    CallFilter,
    check_options,
    parties,
)
from .repairs import async_create_condition_issue, async_delete_condition_issue

CONF_PLACED_HERE: Final = "placed_here"

_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default=dict): {
            **CONFIG_ENTRY_OPTION,
            **CONTACT_OPTION,
            **NUMBER_OPTION,
            vol.Optional(CONF_PLACED_HERE, default=False): cv.boolean,
        }
    }
)


class CallActiveCondition(Condition):
    """True while there is a call that has not ended.

    An automation whose contact is in no phone book when it asks gets a repair.

    Options:
        contact: one or several contacts that take part; without it, all.
        number: one or several numbers, patterns or names, likewise.
        config_entry_id: of the PBX; without it, all that are loaded.
        placed_here: whether only calls that Home Assistant has placed count.
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
        self._filter = CallFilter(options)
        self._placed_here: bool = options.get(CONF_PLACED_HERE, False)
        # The automation of the issue for each contact that is missing.
        self._missing: dict[str, str] = {}

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Look through the calls that have not ended."""
        self._set_missing(self._filter.missing_contacts(self._hass))
        managers = self._hass.data.get(DATA_MANAGERS, {}).values()
        return any(map(self._has_call, managers))

    @override
    def _async_unload(self) -> None:
        """Delete the issues: the automation was changed, or removed."""
        self._set_missing(())

    @callback
    def _set_missing(self, missing: Sequence[str]) -> None:
        """Create an issue for each contact that is missing now, and delete others."""
        for contact in self._missing.keys() - set(missing):
            owner_id = self._missing.pop(contact)
            async_delete_condition_issue(self._hass, owner_id, contact)
        new = [contact for contact in missing if contact not in self._missing]
        owner = async_running_automation(self._hass) if new else None
        if owner is None:
            return
        managers = self._hass.data.get(DATA_MANAGERS, {}).values()
        books = [manager.book for manager in managers]
        for contact in new:
            self._missing[contact] = owner.entity_id
            known = nearest_names(books, contact)
            async_create_condition_issue(self._hass, owner, contact, known)

    def _has_call(self, manager: CallManager) -> bool:
        calls = manager.tracker.open
        return manager.link.backend is not None and any(
            not call.is_over and self._filter.matches(manager, numbers, numbers)
            for call in (calls.placed if self._placed_here else calls)
            for numbers in [parties(call)]
        )


_CONDITIONS: dict[str, type[Condition]] = {"call_active": CallActiveCondition}


async def async_get_conditions(_hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of the integration."""
    return _CONDITIONS

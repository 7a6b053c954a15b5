"""What all triggers of the integration have in common."""

from collections.abc import Mapping, Sequence
import logging
from typing import Any, ClassVar, Final, cast, override

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
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
import voluptuous as vol

from .calls.changes import Change
from .calls.manager import SIGNAL_CHANGE, CallManager
from .errors import contact_text
from .filters import (
    CONFIG_ENTRY_OPTION,
    CONTACT_OPTION,
    NUMBER_OPTION,
    CallFilter,
    check_options,
)
from .repairs import async_create_trigger_issue, async_delete_trigger_issue

_LOGGER = logging.getLogger(__name__)

CONF_RESULT: Final = "result"

_COMMON = {**CONFIG_ENTRY_OPTION, **CONTACT_OPTION, **NUMBER_OPTION}


def options_schema(*options: Mapping[Any, object]) -> vol.Schema:
    """Return the schema of a trigger with these options, beside the common ones."""
    merged: dict[Any, object] = dict(_COMMON)
    for each in options:
        merged |= each
    return vol.Schema({vol.Required(CONF_OPTIONS, default=dict): merged})


class PbxTrigger(Trigger):
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

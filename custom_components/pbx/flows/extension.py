"""Subentry flow of an extension."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    AreaSelector,
    AreaSelectorConfig,
    DeviceSelector,
    DeviceSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ..backends.base import DirectoryExtension
from ..backends.redaction import is_name
from ..calls.contacts import PhoneBook
from ..calls.number import InvalidNumberError, parse_number
from ..calls.number_plan import NumberPlan
from ..const import CONF_AREAS, CONF_NUMBER, CONF_SATELLITES, SUBENTRY_EXTENSION
from .call_defaults import async_read_directory
from .connection import create_trial_backend


class ExtensionFlow(ConfigSubentryFlow):
    """Subentry flow to add or change an extension."""

    def __init__(self) -> None:
        """Initialize the flow."""
        self._directory: Sequence[DirectoryExtension] | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a new extension, with suggestions from the PBX's directory."""
        errors: dict[str, str] = {}
        if self._directory is None:
            backend = create_trial_backend(self.hass, self._get_entry().data)
            directory, _ = await async_read_directory(backend)
            self._directory = directory.extensions
        if user_input is not None:
            title, data, errors = self._parse(user_input, None)
            if not errors:
                return self.async_create_entry(
                    title=title, data=data, unique_id=_unique_id(data, self._plan())
                )
        return self._show("user", user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for changes to an extension."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            title, data, errors = self._parse(user_input, subentry)
            if not errors:
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=title,
                    data=data,
                    unique_id=_unique_id(data, self._plan()),
                )
        shown = user_input or {CONF_NAME: subentry.title, **subentry.data}
        return self._show("reconfigure", shown, errors)

    def _show(
        self, step_id: str, shown: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        taken, plan = self._taken(None), self._plan()
        offered = [
            extension
            for extension in self._directory or ()
            if _unique_id({CONF_NUMBER: extension.number}, plan) not in taken
        ]
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                extension_schema(offered), shown
            ),
            errors=errors,
        )

    def _parse(
        self, user_input: Mapping[str, Any], subentry: ConfigSubentry | None
    ) -> tuple[str, dict[str, Any], dict[str, str]]:
        """Return the subentry's title and data, and the errors by field."""
        errors: dict[str, str] = {}
        data = {
            name: user_input.get(name, []) for name in (CONF_AREAS, CONF_SATELLITES)
        }
        try:
            data[CONF_NUMBER] = parse_number(user_input[CONF_NUMBER])
        except InvalidNumberError as err:
            return "", data, {CONF_NUMBER: err.fault}
        if _unique_id(data, self._plan()) in self._taken(subentry):
            errors[CONF_NUMBER] = "number_taken"
        known = {each.number: each.name for each in self._directory or ()}
        typed = user_input.get(CONF_NAME, "").strip()
        title = typed or known.get(data[CONF_NUMBER]) or data[CONF_NUMBER]
        if not is_name(title):
            errors[CONF_NAME] = "name_invalid"
        return title, data, errors

    def _taken(self, subentry: ConfigSubentry | None) -> set[str]:
        """Return the current unique IDs of all other extensions."""
        plan = self._plan()
        return {
            _unique_id(each.data, plan)
            for each in self._get_entry().get_subentries_of_type(SUBENTRY_EXTENSION)
            if subentry is None or each.subentry_id != subentry.subentry_id
        }

    def _plan(self) -> NumberPlan:
        return PhoneBook(self._get_entry(), self.hass.config.country).plan


def _unique_id(data: Mapping[str, Any], plan: NumberPlan) -> str:
    """Return the unique ID of an extension: its number in a normalized form."""
    return f"{SUBENTRY_EXTENSION}_{plan.identity(data[CONF_NUMBER])}"


def extension_schema(offered: Sequence[DirectoryExtension]) -> vol.Schema:
    """Return the schema of the form; numbers other than the offered ones are valid."""
    options = [
        SelectOptionDict(
            value=each.number, label=" ".join(filter(None, (each.number, each.name)))
        )
        for each in offered
    ]
    number = SelectSelector(
        SelectSelectorConfig(
            options=options, custom_value=True, mode=SelectSelectorMode.DROPDOWN
        )
    )
    satellites = DeviceSelectorConfig(
        multiple=True, entity=[{"domain": "assist_satellite"}]
    )
    return vol.Schema(
        {
            vol.Required(CONF_NUMBER): number,
            vol.Optional(CONF_NAME): TextSelector(),
            vol.Optional(CONF_AREAS): AreaSelector(AreaSelectorConfig(multiple=True)),
            vol.Optional(CONF_SATELLITES): DeviceSelector(satellites),
        }
    )

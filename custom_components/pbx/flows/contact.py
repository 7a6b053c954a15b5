"""Subentry flow of a contact."""

from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..backends.base import PbxKind
from ..backends.redaction import is_name
from ..calls.contacts import PhoneBook
from ..calls.number import InvalidNumberError, parse_number
from ..calls.number_plan import NumberPlan
from ..const import (
    CALL_LIMIT_RANGE,
    CONF_ALIASES,
    CONF_CALL_LIMIT,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CONTEXT,
    CONF_NUMBER,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    CONF_VOICE,
    SUBENTRY_CONTACT,
    TIMEOUT_RANGE,
)
from .call_defaults import parse_default, whole_number
from .connection import kind_of

CONF_OVERRIDES = "overrides"

_TEL = TextSelector(TextSelectorConfig(type=TextSelectorType.TEL))
OVERRIDES_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_CALLER): _TEL,
        vol.Optional(CONF_CALLER_ID): TextSelector(),
        vol.Optional(CONF_CONTEXT): TextSelector(),
        vol.Optional(CONF_TRUNK_NAME): TextSelector(),
        vol.Optional(CONF_TIMEOUT): whole_number(TIMEOUT_RANGE, unit="s"),
        vol.Optional(CONF_CALL_LIMIT): whole_number(CALL_LIMIT_RANGE, unit="s"),
    }
)
CONTACT_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_NAME): TextSelector(),
        vol.Required(CONF_NUMBER): _TEL,
        vol.Optional(CONF_ALIASES): TextSelector(TextSelectorConfig(multiple=True)),
        vol.Required(CONF_VOICE, default=True): BooleanSelector(),
        vol.Required(CONF_OVERRIDES): section(OVERRIDES_SCHEMA, {"collapsed": True}),
    }
)


class ContactFlow(ConfigSubentryFlow):
    """Subentry flow to add or change a contact."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a new contact."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = self._parse(user_input, None)
            if not errors:
                return self.async_create_entry(
                    title=user_input[CONF_NAME].strip(),
                    data=data,
                    unique_id=_unique_id(data, self._plan()),
                )
        return self._show("user", user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for changes to a contact."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = self._parse(user_input, subentry)
            if not errors:
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=user_input[CONF_NAME].strip(),
                    data=data,
                    unique_id=_unique_id(data, self._plan()),
                )
        return self._show("reconfigure", user_input or _as_typed(subentry), errors)

    def _show(
        self, step_id: str, shown: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(CONTACT_SCHEMA, shown),
            errors=errors,
        )

    def _parse(
        self, user_input: Mapping[str, Any], subentry: ConfigSubentry | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the subentry's data, and the errors by field."""
        entry = self._get_entry()
        data, errors = parse_contact(user_input, kind_of(entry.data))
        others = [
            each
            for each in entry.get_subentries_of_type(SUBENTRY_CONTACT)
            if subentry is None or each.subentry_id != subentry.subentry_id
        ]
        if CONF_NUMBER not in errors and _is_taken(data, others, self._plan()):
            errors[CONF_NUMBER] = "number_taken"
        return data, errors

    def _plan(self) -> NumberPlan:
        return PhoneBook(self._get_entry(), self.hass.config.country).plan


def parse_contact(
    user_input: Mapping[str, Any], kind: PbxKind
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the data of a contact from a form, and its errors by field.

    Errors of overrides are shown above the form (base), because their section may
    be collapsed. Empty overrides are not stored.

    Args:
        user_input: of the form.
        kind: of the PBX.
    """
    errors: dict[str, str] = {}
    name = user_input[CONF_NAME].strip()
    if not name or not is_name(name):
        errors[CONF_NAME] = "name_invalid"
    aliases = [alias.strip() for alias in user_input.get(CONF_ALIASES, ())]
    if not all(map(is_name, aliases)):
        errors[CONF_ALIASES] = "name_invalid"
    data: dict[str, Any] = {
        CONF_ALIASES: [alias for alias in aliases if alias],
        CONF_VOICE: user_input.get(CONF_VOICE, True),
    }
    try:
        data[CONF_NUMBER] = parse_number(user_input[CONF_NUMBER])
    except InvalidNumberError as err:
        errors[CONF_NUMBER] = err.fault
    for field, value in user_input.get(CONF_OVERRIDES, {}).items():
        text = value.strip() if isinstance(value, str) else value
        if text == "":
            continue
        try:
            data[field] = parse_default(field, text, kind)
        except InvalidNumberError as err:
            errors["base"] = err.fault
        except ValueError:
            errors["base"] = "not_printable"
    return data, errors


def _unique_id(data: Mapping[str, Any], plan: NumberPlan) -> str:
    """Return the unique ID of a contact: its number in a normalized form."""
    return f"{SUBENTRY_CONTACT}_{plan.identity(data[CONF_NUMBER])}"


def _is_taken(
    data: Mapping[str, Any], others: Iterable[ConfigSubentry], plan: NumberPlan
) -> bool:
    """Return whether another contact has the same number, in any notation."""
    unique_id = _unique_id(data, plan)
    # A contact that was added before the country was changed has a different ID.
    return any(
        unique_id in (each.unique_id, _unique_id(each.data, plan)) for each in others
    )


def _as_typed(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return the values of the form of an existing contact."""
    data = dict(subentry.data)
    number, aliases = data.pop(CONF_NUMBER), data.pop(CONF_ALIASES, [])
    by_voice = data.pop(CONF_VOICE, True)
    return {
        CONF_NAME: subentry.title,
        CONF_NUMBER: number,
        CONF_ALIASES: aliases,
        CONF_VOICE: by_voice,
        CONF_OVERRIDES: data,
    }

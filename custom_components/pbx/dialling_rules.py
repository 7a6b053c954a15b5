"""The form of the dialling rules, and the rules that a PBX has."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from .call_defaults import whole_number
from .const import (
    CONF_ADMINS_ONLY,
    CONF_ALLOWED_NUMBERS,
    CONF_BLOCK_EMERGENCY,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_EMERGENCY_NUMBERS,
    CONF_FORBIDDEN_NUMBERS,
    CONF_OUTSIDE_PREFIXES,
)
from .countries import country_of
from .policy import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    DEFAULT_CALLS_AT_ONCE,
    DEFAULT_CALLS_PER_HOUR,
    DEFAULT_COOLDOWN,
    DEFAULT_OUTSIDE_PREFIXES,
    DiallingRules,
    parse_emergency_number,
    parse_outside_prefix,
    parse_pattern,
)

# The lists, how each of their texts is read, and what is said of one that is not.
_LISTS: Mapping[str, tuple[Callable[[str], str], str]] = {
    CONF_ALLOWED_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_FORBIDDEN_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_EMERGENCY_NUMBERS: (parse_emergency_number, "emergency_number_invalid"),
    CONF_OUTSIDE_PREFIXES: (parse_outside_prefix, "outside_prefix_invalid"),
}


def dialling_rules_schema(country: str | None) -> vol.Schema:
    """Return the form for a PBX in a country."""
    emergency = list(country_of(country).emergency)
    return vol.Schema(
        {
            vol.Optional(CONF_ALLOWED_NUMBERS): _texts(),
            vol.Optional(CONF_FORBIDDEN_NUMBERS): _texts(),
            vol.Required(CONF_BLOCK_EMERGENCY): BooleanSelector(),
            vol.Optional(CONF_EMERGENCY_NUMBERS): _texts(emergency),
            vol.Optional(CONF_OUTSIDE_PREFIXES): _texts([*DEFAULT_OUTSIDE_PREFIXES]),
            vol.Required(CONF_CALLS_AT_ONCE): whole_number(CALLS_AT_ONCE_RANGE),
            vol.Required(CONF_CALLS_PER_HOUR): whole_number(CALLS_PER_HOUR_RANGE),
            vol.Required(CONF_COOLDOWN): whole_number(COOLDOWN_RANGE, unit="s"),
            vol.Required(CONF_ADMINS_ONLY): BooleanSelector(),
        }
    )


def default_dialling_rules(country: str | None) -> dict[str, Any]:
    """Return the options of a PBX whose owner has never seen the form."""
    return {
        CONF_ALLOWED_NUMBERS: [],
        CONF_FORBIDDEN_NUMBERS: [],
        CONF_BLOCK_EMERGENCY: True,
        CONF_EMERGENCY_NUMBERS: list(country_of(country).emergency),
        CONF_OUTSIDE_PREFIXES: list(DEFAULT_OUTSIDE_PREFIXES),
        CONF_CALLS_AT_ONCE: DEFAULT_CALLS_AT_ONCE,
        CONF_CALLS_PER_HOUR: DEFAULT_CALLS_PER_HOUR,
        CONF_COOLDOWN: DEFAULT_COOLDOWN,
        CONF_ADMINS_ONLY: False,
    }


def parse_dialling_rules(
    user_input: Mapping[str, Any], country: str | None
) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return the options that the form gives, its errors, and what was not read.

    What is as it would be anyway is not in the options: it follows the country.
    """
    options = dict(user_input)
    errors: dict[str, str] = {}
    unread: list[str] = []
    for name, (parse, error) in _LISTS.items():
        parsed: dict[str, None] = {}
        # A list that was emptied is left out by the form.
        for text in filter(str.strip, user_input.get(name, ())):
            try:
                parsed[parse(text)] = None
            except ValueError:
                errors[name] = error
                unread.append(text)
        options[name] = list(parsed)
    for name, default in default_dialling_rules(country).items():
        if options[name] == default:
            del options[name]
    return options, errors, ", ".join(unread)


def rules_of(options: Mapping[str, Any], country: str | None) -> DiallingRules:
    """Return the rules of a PBX.

    Args:
        options: of the config entry; what is not in them is as suggested.
        country: where Home Assistant is, and with it the PBX.
    """
    fields = {**default_dialling_rules(country), **options}
    blocks_emergency = fields[CONF_BLOCK_EMERGENCY]
    return DiallingRules(
        allowed=tuple(fields[CONF_ALLOWED_NUMBERS]),
        forbidden=tuple(fields[CONF_FORBIDDEN_NUMBERS]),
        emergency=tuple(fields[CONF_EMERGENCY_NUMBERS]) if blocks_emergency else (),
        outside_prefixes=tuple(fields[CONF_OUTSIDE_PREFIXES]),
        country=country_of(country),
        calls_at_once=fields[CONF_CALLS_AT_ONCE],
        calls_per_hour=fields[CONF_CALLS_PER_HOUR],
        cooldown=fields[CONF_COOLDOWN],
        admins_only=fields[CONF_ADMINS_ONLY],
    )


def _texts(suggestions: list[str] | None = None) -> SelectSelector | TextSelector:
    """Return the field of a list of texts, some of which may be suggested."""
    if suggestions is None:
        return TextSelector(TextSelectorConfig(multiple=True))
    return SelectSelector(
        SelectSelectorConfig(
            options=suggestions,
            custom_value=True,
            multiple=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )

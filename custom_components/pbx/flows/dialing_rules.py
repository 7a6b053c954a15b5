"""The form of the dialling rules, and the rules that a PBX has."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..calls.number import parse_pattern
from ..calls.number_plan import NumberPlan
from ..calls.rules import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    DEFAULT_CALLS_AT_ONCE,
    DEFAULT_CALLS_PER_HOUR,
    DEFAULT_COOLDOWN,
    DiallingRules,
    parse_emergency_number,
)
from ..const import (
    CONF_ADMINS_ONLY,
    CONF_ALLOWED_NUMBERS,
    CONF_BLOCK_EMERGENCY,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_EMERGENCY_NUMBERS,
    CONF_FORBIDDEN_NUMBERS,
)
from .call_defaults import whole_number

# The lists, how each of their texts is read, and what is said of one that is not.
_LISTS: Mapping[str, tuple[Callable[[str], str], str]] = {
    CONF_ALLOWED_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_FORBIDDEN_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_EMERGENCY_NUMBERS: (parse_emergency_number, "emergency_number_invalid"),
}


_NUMBERS = TextSelector(TextSelectorConfig(multiple=True))
DIALLING_RULES_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_ALLOWED_NUMBERS): _NUMBERS,
        vol.Optional(CONF_FORBIDDEN_NUMBERS): _NUMBERS,
        vol.Required(CONF_BLOCK_EMERGENCY): BooleanSelector(),
        vol.Optional(CONF_EMERGENCY_NUMBERS): _NUMBERS,
        vol.Required(CONF_CALLS_AT_ONCE): whole_number(CALLS_AT_ONCE_RANGE),
        vol.Required(CONF_CALLS_PER_HOUR): whole_number(CALLS_PER_HOUR_RANGE),
        vol.Required(CONF_COOLDOWN): whole_number(COOLDOWN_RANGE, unit="s"),
        vol.Required(CONF_ADMINS_ONLY): BooleanSelector(),
    }
)

DEFAULT_DIALLING_RULES: Final[dict[str, Any]] = {
    CONF_ALLOWED_NUMBERS: [],
    CONF_FORBIDDEN_NUMBERS: [],
    CONF_BLOCK_EMERGENCY: True,
    CONF_EMERGENCY_NUMBERS: [],
    CONF_CALLS_AT_ONCE: DEFAULT_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR: DEFAULT_CALLS_PER_HOUR,
    CONF_COOLDOWN: DEFAULT_COOLDOWN,
    CONF_ADMINS_ONLY: False,
}
"""The options of a PBX whose owner has never seen the form."""


def parse_dialling_rules(
    user_input: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return the options that the form gives, its errors, and what was not read.

    What is as it would be anyway is not in the options.
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
    for name, default in DEFAULT_DIALLING_RULES.items():
        if options[name] == default:
            del options[name]
    return options, errors, ", ".join(unread)


def rules_of(options: Mapping[str, Any], plan: NumberPlan) -> DiallingRules:
    """Return the rules of a PBX.

    Args:
        options: of the config entry; what is not in them is as suggested.
        plan: what numbers mean where the PBX is.
    """
    fields = {**DEFAULT_DIALLING_RULES, **options}
    return DiallingRules(
        allowed=tuple(fields[CONF_ALLOWED_NUMBERS]),
        forbidden=tuple(fields[CONF_FORBIDDEN_NUMBERS]),
        blocks_emergency=fields[CONF_BLOCK_EMERGENCY],
        emergency=tuple(fields[CONF_EMERGENCY_NUMBERS]),
        plan=plan,
        calls_at_once=fields[CONF_CALLS_AT_ONCE],
        calls_per_hour=fields[CONF_CALLS_PER_HOUR],
        cooldown=fields[CONF_COOLDOWN],
        admins_only=fields[CONF_ADMINS_ONLY],
    )

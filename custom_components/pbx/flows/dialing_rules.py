"""Form of the dialing rules."""

from collections.abc import Callable, Mapping
import re
from typing import Any

from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..calls.number import parse_number, parse_pattern
from ..calls.rules import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    DEFAULT_RULES,
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

_SHORT_NUMBER = re.compile(r"[0-9]{2,6}")


def parse_emergency_number(text: str) -> str:
    """Return an emergency number in its normalized form.

    Raises:
        ValueError: it is not a number of two to six digits.
    """
    number = parse_number(text)
    if not _SHORT_NUMBER.fullmatch(number):
        raise ValueError("expected two to six digits")
    return number


# By list: the parser of its items, and the error key if one is not valid.
_LISTS: Mapping[str, tuple[Callable[[str], str], str]] = {
    CONF_ALLOWED_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_FORBIDDEN_NUMBERS: (parse_pattern, "pattern_invalid"),
    CONF_EMERGENCY_NUMBERS: (parse_emergency_number, "emergency_number_invalid"),
}

_NUMBERS = TextSelector(TextSelectorConfig(multiple=True))
DIALING_RULES_SCHEMA = vol.Schema(
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


def parse_dialing_rules(
    user_input: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return the options from a form, its errors by field, and the invalid items.

    Values that equal the default are omitted from the options.
    """
    options = dict(user_input)
    errors: dict[str, str] = {}
    invalid: list[str] = []
    for name, (parse, error) in _LISTS.items():
        parsed: dict[str, None] = {}
        # The form omits a list that was emptied.
        for text in filter(str.strip, user_input.get(name, ())):
            try:
                parsed[parse(text)] = None
            except ValueError:
                errors[name] = error
                invalid.append(text)
        options[name] = list(parsed)
    for name, default in DEFAULT_RULES.items():
        if options[name] == default:
            del options[name]
    return options, errors, ", ".join(invalid)

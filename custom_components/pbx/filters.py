"""Options that triggers and conditions share: the PBX and phone numbers."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .calls.number import InvalidNumberError, is_unquoted, parse_number
from .calls.number_plan import NumberPlan
from .const import (
    CONF_INTERNAL_DIGITS,
    CONF_NUMBER,
    DEFAULT_INTERNAL_DIGITS,
    DOMAIN,
)


def validate_number(value: object) -> str | int:
    """Return a number as text, or as the integer that YAML or a template made of it.

    None becomes text, too: it is what a template renders for a missing state.

    Raises:
        vol.Invalid: the value is of another type, negative, or a fraction.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise vol.Invalid("expected a number, in quotes")


# The editor leaves an empty list behind when the last number is removed from the
# field; an empty list matches every number.
CONFIG_ENTRY_OPTION: Final = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
NUMBER_OPTION: Final = {
    vol.Optional(CONF_NUMBER): vol.All(cv.ensure_list, [validate_number])
}


def check_options(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a trigger or a condition, with numbers as they are dialed.

    The PBX has to exist, but does not have to be loaded.

    Raises:
        vol.Invalid: the PBX does not exist, or a number is not valid.
    """
    entries = hass.config_entries.async_entries(DOMAIN)
    if (entry_id := options.get(ATTR_CONFIG_ENTRY_ID)) is not None:
        entries = [entry for entry in entries if entry.entry_id == entry_id]
        if not entries:
            raise vol.Invalid(f"{entry_id} is not the id of a PBX")
    if CONF_NUMBER not in options:
        return dict(options)
    longest = max(
        (
            entry.options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
            for entry in entries
        ),
        default=DEFAULT_INTERNAL_DIGITS,
    )
    numbers = [_parsed(number, longest) for number in options[CONF_NUMBER]]
    return {**options, CONF_NUMBER: numbers}


def _parsed(number: str | int, internal_digits: int) -> str:
    if is_unquoted(number, internal_digits):
        raise vol.Invalid("put the number in quotes")
    try:
        return parse_number(str(number))
    except InvalidNumberError as err:
        raise vol.Invalid(
            "expected a number: up to 32 digits, perhaps with +, * or #"
        ) from err


class NumberFilter:
    """Filter of phone numbers; without numbers, it matches all."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Initialize the filter from options that `check_options` returned."""
        self._wanted: tuple[str, ...] = tuple(options.get(CONF_NUMBER, ()))

    def matches(self, numbers: Iterable[object], plan: NumberPlan) -> bool:
        """Return whether one of these numbers matches, in any notation."""
        if not self._wanted:
            return True
        wanted = set(map(plan.identity, self._wanted))
        return not wanted.isdisjoint(_identities(numbers, plan))


def _identities(numbers: Iterable[object], plan: NumberPlan) -> Iterable[str]:
    for number in numbers:
        try:
            yield plan.identity(parse_number(str(number)))
        except InvalidNumberError:
            # A withheld number, or a name.
            continue

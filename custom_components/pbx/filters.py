"""Numbers as actions and automations give them, and what these are narrowed down to."""

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


def number_given(value: object) -> str | int:
    """Take a number as text, or as the integer that YAML or a template makes of it.

    Nothing is text, too: what a template says of an entity without a state.

    Raises:
        vol.Invalid: it is anything else.
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


# The editor leaves an empty list behind when the last entry is taken out of a
# field: that is no filter.
CONFIG_ENTRY_OPTION: Final = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
NUMBER_OPTION: Final = {
    vol.Optional(CONF_NUMBER): vol.All(cv.ensure_list, [number_given])
}


def check_options(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a trigger or a condition, with numbers as they are dialed.

    The PBX that is named has to exist; it need not be loaded.

    Raises:
        vol.Invalid: it does not, or there is a text that is not a number.
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
    """The numbers that are wanted; without any, all are."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Keep them as they are dialed."""
        self._wanted: tuple[str, ...] = tuple(options.get(CONF_NUMBER, ()))

    def matches(self, numbers: Iterable[object], plan: NumberPlan) -> bool:
        """Return whether one of these numbers is wanted, however it is written."""
        if not self._wanted:
            return True
        wanted = set(map(plan.identity, self._wanted))
        return not wanted.isdisjoint(_identities(numbers, plan))


def _identities(numbers: Iterable[object], plan: NumberPlan) -> Iterable[str]:
    for number in numbers:
        try:
            yield plan.identity(parse_number(str(number)))
        except InvalidNumberError:
            # Withheld, or a name.
            continue

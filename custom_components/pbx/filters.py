"""What triggers and conditions can be narrowed down to."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .calls import comparable
from .const import CONF_NUMBER, DOMAIN
from .phone_number import InvalidNumberError, normalise_number


def _number(value: object) -> str:
    """Take a number as text or as YAML's integer."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise vol.Invalid("expected a number, in quotes")
    try:
        return normalise_number(str(value))
    except InvalidNumberError as err:
        raise vol.Invalid(
            "expected a number: up to 32 digits, perhaps with +, * or #"
        ) from err


# The editor leaves an empty list behind when the last entry is taken out of a
# field: that is no filter.
CONFIG_ENTRY_OPTION: Final = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
NUMBER_OPTION: Final = {vol.Optional(CONF_NUMBER): vol.All(cv.ensure_list, [_number])}


def check_config_entry(hass: HomeAssistant, options: Mapping[str, Any]) -> None:
    """Check that the PBX that is named exists; it need not be loaded.

    Raises:
        vol.Invalid: it does not.
    """
    entry_id = options.get(ATTR_CONFIG_ENTRY_ID)
    if entry_id is None:
        return
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        raise vol.Invalid(f"{entry_id} is not the id of a PBX")


class NumberFilter:
    """The numbers that are wanted; without any, all are."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Keep them in the form in which numbers are compared."""
        self._wanted = {comparable(number) for number in options.get(CONF_NUMBER, ())}

    def matches(self, numbers: Iterable[object]) -> bool:
        """Tell whether one of these numbers is wanted, however it is written."""
        return not self._wanted or not self._wanted.isdisjoint(_comparable(numbers))


def _comparable(numbers: Iterable[object]) -> Iterable[str]:
    for number in numbers:
        try:
            yield comparable(normalise_number(str(number)))
        except InvalidNumberError:
            # Withheld, or a name.
            continue

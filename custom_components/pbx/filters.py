"""Which calls a trigger or a condition is about: by PBX, contact and number."""

from collections.abc import Iterable, Mapping, Sequence
import re
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .calls.call import Call
from .calls.contacts import PhoneBook
from .calls.manager import DATA_MANAGERS, CallManager
from .calls.number import (
    MAX_LENGTH,
    InvalidNumberError,
    NumberFault,
    is_unquoted,
    parse_number,
    parse_pattern,
)
from .const import (
    CONF_INTERNAL_DIGITS,
    CONF_NUMBER,
    DEFAULT_INTERNAL_DIGITS,
    DOMAIN,
)

CONF_CONTACT: Final = "contact"


def number_given(value: object) -> str | int:
    """Return a number as text, or as the integer that YAML or a template makes of it.

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


# The editor leaves an empty list behind when the last entry is removed from a field:
# that does not filter.
CONFIG_ENTRY_OPTION: Final = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
NUMBER_OPTION: Final = {
    vol.Optional(CONF_NUMBER): vol.All(cv.ensure_list, [number_given])
}
CONTACT_OPTION: Final = {
    vol.Optional(CONF_CONTACT): vol.All(
        cv.ensure_list, [vol.All(str, str.strip, vol.Length(min=1))]
    )
}

# An asterisk that is meant as a wildcard between digits, but would only match itself.
_MISPLACED_ASTERISK: Final = re.compile(r"^\+?[0-9?]+\*[0-9?]+\*$")

_FAULTS: Final = {
    NumberFault.EMPTY: "the number is empty",
    NumberFault.TOO_LONG: f"the number has more than {MAX_LENGTH} characters",
    NumberFault.PLUS: "the plus sign of a number is its first character",
    NumberFault.DECIMAL: "the number ends with .0: put it in quotes",
    NumberFault.NO_STATE: "the number is the state of an entity that has none",
}


def check_options(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a trigger or a condition, with numbers as they are dialed.

    The PBX that is named has to exist; it need not be loaded. Names of contacts are
    looked up when they are needed, so any text may be one.

    Raises:
        vol.Invalid: the PBX does not exist, or a number can never fit.
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
    """Return a number or a pattern in one form, and a name as it is."""
    if is_unquoted(number, internal_digits):
        raise vol.Invalid("put the number in quotes")
    text = str(number)
    try:
        pattern = parse_pattern(text)
    except InvalidNumberError as err:
        if err.is_other_text:
            return text.strip()
        raise vol.Invalid(_FAULTS[err.fault]) from err
    if _MISPLACED_ASTERISK.search(pattern):
        raise vol.Invalid("an asterisk is a wildcard at the end of a pattern only")
    return pattern


def parties(call: Call) -> list[str]:
    """Return the numbers of all who take part in a call."""
    numbers = (call.caller, call.callee, call.answered_by)
    return list(dict.fromkeys(filter(None, numbers)))


class CallFilter:
    """The calls that a trigger or a condition is about; all, where it names nothing."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Keep the options, which `check_options` has returned."""
        self._entry_id: str | None = options.get(ATTR_CONFIG_ENTRY_ID)
        self._contacts: Sequence[str] = options.get(CONF_CONTACT, ())
        numbers: Sequence[str] = options.get(CONF_NUMBER, ())
        self._names = [each for each in numbers if _is_name(each)]
        self._patterns = [each for each in numbers if not _is_name(each)]

    @callback
    def is_about(self, manager: CallManager) -> bool:
        """Return whether it is about the calls of a PBX."""
        return self._entry_id in (None, manager.entry.entry_id)

    @callback
    def matches(
        self, manager: CallManager, numbers: Sequence[str], contacts: Sequence[str]
    ) -> bool:
        """Return whether it is about some numbers.

        Args:
            manager: of the PBX that has reported them.
            numbers: that the option *Number* is compared with.
            contacts: numbers whose contact the option *Contact* is compared with.
        """
        book = manager.book
        return (
            self.is_about(manager)
            and self._has_number(book, numbers)
            and (not self._contacts or _are_contacts(book, contacts, self._contacts))
        )

    def _has_number(self, book: PhoneBook, numbers: Sequence[str]) -> bool:
        if not (self._patterns or self._names):
            return True
        return any(_fits(book, number, self._patterns) for number in numbers) or (
            _are_contacts(book, numbers, self._names)
        )

    @callback
    def missing_contacts(self, hass: HomeAssistant) -> list[str]:
        """Return the contacts that are in no phone book, by name or device id.

        None are missing while a PBX that may have them has not been loaded.
        """
        references = [*self._contacts, *self._names]
        entries = [
            entry.entry_id
            for entry in hass.config_entries.async_entries(DOMAIN)
            if self._entry_id in (None, entry.entry_id)
        ]
        managers = hass.data.get(DATA_MANAGERS, {})
        if not references or not managers.keys() >= set(entries):
            return []
        books = [managers[entry_id].book for entry_id in entries]
        return [
            reference
            for reference in dict.fromkeys(references)
            if not any(book.find(reference) for book in books)
        ]


def _is_name(number: str) -> bool:
    """Return whether a checked number is the name of a contact instead."""
    try:
        parse_pattern(number)
    except InvalidNumberError:
        return True
    return False


def _fits(book: PhoneBook, number: str, patterns: Sequence[str]) -> bool:
    """Return whether a reported number is a wanted one, or fits a pattern."""
    try:
        dialed = parse_number(number)
    except InvalidNumberError:
        # Withheld, or a name.
        return False
    plan = book.plan
    return any(plan.is_same(dialed, pattern) for pattern in patterns) or (
        plan.permits(patterns, dialed)
    )


def _are_contacts(
    book: PhoneBook, numbers: Iterable[str], references: Sequence[str]
) -> bool:
    """Return whether one of some numbers is that of a wanted contact."""
    owners = [owner for each in numbers if (owner := book.owner_of(each)) is not None]
    return any(
        owner in book.find(reference) for owner in owners for reference in references
    )

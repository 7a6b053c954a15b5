"""Parsing of phone numbers and number patterns into the form that a PBX dials."""

from enum import StrEnum
import re
import unicodedata

import phonenumbers

MAX_LENGTH = 32
# Matches any one digit in a pattern.
ANY_DIGIT = "?"

_QUESTION_MARKS = str.maketrans("؟", ANY_DIGIT)
# Arabic-Indic digits, as typed on Arabic and on Persian keyboards.
_ASCII_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_DIALED = frozenset("0123456789+*#")
_DECORATION = frozenset("-./()\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
# Spaces, and the invisible direction marks in numbers that are copied from a Persian
# or Arabic contact list.
_DROPPED_CATEGORIES = frozenset({"Zs", "Cf"})
# A plus sign is allowed at the beginning, or after a code such as *31#.
_PLUS_IN_PLACE = re.compile(r"(?:[*#]+[0-9]+#+)?\+?[^+]+")
_LINK = re.compile("tel:", re.IGNORECASE)
# "+49 (0)30 1234567": the zero is only dialed within the country.
_OPTIONAL_ZERO = re.compile(
    r"((?:\+|00|011)[^0-9+*#]*([1-9][0-9]{0,2})[^0-9+*#(]*)\(0\)"
)
# The country where the zero is part of the number.
_ITALY = "39"
# The end of a number that a template has turned into a float.
_DECIMAL = re.compile(r"\.0\)*")
# Text that a template renders for an entity or attribute without a value.
_NO_STATES = frozenset({"none", "unavailable", "unknown"})


class NumberFault(StrEnum):
    """Why a text is not a valid number; each value is a translation key."""

    EMPTY = "number_empty"
    TOO_LONG = "number_too_long"
    CHARACTER = "number_invalid_character"
    PLUS = "number_misplaced_plus"
    DECIMAL = "number_decimal"
    NO_STATE = "number_no_state"


class InvalidNumberError(ValueError):
    """The text is not a valid number.

    Attributes:
        fault: reason.
        character: the first invalid character in printable form, if that is the
            reason; otherwise empty.
    """

    def __init__(self, fault: NumberFault, character: str = "") -> None:
        """Initialize the error, which does not contain the number."""
        super().__init__(fault.value)
        self.fault = fault
        self.character = (
            character if character.isprintable() else f"U+{ord(character):04X}"
        )

    @property
    def is_other_text(self) -> bool:
        """Whether the text is something other than a number, such as a name."""
        return self.fault is NumberFault.CHARACTER


def ascii_digits(text: str) -> str:
    """Return a text with ASCII digits in place of Persian and Arabic ones."""
    return text.translate(_ASCII_DIGITS)


def parse_number(text: str) -> str:
    """Return a number as dialed: ``0-9 * #``, optionally with a leading plus sign.

    Spaces, dashes, dots, slashes, parentheses and ``tel:`` are removed, as is ``(0)``
    after a country code. Persian and Arabic digits become ASCII.

    Raises:
        InvalidNumberError: the text is not a valid number of up to 32 characters.
    """
    return _parse(text, _DIALED)


def parse_pattern(text: str) -> str:
    """Return a number pattern in normalized form.

    In a pattern, ``?`` matches any one digit, and a ``*`` at the end matches any
    remaining characters or none.

    Raises:
        InvalidNumberError: the text is not a valid pattern of up to 32 characters.
    """
    return _parse(text.translate(_QUESTION_MARKS), _DIALED | {ANY_DIGIT})


def _parse(text: str, alphabet: frozenset[str]) -> str:
    written = _drop_spaces(ascii_digits(text))
    if written.strip("()").casefold() in _NO_STATES:
        raise InvalidNumberError(NumberFault.NO_STATE)
    written = _LINK.sub("", written, count=1) if _LINK.match(written) else written
    for character in written:
        if character not in alphabet and character not in _DECORATION:
            raise InvalidNumberError(NumberFault.CHARACTER, character)
    if _DECIMAL.fullmatch(written[written.rfind(".") :]):
        raise InvalidNumberError(NumberFault.DECIMAL)
    number = "".join(filter(alphabet.__contains__, _drop_optional_zero(written)))
    if not number.lstrip("+"):
        raise InvalidNumberError(NumberFault.EMPTY)
    if not _PLUS_IN_PLACE.fullmatch(number):
        raise InvalidNumberError(NumberFault.PLUS)
    if len(number) > MAX_LENGTH:
        raise InvalidNumberError(NumberFault.TOO_LONG)
    return number


def _drop_spaces(text: str) -> str:
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in _DROPPED_CATEGORIES
    )


def _drop_optional_zero(written: str) -> str:
    found = _OPTIONAL_ZERO.match(written.lstrip("("))
    if found is None or found[2] == _ITALY or not _is_country_code(found[2]):
        return written
    return found[1] + written.lstrip("(")[found.end() :]


def _is_country_code(digits: str) -> bool:
    return int(digits) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE


def is_external(number: str, internal_digits: int) -> bool:
    """Return whether a number is external, and not an extension.

    Args:
        number: number as returned by `parse_number`.
        internal_digits: maximum number of digits of an extension.
    """
    digits = sum(character.isdigit() for character in number)
    return number.startswith("+") or digits > internal_digits


def is_unquoted(value: str | int, internal_digits: int) -> bool:
    """Return whether a number is an integer that may lack leading characters.

    YAML and templates turn a number without quotes into an integer, which drops its
    plus sign or leading zeros. Extensions have neither.
    """
    return isinstance(value, int) and len(str(value)) > internal_digits


def as_reported(number: str) -> str:
    """Return a number without the plus sign and leading zeros that events may lack.

    Different numbers may share this form, so it is only used to match events to
    calls, never for dialing rules.
    """
    return number.lstrip("+0")

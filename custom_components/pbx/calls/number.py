"""Telephone numbers: as people write them, and as a PBX dials them. Pure."""

from enum import StrEnum
import re
import unicodedata

import phonenumbers

MAX_LENGTH = 32
# In a pattern, any one digit.
ANY_DIGIT = "?"

_QUESTION_MARKS = str.maketrans("؟", ANY_DIGIT)
# Arabic-Indic digits, as typed on Arabic and on Persian keyboards.
_ASCII_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_DIALED = frozenset("0123456789+*#")
_DECORATION = frozenset("-./()\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
# Space separators, and the invisible marks of direction that a number copied
# from a Persian or Arabic contact list brings along.
_DROPPED_CATEGORIES = frozenset({"Zs", "Cf"})
# It stands in front, or behind a code such as *31#.
_PLUS_IN_PLACE = re.compile(r"(?:[*#]+[0-9]+#+)?\+?[^+]+")
_LINK = re.compile("tel:", re.IGNORECASE)
# "+49 (0)30 1234567": the zero is dialed within the country only.
_OPTIONAL_ZERO = re.compile(
    r"((?:\+|00|011)[^0-9+*#]*([1-9][0-9]{0,2})[^0-9+*#(]*)\(0\)"
)
# Where the zero belongs to the number.
_ITALY = "39"
# How a template prints a quantity that it took a number for.
_DECIMAL = re.compile(r"\.0\)*")
# What a template prints for an entity or an attribute that has no value.
_NO_STATES = frozenset({"none", "unavailable", "unknown"})


class NumberFault(StrEnum):
    """Why a text is not a number that can be dialed."""

    EMPTY = "number_empty"
    TOO_LONG = "number_too_long"
    CHARACTER = "number_invalid_character"
    PLUS = "number_misplaced_plus"
    DECIMAL = "number_decimal"
    NO_STATE = "number_no_state"


class InvalidNumberError(ValueError):
    """The text is not a number.

    Attributes:
        fault: what is wrong with it.
        character: the first character that no number has, when that is the
            fault, as it can be shown to a person.
    """

    def __init__(self, fault: NumberFault, character: str = "") -> None:
        """Name what is wrong, but not the number."""
        super().__init__(fault.value)
        self.fault = fault
        self.character = (
            character if character.isprintable() else f"U+{ord(character):04X}"
        )

    @property
    def is_other_text(self) -> bool:
        """Whether the text is something else, such as a name."""
        return self.fault is NumberFault.CHARACTER


def parse_number(text: str) -> str:
    """Return a number as it is dialed: ``0-9 * #``, perhaps with a plus in front.

    Spaces, dashes, dots, slashes, parentheses and ``tel:`` are dropped, and so is
    ``(0)`` after a country code. Persian and Arabic digits become ASCII.

    Raises:
        InvalidNumberError: the text is not a number of up to 32 characters.
    """
    return _parse(text, _DIALED)


def parse_pattern(text: str) -> str:
    """Return a pattern of numbers in one form.

    A pattern is a number in which ``?`` stands for any one digit, and at whose end
    ``*`` stands for whatever follows, or nothing.

    Raises:
        InvalidNumberError: the text is not a pattern of up to 32 characters.
    """
    return _parse(text.translate(_QUESTION_MARKS), _DIALED | {ANY_DIGIT})


def _parse(text: str, alphabet: frozenset[str]) -> str:
    written = _drop_spaces(text.translate(_ASCII_DIGITS))
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
    """Return whether a dialed number is one of the telephone network.

    Args:
        number: as `parse_number` returns it.
        internal_digits: the most digits that an extension of this PBX has.
    """
    digits = sum(character.isdigit() for character in number)
    return number.startswith("+") or digits > internal_digits


def is_unquoted(value: str | int, internal_digits: int) -> bool:
    """Return whether a number was taken for a quantity, and may have lost its front.

    YAML and templates make an integer of a number without quotes, and drop its plus
    sign or zeros. An extension has none to lose.
    """
    return isinstance(value, int) and len(str(value)) > internal_digits


def as_reported(number: str) -> str:
    """Return a number without what an event of a PBX may lose: plus, leading zeros.

    Different numbers share this form: it permits nothing, and it decides nothing
    but which of our calls an event may be about.
    """
    return number.lstrip("+0")

"""Numbers as people write them, and as a PBX dials them."""

from enum import StrEnum
import re
import unicodedata

MAX_LENGTH = 32

_DIALLABLE = re.compile(r"[0-9+*#]")
_AS_DIALLED = re.compile(rf"[0-9+*#]{{1,{MAX_LENGTH}}}")
_PUNCTUATION = frozenset("-.()\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
# Arabic-Indic digits, as typed on Arabic and on Persian keyboards.
_ASCII_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
# Space separators, and the invisible marks of direction that a number copied
# from a Persian or Arabic contact list brings along.
_DROPPED_CATEGORIES = frozenset({"Zs", "Cf"})


class NumberFault(StrEnum):
    """Why a text is no number that can be dialled."""

    EMPTY = "number_empty"
    TOO_LONG = "number_too_long"
    CHARACTER = "number_invalid_character"


class InvalidNumberError(ValueError):
    """The text is no number.

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


def normalise_number(text: str, *, wildcards: str = "") -> str:
    """Return the number as it is dialled: 1 to 32 of ``0-9 + * #``.

    Spaces, dashes, dots and parentheses are dropped, Persian and Arabic digits
    become ASCII.

    Args:
        text: as somebody has written it.
        wildcards: what else is kept, where it is a pattern of numbers.

    Raises:
        InvalidNumberError: anything else is in it, or nothing is, or too much.
    """
    if _AS_DIALLED.fullmatch(text):
        return text
    dialled: list[str] = []
    for character in text.translate(_ASCII_DIGITS):
        if _DIALLABLE.fullmatch(character) or character in wildcards:
            dialled.append(character)
        elif not _is_decoration(character):
            raise InvalidNumberError(NumberFault.CHARACTER, character)
    if not dialled:
        raise InvalidNumberError(NumberFault.EMPTY)
    if len(dialled) > MAX_LENGTH:
        raise InvalidNumberError(NumberFault.TOO_LONG)
    return "".join(dialled)


def is_outside_number(number: str, internal_digits: int) -> bool:
    """Tell whether a normalised number is one of the telephone network.

    Args:
        number: as `normalise_number` returns it.
        internal_digits: the most digits that a number inside this PBX has.
    """
    if len(number) <= internal_digits:
        return number.startswith("+")
    digits = sum(character.isdigit() for character in number)
    return number.startswith("+") or digits > internal_digits


def _is_decoration(character: str) -> bool:
    return (
        character in _PUNCTUATION
        or unicodedata.category(character) in _DROPPED_CATEGORIES
    )

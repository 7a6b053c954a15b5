"""Names of things in a PBX, and other text that is one line."""

import unicodedata

from ..calls.number import InvalidNumberError, NumberFault, parse_number

# Control characters, line and paragraph separators, and halves of characters.
# Not all that is invisible: Persian has joiners in its words.
_BREAKING_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})


def breaks_line(character: str) -> bool:
    """Tell whether a character has no place within a line of text."""
    return unicodedata.category(character) in _BREAKING_CATEGORIES


def is_name(text: str) -> bool:
    """Tell whether a text can name something: it is one line, perhaps empty."""
    return text.isprintable() or not any(map(breaks_line, text))


def one_line(text: str) -> str:
    """Return a text as one line, with single spaces where it has any."""
    if not text.isprintable():
        text = "".join(" " if breaks_line(sign) else sign for sign in text)
    return " ".join(text.split())


def parse_caller_id(text: str, *, may_be_name: bool) -> str:
    """Return a caller ID as the PBX takes it.

    Args:
        text: as somebody has written it.
        may_be_name: whether the PBX takes a name in place of a number.

    Raises:
        InvalidNumberError: it is no number, and may be nothing else.
        ValueError: it is a name of more than one line.
    """
    try:
        return parse_number(text)
    except InvalidNumberError as err:
        # Of other faults, such as a length, a name has none.
        if not may_be_name or err.fault is not NumberFault.CHARACTER:
            raise
    if not is_name(text):
        raise ValueError("not one line")
    return text.strip()

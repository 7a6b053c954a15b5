"""Names of things in a PBX, and other text that is one line."""

import unicodedata

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

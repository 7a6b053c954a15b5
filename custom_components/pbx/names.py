"""Names of things in a PBX: contexts, trunks."""

import unicodedata

# Control characters, line and paragraph separators, and halves of characters.
# Not all that is invisible: a Persian name has joiners in it.
_REFUSED_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})


def is_name(text: str) -> bool:
    """Tell whether a text can name something: it is one line, perhaps empty."""
    return not any(
        unicodedata.category(character) in _REFUSED_CATEGORIES for character in text
    )

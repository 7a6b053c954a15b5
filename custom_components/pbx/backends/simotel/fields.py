"""Read fields of Simotel's events and reports, whose names and types vary.

Source: Simotel's v4 documents of events and reports, whose tables and samples
differ: `event_name` and `event`, `starttime` and `start_time`, numbers as
numbers and as text, fields that are missing or empty. The sample response of the
originate request has the id ``orig.call.1703145054.787335``; that it contains a time is
not documented. The id of a conversation is Asterisk's: the second in which it began,
and a number.
"""

from collections.abc import Mapping
import re

from ..updates import seconds

# Longer than the text of any documented field.
_MAX_TEXT = 255
# Longer than any phone number or id. Python refuses to convert integers of several
# thousand digits to text.
_MAX_INTEGER = 10**40
# Text that stands for a missing value.
_NULL_WORDS = frozenset({"none", "null"})

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NON_WORD = re.compile(r"[\W_]+")
# The patterns reject numbers that are too long for a time.
_CONVERSATION_ID = re.compile(r"(?:.*-)?(\d{10})\.\d+", re.ASCII)
_CALL_ID = re.compile(r"orig\.call\.(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)


class Fields:
    """The fields of an event or a row of the report.

    Field names are compared without case and punctuation.

    Args:
        values: by field name; other keys are ignored.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        """Initialize the fields."""
        self._values: dict[str, object] = {}
        for name, value in values.items():
            if isinstance(name, str):
                self._values.setdefault(fold_name(name), value)

    def text(self, *names: str) -> str:
        """Return the text of the first of these fields that has any; else empty."""
        values = (text(self._values.get(fold_name(name))) for name in names)
        return next(filter(None, values), "")

    def seconds(self, *names: str) -> float | None:
        """Return the first of these fields that is a finite number ≥ 0, if any."""
        values = (seconds(self._values.get(fold_name(name))) for name in names)
        return next((value for value in values if value is not None), None)


def text(value: object) -> str:
    """Return a value as one printable line; empty for a missing value."""
    if isinstance(value, str):
        line = "".join(
            character if character.isprintable() else " " for character in value
        )
        line = " ".join(line.split())[:_MAX_TEXT]
        return "" if line.casefold() in _NULL_WORDS else line
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    # This also excludes NaN.
    if not abs(value) < _MAX_INTEGER:
        return ""
    # A phone number may be sent as 992.0.
    return str(int(value) if value == int(value) else value)


def fold_name(name: str) -> str:
    """Return a name without case and punctuation, for comparing names."""
    return "".join(filter(str.isalnum, name)).casefold()


def snake_case(words: str) -> str:
    """Return words of any spelling in snake_case, such as ``in_use`` for ``InUse``."""
    return _NON_WORD.sub("_", _CAMEL.sub("_", words)).strip("_").casefold()


def call_time(originated_call_id: str) -> float | None:
    """Return the Unix time in the id of a call request; None if it has none."""
    found = _CALL_ID.fullmatch(originated_call_id)
    return float(found[1]) if found else None


def conversation_time(conversation_id: str) -> float | None:
    """Return the Unix time in the id of a conversation; None if it has none."""
    found = _CONVERSATION_ID.fullmatch(conversation_id)
    return float(found[1]) if found else None

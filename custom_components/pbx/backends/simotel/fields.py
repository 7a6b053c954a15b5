"""Reading what a Simotel sends, whose names and types vary from page to page.

Source: Simotel's v4 documents of events and reports, whose tables and samples
differ: `event_name` and `event`, `starttime` and `start_time`, numbers as
numbers and as text, fields that are left out or empty. The sample of the originate
request answers with ``orig.call.1703145054.787335``; that this is a time is not
documented. The name of a conversation is Asterisk's: the second in which it began,
and a number.
"""

from collections.abc import Mapping
import re

from ..updates import seconds

# Longer text than any documented field has is of no use to anybody.
_MAX_TEXT = 255
# No number of a phone, and no id, is as long; one of some thousand digits could
# not even be written.
_MAX_INTEGER = 10**40
# What a program writes that has nothing to write.
_NOTHING = frozenset({"none", "null"})

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
# Numbers that are longer than any time are turned away by the pattern.
_CONVERSATION_ID = re.compile(r"(?:.*-)?(\d{10})\.\d+", re.ASCII)
_CALL_ID = re.compile(r"orig\.call\.(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)


class Fields:
    """What an event or a row of a report carries, by the names of its fields.

    The names are found whatever their case and punctuation.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        """Take any mapping; what is no name is passed over."""
        self._values: dict[str, object] = {}
        for name, value in values.items():
            if isinstance(name, str):
                self._values.setdefault(folded(name), value)

    def text(self, *names: str) -> str:
        """Return the first of these fields that says anything, or nothing."""
        values = (text(self._values.get(folded(name))) for name in names)
        return next(filter(None, values), "")

    def seconds(self, *names: str) -> float | None:
        """Return the first of these fields that is a finite number ≥ 0."""
        values = (seconds(self._values.get(folded(name))) for name in names)
        return next((value for value in values if value is not None), None)


def text(value: object) -> str:
    """Return a value on one clean line; empty for what says nothing."""
    if isinstance(value, str):
        line = "".join(
            character if character.isprintable() else " " for character in value
        )
        line = " ".join(line.split())[:_MAX_TEXT]
        return "" if line.casefold() in _NOTHING else line
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    # Neither is NaN below anything.
    if not abs(value) < _MAX_INTEGER:
        return ""
    # A phone's number may come as 992.0.
    return str(int(value) if value == int(value) else value)


def folded(name: str) -> str:
    """Return a name in the form in which names are compared."""
    return "".join(filter(str.isalnum, name)).casefold()


def snake_case(words: str) -> str:
    """Return words of any spelling as one word, e.g. ``in_use`` for ``InUse``."""
    return _NO_WORD.sub("_", _CAMEL.sub("_", words)).strip("_").casefold()


def call_time(originated_call_id: str) -> float | None:
    """Return the Unix time in a call's id, if it has one."""
    found = _CALL_ID.fullmatch(originated_call_id)
    return float(found[1]) if found else None


def conversation_time(conversation_id: str) -> float | None:
    """Return the Unix time at which a conversation began, if its id tells it."""
    found = _CONVERSATION_ID.fullmatch(conversation_id)
    return float(found[1]) if found else None

"""The list of people in an action, however it was written.

YAML and the editor make lists. Templates make texts, tuples, sets and single numbers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
import re
from typing import Any, Final

from ..const import CONF_NUMBER
from .action_data import without_parentheses

CONF_CONTACT: Final = "contact"

# Latin and Persian commas and semicolons, and lines.
_SEPARATOR: Final = re.compile("[,;\u060c\u061b\r\n]")
# Parts that a name with separators in it may have.
_MAX_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class ListItem:
    """One person in a list.

    Attributes:
        reference: number, name or device id, of any type, as it was written.
        settings: of a mapping for one person, by the names of the action's fields.
        is_contact: whether the reference can only be a contact.
    """

    reference: object
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_contact: bool = False


def parse_list(value: object, is_name: Callable[[str], bool]) -> list[ListItem]:
    """Return the people in a list; bad ones are kept, as they fail by themselves.

    Args:
        value: of the field.
        is_name: returns whether a text is the name of a contact.
    """
    items = (part for each in _elements(value) for part in _elements(each) or [each])
    return [item for each in items for item in _items(each, is_name)]


def _elements(value: object) -> Sequence[object]:
    """Return the elements of a list; an entry of it may be a list of a template."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    if isinstance(value, AbstractSet):
        return sorted(value, key=str)
    return [value]


def _items(value: object, is_name: Callable[[str], bool]) -> Iterator[ListItem]:
    if isinstance(value, str):
        entries = map(without_parentheses, _split(value, is_name))
        yield from map(ListItem, entries)
    elif isinstance(value, Mapping):
        yield _of_mapping(value)
    else:
        yield ListItem(value)


def _of_mapping(value: Mapping[Any, object]) -> ListItem:
    settings = {str(name): each for name, each in value.items()}
    number = settings.pop(CONF_NUMBER, None)
    contact = settings.pop(CONF_CONTACT, None)
    if (number is None) == (contact is None):
        # Neither says who is meant, or both do.
        return ListItem(value)
    if contact is not None:
        return ListItem(contact, settings, is_contact=True)
    return ListItem(number, settings)


def _split(text: str, is_name: Callable[[str], bool]) -> list[str]:
    """Return the entries of a text, among them names that have separators."""
    ends = [match.start() for match in _SEPARATOR.finditer(text)] + [len(text)]
    starts = [0] + [end + 1 for end in ends[:-1]]
    entries: list[str] = []
    first = 0
    while first < len(starts):
        last = first
        for candidate in range(min(first + _MAX_PARTS, len(ends)) - 1, first, -1):
            if is_name(text[starts[first] : ends[candidate]].strip()):
                last = candidate
                break
        entries.append(text[starts[first] : ends[last]].strip())
        first = last + 1
    # An empty text is one bad entry; a separator at the end makes none.
    return [each for each in entries if each] or [""]

"""Fields of Asterisk's events and objects, whatever they contain."""

from collections.abc import Mapping
from typing import Any, Final

from ..updates import known_number

# The application of the dialplan in which channels of ARI applications wait.
STASIS: Final = "Stasis"
# The keys of phones.
KEYS: Final = frozenset("0123456789*#ABCD")


def mapping_in(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object in a field; empty if it is not an object."""
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def text_in(fields: Mapping[str, Any], name: str) -> str:
    """Return the text in a field; empty if it is not a text."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def number_in(channel: Mapping[str, Any], party: str) -> str:
    """Return the number of a party of a channel; empty if withheld or unknown."""
    return known_number(text_in(mapping_in(channel, party), "number"))


def running_app(channel: Mapping[str, Any]) -> str:
    """Return the dialplan application that runs on a channel; empty if unknown."""
    return text_in(mapping_in(channel, "dialplan"), "app_name")

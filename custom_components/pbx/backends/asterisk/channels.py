"""How the channels of an Asterisk are named, which is how phones are rung.

Source: Asterisk's documentation of channel drivers: a channel to a phone is
asked for as ``PJSIP/557``, to a number by a trunk as ``PJSIP/0211234@trunk``,
and is then called ``PJSIP/557-0000001a``.
"""

from dataclasses import dataclass
import re
from typing import Final

from ..redaction import is_name

INTERNAL_CHANNEL: Final = "PJSIP/{number}"
OUTSIDE_CHANNEL: Final = "PJSIP/{number}@{trunk}"

_NUMBER: Final = "{number}"
_TRUNK: Final = "{trunk}"
_FIELD = re.compile(r"\{[^{}]*\}|[{}]")
# What Asterisk adds to the name of an endpoint to name one channel of it.
_SERIAL = re.compile(r"-[0-9a-f]{8}(?:;[12])?\Z")
# Technologies whose endpoints ARI knows by the name that stands in a channel's.
_WITH_ENDPOINTS: Final = frozenset({"PJSIP", "SIP", "IAX2"})


class InvalidTemplateError(ValueError):
    """A text is no template of a channel."""


@dataclass(frozen=True, slots=True)
class ChannelTemplates:
    """How the phones of a PBX, and those behind its trunks, are rung.

    Attributes:
        internal: with the field ``{number}``.
        outside: with the fields ``{number}`` and ``{trunk}``.
    """

    internal: str = INTERNAL_CHANNEL
    outside: str = OUTSIDE_CHANNEL

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            InvalidTemplateError: a field is missing or unknown, or there is no
                technology before a slash.
        """
        check_internal(self.internal)
        check_outside(self.outside)

    def channel(self, number: str, trunk: str | None) -> str:
        """Return the channel that rings a number."""
        if trunk is None:
            return self.internal.replace(_NUMBER, number)
        # The number last: it is the one that cannot hold a field's name.
        return self.outside.replace(_TRUNK, trunk).replace(_NUMBER, number)

    def extension(self, endpoint: str) -> str:
        """Return the number of an endpoint, or nothing if it is no phone's.

        Args:
            endpoint: technology and name, such as ``PJSIP/557``.
        """
        before, _, after = self.internal.partition("@")[0].partition(_NUMBER)
        if not endpoint.startswith(before) or not endpoint.endswith(after):
            return ""
        number = endpoint[len(before) : len(endpoint) - len(after)]
        return number if number.isascii() and number.isdigit() else ""


def check_internal(text: str) -> None:
    """Check the template of the channel of an internal number.

    Raises:
        InvalidTemplateError: ``{number}`` is not its only field, or there is no
            technology before a slash.
    """
    _check(text, _NUMBER)


def check_outside(text: str) -> None:
    """Check the template of the channel of an outside number.

    Raises:
        InvalidTemplateError: ``{number}`` and ``{trunk}`` are not its only
            fields, or there is no technology before a slash.
    """
    _check(text, _NUMBER, _TRUNK)


def _check(text: str, *fields: str) -> None:
    technology, slash, resource = text.partition("/")
    if not (technology.isascii() and technology.isalnum() and slash and resource):
        raise InvalidTemplateError("no technology and name")
    if set(_FIELD.findall(text)) != set(fields):
        raise InvalidTemplateError("other fields")
    if not is_name(text) or any(character.isspace() for character in text):
        raise InvalidTemplateError("white space")


def endpoint_of_channel(name: str) -> str:
    """Return the endpoint of a channel by its name, e.g. ``PJSIP/557``."""
    return _SERIAL.sub("", name)


def endpoint_to_ring(channel: str) -> str | None:
    """Return the endpoint that a channel is asked for at, if ARI knows such.

    Args:
        channel: as `ChannelTemplates.channel` returns it.
    """
    technology, _, resource = channel.partition("/")
    if technology.upper() not in _WITH_ENDPOINTS:
        return None
    name = resource.partition("@")[2] or resource.partition("/")[0]
    return f"{technology}/{name}"

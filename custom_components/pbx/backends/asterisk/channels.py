"""How the channels of an Asterisk are named, which is how phones are rung.

Source: Asterisk's documentation of channel drivers: a channel to a phone is
asked for as ``PJSIP/557``, to a number by a trunk as ``PJSIP/0211234@trunk``,
and is then called ``PJSIP/557-0000001a``. Names of technologies are compared
without regard to case. A channel of the dialplan, ``Local/557@context``, leaves a
call as soon as both sides of it talk, unless it has the option ``n``.
"""

from dataclasses import dataclass
import re
from typing import Final

from ..redaction import is_name

INTERNAL_CHANNEL: Final = "PJSIP/{number}"
EXTERNAL_CHANNEL: Final = "PJSIP/{number}@{trunk}"

_NUMBER: Final = "{number}"
_TRUNK: Final = "{trunk}"
_FIELD = re.compile(r"\{[^{}]*\}|[{}]")
# What Asterisk adds to the name of an endpoint to name one channel of it.
_SERIAL = re.compile(r"-[0-9a-f]{8}(?:;[12])?\Z")
# Technologies whose endpoints ARI knows by the name that stands in a channel's.
_WITH_ENDPOINTS: Final = frozenset({"PJSIP", "SIP", "IAX2"})
# The only one of them that has an endpoint behind an `@`, and never a host.
_PJSIP: Final = "PJSIP"
_LOCAL: Final = "LOCAL"
_STAYS: Final = "n"


class InvalidTemplateError(ValueError):
    """A text is no template of a channel."""


@dataclass(frozen=True, slots=True)
class ChannelTemplates:
    """How the phones of a PBX, and those behind its trunks, are rung.

    Attributes:
        internal: with the field ``{number}``.
        external: with the field ``{number}``, and ``{trunk}`` where the dialplan
            does not find the way out by itself.
    """

    internal: str = INTERNAL_CHANNEL
    external: str = EXTERNAL_CHANNEL

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            InvalidTemplateError: a field is missing or unknown, or there is no
                technology before a slash.
        """
        check_internal(self.internal)
        check_external(self.external)

    def channel(
        self, number: str, trunk: str | None, *, is_external: bool = False
    ) -> str:
        """Return the channel that rings a number.

        Args:
            number: to ring.
            trunk: that reaches it; None for one inside, or where none is needed.
            is_external: whether it is outside, with or without a trunk.
        """
        template = self.internal
        if trunk is not None or (is_external and not needs_trunk(self.external)):
            # The number last: it is the one that cannot hold a field's name.
            template = self.external.replace(_TRUNK, trunk or "")
        return _that_stays(template.replace(_NUMBER, number))

    def extension(self, endpoint: str) -> str:
        """Return the number of an endpoint, or nothing if it is no phone's.

        Args:
            endpoint: technology and name, such as ``PJSIP/557``.
        """
        technology, _, name = endpoint.partition("/")
        ours, _, resource = self.internal.partition("/")
        phone = resource.partition("/")[0].partition("@")[0]
        is_phone = technology.upper() == ours.upper()
        if ours.upper() == _LOCAL:
            # The dialplan rings them, by whatever technology.
            is_phone, phone = technology.upper() in _WITH_ENDPOINTS, _NUMBER
        before, field, after = phone.partition(_NUMBER)
        if not (is_phone and field and name.startswith(before)):
            return ""
        number = name[len(before) : len(name) - len(after)]
        is_whole = name.endswith(after) and number.isascii() and number.isdigit()
        return number if is_whole else ""


def check_internal(text: str) -> None:
    """Check the template of the channel of an internal number.

    Raises:
        InvalidTemplateError: ``{number}`` is not its only field, or there is no
            technology before a slash.
    """
    _check(text, _NUMBER)


def check_external(text: str) -> None:
    """Check the template of the channel of an external number.

    Raises:
        InvalidTemplateError: ``{number}`` is missing, there is a field beside it
            and ``{trunk}``, or there is no technology before a slash.
    """
    _check(text, _NUMBER, _TRUNK)


def needs_trunk(text: str) -> bool:
    """Return whether an external number can be rung by a trunk only.

    Args:
        text: the template of its channel.
    """
    return _TRUNK in text


def is_local(endpoint: str) -> bool:
    """Return whether it is the dialplan itself that is rung."""
    return endpoint.partition("/")[0].upper() == _LOCAL


def _check(text: str, *fields: str) -> None:
    technology, slash, resource = text.partition("/")
    if not (technology.isascii() and technology.isalnum() and slash and resource):
        raise InvalidTemplateError("no technology and name")
    found = set(_FIELD.findall(text))
    if _NUMBER not in found or not found <= set(fields):
        raise InvalidTemplateError("other fields")
    options = resource.partition("/")[2]
    if is_local(text) and options and not (options.isascii() and options.isalpha()):
        raise InvalidTemplateError("other options")
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
    technology = technology.upper()
    user, at, host = resource.partition("/")[0].partition("@")
    if technology not in _WITH_ENDPOINTS or (at and technology != _PJSIP):
        # Behind the `@` of the others, any host may stand.
        return None
    return f"{technology}/{host if at else user}"


def _that_stays(channel: str) -> str:
    """Return a channel that stays in its call for as long as both talk."""
    if not is_local(channel):
        return channel
    technology, _, resource = channel.partition("/")
    address, _, options = resource.partition("/")
    options = options if _STAYS in options else _STAYS + options
    return f"{technology}/{address}/{options}"

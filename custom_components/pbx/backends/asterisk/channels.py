"""Dial strings and names of Asterisk's channels.

Source: Asterisk's documentation of channel drivers. The dial string of a phone is
``PJSIP/557``, of a number behind a trunk ``PJSIP/0211234@trunk``; the channel is then
named ``PJSIP/557-0000001a``. Technologies are case-insensitive. A Local channel into
the dialplan, ``Local/557@context``, is optimized away as soon as both of its sides are
answered, unless it has the option ``n``.
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
# The suffix that Asterisk appends to the name of an endpoint to name a channel.
_SERIAL = re.compile(r"-[0-9a-f]{8}(?:;[12])?\Z")
# Technologies whose endpoints have the same names in ARI as in channel names.
_WITH_ENDPOINTS: Final = frozenset({"PJSIP", "SIP", "IAX2"})
# The only one of them in which an endpoint, and never a host, follows the `@`.
_PJSIP: Final = "PJSIP"
_LOCAL: Final = "LOCAL"
_MEDIA: Final = "WEBSOCKET"
_NO_OPTIMIZATION: Final = "n"


class InvalidTemplateError(ValueError):
    """A text is not a valid channel template."""


@dataclass(frozen=True, slots=True)
class ChannelTemplates:
    """Templates for the dial strings of extensions and external numbers.

    Attributes:
        internal: contains the field ``{number}``.
        external: contains the field ``{number}``, and ``{trunk}`` unless the dialplan
            selects the trunk.
    """

    internal: str = INTERNAL_CHANNEL
    external: str = EXTERNAL_CHANNEL

    def __post_init__(self) -> None:
        """Validate the templates.

        Raises:
            InvalidTemplateError: a field is missing or unknown, or there is no
                technology before a slash.
        """
        check_internal(self.internal)
        check_external(self.external)

    def channel(
        self, number: str, trunk: str | None, *, is_external: bool = False
    ) -> str:
        """Return the dial string of a number.

        Args:
            number: to dial.
            trunk: that reaches it; None for an extension, or if none is needed.
            is_external: whether it is an external number, with or without a trunk.
        """
        template = self.internal
        if trunk is not None or (is_external and not needs_trunk(self.external)):
            # The number is inserted last: unlike a trunk, it cannot contain a field.
            template = self.external.replace(_TRUNK, trunk or "")
        return _without_optimization(template.replace(_NUMBER, number))

    def extension(self, endpoint: str) -> str:
        """Return the number of an endpoint; empty if it is not an extension.

        Args:
            endpoint: technology and name, such as ``PJSIP/557``.
        """
        technology, _, name = endpoint.partition("/")
        template_technology, _, resource = self.internal.partition("/")
        phone = resource.partition("/")[0].partition("@")[0]
        is_phone = technology.upper() == template_technology.upper()
        if template_technology.upper() == _LOCAL:
            # The dialplan dials the phones, which may be of any technology.
            is_phone, phone = technology.upper() in _WITH_ENDPOINTS, _NUMBER
        before, field, after = phone.partition(_NUMBER)
        if not (is_phone and field and name.startswith(before)):
            return ""
        number = name[len(before) : len(name) - len(after)]
        is_whole = name.endswith(after) and number.isascii() and number.isdigit()
        return number if is_whole else ""


def check_internal(text: str) -> None:
    """Validate the channel template for extensions.

    Raises:
        InvalidTemplateError: ``{number}`` is not its only field, or there is no
            technology before a slash.
    """
    _check(text, _NUMBER)


def check_external(text: str) -> None:
    """Validate the channel template for external numbers.

    Raises:
        InvalidTemplateError: ``{number}`` is missing, there is a field other than it
            and ``{trunk}``, or there is no technology before a slash.
    """
    _check(text, _NUMBER, _TRUNK)


def needs_trunk(text: str) -> bool:
    """Return whether external numbers can only be dialed with a named trunk.

    Args:
        text: the channel template for external numbers.
    """
    return _TRUNK in text


def is_local(endpoint: str) -> bool:
    """Return whether an endpoint is a Local channel into the dialplan."""
    return endpoint.partition("/")[0].upper() == _LOCAL


def is_media(endpoint: str) -> bool:
    """Return whether an endpoint is a WebSocket that plays and records audio."""
    return endpoint.partition("/")[0].upper() == _MEDIA


def is_pjsip(channel: str) -> bool:
    """Return whether a dial string rings a PJSIP endpoint itself."""
    return channel.partition("/")[0].upper() == _PJSIP


def _check(text: str, *fields: str) -> None:
    technology, slash, resource = text.partition("/")
    if not (technology.isascii() and technology.isalnum() and slash and resource):
        raise InvalidTemplateError("missing technology or name")
    found = set(_FIELD.findall(text))
    if _NUMBER not in found or not found <= set(fields):
        raise InvalidTemplateError("missing or unknown fields")
    options = resource.partition("/")[2]
    if is_local(text) and options and not (options.isascii() and options.isalpha()):
        raise InvalidTemplateError("invalid options")
    if not is_name(text) or any(character.isspace() for character in text):
        raise InvalidTemplateError("whitespace or control characters")


def endpoint_of_channel(name: str) -> str:
    """Return the endpoint, such as ``PJSIP/557``, of a channel's name."""
    return _SERIAL.sub("", name)


def endpoint_to_ring(channel: str) -> str | None:
    """Return the endpoint that a dial string rings; None if ARI does not list it.

    Args:
        channel: the dial string, as `ChannelTemplates.channel` returns it.
    """
    technology, _, resource = channel.partition("/")
    technology = technology.upper()
    user, at, host = resource.partition("/")[0].partition("@")
    if technology not in _WITH_ENDPOINTS or (at and technology != _PJSIP):
        # For the other technologies, any host may follow the `@`.
        return None
    return f"{technology}/{host if at else user}"


def _without_optimization(channel: str) -> str:
    """Return a dial string with Local channel optimization turned off."""
    if not is_local(channel):
        return channel
    technology, _, resource = channel.partition("/")
    address, _, options = resource.partition("/")
    options = options if _NO_OPTIMIZATION in options else _NO_OPTIMIZATION + options
    return f"{technology}/{address}/{options}"

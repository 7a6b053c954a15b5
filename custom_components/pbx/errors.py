"""Errors in the words of Home Assistant, translated."""

import re
from typing import Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .backends.base import PbxError, PbxErrorCode, PbxKind
from .backends.redaction import clean_text
from .const import DOMAIN

# What the users of a kind of PBX are told in words of their own: the menus and files
# in which they put it right.
_OWN_WORDS = frozenset(
    {
        ("asterisk", PbxErrorCode.INVALID_AUTH),
        ("asterisk", PbxErrorCode.ACCESS_DENIED),
        ("asterisk", PbxErrorCode.NOT_SUPPORTED),
        ("asterisk", PbxErrorCode.UNEXPECTED_ANSWER),
        ("simotel", PbxErrorCode.INVALID_AUTH),
        ("simotel", PbxErrorCode.ACCESS_DENIED),
        ("simotel", PbxErrorCode.IP_NOT_PERMITTED),
        ("simotel", PbxErrorCode.NOT_SUPPORTED),
        ("simotel", PbxErrorCode.UNEXPECTED_ANSWER),
    }
)

# An id of Home Assistant's device registry; enough of it to find the line in YAML.
_DEVICE_ID: Final = re.compile("[0-9a-f]{32}")
_SHOWN: Final = 4


class Pbx(Protocol):
    """A PBX, as an error names it."""

    entry: ConfigEntry

    @property
    def kind(self) -> PbxKind:
        """What kind of PBX it is."""


def error_key(kind: PbxKind, code: PbxErrorCode) -> str:
    """Return the key of the sentence for an error of a kind of PBX."""
    return f"{kind.id}_{code}" if (kind.id, code) in _OWN_WORDS else str(code)


def translated_error[ErrorT: HomeAssistantError](
    error_class: type[ErrorT], err: PbxError, pbx: Pbx
) -> ErrorT:
    """Return the error of a PBX as one of Home Assistant's.

    Args:
        error_class: what to make of it, e.g. `HomeAssistantError`.
        err: what the backend raised.
        pbx: which PBX it is about.
    """
    return error_class(
        translation_domain=DOMAIN,
        translation_key=error_key(pbx.kind, err.code),
        translation_placeholders={"pbx": pbx.entry.title, "detail": err.detail},
    )


def user_error(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of an action whose data are at fault."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def unknown_contact(reference: str) -> ServiceValidationError:
    """Return the error of an action that names a contact which is not there.

    The editor names contacts by their device, of which an id alone is left. It is no
    number, and is not starred as one.
    """
    reference = reference.strip()
    if _DEVICE_ID.fullmatch(reference):
        return user_error("contact_removed", device=f"{reference[:_SHOWN]}…")
    return user_error("unknown_contact", contact=clean_text(reference))


def action_error(translation_key: str, **placeholders: str) -> HomeAssistantError:
    """Return the error of an action that failed, whatever its data."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )

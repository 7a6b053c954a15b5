"""Translated Home Assistant errors, made from the errors of a PBX or an action."""

from collections.abc import Sequence
import re
from typing import Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .backends.errors import PbxError, PbxErrorCode
from .backends.kind import PbxKind
from .backends.redaction import clean_text
from .const import DOMAIN

# Errors whose message differs by kind of PBX: it names the menus and files in which
# the user can correct them.
_KIND_SPECIFIC_ERRORS = frozenset(
    {
        ("asterisk", PbxErrorCode.INVALID_AUTH),
        ("asterisk", PbxErrorCode.ACCESS_DENIED),
        ("asterisk", PbxErrorCode.NOT_SUPPORTED),
        ("asterisk", PbxErrorCode.UNEXPECTED_ANSWER),
        ("asterisk", PbxErrorCode.NO_SPEECH),
        ("simotel", PbxErrorCode.INVALID_AUTH),
        ("simotel", PbxErrorCode.ACCESS_DENIED),
        ("simotel", PbxErrorCode.IP_NOT_PERMITTED),
        ("simotel", PbxErrorCode.NOT_SUPPORTED),
        ("simotel", PbxErrorCode.UNEXPECTED_ANSWER),
    }
)

# Errors of data that name a contact: of an automation, they are shown as a repair.
_CONTACT_FAULTS: Final = frozenset(
    {
        "ambiguous_contact",
        "contact_disabled",
        "contact_of_other_pbx",
        "contact_of_several_pbxs",
        "contact_removed",
        "contacts_of_different_pbxs",
        "no_contacts",
        "unknown_contact",
        "unknown_default_caller",
        "unknown_own_caller",
    }
)

# An id of Home Assistant's device registry, and how many characters of it are shown:
# enough to find the line in YAML.
_DEVICE_ID: Final = re.compile("[0-9a-f]{32}")
_SHOWN_LENGTH: Final = 4


class Pbx(Protocol):
    """The PBX that an error is about."""

    entry: ConfigEntry

    @property
    def kind(self) -> PbxKind:
        """The kind of PBX."""


def error_key(kind: PbxKind, code: PbxErrorCode) -> str:
    """Return the translation key for an error of a kind of PBX."""
    is_specific = (kind.id, code) in _KIND_SPECIFIC_ERRORS
    return f"{kind.id}_{code}" if is_specific else str(code)


def translated_error[ErrorT: HomeAssistantError](
    error_class: type[ErrorT], err: PbxError, pbx: Pbx
) -> ErrorT:
    """Return a backend's error as a translated Home Assistant error.

    Args:
        error_class: the class to return, such as `HomeAssistantError`.
        err: the error that the backend raised.
        pbx: the PBX that it is about.
    """
    return error_class(
        translation_domain=DOMAIN,
        translation_key=error_key(pbx.kind, err.code),
        translation_placeholders={"pbx": pbx.entry.title, "detail": err.detail},
    )


def user_error(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the translated error for action data that the user can correct."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def unknown_contact_error(
    reference: str, known: Sequence[str]
) -> ServiceValidationError:
    """Return the error of an action that names a contact that does not exist.

    The editor names contacts by their device, of which an id alone is left. It is not
    a number, and not starred as one.

    Args:
        reference: the name, or the id of a device.
        known: names of contacts that exist, to choose from.
    """
    reference = reference.strip()
    if _DEVICE_ID.fullmatch(reference):
        return user_error("contact_removed", device=f"{reference[:_SHOWN_LENGTH]}…")
    if not known:
        return user_error("no_contacts", contact=clean_text(reference))
    names = ", ".join(map(clean_text, known))
    return user_error("unknown_contact", contact=clean_text(reference), known=names)


def is_contact_fault(err: HomeAssistantError) -> bool:
    """Return whether an error is about a contact that the data of an action name."""
    return err.translation_key in _CONTACT_FAULTS


def contact_text(reference: str) -> str:
    """Return a contact's name for a text, or the beginning of its device's id."""
    if _DEVICE_ID.fullmatch(reference):
        return f"{reference[:_SHOWN_LENGTH]}…"
    return clean_text(reference)


def action_error(translation_key: str, **placeholders: str) -> HomeAssistantError:
    """Return the translated error for an action that failed despite valid data."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )

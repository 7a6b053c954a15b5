"""The phone book: the people and phones that a PBX's owner has named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..backends.redaction import clean_text
from ..const import (
    CONF_ALIASES,
    CONF_AREAS,
    CONF_CALLER,
    CONF_INTERNAL_DIGITS,
    CONF_NUMBER,
    CONF_SATELLITES,
    DEFAULT_INTERNAL_DIGITS,
    SUBENTRY_CONTACT,
    SUBENTRY_EXTENSION,
)
from ..errors import user_error
from .number_plan import NumberPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a phone with a number.

    Attributes:
        subentry_id: of its config subentry.
        name: as people say it.
        number: as it is dialed.
        aliases: other names for the same.
        overrides: what is used in place of the PBX's call defaults when it is
            called.
    """

    subentry_type: ClassVar[str] = SUBENTRY_CONTACT

    subentry_id: str
    name: str
    number: str
    aliases: Sequence[str]
    overrides: Mapping[str, Any]

    @property
    def names(self) -> Sequence[str]:
        """All names that it goes by."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseExtension:
    """An extension whose state is shown, and that rings for voice requests near it.

    Attributes:
        subentry_id: of its config subentry.
        name: as people say it.
        number: as it is dialed.
        areas: where it rings for somebody who speaks there.
        satellites: the voice devices for which it rings, likewise.
    """

    subentry_type: ClassVar[str] = SUBENTRY_EXTENSION

    subentry_id: str
    name: str
    number: str
    areas: Sequence[str]
    satellites: Sequence[str]


class PhoneBook:
    """Who is in the phone book of a PBX; made anew when its settings change.

    Attributes:
        plan: what numbers mean where the PBX is.
        contacts: in the order in which they were added.
        extensions: likewise.
    """

    def __init__(self, entry: ConfigEntry, country: str | None) -> None:
        """Read the contacts of a config entry.

        Args:
            entry: of the PBX.
            country: where Home Assistant is, and with it the PBX.
        """
        digits = entry.options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
        self.plan = NumberPlan(region=country, internal_digits=digits)
        self.contacts = _contacts(entry)
        self.extensions = _extensions(entry)
        members: list[Contact | HouseExtension] = [*self.contacts, *self.extensions]
        self._members = {member.subentry_id: member for member in members}
        numbers = [member.number for member in self._members.values()]
        numbers += [
            contact.overrides[CONF_CALLER]
            for contact in self.contacts
            if CONF_CALLER in contact.overrides
        ]
        self._named = frozenset(map(self.plan.identity, numbers))

    @property
    def members(self) -> Sequence[Contact | HouseExtension]:
        """Contacts and extensions."""
        return tuple(self._members.values())

    def member(self, subentry_id: str) -> Contact | HouseExtension | None:
        """Return a contact or an extension; None for one that was removed."""
        return self._members.get(subentry_id)

    def is_named(self, number: str) -> bool:
        """Return whether the owner has entered a number as somebody's."""
        return self.plan.identity(number) in self._named

    def find(self, hass: HomeAssistant, reference: str) -> list[Contact]:
        """Return the contacts that a text means.

        Args:
            hass: Home Assistant.
            reference: the id of a contact's device, or one of its names.
        """
        wanted = reference.strip().casefold()
        device = dr.async_get(hass).async_get(reference)
        of_device = {value for _, value in device.identifiers} if device else set()
        return [
            contact
            for contact in self.contacts
            if contact.subentry_id in of_device
            or wanted in map(str.casefold, contact.names)
        ]


@callback
def find_contact(
    hass: HomeAssistant, books: Mapping[str, PhoneBook], reference: str
) -> tuple[str, Contact]:
    """Return a contact with the id of the config entry that it belongs to.

    Args:
        hass: Home Assistant.
        books: phone books by the id of their entry.
        reference: the id of a contact's device, or one of its names.

    Raises:
        ServiceValidationError: there is none, or more than one.
    """
    found = [
        (entry_id, contact)
        for entry_id, book in books.items()
        for contact in book.find(hass, reference)
    ]
    if not found:
        raise user_error("unknown_contact", contact=clean_text(reference))
    if len(found) > 1:
        raise user_error("ambiguous_contact", contact=clean_text(reference))
    return found[0]


def _contacts(entry: ConfigEntry) -> Sequence[Contact]:
    contacts = []
    for subentry in entry.get_subentries_of_type(SUBENTRY_CONTACT):
        overrides = dict(subentry.data)
        number, aliases = overrides.pop(CONF_NUMBER), overrides.pop(CONF_ALIASES, ())
        contacts.append(
            Contact(
                subentry_id=subentry.subentry_id,
                name=subentry.title,
                number=number,
                aliases=tuple(aliases),
                overrides=overrides,
            )
        )
    return contacts


def _extensions(entry: ConfigEntry) -> Sequence[HouseExtension]:
    return [
        HouseExtension(
            subentry_id=subentry.subentry_id,
            name=subentry.title,
            number=subentry.data[CONF_NUMBER],
            areas=tuple(subentry.data.get(CONF_AREAS, ())),
            satellites=tuple(subentry.data.get(CONF_SATELLITES, ())),
        )
        for subentry in entry.get_subentries_of_type(SUBENTRY_EXTENSION)
    ]

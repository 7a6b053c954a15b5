"""The phone book: the people and phones that a PBX's owner has named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..backends.redaction import clean_text
from ..const import (
    CONF_ALIASES,
    CONF_AREAS,
    CONF_CALLER,
    CONF_INTERNAL_DIGITS,
    CONF_NUMBER,
    CONF_SATELLITES,
    CONF_VOICE,
    DEFAULT_INTERNAL_DIGITS,
    DOMAIN,
    SUBENTRY_CONTACT,
    SUBENTRY_EXTENSION,
)
from ..errors import unknown_contact, user_error
from .number_plan import NumberPlan

# That is enabled, or goes with its whole PBX, which says so itself.
_NOT_BY_USER: Final = frozenset(
    (
        None,
        dr.DeviceEntryDisabler.CONFIG_ENTRY,
        er.RegistryEntryDisabler.CONFIG_ENTRY,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a phone with a number.

    Attributes:
        subentry_id: of its config subentry.
        name: as people say it.
        number: as it is dialed.
        aliases: other names for the same; `names_of` returns all.
        overrides: what is used in place of the PBX's call defaults when it is
            called.
        by_voice: whether our sentences and the tool of language models call it.
    """

    subentry_type: ClassVar[str] = SUBENTRY_CONTACT
    entity: ClassVar[tuple[str, str]] = (Platform.BUTTON, "call")

    subentry_id: str
    name: str
    number: str
    aliases: Sequence[str]
    overrides: Mapping[str, Any]
    by_voice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension whose state is shown, and that rings for voice requests near it.

    Attributes:
        subentry_id: of its config subentry.
        name: as people say it.
        number: as it is dialed.
        areas: where it rings for somebody who speaks there, beside the area of its
            device; `areas_of` returns all.
        satellites: the voice devices for which it rings, likewise.
    """

    subentry_type: ClassVar[str] = SUBENTRY_EXTENSION
    entity: ClassVar[tuple[str, str]] = (Platform.SENSOR, "extension_state")
    aliases: ClassVar[Sequence[str]] = ()

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
        members: list[Contact | Extension] = [*self.contacts, *self.extensions]
        self._members = {member.subentry_id: member for member in members}
        numbers = [member.number for member in self._members.values()]
        numbers += [
            contact.overrides[CONF_CALLER]
            for contact in self.contacts
            if CONF_CALLER in contact.overrides
        ]
        self._named = frozenset(map(self.plan.identity, numbers))

    @property
    def members(self) -> Sequence[Contact | Extension]:
        """Contacts and extensions."""
        return tuple(self._members.values())

    def member(self, subentry_id: str) -> Contact | Extension | None:
        """Return a contact or an extension; None for one that was removed."""
        return self._members.get(subentry_id)

    def is_named(self, number: str) -> bool:
        """Return whether the owner has entered a number as somebody's."""
        return self.plan.identity(number) in self._named

    def find(self, hass: HomeAssistant, reference: str) -> list[Contact]:
        """Return the contacts that a text means.

        Args:
            hass: Home Assistant.
            reference: the id of a contact's device or of its button, or one of its
                names.
        """
        reference = reference.strip()
        wanted, owners = reference.casefold(), _owners(hass, reference)
        return [
            contact
            for contact in self.contacts
            if contact.subentry_id in owners
            or wanted in map(str.casefold, names_of(hass, contact))
        ]


@callback
def entity_of(
    hass: HomeAssistant, member: Contact | Extension
) -> er.RegistryEntry | None:
    """Return the entity that stands for a contact or an extension, if there is one."""
    registry = er.async_get(hass)
    domain, key = member.entity
    entity_id = registry.async_get_entity_id(
        domain, DOMAIN, f"{member.subentry_id}_{key}"
    )
    return registry.async_get(entity_id) if entity_id else None


@callback
def names_of(hass: HomeAssistant, member: Contact | Extension) -> list[str]:
    """Return all names that a contact or an extension goes by, its own first.

    Those that the user has given to its device, or as aliases to its entity, count
    from the moment they are given.
    """
    names = [member.name, *member.aliases]
    entity = entity_of(hass, member)
    device = _device_of(hass, entity)
    if device is not None and device.name_by_user:
        names.append(device.name_by_user)
    if entity is not None:
        # What is no text stands for the name of the entity, which is nobody's.
        names += [alias for alias in entity.aliases if isinstance(alias, str)]
    return list(dict.fromkeys(names))


@callback
def areas_of(hass: HomeAssistant, phone: Extension) -> set[str]:
    """Return the areas that an extension is in: its device's, and the form's."""
    device = _device_of(hass, entity_of(hass, phone))
    own = {device.area_id} if device is not None and device.area_id else set()
    return own | set(phone.areas)


@callback
def is_disabled(hass: HomeAssistant, member: Contact | Extension) -> bool:
    """Return whether the user has disabled a contact's device or button.

    Of an extension, the device counts: its phone rings whether or not its state is
    shown.
    """
    entity = entity_of(hass, member)
    device = _device_of(hass, entity)
    disabled_by: set[object] = {device and device.disabled_by}
    if isinstance(member, Contact):
        disabled_by.add(entity and entity.disabled_by)
    return not disabled_by <= _NOT_BY_USER


def _device_of(
    hass: HomeAssistant, entity: er.RegistryEntry | None
) -> dr.AnyDeviceEntry | None:
    if entity is None or entity.device_id is None:
        return None
    return dr.async_get(hass).async_get(entity.device_id)


def _owners(hass: HomeAssistant, reference: str) -> set[str]:
    """Return the subentry that a device or an entity of ours belongs to, if any."""
    entity = er.async_get(hass).async_get(reference.lower())
    if entity is not None and entity.platform == DOMAIN:
        return {entity.config_subentry_id} if entity.config_subentry_id else set()
    device = dr.async_get(hass).async_get(reference)
    return {each[1] for each in device.identifiers} if device else set()


@callback
def find_contact(
    hass: HomeAssistant, books: Mapping[str, PhoneBook], reference: str
) -> tuple[str, Contact]:
    """Return a contact with the id of the config entry that it belongs to.

    Args:
        hass: Home Assistant.
        books: phone books by the id of their entry.
        reference: the id of a contact's device or of its button, or one of its
            names.

    Raises:
        ServiceValidationError: there is none, or more than one, or it is disabled.
    """
    found = [
        (entry_id, contact)
        for entry_id, book in books.items()
        for contact in book.find(hass, reference)
    ]
    if not found:
        raise unknown_contact(reference)
    enabled = [each for each in found if not is_disabled(hass, each[1])]
    if not enabled:
        raise user_error("contact_disabled", contact=clean_text(found[0][1].name))
    if len(enabled) > 1:
        raise user_error("ambiguous_contact", contact=clean_text(reference))
    return enabled[0]


def _contacts(entry: ConfigEntry) -> Sequence[Contact]:
    contacts = []
    for subentry in entry.get_subentries_of_type(SUBENTRY_CONTACT):
        overrides = dict(subentry.data)
        number, aliases = overrides.pop(CONF_NUMBER), overrides.pop(CONF_ALIASES, ())
        by_voice = overrides.pop(CONF_VOICE, True)
        contacts.append(
            Contact(
                subentry_id=subentry.subentry_id,
                name=subentry.title,
                number=number,
                aliases=tuple(aliases),
                overrides=overrides,
                by_voice=by_voice,
            )
        )
    return contacts


def _extensions(entry: ConfigEntry) -> Sequence[Extension]:
    return [
        Extension(
            subentry_id=subentry.subentry_id,
            name=subentry.title,
            number=subentry.data[CONF_NUMBER],
            areas=tuple(subentry.data.get(CONF_AREAS, ())),
            satellites=tuple(subentry.data.get(CONF_SATELLITES, ())),
        )
        for subentry in entry.get_subentries_of_type(SUBENTRY_EXTENSION)
    ]

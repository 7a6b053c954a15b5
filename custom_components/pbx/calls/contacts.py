"""The phone book of a PBX: its contacts and extensions, which are config subentries."""

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
from ..errors import unknown_contact_error, user_error
from .number_plan import NumberPlan

# Values of `disabled_by` for enabled items, and for those disabled with their PBX.
_NOT_DISABLED_BY_USER: Final = frozenset(
    (
        None,
        dr.DeviceEntryDisabler.CONFIG_ENTRY,
        er.RegistryEntryDisabler.CONFIG_ENTRY,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or phone to call.

    Attributes:
        subentry_id: ID of the config subentry.
        name: title of the subentry.
        number: number as dialed.
        aliases: alternative names in the subentry; `names_of` returns all names.
        overrides: fields that override the call defaults of the PBX for calls to
            the contact.
        by_voice: whether Assist and language models can call the contact.
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
    """An extension with a state sensor, which rings first for nearby voice requests.

    Attributes:
        subentry_id: ID of the config subentry.
        name: title of the subentry.
        number: number as dialed.
        areas: areas in the subentry whose voice requests ring it first; `areas_of`
            returns all areas.
        satellites: voice devices whose requests ring it first.
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
    """The contacts and extensions of a PBX; rebuilt when its settings change.

    Attributes:
        plan: numbering plan of the PBX's country.
        contacts: contacts in the order in which they were added.
        extensions: extensions in the order in which they were added.
    """

    def __init__(self, entry: ConfigEntry, country: str | None) -> None:
        """Initialize the phone book from a config entry.

        Args:
            entry: config entry of the PBX.
            country: country of Home Assistant, assumed to be that of the PBX.
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
        self._identities = frozenset(map(self.plan.identity, numbers))

    @property
    def members(self) -> Sequence[Contact | Extension]:
        """All contacts and extensions."""
        return tuple(self._members.values())

    def member(self, subentry_id: str) -> Contact | Extension | None:
        """Return a contact or an extension; None if it was removed."""
        return self._members.get(subentry_id)

    def has_number(self, number: str) -> bool:
        """Return whether a number belongs to a contact or an extension.

        The callers in the overrides of contacts count, too.
        """
        return self.plan.identity(number) in self._identities

    def find(self, hass: HomeAssistant, reference: str) -> list[Contact]:
        """Return the contacts that match a reference.

        Args:
            hass: Home Assistant.
            reference: device ID of a contact, entity ID of its button, or one of its
                names.
        """
        reference = reference.strip()
        wanted, owners = reference.casefold(), _subentry_ids(hass, reference)
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
    """Return a contact's button or an extension's state sensor, if registered."""
    registry = er.async_get(hass)
    domain, key = member.entity
    entity_id = registry.async_get_entity_id(
        domain, DOMAIN, f"{member.subentry_id}_{key}"
    )
    return registry.async_get(entity_id) if entity_id else None


@callback
def names_of(hass: HomeAssistant, member: Contact | Extension) -> list[str]:
    """Return all names of a contact or an extension, its title first.

    Includes the current name of its device and the aliases of its entity, if the
    user set them.
    """
    names = [member.name, *member.aliases]
    entity = entity_of(hass, member)
    device = _device_of(hass, entity)
    if device is not None and device.name_by_user:
        names.append(device.name_by_user)
    if entity is not None:
        # A placeholder that is not a string stands for the entity's name.
        names += [alias for alias in entity.aliases if isinstance(alias, str)]
    return list(dict.fromkeys(names))


@callback
def areas_of(hass: HomeAssistant, phone: Extension) -> set[str]:
    """Return the areas of an extension: those of its subentry and of its device."""
    device = _device_of(hass, entity_of(hass, phone))
    own = {device.area_id} if device is not None and device.area_id else set()
    return own | set(phone.areas)


@callback
def is_disabled(hass: HomeAssistant, member: Contact | Extension) -> bool:
    """Return whether the user disabled a contact's device or button.

    For an extension only the device counts, as its phone can ring without a state
    sensor.
    """
    entity = entity_of(hass, member)
    device = _device_of(hass, entity)
    disabled_by: set[object] = {device and device.disabled_by}
    if isinstance(member, Contact):
        disabled_by.add(entity and entity.disabled_by)
    return not disabled_by <= _NOT_DISABLED_BY_USER


def _device_of(
    hass: HomeAssistant, entity: er.RegistryEntry | None
) -> dr.AnyDeviceEntry | None:
    if entity is None or entity.device_id is None:
        return None
    return dr.async_get(hass).async_get(entity.device_id)


def _subentry_ids(hass: HomeAssistant, reference: str) -> set[str]:
    """Return the subentry IDs of a device or an entity of this integration."""
    entity = er.async_get(hass).async_get(reference.lower())
    if entity is not None and entity.platform == DOMAIN:
        return {entity.config_subentry_id} if entity.config_subentry_id else set()
    device = dr.async_get(hass).async_get(reference)
    return {each[1] for each in device.identifiers} if device else set()


@callback
def find_contact(
    hass: HomeAssistant, books: Mapping[str, PhoneBook], reference: str
) -> tuple[str, Contact]:
    """Return the contact that matches a reference, with its config entry ID.

    Args:
        hass: Home Assistant.
        books: phone books by config entry ID.
        reference: device ID of a contact, entity ID of its button, or one of its
            names.

    Raises:
        ServiceValidationError: no contact or several contacts match, or the contact
            is disabled.
    """
    found = [
        (entry_id, contact)
        for entry_id, book in books.items()
        for contact in book.find(hass, reference)
    ]
    if not found:
        raise unknown_contact_error(reference)
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

"""The people and phones whom a PBX's owner has named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.components.button import DOMAIN as BUTTON_DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..backends.redaction import clean_text
from ..const import (
    CONF_ALIASES,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_ID,
    CONF_INTERNAL_DIGITS,
    CONF_NUMBER,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DOMAIN,
    SUBENTRY_CONTACT,
)
from ..errors import invalid
from .number import is_external
from .number_plan import NumberPlan

# Each field that takes a contact, and the field of a number in whose place it is.
_SINGLE: Final = {CONF_CALLEE_CONTACT: CONF_CALLEE, CONF_CALLER_CONTACT: CONF_CALLER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a phone with a number.

    Attributes:
        subentry_id: of the config subentry that it is.
        name: as people say it.
        number: as it is dialled.
        aliases: other names for the same.
        overrides: what is used in place of the PBX's call defaults when it is
            called.
    """

    subentry_id: str
    name: str
    number: str
    aliases: Sequence[str]
    overrides: Mapping[str, Any]

    @property
    def names(self) -> Sequence[str]:
        """All names that it goes by."""
        return (self.name, *self.aliases)


@callback
def plan_of(hass: HomeAssistant, entry: ConfigEntry) -> NumberPlan:
    """Return what numbers mean at a PBX: it is in the country of Home Assistant."""
    digits = entry.options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    return NumberPlan(region=hass.config.country, internal_digits=digits)


@callback
def contacts_of(entry: ConfigEntry) -> list[Contact]:
    """Return the contacts of a PBX, in the order in which they were added."""
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


@callback
def button_of(hass: HomeAssistant, contact: Contact) -> str | None:
    """Return the entity that calls a contact."""
    unique_id = f"{contact.subentry_id}_call"
    return er.async_get(hass).async_get_entity_id(BUTTON_DOMAIN, DOMAIN, unique_id)


@callback
def find_contact(
    hass: HomeAssistant, reference: str, entry_id: str | None = None
) -> tuple[ConfigEntry, Contact]:
    """Return a contact with the PBX that it belongs to.

    Args:
        hass: Home Assistant.
        reference: the id of its device, or one of its names.
        entry_id: of the only PBX that is looked at; None is all.

    Raises:
        ServiceValidationError: there is none, or more than one.
    """
    wanted = reference.strip().casefold()
    device = dr.async_get(hass).async_get(reference)
    of_device = {value for domain, value in device.identifiers} if device else set()
    found = [
        (entry, contact)
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry_id in (None, entry.entry_id)
        for contact in contacts_of(entry)
        if contact.subentry_id in of_device
        or wanted in map(str.casefold, contact.names)
    ]
    if not found:
        raise invalid("unknown_contact", contact=clean_text(reference))
    if len(found) > 1:
        raise invalid("ambiguous_contact", contact=clean_text(reference))
    return found[0]


@callback
def with_entry_of_contact(
    hass: HomeAssistant, data: Mapping[str, Any], *fields: str
) -> Mapping[str, Any]:
    """Return an action's data with the PBX in it that its contact belongs to.

    Raises:
        ServiceValidationError: there is no such contact, or more than one.
    """
    if ATTR_CONFIG_ENTRY_ID in data:
        return data
    for field in fields:
        given = data.get(field, ())
        for reference in [given] if isinstance(given, str) else given:
            entry, _ = find_contact(hass, reference)
            return {**data, ATTR_CONFIG_ENTRY_ID: entry.entry_id}
    return data


@callback
def with_contacts(
    hass: HomeAssistant, entry: ConfigEntry, data: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an action's data and the PBX's options, with contacts filled in.

    A contact's own settings lie over the options when it is the callee. Those of
    a caller (`as_caller`) lie over these, but not over what the action says.

    Raises:
        ServiceValidationError: there is no such contact, or a number beside it.
    """
    fields, options = dict(data), dict(entry.options)
    for name, number in _SINGLE.items():
        if name not in fields:
            continue
        if number in fields:
            raise invalid("list_and_single", many=name, one=number)
        _, contact = find_contact(hass, fields.pop(name), entry.entry_id)
        fields[number] = contact.number
        if name == CONF_CALLEE_CONTACT:
            options |= contact.overrides
        else:
            fields = {**as_caller(contact, options), **fields}
    return fields, options


@callback
def as_caller(contact: Contact, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a contact brings when it is rung first.

    They are those by which an external number is rung, its trunk and its caller
    ID. All others are about calls to it.
    """
    internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    if not is_external(contact.number, internal_digits):
        return {}
    return {
        name: contact.overrides[name]
        for name in (CONF_CALLER_ID, CONF_TRUNK_NAME)
        if name in contact.overrides
    }

"""Which PBX an action is about, and which contacts its names stand for.

What reads as a number is a number, always. Any other text is the name of a contact,
which is looked up when it is used.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.service import async_get_config_entry

from ..backends.redaction import clean_text
from ..const import (
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLERS,
    CONF_CONNECT_TO,
    DOMAIN,
)
from ..errors import unknown_contact_error, user_error
from .call_list import parse_list
from .contact_registry import is_disabled
from .contacts import Contact, PhoneBook, nearest_names
from .manager import DATA_MANAGERS, CallManager
from .number import InvalidNumberError, parse_number

# Each field of a number, and the field that takes a contact in its place.
CONTACT_FIELDS: Final = {
    CONF_CALLEE: CONF_CALLEE_CONTACT,
    CONF_CALLER: CONF_CALLER_CONTACT,
}
LISTS: Final = (CONF_CALLERS, CONF_CALLEES)

# The PBXs that know a contact, by the id of their config entry.
type _Owners = Mapping[str, Contact]

# States in which the PBX cannot be asked, and does not recover by itself.
_NOT_LOADED: Final = frozenset(
    (
        ConfigEntryState.NOT_LOADED,
        ConfigEntryState.SETUP_ERROR,
        ConfigEntryState.MIGRATION_ERROR,
        ConfigEntryState.FAILED_UNLOAD,
    )
)


def is_contact_name(value: object) -> bool:
    """Return whether a value is the name of a contact, and not a number."""
    if not isinstance(value, str):
        return False
    try:
        parse_number(value)
    except InvalidNumberError as err:
        return err.is_other_text
    return False


@callback
def resolve_manager(hass: HomeAssistant, data: Mapping[str, Any]) -> CallManager:
    """Return the manager of the PBX that an action is about.

    The PBX that the action names, else that of the contacts that it names, else the
    oldest one.

    Raises:
        ServiceValidationError: the PBX does not exist or is not loaded, or the
            contacts do not say which one is meant.
    """
    managers = hass.data.get(DATA_MANAGERS, {})
    entry_id = data.get(ATTR_CONFIG_ENTRY_ID)
    if entry_id is None:
        entry_id = _entry_of_contacts(hass, data) or _default_entry(hass)
    if entry_id not in managers:
        # Raises the error that says what is wrong with it.
        entry: ConfigEntry = async_get_config_entry(hass, DOMAIN, entry_id)
        entry_id = entry.entry_id
    # It may be loading, which placing a call waits for.
    return managers[entry_id]


@callback
def parse_lists(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an action with its lists as lists of `ListItem`s."""
    books = [book for _, book in phone_books(hass)]

    def is_name(text: str) -> bool:
        return is_contact_name(text) and any(book.find(text) for book in books)

    lists = {name: parse_list(data[name], is_name) for name in LISTS if name in data}
    return {**data, **lists}


@callback
def resolve_managers(hass: HomeAssistant, data: Mapping[str, Any]) -> list[CallManager]:
    """Return the manager of the PBX that an action names, else of all that are loaded.

    Raises:
        ServiceValidationError: the PBX does not exist or is not loaded.
    """
    managers = hass.data.get(DATA_MANAGERS, {})
    loaded = [
        managers[entry.entry_id]
        for entry, _ in phone_books(hass)
        if entry.entry_id in managers
        and entry.disabled_by is None
        and entry.state not in _NOT_LOADED
    ]
    if ATTR_CONFIG_ENTRY_ID in data or not loaded:
        return [resolve_manager(hass, data)]
    return loaded


@callback
def resolve_contact(manager: CallManager, reference: str) -> Contact:
    """Return the contact of a PBX that a reference stands for.

    Args:
        manager: of the PBX.
        reference: a name, or the id of a contact's device or of an entity of it.

    Raises:
        ServiceValidationError: there is no such contact, or more than one, or it is
            disabled.
    """
    found = manager.book.find(reference)
    if not found:
        raise _not_found(manager, reference)
    enabled = [
        each for each in found if not is_disabled(manager.hass, each.subentry_id)
    ]
    if not enabled:
        raise user_error("contact_disabled", contact=clean_text(found[0].name))
    if len(enabled) > 1:
        raise user_error(
            "ambiguous_contact",
            contact=clean_text(reference),
            pbx=manager.entry.title,
        )
    return enabled[0]


@callback
def _not_found(manager: CallManager, reference: str) -> ServiceValidationError:
    """Return the error for a contact that is not in the phone book of a PBX."""
    if owners := _owners_of(manager.hass, phone_books(manager.hass), reference):
        return user_error(
            "contact_of_other_pbx",
            contact=clean_text(next(iter(owners.values())).name),
            other=_titles(manager.hass, owners),
            pbx=manager.entry.title,
        )
    return unknown_contact_error(reference, nearest_names([manager.book], reference))


@callback
def _default_entry(hass: HomeAssistant) -> str | None:
    """Return the PBX for numbers that no contact assigns to one: the oldest.

    Raises:
        ServiceValidationError: it is disabled or not loaded, and there are others.
    """
    if not (entries := _entries(hass)):
        return None
    oldest, *others = entries
    is_away = oldest.disabled_by is not None or oldest.state in _NOT_LOADED
    if others and is_away:
        raise user_error(
            "default_pbx_not_loaded",
            pbx=oldest.title,
            others=", ".join(each.title for each in others),
        )
    return oldest.entry_id


@callback
def _entry_of_contacts(hass: HomeAssistant, data: Mapping[str, Any]) -> str | None:
    """Return the PBX that the contacts of an action belong to, if it names any.

    Raises:
        ServiceValidationError: they belong to different PBXs, or to several, or one
            is not in any phone book.
    """
    references, in_lists = list(_single_names(data)), list(_names_in_lists(data))
    if not references and not in_lists:
        return None
    # Without any PBX, the error says that, and not that a contact is missing.
    if not (books := phone_books(hass)):
        return None
    singles = [_owners_of(hass, books, each) for each in references]
    for reference, owners in zip(references, singles, strict=True):
        if not owners:
            names = nearest_names([book for _, book in books], reference)
            raise unknown_contact_error(reference, names)
    common = singles[0] if singles else {}
    for owners in singles[1:]:
        if not (both := _common(common, owners)):
            raise _of_different_pbxs(hass, common, owners)
        common = both
    # An item of a list does not affect the others: one of another PBX fails alone.
    for reference in in_lists:
        owners = _owners_of(hass, books, reference)
        if owners:
            references.append(reference)
        common = _common(common, owners) or common or owners
    if len(common) > 1:
        raise _of_several_pbxs(hass, references[0], common)
    return next(iter(common), None)


def _common(some: _Owners, others: _Owners) -> _Owners:
    return {entry_id: some[entry_id] for entry_id in some if entry_id in others}


def _of_several_pbxs(
    hass: HomeAssistant, reference: str, owners: _Owners
) -> ServiceValidationError:
    if all(is_disabled(hass, each.subentry_id) for each in owners.values()):
        name = next(iter(owners.values())).name
        return user_error("contact_disabled", contact=clean_text(name))
    return user_error(
        "contact_of_several_pbxs",
        contact=clean_text(reference.strip()),
        pbxs=_titles(hass, owners),
    )


def _of_different_pbxs(
    hass: HomeAssistant, callee: _Owners, caller: _Owners
) -> ServiceValidationError:
    return user_error(
        "contacts_of_different_pbxs",
        callee=clean_text(next(iter(callee.values())).name),
        callee_pbx=_titles(hass, callee),
        caller=clean_text(next(iter(caller.values())).name),
        caller_pbx=_titles(hass, caller),
    )


def _single_names(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of single parties that are contacts, the callee's first."""
    for number, contact in CONTACT_FIELDS.items():
        if contact in data:
            yield data[contact]
        elif is_contact_name(data.get(number)):
            yield data[number]
    second = data.get(CONF_CONNECT_TO)
    if second is not None and is_contact_name(second):
        yield second


def _names_in_lists(data: Mapping[str, Any]) -> Iterator[str]:
    for name in LISTS:
        for item in data.get(name, ()):
            reference = item.reference
            if is_contact_name(reference) or (
                item.is_contact and isinstance(reference, str)
            ):
                yield reference


@callback
def _owners_of(
    hass: HomeAssistant,
    books: Sequence[tuple[ConfigEntry, PhoneBook]],
    reference: str,
) -> _Owners:
    """Return the contact that a reference stands for, by the PBXs that know it.

    Disabled PBXs count only where no other knows it, and disabled contacts likewise.
    """
    found = [
        (entry, contact) for entry, book in books for contact in book.find(reference)
    ]
    in_use = [each for each in found if each[0].disabled_by is None]
    enabled = [each for each in in_use if not is_disabled(hass, each[1].subentry_id)]
    return {entry.entry_id: contact for entry, contact in enabled or in_use or found}


@callback
def phone_books(hass: HomeAssistant) -> Sequence[tuple[ConfigEntry, PhoneBook]]:
    """Return the phone books of all PBXs, the oldest PBX first."""
    managers = hass.data.get(DATA_MANAGERS, {})
    return [
        (
            entry,
            managers[entry.entry_id].book
            if entry.entry_id in managers
            else PhoneBook(hass, entry, hass.config.country),
        )
        for entry in _entries(hass)
    ]


def _entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return all PBXs, the oldest first."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return sorted(entries, key=lambda each: each.created_at)


def _titles(hass: HomeAssistant, entry_ids: Container[str]) -> str:
    return ", ".join(
        entry.title for entry in _entries(hass) if entry.entry_id in entry_ids
    )

"""From what an action says to one complete request: once, for everybody who calls."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
import uuid

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.service import async_get_config_entry

from ..backends.base import CallRequest, Feature, PbxKind
from ..backends.redaction import is_name, mask_number
from ..const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DEFAULT_TIMEOUT,
    DOMAIN,
)
from ..errors import user_error
from .contacts import Contact, PhoneBook, find_contact
from .manager import DATA_MANAGERS, CallManager
from .number import InvalidNumberError, is_external, is_unquoted, parse_number

# Asterisk's channels are named by it, and a person sees whose they are.
CALL_ID_PREFIX: Final = "ha-"

_NUMBERS: Final = (CONF_CALLER, CONF_CALLEE, CONF_CALLER_ID)

# Each field that takes a contact, and the field of a number in whose place it is.
_CONTACTS: Final = {CONF_CALLEE_CONTACT: CONF_CALLEE, CONF_CALLER_CONTACT: CONF_CALLER}


@callback
def resolve_manager(
    hass: HomeAssistant, data: Mapping[str, Any], references: Iterable[str] = ()
) -> CallManager:
    """Return the manager of the PBX that an action is about.

    Args:
        hass: Home Assistant.
        data: of the action.
        references: to contacts, the first of which that is there says which PBX it
            is, where the action does not.

    Raises:
        ServiceValidationError: there is no such PBX, or no such contact.
    """
    managers = hass.data.get(DATA_MANAGERS, {})
    entry_id, fault = data.get(ATTR_CONFIG_ENTRY_ID), None
    if entry_id is None:
        entry_id, fault = _entry_of_contacts(hass, references)
    if entry_id is None:
        entries = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        entry_id = entries[0].entry_id if len(entries) == 1 else None
    if entry_id is None and fault is not None:
        raise fault
    if entry_id not in managers:
        # No loaded PBX is without one: this says what is wrong.
        entry: ConfigEntry = async_get_config_entry(hass, DOMAIN, entry_id)
        entry_id = entry.entry_id
    # It may be loading: that is waited for where the call is placed.
    return managers[entry_id]


@callback
def _entry_of_contacts(
    hass: HomeAssistant, references: Iterable[str]
) -> tuple[str | None, ServiceValidationError | None]:
    """Return the entry of the first contact that is there, or why the first is not.

    In a list, the others are not to suffer for one that was removed.
    """
    fault: ServiceValidationError | None = None
    for reference in references:
        try:
            entry_id, _ = find_contact(hass, _books(hass, reference), reference)
        except ServiceValidationError as err:
            fault = fault or err
        else:
            return entry_id, None
    return None, fault


@callback
def _books(hass: HomeAssistant, reference: str) -> dict[str, PhoneBook]:
    """Return the phone books to look a contact up in, by the id of their entry.

    Those of PBXs that are disabled only where no other knows it: one that is not
    loaded is another fault than a contact that nobody has.
    """
    managers = hass.data.get(DATA_MANAGERS, {})
    books: dict[str, PhoneBook] = {}
    for is_disabled in (False, True):
        for entry in hass.config_entries.async_entries(DOMAIN):
            if (entry.disabled_by is not None) is is_disabled:
                manager = managers.get(entry.entry_id)
                books[entry.entry_id] = (
                    manager.book if manager else PhoneBook(entry, hass.config.country)
                )
        if any(book.find(hass, reference) for book in books.values()):
            break
    return books


@callback
def resolve_request(
    hass: HomeAssistant, manager: CallManager, data: Mapping[str, Any]
) -> CallRequest:
    """Return the request for a call that an action asks for.

    Raises:
        ServiceValidationError: something is missing, or is not a number.
    """
    fields, options = with_contacts(hass, manager, data)
    return build_request(fields, options, manager.kind)


@callback
def with_contacts(
    hass: HomeAssistant, manager: CallManager, data: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an action's data and the PBX's options, with contacts filled in.

    A contact's own settings lie over the options when it is the callee. Those of
    a caller (`as_caller`) lie over these, but not over what the action says.

    Raises:
        ServiceValidationError: there is no such contact, or a number beside it.
    """
    fields, options = dict(data), dict(manager.entry.options)
    for name, number in _CONTACTS.items():
        if name not in fields:
            continue
        if number in fields:
            raise user_error("list_and_single", many=name, one=number)
        contact = resolve_contact(hass, manager, fields.pop(name))
        fields[number] = contact.number
        if name == CONF_CALLEE_CONTACT:
            options |= contact.overrides
        else:
            fields = {**as_caller(contact, options), **fields}
    return fields, options


def resolve_contact(hass: HomeAssistant, manager: CallManager, name: str) -> Contact:
    """Return a contact of a PBX.

    Raises:
        ServiceValidationError: there is no such contact, or more than one.
    """
    books = {manager.entry.entry_id: manager.book}
    return find_contact(hass, books, name)[1]


def contact_request(
    manager: CallManager, contact: Contact, data: Mapping[str, Any] | None = None
) -> CallRequest:
    """Return the request for a call to a contact.

    Args:
        manager: of the PBX that the contact belongs to.
        contact: the callee.
        data: fields of the action that count more than the contact's own.

    Raises:
        ServiceValidationError: something is missing among the defaults.
    """
    fields = {**(data or {}), CONF_CALLEE: contact.number}
    options = {**manager.entry.options, **contact.overrides}
    return build_request(fields, options, manager.kind)


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


def new_call_id() -> str:
    """Return a name for a new call, which no other has."""
    return f"{CALL_ID_PREFIX}{uuid.uuid4()}"


def build_request(
    data: Mapping[str, Any], options: Mapping[str, Any], kind: PbxKind
) -> CallRequest:
    """Return the complete request for a call.

    Args:
        data: of the action. What stands here counts, even an empty text: a
            template that found no number must not ring the default phone.
        options: of the config entry, and over them those of contacts.
        kind: of the PBX, which says what it accepts.

    Raises:
        ServiceValidationError: something is missing, or is not a number.
    """
    fields = {CONF_TIMEOUT: DEFAULT_TIMEOUT, **options, **data}
    internal_digits = fields.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    for name in _NUMBERS:
        if is_unquoted(fields.get(name, ""), internal_digits):
            raise user_error("number_unquoted", field=name)
    fields |= {name: str(fields[name]) for name in _NUMBERS if name in fields}
    _check_missing(fields)
    caller = _number(fields, CONF_CALLER)
    caller_is_external = is_external(caller, internal_digits)
    # Through a trunk, an internal number is a stranger's. What the action itself
    # names goes to a PBX that knows that.
    is_asked_for = CONF_TRUNK_NAME in data and Feature.INTERNAL_TRUNK in kind.features
    trunk_name = (
        _name(fields, CONF_TRUNK_NAME) if caller_is_external or is_asked_for else ""
    )
    if (
        caller_is_external
        and not trunk_name
        and Feature.OWN_WAY_OUT not in kind.features
    ):
        raise user_error(
            "trunk_required",
            caller=mask_number(caller),
            internal_digits=str(internal_digits),
        )
    # Networks bar a call that comes from the very number that it rings.
    own_number = None if caller_is_external else caller
    return CallRequest(
        call_id=new_call_id(),
        caller=caller,
        callee=_number(fields, CONF_CALLEE),
        context=_name(fields, CONF_CONTEXT),
        is_external=caller_is_external,
        caller_id=_caller_id(fields, kind) or own_number,
        caller_name=_name(fields, CONF_CALLER_NAME) or None,
        trunk_name=trunk_name or None,
        timeout=fields[CONF_TIMEOUT],
        call_limit=fields.get(CONF_CALL_LIMIT),
    )


def parse_caller_id(text: str, *, may_be_name: bool) -> str:
    """Return a caller ID as the PBX accepts it.

    Args:
        text: as somebody has written it.
        may_be_name: whether the PBX accepts a name in place of a number.

    Raises:
        InvalidNumberError: it is not a number, and may be nothing else.
        ValueError: it is a name of more than one line.
    """
    try:
        return parse_number(text)
    except InvalidNumberError as err:
        # A name has none of the other faults, such as a length.
        if not may_be_name or not err.is_other_text:
            raise
    if not is_name(text):
        raise ValueError("not one line")
    return text.strip()


def _check_missing(fields: Mapping[str, Any]) -> None:
    missing = [] if CONF_CALLEE in fields else [CONF_CALLEE]
    missing += [
        name for name in (CONF_CALLER, CONF_CONTEXT) if not fields.get(name, "").strip()
    ]
    if missing:
        raise user_error("missing_fields", fields=", ".join(missing))


def _name(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that names something in the PBX, empty if it is missing.

    Raises:
        ServiceValidationError: there are line breaks or the like in it.
    """
    text: str = fields.get(name, "").strip()
    if not is_name(text):
        raise user_error("not_printable", field=name)
    return text


def _caller_id(fields: Mapping[str, Any], kind: PbxKind) -> str | None:
    """Return the caller ID, None where none is set.

    Raises:
        ServiceValidationError: the PBX does not accept it.
    """
    if not (text := fields.get(CONF_CALLER_ID, "").strip()):
        return None
    try:
        may_be_name = Feature.NAMED_CALLER_ID in kind.features
        return parse_caller_id(text, may_be_name=may_be_name)
    except InvalidNumberError as err:
        raise user_error(
            err.fault, field=CONF_CALLER_ID, character=err.character
        ) from err
    except ValueError as err:
        raise user_error("not_printable", field=CONF_CALLER_ID) from err


def _number(fields: Mapping[str, Any], name: str) -> str:
    """Return a field as a number that can be dialed.

    Raises:
        ServiceValidationError: it is not one; the number itself is not repeated.
    """
    try:
        return parse_number(fields[name])
    except InvalidNumberError as err:
        raise user_error(err.fault, field=name, character=err.character) from err

"""Build the complete request for a call from action data, contacts and defaults."""

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

# Marks the channels of our calls in Asterisk.
CALL_ID_PREFIX: Final = "ha-"

_NUMBERS: Final = (CONF_CALLER, CONF_CALLEE, CONF_CALLER_ID)

# Maps each contact field to the number field that it replaces.
_CONTACTS: Final = {CONF_CALLEE_CONTACT: CONF_CALLEE, CONF_CALLER_CONTACT: CONF_CALLER}


@callback
def resolve_manager(
    hass: HomeAssistant, data: Mapping[str, Any], references: Iterable[str] = ()
) -> CallManager:
    """Return the manager of the PBX that an action targets.

    Args:
        hass: Home Assistant.
        data: action data.
        references: references to contacts; the first one found determines the PBX
            if the action does not.

    Raises:
        ServiceValidationError: the PBX or the contacts were not found.
    """
    managers = hass.data.get(DATA_MANAGERS, {})
    entry_id, fault = data.get(ATTR_CONFIG_ENTRY_ID), None
    if entry_id is None:
        entry_id, fault = _entry_id_of_contacts(hass, references)
    if entry_id is None:
        entries = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        entry_id = entries[0].entry_id if len(entries) == 1 else None
    if entry_id is None and fault is not None:
        raise fault
    if entry_id not in managers:
        # Every loaded PBX has a manager, so this raises the matching error.
        entry: ConfigEntry = async_get_config_entry(hass, DOMAIN, entry_id)
        entry_id = entry.entry_id
    # The PBX may still be loading, which `CallManager.place` waits for.
    return managers[entry_id]


@callback
def _entry_id_of_contacts(
    hass: HomeAssistant, references: Iterable[str]
) -> tuple[str | None, ServiceValidationError | None]:
    """Return the entry ID of the first contact found, or the first error.

    A removed contact in a list must not prevent calls to the others.
    """
    fault: ServiceValidationError | None = None
    for reference in references:
        try:
            entry_id, _ = find_contact(hass, _phone_books(hass, reference), reference)
        except ServiceValidationError as err:
            fault = fault or err
        else:
            return entry_id, None
    return None, fault


@callback
def _phone_books(hass: HomeAssistant, reference: str) -> dict[str, PhoneBook]:
    """Return the phone books to search for a contact, by config entry ID.

    Includes disabled PBXs only if no other one has the contact, so that the error is
    about the disabled PBX and not about an unknown contact.
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
    """Return the request for the call of an action.

    Raises:
        ServiceValidationError: a field is missing or invalid.
    """
    fields, options = resolve_contacts(hass, manager, data)
    return build_request(fields, options, manager.kind)


@callback
def resolve_contacts(
    hass: HomeAssistant, manager: CallManager, data: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the action data and the options of the PBX with contacts resolved.

    The settings of a callee contact override the options. Those of a caller contact
    (`caller_settings`) override both, but not the action data.

    Raises:
        ServiceValidationError: a contact was not found, or a number is set as well.
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
            fields = {**caller_settings(contact, options), **fields}
    return fields, options


def resolve_contact(hass: HomeAssistant, manager: CallManager, name: str) -> Contact:
    """Return a contact of a PBX.

    Raises:
        ServiceValidationError: no contact or several contacts match, or the contact
            is disabled.
    """
    books = {manager.entry.entry_id: manager.book}
    return find_contact(hass, books, name)[1]


def contact_request(
    manager: CallManager, contact: Contact, data: Mapping[str, Any] | None = None
) -> CallRequest:
    """Return the request for a call to a contact.

    Args:
        manager: manager of the contact's PBX.
        contact: callee.
        data: fields that override those of the contact.

    Raises:
        ServiceValidationError: a default is missing or invalid.
    """
    fields = {**(data or {}), CONF_CALLEE: contact.number}
    options = {**manager.entry.options, **contact.overrides}
    return build_request(fields, options, manager.kind)


def caller_settings(contact: Contact, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a contact that apply when it is the caller.

    These are the trunk and the caller ID, for an external number only. All other
    settings are about calls to the contact.
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
    """Return a unique ID for a new call."""
    return f"{CALL_ID_PREFIX}{uuid.uuid4()}"


def build_request(
    data: Mapping[str, Any], options: Mapping[str, Any], kind: PbxKind
) -> CallRequest:
    """Return the complete request for a call.

    Args:
        data: action data. It overrides the options even with an empty text, as a
            template that found no number must not ring the default phone.
        options: options of the config entry, overridden by those of contacts.
        kind: kind of the PBX, whose features decide which values are accepted.

    Raises:
        ServiceValidationError: a field is missing or invalid.
    """
    fields = {CONF_TIMEOUT: DEFAULT_TIMEOUT, **options, **data}
    internal_digits = fields.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    for name in _NUMBERS:
        if is_unquoted(fields.get(name, ""), internal_digits):
            raise user_error("number_unquoted", field=name)
    fields |= {name: str(fields[name]) for name in _NUMBERS if name in fields}
    _check_missing(fields)
    caller = _get_number(fields, CONF_CALLER)
    caller_is_external = is_external(caller, internal_digits)
    # Through a trunk, an internal number would reach someone else. A trunk of the
    # action itself is passed on if the PBX handles this.
    is_asked_for = CONF_TRUNK_NAME in data and Feature.INTERNAL_TRUNK in kind.features
    trunk_name = (
        _get_name(fields, CONF_TRUNK_NAME) if caller_is_external or is_asked_for else ""
    )
    if (
        caller_is_external
        and not trunk_name
        and Feature.OPTIONAL_TRUNK not in kind.features
    ):
        raise user_error(
            "trunk_required",
            caller=mask_number(caller),
            internal_digits=str(internal_digits),
        )
    # Networks block a call whose caller ID is the called number.
    own_number = None if caller_is_external else caller
    return CallRequest(
        call_id=new_call_id(),
        caller=caller,
        callee=_get_number(fields, CONF_CALLEE),
        context=_get_name(fields, CONF_CONTEXT),
        is_external=caller_is_external,
        caller_id=_get_caller_id(fields, kind) or own_number,
        caller_name=_get_name(fields, CONF_CALLER_NAME) or None,
        trunk_name=trunk_name or None,
        timeout=fields[CONF_TIMEOUT],
        call_limit=fields.get(CONF_CALL_LIMIT),
    )


def parse_caller_id(text: str, *, may_be_name: bool) -> str:
    """Return a caller ID in the form that the PBX accepts.

    Args:
        text: caller ID as entered.
        may_be_name: whether the PBX accepts a name in place of a number.

    Raises:
        InvalidNumberError: the text is not a valid number, and cannot be a name.
        ValueError: the text is a name with line breaks or other control characters.
    """
    try:
        return parse_number(text)
    except InvalidNumberError as err:
        # Other faults, such as the length, show that a number was meant.
        if not may_be_name or not err.is_other_text:
            raise
    if not is_name(text):
        raise ValueError("The name is not printable")
    return text.strip()


def _check_missing(fields: Mapping[str, Any]) -> None:
    missing = [] if CONF_CALLEE in fields else [CONF_CALLEE]
    missing += [
        name for name in (CONF_CALLER, CONF_CONTEXT) if not fields.get(name, "").strip()
    ]
    if missing:
        raise user_error("missing_fields", fields=", ".join(missing))


def _get_name(fields: Mapping[str, Any], name: str) -> str:
    """Return a field with a name in the PBX; empty if it is missing.

    Raises:
        ServiceValidationError: the name has line breaks or other control characters.
    """
    text: str = fields.get(name, "").strip()
    if not is_name(text):
        raise user_error("not_printable", field=name)
    return text


def _get_caller_id(fields: Mapping[str, Any], kind: PbxKind) -> str | None:
    """Return the caller ID; None if it is not set.

    Raises:
        ServiceValidationError: the PBX does not accept the caller ID.
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


def _get_number(fields: Mapping[str, Any], name: str) -> str:
    """Return a field as a number to dial.

    Raises:
        ServiceValidationError: the number is invalid; the error does not contain it.
    """
    try:
        return parse_number(fields[name])
    except InvalidNumberError as err:
        raise user_error(err.fault, field=name, character=err.character) from err

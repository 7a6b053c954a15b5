"""Build the complete request for a call from action data, contacts and defaults."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
import uuid

from homeassistant.core import callback

from ..backends.announcement import Announcement
from ..backends.base import CallRequest, Feature
from ..backends.kind import PbxKind
from ..backends.redaction import clean_text, is_name, mask_number
from ..const import (
    CONF_AUTO_ANSWER,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONNECT_TO,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_RING_TONE,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DEFAULT_TIMEOUT,
)
from ..errors import user_error
from .contacts import Contact, nearest_names
from .manager import CallManager
from .number import InvalidNumberError, is_external, is_unquoted, parse_number
from .resolve import CONTACT_FIELDS, LISTS, is_contact_name, resolve_contact

# Marks the channels of our calls in Asterisk.
CALL_ID_PREFIX: Final = "ha-"

_NUMBERS: Final = (CONF_CALLER, CONF_CALLEE, CONF_CALLER_ID)


@callback
def resolve_request(manager: CallManager, data: Mapping[str, Any]) -> CallRequest:
    """Return the request for a call that an action asks for.

    Raises:
        ServiceValidationError: a field is missing or invalid.
    """
    fields, options = resolve_contacts(manager, data)
    return build_request(fields, options, manager.kind)


@callback
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
    fields, options = resolve_contacts(manager, data or {}, callee=contact)
    return build_request(fields, options, manager.kind)


@callback
def resolve_contacts(
    manager: CallManager, data: Mapping[str, Any], *, callee: Contact | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an action's data and the call defaults, with contacts filled in.

    A callee's own settings count more than the call defaults. Those of a caller
    (`caller_settings`) count more than these, but not more than what the action sets.
    With a list, the default caller stays as it is: each item of it may have its own.

    Args:
        manager: of the PBX.
        data: of the action.
        callee: the contact to call, where the data do not name it.

    Raises:
        ServiceValidationError: there is no such contact, or a number beside it.
    """
    fields, options = dict(data), dict(manager.entry.options)
    callee = callee or contact_in(manager, fields, CONF_CALLEE)
    if callee is not None:
        fields[CONF_CALLEE] = callee.number
        options |= callee.overrides
    if (caller := contact_in(manager, fields, CONF_CALLER)) is not None:
        fields[CONF_CALLER] = caller.number
        options |= caller_settings(caller, options)
    elif CONF_CALLER not in fields and not any(map(fields.get, LISTS)):
        options = with_default_caller(manager, options, callee)
    return fields, options


@callback
def with_default_caller(
    manager: CallManager, options: dict[str, Any], callee: Contact | None
) -> dict[str, Any]:
    """Return call defaults with the number of their caller in place of its name.

    Args:
        manager: of the PBX.
        options: call defaults of the PBX, overridden by those of the callee.
        callee: the contact to call, if any.

    Raises:
        ServiceValidationError: there is no such contact, or it cannot be called.
    """
    name = options.get(CONF_CALLER)
    if not is_contact_name(name):
        return options
    if not manager.book.find(str(name)):
        known = ", ".join(map(clean_text, nearest_names([manager.book], str(name))))
        is_own = callee is not None and CONF_CALLER in callee.overrides
        raise user_error(
            "unknown_own_caller" if is_own else "unknown_default_caller",
            caller=clean_text(name),
            callee=clean_text(callee.name) if callee else "",
            pbx=manager.entry.title,
            known=known or "-",
        )
    caller = resolve_contact(manager, str(name))
    return {
        **options,
        **caller_settings(caller, options),
        CONF_CALLER: caller.number,
    }


@callback
def contact_in(
    manager: CallManager, fields: dict[str, Any], name: str
) -> Contact | None:
    """Take the contact out of a field that names one, or of the field beside it.

    Raises:
        ServiceValidationError: there is no such contact, or a number beside it.
    """
    by_contact = CONTACT_FIELDS[name]
    if by_contact in fields and name in fields:
        raise user_error("list_and_single", many=by_contact, one=name)
    if by_contact in fields:
        return resolve_contact(manager, fields.pop(by_contact))
    if is_contact_name(fields.get(name)):
        return resolve_contact(manager, fields.pop(name))
    return None


def caller_settings(contact: Contact, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a contact that apply when it is the caller.

    The context and the caller are about calls to the contact. The trunk and the caller
    ID apply to an external number only.
    """
    internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    left_out = {CONF_CONTEXT, CONF_CALLER}
    if not is_external(contact.number, internal_digits):
        left_out |= {CONF_CALLER_ID, CONF_TRUNK_NAME}
    return {k: v for k, v in contact.overrides.items() if k not in left_out}


def callee_settings(contact: Contact, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a contact that apply when it hears an announcement.

    It rings first, but is the callee: its phone shows the caller ID. The trunk applies
    to an external number only.
    """
    internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    left_out = {CONF_CALLER}
    if not is_external(contact.number, internal_digits):
        left_out.add(CONF_TRUNK_NAME)
    return {k: v for k, v in contact.overrides.items() if k not in left_out}


def new_call_id() -> str:
    """Return a unique ID for a new call."""
    return f"{CALL_ID_PREFIX}{uuid.uuid4()}"


def announcement_request(
    manager: CallManager,
    callee: str | int,
    announcement: Announcement,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
) -> CallRequest:
    """Return the request that calls a person and plays an announcement.

    Args:
        manager: of the PBX.
        callee: number of the person.
        announcement: what the person hears.
        data: action data about the call.
        options: call defaults, overridden by the settings of the person.

    Raises:
        ServiceValidationError: a field is missing or invalid.
    """
    digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
    callee = _get_number({CONF_CALLEE: callee}, CONF_CALLEE, digits)
    second = announcement.connect_to
    if second is not None:
        second = _get_number({CONF_CONNECT_TO: second}, CONF_CONNECT_TO, digits)
    fields = {**data, CONF_CALLER: callee, CONF_CALLEE: callee}
    request = build_request(fields, options, manager.kind)
    return replace(request, announcement=replace(announcement, connect_to=second))


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
        _check_quotes(fields, name, internal_digits)
    fields |= {name: str(fields[name]) for name in _NUMBERS if name in fields}
    _check_missing(fields)
    caller = _get_number(fields, CONF_CALLER, internal_digits)
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
        callee=_get_number(fields, CONF_CALLEE, internal_digits),
        context=_get_name(fields, CONF_CONTEXT),
        is_external=caller_is_external,
        caller_id=_get_caller_id(fields, kind) or own_number,
        caller_name=_get_name(fields, CONF_CALLER_NAME) or None,
        trunk_name=trunk_name or None,
        timeout=fields[CONF_TIMEOUT],
        call_limit=fields.get(CONF_CALL_LIMIT),
        auto_answer=_get_auto_answer(data, kind),
        ring_tone=_get_ring_tone(data, kind),
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


def _get_auto_answer(data: Mapping[str, Any], kind: PbxKind) -> bool:
    """Return whether the caller's phone answers by itself.

    Raises:
        ServiceValidationError: the PBX cannot ask for it.
    """
    if not data.get(CONF_AUTO_ANSWER):
        return False
    if Feature.RING_TONE not in kind.features:
        raise user_error("field_not_supported", field=CONF_AUTO_ANSWER, kind=kind.name)
    return True


def _get_ring_tone(data: Mapping[str, Any], kind: PbxKind) -> str | None:
    """Return how the caller's phone rings; None for its usual tone.

    Raises:
        ServiceValidationError: the PBX cannot ask for it, or it is not printable ASCII.
    """
    tone: str = data.get(CONF_RING_TONE, "").strip()
    if not tone:
        return None
    if Feature.RING_TONE not in kind.features:
        raise user_error("field_not_supported", field=CONF_RING_TONE, kind=kind.name)
    if not (tone.isascii() and tone.isprintable()):
        raise user_error("not_printable_ascii", field=CONF_RING_TONE)
    return tone


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


def _check_quotes(fields: Mapping[str, Any], name: str, internal_digits: int) -> None:
    """Raise an error for an integer that may lack leading characters."""
    if is_unquoted(fields.get(name, ""), internal_digits):
        raise user_error("number_unquoted", field=name)


def _get_number(fields: Mapping[str, Any], name: str, internal_digits: int) -> str:
    """Return a field as a number to dial.

    Raises:
        ServiceValidationError: the number is invalid; the error does not contain it.
    """
    _check_quotes(fields, name, internal_digits)
    try:
        return parse_number(str(fields[name]))
    except InvalidNumberError as err:
        raise user_error(err.fault, field=name, character=err.character) from err

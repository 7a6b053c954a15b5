"""Build the request for each person in the list of an escalation."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from homeassistant.exceptions import ServiceValidationError

from ..backends.announcement import Announcement
from ..backends.base import CallRequest
from ..backends.redaction import clean_text
from ..const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLERS,
    CONF_CONNECT_TO,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
)
from ..errors import user_error
from .action_data import validate_action_data, validate_number, validate_reference
from .call_list import ListItem
from .contacts import Contact
from .manager import CallManager
from .number import InvalidNumberError, is_external, parse_number
from .request import (
    announcement_request,
    build_request,
    callee_settings,
    caller_settings,
    with_default_caller,
)
from .resolve import is_contact_name, resolve_contact
from .rules import CallOrigin

SINGLE_FIELDS: Final = {CONF_CALLEES: CONF_CALLEE, CONF_CALLERS: CONF_CALLER}
"""Maps each list of people to the field of a single call that it replaces."""

# Settings that one person in a list may have.
_PERSONAL: Final = (CONF_TIMEOUT, CONF_CALL_LIMIT, CONF_CALLER_ID, CONF_TRUNK_NAME)

# The fields of an escalation for the numbers of an announcement.
_NAMES_IN_MESSAGE: Final = {CONF_CALLEE: CONF_CALLER, CONF_CONNECT_TO: CONF_CALLEE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One person in the list of an escalation.

    Attributes:
        number: number as dialed; None if it is invalid.
        name: name of the contact; None for a number that no contact has.
        request: request that calls the person; None if there is a fault.
        fault: why the person cannot be called; None if there is a request.
        note: why a setting of the person was ignored; empty if none was.
    """

    number: str | None
    name: str | None = None
    request: CallRequest | None = None
    fault: ServiceValidationError | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TargetBuilder:
    """Builds the targets of an escalation from its list and its shared fields."""

    manager: CallManager
    origin: CallOrigin
    list_field: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    is_signal: bool = False
    announcement: Announcement | None = None

    def target(self, item: ListItem) -> Target:
        """Return the target for one item of the list."""
        if isinstance(item.reference, Mapping):
            fault = user_error("list_mapping", field=self.list_field)
            return Target(number=None, fault=fault)
        if item.is_contact or is_contact_name(item.reference):
            return self._contact(item)
        value = item.reference
        target = Target(number=None)
        with suppress(InvalidNumberError):
            number = parse_number(value if isinstance(value, str) else "")
            owner = self.manager.book.with_number(number)
            target = Target(number=number, name=owner.name if owner else None)
        return self._check(target, value, item, None)

    def _contact(self, item: ListItem) -> Target:
        try:
            reference = validate_reference(self.list_field, item.reference)
            contact = resolve_contact(self.manager, reference)
        except ServiceValidationError as err:
            return Target(number=None, fault=err)
        target = Target(number=contact.number, name=contact.name)
        return self._check(target, contact.number, item, contact)

    def _check(
        self, target: Target, number: object, item: ListItem, contact: Contact | None
    ) -> Target:
        """Return a target with its request, or with its fault."""
        try:
            options = self._options(contact)
            valid = validate_number(self.list_field, number)
            request, note = self._personal_request(valid, options, item)
            self.manager.guard.check_numbers([request], self.origin)
        except ServiceValidationError as err:
            return replace(target, fault=self._renamed(err))
        dialed = request.caller if self.list_field == CONF_CALLERS else request.callee
        return replace(target, number=dialed, request=request, note=note)

    def _renamed(self, err: ServiceValidationError) -> ServiceValidationError:
        """Return an error that names the fields of the escalation."""
        placeholders = err.translation_placeholders or {}
        name = placeholders.get("field", "")
        if self.announcement is None or name not in _NAMES_IN_MESSAGE:
            return err
        named = {**placeholders, "field": _NAMES_IN_MESSAGE[name]}
        return user_error(str(err.translation_key), **named)

    def _personal_request(
        self, number: str | int, options: Mapping[str, Any], item: ListItem
    ) -> tuple[CallRequest, str]:
        """Return the request for a person, and what is wrong with their settings.

        A setting that the PBX cannot use is left out: the person is called anyway.
        """
        settings, faults = _valid_settings(item)
        try:
            return self._request(number, options, settings), "; ".join(faults)
        except ServiceValidationError as err:
            for fewer in _with_fewer(settings):
                with suppress(ServiceValidationError):
                    request = self._request(number, options, fewer)
                    return request, "; ".join([*faults, str(err)])
            raise

    def _request(
        self, number: str | int, options: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> CallRequest:
        """Return the request that calls one person.

        The trunk of the action applies to the whole list, so internal numbers do not
        use it. That of the person's own settings applies in any case.
        """
        single, kind = SINGLE_FIELDS[self.list_field], self.manager.kind
        fields, trunk = {**self.fields, single: number}, {}
        if CONF_TRUNK_NAME in fields:
            trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}
        fields |= settings
        if self.announcement is not None:
            options = {**options, **trunk}
            return announcement_request(
                self.manager, number, self.announcement, fields, options
            )
        if self.is_signal:
            # No callee is dialed, so the request holds the number that rings.
            fields[CONF_CALLEE] = number
        built = build_request(fields, {**options, **trunk}, kind)
        internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
        if single == CONF_CALLEE and is_external(built.callee, internal_digits):
            return build_request({**trunk, **fields}, options, kind)
        return replace(built, is_signal=self.is_signal)

    def _options(self, contact: Contact | None) -> Mapping[str, Any]:
        """Return the call defaults for a person, overridden by those of a contact.

        Raises:
            ServiceValidationError: the default caller cannot be called.
        """
        options = dict(self.options)
        if self.announcement is not None:
            return options | (callee_settings(contact, options) if contact else {})
        if self.list_field == CONF_CALLERS:
            return options | (caller_settings(contact, options) if contact else {})
        options |= contact.overrides if contact else {}
        if CONF_CALLER in self.fields:
            return options
        return with_default_caller(self.manager, options, contact)


def _valid_settings(item: ListItem) -> tuple[dict[str, Any], list[str]]:
    """Return the valid settings of one person, and what is wrong with the others."""
    settings: dict[str, Any] = {}
    faults = []
    for name, value in item.settings.items():
        if name not in _PERSONAL:
            known = ", ".join(_PERSONAL)
            field = clean_text(name)
            faults.append(str(user_error("unknown_setting", field=field, known=known)))
            continue
        try:
            settings |= validate_action_data({name: value})
        except ServiceValidationError as err:
            faults.append(str(err))
    return settings, faults


def _with_fewer(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the settings without each one of them, then without any."""
    for left_out in settings:
        yield {name: settings[name] for name in settings if name != left_out}
    if settings:
        yield {}

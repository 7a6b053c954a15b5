"""Build the list of people that an escalation calls."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from homeassistant.exceptions import ServiceValidationError

from ..backends.base import CallRequest
from ..backends.updates import CallState
from ..const import (
    CONF_CALLEE,
    CONF_CALLEE_CONTACTS,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACTS,
    CONF_CALLERS,
    CONF_INTERNAL_DIGITS,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
)
from ..errors import user_error
from .action_data import validate_number, validate_reference
from .contacts import Contact
from .manager import CallManager
from .number import InvalidNumberError, is_external, parse_number
from .request import (
    build_request,
    caller_settings,
    resolve_contacts,
    with_default_caller,
)
from .resolve import is_contact_name, resolve_contact
from .rules import CallOrigin

# Maps each list of numbers to the field of a single call that it replaces.
_SINGLE_FIELDS: Final = {CONF_CALLEES: CONF_CALLEE, CONF_CALLERS: CONF_CALLER}

# Maps each list of numbers to the list of contacts that can be used as well.
CONTACT_LISTS: Final = {
    CONF_CALLEES: CONF_CALLEE_CONTACTS,
    CONF_CALLERS: CONF_CALLER_CONTACTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One person in the list of an escalation.

    Attributes:
        number: number as dialed; None if it is invalid.
        name: name of the contact; None for a number that no contact has.
        request: request that calls the person; None if there is a fault.
        fault: why the person cannot be called; None if there is a request.
    """

    number: str | None
    name: str | None = None
    request: CallRequest | None = None
    fault: ServiceValidationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The people to call one after another, and when to stop.

    Attributes:
        list_field: field of the list, `callees` or `callers`.
        targets: people to call, in order.
        rounds: how often to go through the list.
        pause: seconds between two attempts.
    """

    list_field: str
    targets: Sequence[Target]
    rounds: int
    pause: float

    @property
    def answered_state(self) -> CallState:
        """The state of a call in which the person has answered.

        A caller has answered when the callee begins to ring.
        """
        if self.list_field == CONF_CALLERS:
            return CallState.RINGING_CALLEE
        return CallState.CONNECTED

    @property
    def faults(self) -> list[str]:
        """Messages of all faults in the list."""
        return [str(each.fault) for each in self.targets if each.fault is not None]


def has_no_targets(data: Mapping[str, Any]) -> bool:
    """Return whether all lists of an escalation are empty."""
    names = (*CONTACT_LISTS, *CONTACT_LISTS.values())
    lists = [data[name] for name in names if name in data]
    return bool(lists) and not any(lists)


def build_escalation(
    manager: CallManager,
    data: Mapping[str, Any],
    origin: CallOrigin,
) -> Escalation:
    """Return the escalation of an action, with all numbers checked.

    Contacts are called before numbers. An invalid item does not affect the others.

    Args:
        manager: manager of the PBX.
        data: action data as returned by `validate_action_data`.
        origin: origin of the calls.

    Raises:
        ServiceValidationError: a field is missing, or conflicts with the list.
    """
    fields, options = resolve_contacts(manager, data)
    lists = [
        name
        for name, contacts in CONTACT_LISTS.items()
        if data.get(name) or data.get(contacts)
    ]
    if len(lists) != 1:
        raise user_error("one_list")
    (list_field,) = lists
    single = _SINGLE_FIELDS[list_field]
    if single in fields:
        raise user_error("list_and_single", many=list_field, one=single)
    # Unlike the caller, the callee has no default. An empty one is reported as invalid.
    fields = {CONF_CALLEE: "", **fields}
    builder = _TargetBuilder(manager, origin, list_field, fields, options)
    targets = [
        builder.contact(each) for each in data.get(CONTACT_LISTS[list_field], ())
    ]
    targets += [builder.number(each) for each in data.get(list_field, ())]
    return Escalation(
        list_field=list_field,
        targets=targets,
        rounds=data.get(CONF_ROUNDS, 1),
        pause=data.get(CONF_PAUSE, 0),
    )


@dataclass(frozen=True, slots=True)
class _TargetBuilder:
    """Builds the targets of an escalation from its list and its shared fields."""

    manager: CallManager
    origin: CallOrigin
    list_field: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]

    def contact(self, value: object) -> Target:
        """Return the target for a contact in the list."""
        try:
            reference = validate_reference(CONTACT_LISTS[self.list_field], value)
            contact = resolve_contact(self.manager, reference)
        except ServiceValidationError as err:
            return Target(number=None, fault=err)
        target = Target(number=contact.number, name=contact.name)
        return self._check(target, contact.number, contact)

    def number(self, value: object) -> Target:
        """Return the target for a number in the list, or for the name of a contact."""
        if is_contact_name(value):
            return self.contact(value)
        target = Target(number=None)
        with suppress(InvalidNumberError):
            number = parse_number(value if isinstance(value, str) else "")
            owner = self.manager.book.with_number(number)
            target = Target(number=number, name=owner.name if owner else None)
        return self._check(target, value, None)

    def _check(self, target: Target, number: object, contact: Contact | None) -> Target:
        """Return a target with its request, or with its fault."""
        try:
            options = self._options(contact)
            request = self._request(validate_number(self.list_field, number), options)
            self.manager.guard.check_numbers([request], self.origin)
        except ServiceValidationError as err:
            return replace(target, fault=err)
        dialed = request.caller if self.list_field == CONF_CALLERS else request.callee
        return replace(target, number=dialed, request=request)

    def _request(self, number: str | int, options: Mapping[str, Any]) -> CallRequest:
        """Return the request that calls one person.

        The trunk of the action applies to the whole list, so internal numbers do not
        use it.
        """
        single, kind = _SINGLE_FIELDS[self.list_field], self.manager.kind
        fields, trunk = {**self.fields, single: number}, {}
        if CONF_TRUNK_NAME in fields:
            trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}
        built = build_request(fields, {**options, **trunk}, kind)
        internal_digits = options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
        if single == CONF_CALLEE and is_external(built.callee, internal_digits):
            return build_request({**fields, **trunk}, options, kind)
        return built

    def _options(self, contact: Contact | None) -> Mapping[str, Any]:
        """Return the call defaults for a person, overridden by those of a contact.

        Raises:
            ServiceValidationError: the default caller cannot be called.
        """
        options = dict(self.options)
        if self.list_field == CONF_CALLERS:
            return options | (caller_settings(contact, options) if contact else {})
        options |= contact.overrides if contact else {}
        if CONF_CALLER in self.fields:
            return options
        return with_default_caller(self.manager, options, contact)

"""Build the list of people that an escalation calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from homeassistant.exceptions import ServiceValidationError

from ..backends.base import CallRequest, Feature
from ..backends.redaction import clean_text
from ..backends.updates import CallState
from ..const import (
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLERS,
    CONF_INTERNAL_DIGITS,
    CONF_MODE,
    CONF_PAUSE,
    CONF_ROUNDS,
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
    build_request,
    caller_settings,
    resolve_contacts,
    with_default_caller,
)
from .resolve import is_contact_name, resolve_contact
from .rules import CallOrigin

# Maps each list of people to the field of a single call that it replaces.
_SINGLE_FIELDS: Final = {CONF_CALLEES: CONF_CALLEE, CONF_CALLERS: CONF_CALLER}

# Settings that one person in a list may have.
_PERSONAL: Final = (CONF_TIMEOUT, CONF_CALL_LIMIT, CONF_CALLER_ID, CONF_TRUNK_NAME)


class Mode(StrEnum):
    """How an escalation calls the people of its list.

    `IN_TURN`: one after another, until one answers. `TOGETHER`: all at once; the first
    to answer is connected, and the others stop ringing. `EVERYONE`: each until they
    have answered.
    """

    IN_TURN = "in_turn"
    TOGETHER = "together"
    EVERYONE = "everyone"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The people to call, how, and when to stop.

    Attributes:
        list_field: field of the list, `callees` or `callers`.
        targets: people to call, in order.
        mode: how they are called.
        rounds: how often to go through the list.
        pause: seconds between two attempts in turn, else between two rounds.
    """

    list_field: str
    targets: Sequence[Target]
    mode: Mode
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
        faults = [str(each.fault) for each in self.targets if each.fault is not None]
        return faults + [each.note for each in self.targets if each.note]


def has_no_targets(data: Mapping[str, Any]) -> bool:
    """Return whether all lists of an escalation are empty."""
    lists = [data[name] for name in _SINGLE_FIELDS if name in data]
    return bool(lists) and not any(lists)


def build_escalation(
    manager: CallManager, data: Mapping[str, Any], origin: CallOrigin
) -> Escalation:
    """Return the escalation of an action, with all numbers checked.

    An invalid item does not affect the others.

    Args:
        manager: manager of the PBX.
        data: action data, whose lists hold `ListItem`s.
        origin: origin of the calls.

    Raises:
        ServiceValidationError: a field is missing, or conflicts with the list, or the
            PBX does not have the mode.
    """
    lists = [name for name in _SINGLE_FIELDS if data.get(name)]
    if len(lists) != 1:
        raise user_error("one_list")
    (list_field,) = lists
    mode = Mode(data.get(CONF_MODE, Mode.IN_TURN))
    if list_field == CONF_CALLEES and mode is not Mode.IN_TURN:
        raise user_error("callees_in_turn", mode=mode)
    if mode is Mode.TOGETHER and Feature.GROUPS not in manager.kind.features:
        raise user_error("together_not_supported", pbx=manager.entry.title)
    single = _SINGLE_FIELDS[list_field]
    fields, options = resolve_contacts(manager, data)
    if single in fields:
        raise user_error("list_and_single", many=list_field, one=single)
    # Unlike the caller, the callee has no default. An empty one is reported as invalid.
    fields = {CONF_CALLEE: "", **fields}
    builder = _TargetBuilder(manager, origin, list_field, fields, options)
    targets = [builder.target(item) for item in data[list_field]]
    return Escalation(
        list_field=list_field,
        targets=targets if mode is Mode.IN_TURN else _once_each(manager, targets),
        mode=mode,
        rounds=data.get(CONF_ROUNDS, 1),
        pause=data.get(CONF_PAUSE, 0),
    )


def build_signal(
    manager: CallManager, data: Mapping[str, Any], origin: CallOrigin
) -> Escalation:
    """Return the phones that ring as a sign, each of which hears a tone.

    Args:
        manager: manager of the PBX.
        data: action data, whose list holds `ListItem`s.
        origin: origin of the calls.

    Raises:
        ServiceValidationError: the PBX cannot ring a phone alone, or a field is
            missing or invalid.
    """
    if Feature.GROUPS not in manager.kind.features:
        raise user_error("ring_not_supported", pbx=manager.entry.title)
    if CONF_CALLERS not in data:
        raise user_error("missing_fields", fields=CONF_CALLERS)
    options = {**manager.entry.options}
    builder = _TargetBuilder(
        manager, origin, CONF_CALLERS, data, options, is_signal=True
    )
    return Escalation(
        list_field=CONF_CALLERS,
        targets=_once_each(manager, map(builder.target, data[CONF_CALLERS])),
        mode=Mode.EVERYONE,
        rounds=1,
        pause=0,
    )


def _once_each(manager: CallManager, targets: Iterable[Target]) -> list[Target]:
    """Return the targets without phones that occur twice: they would ring twice."""
    seen: set[str] = set()
    kept = []
    for target in targets:
        if target.request is not None and target.number is not None:
            identity = manager.book.plan.identity(target.number)
            if identity in seen:
                continue
            seen.add(identity)
        kept.append(target)
    return kept


@dataclass(frozen=True, slots=True)
class _TargetBuilder:
    """Builds the targets of an escalation from its list and its shared fields."""

    manager: CallManager
    origin: CallOrigin
    list_field: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    is_signal: bool = False

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
            return replace(target, fault=err)
        dialed = request.caller if self.list_field == CONF_CALLERS else request.callee
        return replace(target, number=dialed, request=request, note=note)

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
        single, kind = _SINGLE_FIELDS[self.list_field], self.manager.kind
        fields, trunk = {**self.fields, single: number}, {}
        if CONF_TRUNK_NAME in fields:
            trunk = {CONF_TRUNK_NAME: fields.pop(CONF_TRUNK_NAME)}
        fields |= settings
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

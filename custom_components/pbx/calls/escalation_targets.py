"""Build the list of people that an escalation calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..backends.announcement import Announcement
from ..backends.base import Feature
from ..backends.updates import CallState
from ..const import (
    CONF_CALLEE,
    CONF_CALLEES,
    CONF_CALLERS,
    CONF_CONNECT_TO,
    CONF_CONTEXT,
    CONF_MODE,
    CONF_PAUSE,
    CONF_ROUNDS,
)
from ..errors import user_error
from ..speech import Speech
from .announcement import MESSAGE_FIELDS, build_announcement
from .manager import CallManager
from .request import contact_in, resolve_contacts
from .rules import CallOrigin
from .targets import SINGLE_FIELDS, Target, TargetBuilder


class Mode(StrEnum):
    """How an escalation calls the people of its list.

    `IN_TURN`: one after another, until one answers. `TOGETHER`: all at once; the first
    to answer is connected, and the calls of the others end. `EVERYONE`: each until they
    have answered.
    """

    IN_TURN = "in_turn"
    TOGETHER = "together"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The people to call, how, and when to stop.

    Attributes:
        list_field: field of the list, `callees` or `callers`.
        targets: people to call, in order.
        mode: how they are called.
        rounds: how often to go through the list.
        pause: seconds between two attempts in turn, else between two rounds.
        announcement: what the callers hear, without audio; None if they are connected
            to the callee at once.
        speech: what the announcement says; None without one.
    """

    list_field: str
    targets: Sequence[Target]
    mode: Mode
    rounds: int
    pause: int
    announcement: Announcement | None = None
    speech: Speech | None = None

    @property
    def answered_state(self) -> CallState:
        """The state of a call in which the person has answered.

        A caller has answered when the callee begins to ring. A person who hears an
        announcement is the callee.
        """
        if self.list_field == CONF_CALLERS and self.announcement is None:
            return CallState.RINGING_CALLEE
        return CallState.CONNECTED

    @property
    def faults(self) -> list[str]:
        """Messages of all faults in the list."""
        faults = [str(each.fault) for each in self.targets if each.fault is not None]
        return faults + [each.note for each in self.targets if each.note]


def has_no_targets(data: Mapping[str, Any]) -> bool:
    """Return whether all lists of an escalation are empty."""
    lists = [data[name] for name in SINGLE_FIELDS if name in data]
    return bool(lists) and not any(lists)


def build_escalation(
    manager: CallManager, data: Mapping[str, Any], origin: CallOrigin
) -> Escalation:
    """Return the escalation of an action, with all numbers checked.

    An invalid item does not affect the others. All people hear the same message, as
    the fields of the action say it: the *Announcements* settings of a contact (engine,
    language, repetitions, confirmation key) are for what is said to this contact alone.

    Args:
        manager: manager of the PBX.
        data: action data, whose lists hold `ListItem`s.
        origin: origin of the calls.

    Raises:
        ServiceValidationError: a field is missing, or conflicts with the list, or the
            PBX does not have the mode.
    """
    lists = [name for name in SINGLE_FIELDS if data.get(name)]
    if len(lists) != 1:
        raise user_error("one_list")
    (list_field,) = lists
    mode = Mode(data.get(CONF_MODE, Mode.IN_TURN))
    if list_field == CONF_CALLEES and mode is not Mode.IN_TURN:
        raise user_error("callees_in_turn", mode=mode)
    has_message = any(name in data for name in MESSAGE_FIELDS)
    if list_field == CONF_CALLEES and has_message:
        raise user_error("message_with_callees")
    # Calls with a message ring one by one: this integration ends those of the others.
    ends_others = Feature.HANG_UP if has_message else Feature.GROUPS
    if mode is Mode.TOGETHER and ends_others not in manager.kind.features:
        raise user_error("together_not_supported", pbx=manager.entry.title)
    single = SINGLE_FIELDS[list_field]
    fields, options = resolve_contacts(manager, data)
    if single in fields:
        raise user_error("list_and_single", many=list_field, one=single)
    announcement: Announcement | None = None
    speech: Speech | None = None
    if has_message:
        # As with an announcement, only the context of the second party counts.
        second = contact_in(manager, dict(data), CONF_CALLEE)
        if second is not None and CONF_CONTEXT in second.overrides:
            fields = {CONF_CONTEXT: second.overrides[CONF_CONTEXT], **fields}
        options = dict(manager.entry.options)
        said = dict(fields)
        if CONF_CALLEE in fields:
            said[CONF_CONNECT_TO] = fields[CONF_CALLEE]
        announcement, speech = build_announcement(manager, said)
    else:
        # Unlike the caller, the callee has no default. An empty one is reported as
        # invalid.
        fields = {CONF_CALLEE: "", **fields}
    builder = TargetBuilder(
        manager, origin, list_field, fields, options, announcement=announcement
    )
    targets = [builder.target(item) for item in data[list_field]]
    return Escalation(
        list_field=list_field,
        targets=targets if mode is Mode.IN_TURN else _once_each(manager, targets),
        mode=mode,
        rounds=data.get(CONF_ROUNDS, 1),
        pause=data.get(CONF_PAUSE, 0),
        announcement=announcement,
        speech=speech,
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
    builder = TargetBuilder(
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

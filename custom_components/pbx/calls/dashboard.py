"""What a dashboard shows a user of all PBXs: contacts, rights and calls."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_PICTURE
from homeassistant.core import HomeAssistant, callback

from ..backends.base import Feature
from ..const import CONF_CALLER
from .contact_registry import button_of, device_of, is_disabled
from .contacts import Contact
from .log_rows import LogRow, row_dict
from .manager import DATA_MANAGERS, CallManager
from .permissions import may_end, may_read_calls
from .rights import (
    may_call,
    may_call_contact,
    may_dial,
    may_mark_seen,
    may_see_contact,
)

# Rows that are read at once.
_CHUNK = 50

type State = dict[str, Any]


@callback
def enabled_managers(hass: HomeAssistant) -> list[CallManager]:
    """Return the managers of the PBXs that are not disabled, the oldest first."""
    managers = hass.data.get(DATA_MANAGERS, {}).values()
    enabled = (each for each in managers if each.entry.disabled_by is None)
    return sorted(enabled, key=lambda each: each.entry.created_at)


@callback
def dashboard_state(hass: HomeAssistant, user: User) -> State:
    """Return everything that a dashboard shows but the calls.

    PBXs that a user may neither read nor use are left out.

    Returns:
        The `pbxs`, their `contacts` in the order in which they were added, what the
        user `may`, by the ids of the PBXs, and the `default_caller` of each PBX: the id
        of a contact's device, or a number.
    """
    managers = enabled_managers(hass)
    readable = [each for each in managers if may_read_calls(each, user)]
    usable = [each for each in managers if may_call(each, user)]
    able = [each for each in usable if each.link.supports(Feature.HANG_UP)]
    dialable = [each for each in managers if may_dial(each, user)]
    shown = [each for each in managers if each in readable or each in usable]
    contacts = (
        _contact(manager, contact, user, is_readable=manager in readable)
        for manager in shown
        for contact in manager.book.contacts
    )
    return {
        "pbxs": [_pbx(each) for each in shown],
        "contacts": [each for each in contacts if each is not None],
        "may": {
            "read": bool(readable),
            "dial": _ids(dialable),
            "call": _ids(usable),
            "hang_up": _ids(able),
            "mark_seen": _ids(each for each in managers if may_mark_seen(each, user)),
        },
        "default_caller": {
            each.entry.entry_id: _default_caller(
                each, user, is_readable=each in readable
            )
            for each in shown
        },
    }


def _ids(managers: Iterable[CallManager]) -> list[str]:
    return [each.entry.entry_id for each in managers]


@callback
def _pbx(manager: CallManager) -> dict[str, Any]:
    entry = manager.entry
    return {
        "config_entry_id": entry.entry_id,
        "title": entry.title,
        "kind": manager.kind.id,
        "features": sorted(manager.kind.features),
        "ready": entry.state is ConfigEntryState.LOADED,
    }


@callback
def _contact(
    manager: CallManager, contact: Contact, user: User, *, is_readable: bool
) -> dict[str, Any] | None:
    """Return a contact; None for one that is disabled, or that the user may not see.

    The button is None where the user may not press it. The number is empty, and what
    the phone does is None, where the user may not read the calls of the PBX.
    """
    hass, subentry_id = manager.hass, contact.subentry_id
    device, button = device_of(hass, subentry_id), button_of(hass, subentry_id)
    # A new contact has them in a moment.
    if device is None or button is None or is_disabled(hass, subentry_id):
        return None
    if not may_see_contact(manager, user, contact):
        return None
    person = hass.states.get(contact.person) if contact.person else None
    update = manager.link.extensions.get(contact.number)
    may_press = may_call_contact(manager, user, contact)
    return {
        "contact": device.id,
        "config_entry_id": manager.entry.entry_id,
        "name": contact.name,
        "number": contact.number if is_readable else "",
        "person": contact.person,
        "picture": person.attributes.get(ATTR_ENTITY_PICTURE) if person else None,
        "is_extension": contact.is_extension,
        "extension_state": update.state if update and is_readable else None,
        "button_entity_id": button.entity_id if may_press else None,
    }


@callback
def _default_caller(
    manager: CallManager, user: User, *, is_readable: bool
) -> str | None:
    """Return who rings first by default: the device of a contact, or a number."""
    caller = str(manager.entry.options.get(CONF_CALLER, ""))
    owner = manager.book.with_number(caller)
    if owner is None:
        owner = next(iter(manager.book.find(caller)), None)
    if owner is None:
        return caller if caller and is_readable else None
    device = device_of(manager.hass, owner.subentry_id)
    is_shown = may_see_contact(manager, user, owner)
    return device.id if device is not None and is_shown else None


@callback
def dashboard_rows(
    hass: HomeAssistant, user: User, limit: int, before: str | None = None
) -> list[dict[str, Any]]:
    """Return the calls that a user may read, newest first.

    Args:
        hass: Home Assistant.
        user: who reads them.
        limit: maximum number.
        before: id of a call; only older ones are returned, and none if it is not known
            anymore.
    """
    managers = [each for each in enabled_managers(hass) if may_read_calls(each, user)]
    end: tuple[float, str] | None = None
    if before is not None:
        known = (each.log.row(before) for each in managers)
        if (row := next(filter(None, known), None)) is None:
            return []
        end = _order(row)
    found = merge(
        *(_older(each, end) for each in managers),
        key=lambda found: _order(found[1]),
        reverse=True,
    )
    return [dashboard_row(row, manager, user) for manager, row in islice(found, limit)]


@callback
def dashboard_row(row: LogRow, manager: CallManager, user: User) -> dict[str, Any]:
    """Return a call, and as `may_hang_up` whether the user may end it now."""
    may_hang_up = (
        row.result is None
        and manager.link.supports(Feature.HANG_UP)
        and (call := manager.log.open_call(row)) is not None
        and may_end(user, manager, call)
    )
    return {**row_dict(row, manager, user), "may_hang_up": may_hang_up}


def _older(
    manager: CallManager, end: tuple[float, str] | None
) -> Iterator[tuple[CallManager, LogRow]]:
    """Yield the calls of a PBX that began before another one, newest first."""
    cursor: str | None = None
    if end is not None and manager.log.row(end[1]) is not None:
        cursor = end[1]
    while rows := manager.log.rows(_CHUNK, cursor):
        for row in rows:
            if end is None or _order(row) < end:
                yield manager, row
        cursor = rows[-1].id


def _order(row: LogRow) -> tuple[float, str]:
    return row.began_at, row.id

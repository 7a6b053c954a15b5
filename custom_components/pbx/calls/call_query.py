"""Which calls of the log an action asks for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Final

from homeassistant.auth.models import User
from homeassistant.core import callback

from ..const import (
    CONF_CONTACT,
    CONF_DIRECTION,
    CONF_LIMIT,
    CONF_MISSED,
    CONF_SINCE,
)
from ..errors import unknown_contact_error
from .contacts import nearest_names
from .log_rows import LogRow, row_dict
from .manager import CallManager

DEFAULT_LIMIT: Final = 50


@callback
def find_calls(
    managers: Sequence[CallManager], data: Mapping[str, Any], user: User | None
) -> list[dict[str, Any]]:
    """Return the calls that an action asks for, newest first.

    Args:
        managers: of the PBXs whose calls the user may read.
        data: of the action, validated.
        user: who reads them; None for Home Assistant itself.

    Raises:
        ServiceValidationError: there is no such contact.
    """
    rows = find_rows(managers, data)
    limit = data.get(CONF_LIMIT, DEFAULT_LIMIT)
    return [row_dict(row, manager, user) for row, manager in islice(rows, limit)]


@callback
def find_rows(
    managers: Sequence[CallManager], data: Mapping[str, Any]
) -> Iterator[tuple[LogRow, CallManager]]:
    """Return all rows that fit, newest first, each with its PBX.

    Raises:
        ServiceValidationError: there is no such contact.
    """
    reference = data.get(CONF_CONTACT)
    contacts = None if reference is None else _owners(managers, reference)
    return merge(
        *(
            _fitting(manager, data, None if contacts is None else contacts[index])
            for index, manager in enumerate(managers)
        ),
        key=lambda pair: -pair[0].began_at,
    )


def _owners(managers: Sequence[CallManager], reference: str) -> list[set[str]]:
    """Return the contacts that a reference stands for, by their PBX.

    Raises:
        ServiceValidationError: there are none.
    """
    found = [
        {each.subentry_id for each in manager.book.find(reference)}
        for manager in managers
    ]
    if not any(found):
        books = [manager.book for manager in managers]
        raise unknown_contact_error(reference, nearest_names(books, reference))
    return found


def _fitting(
    manager: CallManager, data: Mapping[str, Any], contacts: set[str] | None
) -> Iterator[tuple[LogRow, CallManager]]:
    """Yield the rows of a PBX that fit, newest first."""
    since: datetime | None = data.get(CONF_SINCE)
    earliest = since.timestamp() if since else 0
    theirs: dict[str, bool] = {}

    def is_theirs(numbers: Iterable[str]) -> bool:
        # The same few numbers call again and again.
        for number in filter(None, numbers):
            if number not in theirs:
                owner = manager.book.owner_of(number)
                theirs[number] = owner is not None and owner.subentry_id in (
                    contacts or ()
                )
        return any(theirs[number] for number in filter(None, numbers))

    for row in manager.log:
        if row.began_at < earliest:
            return
        if CONF_DIRECTION in data and row.direction != data[CONF_DIRECTION]:
            continue
        if CONF_MISSED in data and row.is_missed is not data[CONF_MISSED]:
            continue
        numbers = (row.caller, row.callee, row.answered_by)
        if contacts is None or is_theirs(numbers):
            yield row, manager

"""Permissions for calls, derived from the permissions for the PBX's entities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized, UnknownUser

from ..const import (
    CONF_AUTO_ANSWER,
    CONF_CALLER,
    CONF_CONNECT_TO,
    CONF_COOLDOWN,
    CONF_LOG_READERS,
    CONF_MESSAGE,
    READERS_EVERYONE,
)
from ..errors import user_error
from .action_data import ATTR_WAIT_UNTIL
from .asked_by import AskedByType, async_asked_by
from .call import Call
from .contacts import Contact
from .manager import CallManager
from .number import InvalidNumberError, parse_number
from .resolve import CONTACT_FIELDS, LISTS, is_contact_name
from .rights import (
    button_entities,
    connected_entities,
    has_permission,
    is_unlimited,
    may_call,
    may_control,
)
from .rules import CallOrigin

# The fields of an action that name somebody.
_PARTIES: Final = (
    *CONTACT_FIELDS,
    *CONTACT_FIELDS.values(),
    CONF_CONNECT_TO,
)
_CALLERS: Final = (CONF_CALLER, CONTACT_FIELDS[CONF_CALLER])
# What may be said about a call to a contact by a user who may only press its button.
# All other fields change how the PBX dials, or whom it reaches.
_OPEN_FIELDS: Final = frozenset(
    {*_PARTIES, ATTR_CONFIG_ENTRY_ID, ATTR_WAIT_UNTIL, CONF_MESSAGE}
)


async def async_get_user(hass: HomeAssistant, context: Context | None) -> User | None:
    """Return the user of a context; None for an automation or Home Assistant itself.

    Raises:
        UnknownUser: the user was removed.
    """
    if context is None or context.user_id is None:
        return None
    if (user := await hass.auth.async_get_user(context.user_id)) is None:
        raise UnknownUser(context=context, permission=POLICY_CONTROL)
    return user


@callback
def origin_for_pbx(
    manager: CallManager,
    user: User | None,
    context: Context | None,
    cooldown: int | None = None,
) -> CallOrigin:
    """Return the origin of a call to any number, if the user is permitted.

    This requires control of the PBX's *Connected*; control of a contact's button is not
    enough. Home Assistant does not check permissions for an action without entities.

    Raises:
        Unauthorized: the user is not permitted.
    """
    _check_control(user, context, connected_entities(manager))
    asked_by = async_asked_by(manager.hass, user, context)
    is_admin = user is None or user.is_admin
    return CallOrigin(is_admin=is_admin, cooldown=cooldown, asked_by=asked_by)


@callback
def origin_for_action(
    manager: CallManager,
    user: User | None,
    context: Context | None,
    data: Mapping[str, Any],
) -> CallOrigin:
    """Return the origin of the calls of an action, if the user is permitted.

    This requires control of the button of each contact that the data name. A number of
    nobody, and each field that changes how the PBX dials, requires control of the PBX's
    *Connected*. The default caller needs nothing, named or not.

    Args:
        manager: of the PBX.
        user: of the context; None for an automation or Home Assistant itself.
        context: of the action.
        data: of the action, validated, with its lists as lists of `ListItem`s.

    Raises:
        Unauthorized: the user is not permitted.
    """
    if not is_unlimited(user, POLICY_CONTROL):
        contacts, has_others = _contacts_in(manager, data)
        if has_others or not contacts or data.keys() - _OPEN_FIELDS:
            _check_control(user, context, connected_entities(manager))
        for contact in contacts:
            _check_control(user, context, button_entities(manager, contact))
    return CallOrigin(
        is_admin=user is None or user.is_admin,
        cooldown=data.get(CONF_COOLDOWN),
        asked_by=async_asked_by(manager.hass, user, context),
    )


@callback
def permitted_managers(
    managers: Sequence[CallManager], user: User | None, context: Context | None
) -> list[CallManager]:
    """Return the PBXs whose *Connected* a user may control.

    Raises:
        Unauthorized: the user is permitted to control none of them.
    """
    permitted = [
        each for each in managers if may_control(user, connected_entities(each))
    ]
    if not permitted and managers:
        _check_control(user, context, connected_entities(managers[0]))
    return permitted


@callback
def usable_managers(
    managers: Sequence[CallManager], user: User | None, context: Context | None
) -> list[CallManager]:
    """Return the PBXs through which a user may call somebody, if only one contact.

    Raises:
        Unauthorized: there is none.
    """
    usable = [each for each in managers if may_call(each, user)]
    return usable or permitted_managers(managers, user, context)


@callback
def permitted_calls(
    managers: Sequence[CallManager],
    user: User | None,
    context: Context | None,
    is_wanted: Callable[[CallManager, Call], bool],
) -> Callable[[CallManager, Call], bool]:
    """Return which of the wanted calls a user may end.

    As to place it, this requires control of the button of the contact that is called
    or calls from outside, or of the PBX's *Connected* where nobody has the number.

    Args:
        managers: of the PBXs that the action is about.
        user: of the context; None for an automation or Home Assistant itself.
        context: of the action.
        is_wanted: returns whether the action is about a call.

    Raises:
        Unauthorized: the user may end none of the calls that are wanted.
    """
    wanted = [
        (manager, call)
        for manager in managers
        for call in manager.tracker.open
        if not call.is_over and is_wanted(manager, call)
    ]
    if wanted and not any(may_end(user, *each) for each in wanted):
        _check_control(user, context, _entities_of_call(*wanted[0]))

    def is_permitted(manager: CallManager, call: Call) -> bool:
        return is_wanted(manager, call) and may_end(user, manager, call)

    return is_permitted


@callback
def check_auto_answer(data: Mapping[str, Any], origin: CallOrigin) -> None:
    """Check that an action may let a phone answer by itself.

    This opens the microphone of a room. Voice and language models have no field for
    it, as they only call contacts.

    Raises:
        ServiceValidationError: a user who is not an administrator asks for it.
    """
    if data.get(CONF_AUTO_ANSWER) and not origin.is_admin:
        raise user_error("auto_answer_admins_only")


async def origin_for_contact(
    manager: CallManager, contact: Contact, context: Context | None, way: AskedByType
) -> CallOrigin:
    """Return the origin of a call to a contact, if the user may press its button.

    Args:
        manager: of the PBX.
        contact: who is called.
        context: of the user who asks.
        way: in which they ask, for the call log.

    Raises:
        Unauthorized: the user is not permitted.
        UnknownUser: the user was removed.
    """
    user = await async_get_user(manager.hass, context)
    _check_control(user, context, button_entities(manager, contact))
    asked_by = async_asked_by(manager.hass, user, context, way)
    return CallOrigin(is_admin=user is None or user.is_admin, asked_by=asked_by)


@callback
def is_log_public(manager: CallManager) -> bool:
    """Return whether every user may read the calls of a PBX."""
    readers = manager.entry.options.get(CONF_LOG_READERS, READERS_EVERYONE)
    return bool(readers == READERS_EVERYONE)


@callback
def may_read_calls(manager: CallManager, user: User | None) -> bool:
    """Return whether a user may read the calls of a PBX, live ones included.

    An option of the PBX says who may, among those who may read its *Connected*.

    Args:
        manager: of the PBX.
        user: None for an automation or Home Assistant itself.
    """
    if user is None or user.is_admin:
        return True
    is_permitted = has_permission(user, connected_entities(manager), POLICY_READ)
    return is_permitted and is_log_public(manager)


@callback
def readable_managers(
    managers: Sequence[CallManager], user: User | None, context: Context | None
) -> list[CallManager]:
    """Return the PBXs whose calls a user may read.

    Raises:
        Unauthorized: the user may read the calls of none of them.
    """
    readable = [each for each in managers if may_read_calls(each, user)]
    if managers and not readable:
        raise Unauthorized(context=context, permission=POLICY_READ)
    return readable


@callback
def _contacts_in(
    manager: CallManager, data: Mapping[str, Any]
) -> tuple[list[Contact], bool]:
    """Return the contacts that the data of an action name, and whether others, too.

    A name that several contacts have stands for all of them.
    """
    usual = _stands_for(manager, manager.entry.options.get(CONF_CALLER, ""))
    found: list[Contact] = []
    has_others = False
    for name, reference, is_contact in _references(data):
        named = _stands_for(manager, reference, is_contact=is_contact)
        if named and named == usual and name in _CALLERS:
            continue
        if isinstance(named, str) or not named:
            has_others = True
        else:
            found += named
    return found, has_others


def _references(data: Mapping[str, Any]) -> Iterator[tuple[str, object, bool]]:
    """Yield whom an action names, by field, and whether that can only be a contact."""
    for name in _PARTIES:
        if name in data:
            yield name, data[name], name in CONTACT_FIELDS.values()
    for name in LISTS:
        for item in data.get(name, ()):
            yield name, item.reference, item.is_contact


@callback
def _stands_for(
    manager: CallManager, reference: object, *, is_contact: bool = False
) -> list[Contact] | str:
    """Return the contacts that a reference stands for, or a number of nobody.

    A number is dialed, even if somebody has it as a name.
    """
    text, book = str(reference), manager.book
    if is_contact or is_contact_name(text):
        return book.find(text)
    try:
        number = parse_number(text)
    except InvalidNumberError:
        return ""
    owner = book.with_number(number)
    return [owner] if owner else book.plan.identity(number)


@callback
def _entities_of_call(manager: CallManager, call: Call) -> list[str]:
    """Return the entities of which a user needs control to end a call."""
    number = call.caller if call.is_incoming else call.callee
    contact = manager.book.with_number(number)
    return button_entities(manager, contact) if contact else connected_entities(manager)


@callback
def may_end(user: User | None, manager: CallManager, call: Call) -> bool:
    """Return whether a user may end a call."""
    return may_control(user, _entities_of_call(manager, call))


def _check_control(
    user: User | None, context: Context | None, entity_ids: Sequence[str]
) -> None:
    """Check that a user may control all of these entities.

    Raises:
        Unauthorized: the user is not permitted.
    """
    if not may_control(user, entity_ids):
        raise Unauthorized(
            context=context,
            entity_id=next(iter(entity_ids), None),
            permission=POLICY_CONTROL,
        )

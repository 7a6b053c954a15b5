"""Permissions for calls, derived from the permissions for the PBX's entities."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er

from ..const import CONF_AUTO_ANSWER
from ..errors import user_error
from .contact_registry import button_of
from .contacts import Contact
from .manager import CallManager
from .rules import CallOrigin


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

    This requires control of all of the PBX's own entities; control of a contact's
    button is not enough. Home Assistant does not check permissions for an action
    without entities.

    Raises:
        Unauthorized: the user is not permitted.
    """
    if user is None:
        return CallOrigin(cooldown=cooldown)
    registry = er.async_get(manager.hass)
    entity_ids = [
        each.entity_id
        for each in er.async_entries_for_config_entry(registry, manager.entry.entry_id)
        if each.config_subentry_id is None
    ]
    _check_control(user, context, entity_ids)
    return CallOrigin(is_admin=user.is_admin, cooldown=cooldown)


@callback
def permitted_managers(
    managers: Sequence[CallManager], user: User | None, context: Context | None
) -> list[CallManager]:
    """Return the PBXs that a user may control.

    Raises:
        Unauthorized: the user is permitted to control none of them.
    """
    permitted: list[CallManager] = []
    refused: Unauthorized | None = None
    for manager in managers:
        try:
            origin_for_pbx(manager, user, context)
        except Unauthorized as err:
            refused = refused or err
        else:
            permitted.append(manager)
    if refused is not None and not permitted:
        raise refused
    return permitted


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
    manager: CallManager, contact: Contact, context: Context | None
) -> CallOrigin:
    """Return the origin of a call to a contact, if the user may press its button.

    Raises:
        Unauthorized: the user is not permitted.
        UnknownUser: the user was removed.
    """
    button = button_of(manager.hass, contact.subentry_id)
    user = await async_get_user(manager.hass, context)
    _check_control(user, context, [button.entity_id] if button else [])
    return CallOrigin(is_admin=user is None or user.is_admin)


def _check_control(
    user: User | None, context: Context | None, entity_ids: Sequence[str]
) -> None:
    """Check that a user may control all of these entities.

    If there are none, the user must be permitted to control every entity.

    Raises:
        Unauthorized: the user is not permitted.
    """
    if user is None or user.permissions.access_all_entities(POLICY_CONTROL):
        return
    may = user.permissions.check_entity
    refused = [each for each in entity_ids if not may(each, POLICY_CONTROL)]
    if refused or not entity_ids:
        raise Unauthorized(
            context=context,
            entity_id=next(iter(refused), None),
            permission=POLICY_CONTROL,
        )

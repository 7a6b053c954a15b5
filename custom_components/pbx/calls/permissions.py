"""What users may do with a PBX: what they may do with its entities."""

from collections.abc import Sequence

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er

from .contacts import Contact, entity_of
from .manager import CallManager
from .rules import Origin


async def async_user(hass: HomeAssistant, context: Context | None) -> User | None:
    """Return the user who asks; None for Home Assistant itself, an automation.

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
) -> Origin:
    """Return who asks for a call to any number, once they are allowed to.

    Who controls the PBX's own entities may dial any number, so one contact's button
    is not enough.

    Raises:
        Unauthorized: they are not. Home Assistant itself checks nothing for an
            action that has no entities.
    """
    if user is None:
        return Origin(cooldown=cooldown)
    registry = er.async_get(manager.hass)
    entity_ids = [
        each.entity_id
        for each in er.async_entries_for_config_entry(registry, manager.entry.entry_id)
        if each.config_subentry_id is None
    ]
    _check_control(user, context, entity_ids)
    return Origin(is_admin=user.is_admin, cooldown=cooldown)


async def origin_for_contact(
    manager: CallManager, contact: Contact, context: Context | None
) -> Origin:
    """Return who asks for a call to a contact, once they may press its button.

    Raises:
        Unauthorized: they may not.
        UnknownUser: the user was removed.
    """
    button = entity_of(manager.hass, contact)
    user = await async_user(manager.hass, context)
    _check_control(user, context, [button.entity_id] if button else [])
    return Origin(is_admin=user is None or user.is_admin)


def _check_control(
    user: User | None, context: Context | None, entity_ids: Sequence[str]
) -> None:
    """Check that a user may control all of these entities; all, where there is none."""
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

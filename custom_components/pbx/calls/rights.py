"""What a user may do with a PBX, by the permissions for its entities.

Home Assistant checks these for entities only. For everything else, the entity of which
a user needs control is the button of a contact, or *Connected* of the PBX.
"""

from collections.abc import Sequence

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er

from ..const import CONF_ADMINS_ONLY, DOMAIN
from .contact_registry import button_of
from .contacts import Contact
from .manager import CallManager
from .rules import DEFAULT_RULES


@callback
def connected_entities(manager: CallManager) -> list[str]:
    """Return the entity that stands for a PBX; none if there is none."""
    entity_id = er.async_get(manager.hass).async_get_entity_id(
        Platform.BINARY_SENSOR, DOMAIN, f"{manager.entry.entry_id}_connected"
    )
    return [entity_id] if entity_id else []


@callback
def button_entities(manager: CallManager, contact: Contact) -> list[str]:
    """Return the button of a contact; none if there is none yet."""
    button = button_of(manager.hass, contact.subentry_id)
    return [button.entity_id] if button else []


@callback
def is_unlimited(user: User | None, policy: str) -> bool:
    """Return whether a user has a permission for every entity."""
    return user is None or user.permissions.access_all_entities(policy)


@callback
def may_control(user: User | None, entity_ids: Sequence[str]) -> bool:
    """Return whether a user may control all of these entities."""
    return has_permission(user, entity_ids, POLICY_CONTROL)


@callback
def has_permission(user: User | None, entity_ids: Sequence[str], policy: str) -> bool:
    """Return whether a user has a permission for all of these entities.

    If there are none, it must be for every entity.
    """
    if user is None or is_unlimited(user, policy):
        return True
    check = user.permissions.check_entity
    return bool(entity_ids) and all(check(each, policy) for each in entity_ids)


@callback
def may_dial(manager: CallManager, user: User) -> bool:
    """Return whether a user may call a number that nobody in the phone book has."""
    options = {**DEFAULT_RULES, **manager.entry.options}
    if options[CONF_ADMINS_ONLY] and not user.is_admin:
        return False
    return may_control(user, connected_entities(manager))


@callback
def may_mark_seen(manager: CallManager, user: User) -> bool:
    """Return whether a user may mark missed calls as seen: for the whole house."""
    return may_control(user, connected_entities(manager))


@callback
def may_call(manager: CallManager, user: User | None) -> bool:
    """Return whether a user may place, and so end, any call at all."""
    if may_control(user, connected_entities(manager)):
        return True
    return any(
        user is None or may_call_contact(manager, user, contact)
        for contact in manager.book.contacts
    )


@callback
def may_call_contact(manager: CallManager, user: User, contact: Contact) -> bool:
    """Return whether a user may call a contact."""
    return may_control(user, button_entities(manager, contact))


@callback
def may_see_contact(manager: CallManager, user: User, contact: Contact) -> bool:
    """Return whether a user may know that a contact exists."""
    return has_permission(user, button_entities(manager, contact), POLICY_READ)

"""What users may do with a PBX: what they may do with its entities."""

from collections.abc import Sequence

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er

from ..coordinator import PbxConfigEntry


async def async_user_of(hass: HomeAssistant, context: Context | None) -> User | None:
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
def check_control(
    user: User | None, context: Context | None, entity_ids: Sequence[str]
) -> None:
    """Check that a user may control entities, every one of them.

    Args:
        user: as `async_user_of` returns it.
        context: of the action.
        entity_ids: without any, only who controls everything may.

    Raises:
        Unauthorized: they may not.
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


@callback
def entities_of_pbx(hass: HomeAssistant, entry: PbxConfigEntry) -> list[str]:
    """Return the entities of a PBX itself, not of its contacts and phones.

    Who controls them may dial any number, so one contact's button is not enough.
    """
    registry = er.async_get(hass)
    return [
        each.entity_id
        for each in er.async_entries_for_config_entry(registry, entry.entry_id)
        if each.config_subentry_id is None
    ]

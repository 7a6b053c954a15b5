"""Buttons of a PBX: one that hangs up, and one for each contact, which calls it."""

from functools import partial
from typing import Any, Final, override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import ATTR_ENTITY_PICTURE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoreEntity
from homeassistant.util import dt as dt_util

from .backends.base import Feature
from .backends.updates import CallState, Direction
from .calls.asked_by import AskedByType
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.contacts import Contact
from .calls.hang_up import async_hang_up
from .calls.people import other_side
from .calls.permissions import (
    async_get_user,
    origin_for_contact,
    origin_for_pbx,
)
from .calls.request import contact_request
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, async_add_for_contacts

# Several contacts can be called at the same time.
PARALLEL_UPDATES = 0

ATTR_LAST_RESULT: Final = "last_result"
ATTR_LAST_DIRECTION: Final = "last_direction"
ATTR_LAST_CALL_AT: Final = "last_call_at"
_ATTRIBUTES: Final = (ATTR_LAST_RESULT, ATTR_LAST_DIRECTION, ATTR_LAST_CALL_AT)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a PBX."""
    manager = entry.runtime_data.manager
    if manager.link.supports(Feature.HANG_UP):
        async_add_entities([HangUpButton(entry, "hang_up")])
    buttons: dict[str, CallButton] = {}

    # One listener for all: a call must not cost more where there are more contacts.
    @callback
    def changed(change: Change) -> None:
        if not isinstance(change, CallChanged) or change.state is not CallState.ENDED:
            return
        contact = other_side(change.call, manager.book).contact
        if contact is not None and contact.subentry_id in buttons:
            buttons[contact.subentry_id].show(change.call)

    create = partial(CallButton, buttons)
    async_add_for_contacts(entry, create, async_add_entities)
    entry.async_on_unload(manager.subscribe(changed))


class HangUpButton(PbxEntity, ButtonEntity):
    """Hangs up all calls that Home Assistant placed through the PBX."""

    @override
    async def async_press(self) -> None:
        """Hang up all calls; having none is no error.

        Raises:
            Unauthorized: the user may not control all entities of the PBX.
            HomeAssistantError: the PBX hung up none of the calls.
        """
        user = await async_get_user(self.hass, self._context)
        origin_for_pbx(self.manager, user, self._context)
        await async_hang_up([self.manager])


class CallButton(PbxEntity, ButtonEntity, RestoreEntity):
    """Rings the caller, and connects them to the contact.

    Its attributes describe the latest call with the contact, whoever placed it.
    """

    # The button is the contact's: it has no name of its own.
    _attr_name = None
    _follows_changes = False
    _unrecorded_attributes = frozenset(_ATTRIBUTES)

    def __init__(
        self, buttons: dict[str, CallButton], entry: PbxConfigEntry, contact: Contact
    ) -> None:
        """Initialize the button of a contact.

        Args:
            buttons: those that are shown, by contact; it adds itself.
            entry: of the PBX.
            contact: whose button it is.
        """
        super().__init__(entry, "call", contact)
        self._buttons = buttons
        self._attr_extra_state_attributes: dict[str, Any] = dict.fromkeys(_ATTRIBUTES)

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the last result, or use that of a call that ended in the meantime."""
        await super().async_added_to_hass()
        self._buttons[self._subentry_id] = self
        # A call that was refused has no source: it was never placed.
        recent = self.manager.tracker.recent
        ended = [call for call in recent if call.source and self._is_with(call)]
        if ended:
            self._set_last(ended[-1])
        elif (state := await self.async_get_last_state()) is not None:
            self._attr_extra_state_attributes = {
                name: state.attributes.get(name)
                for name in self._attr_extra_state_attributes
            }

    @override
    async def async_will_remove_from_hass(self) -> None:
        """No longer show calls."""
        await super().async_will_remove_from_hass()
        del self._buttons[self._subentry_id]

    @property
    @override
    def entity_picture(self) -> str | None:
        """Return the picture of the person that the contact stands for."""
        contact = self._contact
        person = contact and contact.person and self.hass.states.get(contact.person)
        return person.attributes.get(ATTR_ENTITY_PICTURE) if person else None

    @override
    async def async_press(self) -> None:
        """Place the call.

        Raises:
            HomeAssistantError: the call was not placed, or possibly was.
        """
        if (contact := self._contact) is None:
            # The contact was just removed, and this button is about to be.
            return
        origin = await origin_for_contact(
            self.manager, contact, self._context, AskedByType.BUTTON
        )
        await self.manager.place(contact_request(self.manager, contact), origin)

    @property
    def _contact(self) -> Contact | None:
        return self.manager.book.contact(self._subentry_id)

    @callback
    def show(self, call: Call) -> None:
        """Show a call with the contact that has ended."""
        self._set_last(call)
        self.async_write_ha_state()

    def _is_with(self, call: Call) -> bool:
        """Return whether the contact is the other side of a call."""
        contact = other_side(call, self.manager.book).contact
        return contact is not None and contact.subentry_id == self._subentry_id

    def _set_last(self, call: Call) -> None:
        began_at = dt_util.utc_from_timestamp(call.began_at)
        self._attr_extra_state_attributes = {
            ATTR_LAST_RESULT: call.result and call.result.value,
            ATTR_LAST_DIRECTION: _direction(call),
            ATTR_LAST_CALL_AT: began_at.isoformat(),
        }


def _direction(call: Call) -> Direction:
    """Return whether the contact called, or was called."""
    return Direction.INCOMING if call.is_incoming else Direction.OUTGOING

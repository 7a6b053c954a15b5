"""Buttons of a PBX: one for each contact, which calls it."""

from operator import attrgetter
from typing import Any, Final, override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoreEntity
from homeassistant.util import dt as dt_util

from .backends.updates import CallState
from .calls.call import Call
from .calls.changes import CallChanged, Change
from .calls.contacts import Contact
from .calls.permissions import origin_for_contact
from .calls.request import contact_request
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, async_add_for_each

# Several contacts can be called at the same time.
PARALLEL_UPDATES = 0

ATTR_LAST_RESULT: Final = "last_result"
ATTR_LAST_CALLED: Final = "last_called"


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a PBX."""
    async_add_for_each(
        entry,
        attrgetter("contacts"),
        lambda contact: [CallButton(entry, contact)],
        async_add_entities,
    )


class CallButton(PbxEntity, ButtonEntity, RestoreEntity):
    """A button that rings the caller and connects them to the contact."""

    def __init__(self, entry: PbxConfigEntry, contact: Contact) -> None:
        """Initialize the button of a contact."""
        super().__init__(entry, "call", contact)
        self._attr_extra_state_attributes: dict[str, Any] = dict.fromkeys(
            (ATTR_LAST_RESULT, ATTR_LAST_CALLED)
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the last result, or use that of a call that ended in the meantime."""
        await super().async_added_to_hass()
        # A call that was refused has no source: it was never placed.
        recent = self.manager.tracker.recent
        ended = [call for call in recent if call.source and self._is_mine(call)]
        if ended:
            self._show(ended[-1])
        elif (state := await self.async_get_last_state()) is not None:
            self._attr_extra_state_attributes = {
                name: state.attributes.get(name)
                for name in self._attr_extra_state_attributes
            }

    @override
    async def async_press(self) -> None:
        """Place the call.

        Raises:
            HomeAssistantError: the call was not placed, or possibly was.
        """
        if (contact := self._contact) is None:
            # The contact was just removed, and this button is about to be.
            return
        origin = await origin_for_contact(self.manager, contact, self._context)
        await self.manager.place(contact_request(self.manager, contact), origin)

    @property
    def _contact(self) -> Contact | None:
        member = self.manager.book.member(self._subentry_id)
        return member if isinstance(member, Contact) else None

    @callback
    @override
    def _changed(self, change: Change) -> None:
        if not isinstance(change, CallChanged) or change.state is not CallState.ENDED:
            return
        if self._is_mine(change.call):
            self._show(change.call)
            self.async_write_ha_state()

    def _is_mine(self, call: Call) -> bool:
        """Return whether Home Assistant placed this call to the contact."""
        contact, request = self._contact, call.request
        if contact is None or request is None:
            return False
        return self.manager.book.plan.is_same(request.callee, contact.number)

    def _show(self, call: Call) -> None:
        began_at = dt_util.utc_from_timestamp(call.began_at)
        self._attr_extra_state_attributes = {
            ATTR_LAST_RESULT: call.result and call.result.value,
            ATTR_LAST_CALLED: began_at.isoformat(),
        }

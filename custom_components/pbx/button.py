"""A button for each contact, which calls it."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .calls.contacts import Contact, contacts_of
from .calls.guard import Asking
from .calls.request import async_call_contact
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, contact_device

# Two people may be called at once.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a PBX."""
    for contact in contacts_of(entry):
        async_add_entities(
            [CallButton(hass, entry, contact)], config_subentry_id=contact.subentry_id
        )


class CallButton(PbxEntity, ButtonEntity):
    """Rings the caller, and connects them to the contact."""

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, contact: Contact
    ) -> None:
        """Belong to the contact's device."""
        super().__init__(entry, "call", contact_device(hass, entry, contact))
        self._contact = contact

    @override
    async def async_press(self) -> None:
        """Place the call.

        Raises:
            HomeAssistantError: it was not placed, or may have been.
        """
        entry = self.coordinator.config_entry
        asking = Asking(context=self._context)
        await async_call_contact(self.hass, entry, self._contact, asking=asking)

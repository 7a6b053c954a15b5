"""Whom voice may call, and which phone rings first for it."""

from dataclasses import dataclass

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..calls.contacts import (
    Contact,
    Extension,
    areas_of,
    is_disabled,
    names_of,
)
from ..calls.manager import CallManager
from ..calls.permissions import origin_for_contact
from ..calls.request import contact_request
from ..const import CONF_CALLER
from .sentences import folded


@dataclass(frozen=True, slots=True)
class VoiceContact:
    """A contact that voice may call, and the manager of its PBX."""

    manager: CallManager
    contact: Contact

    async def async_call(
        self, phone: Extension | None, context: Context | None
    ) -> None:
        """Call the contact.

        Args:
            phone: rings first in place of the default, unless it is whom they call.
            context: says who asks.

        Raises:
            ServiceValidationError: something is missing among the defaults, or a
                rule is against it.
            Unauthorized: they may not press the contact's button.
            HomeAssistantError: the PBX did not place the call, or may have.
        """
        origin = await origin_for_contact(self.manager, self.contact, context)
        is_other = phone is not None and phone.number != self.contact.number
        data = {CONF_CALLER: phone.number} if phone is not None and is_other else {}
        request = contact_request(self.manager, self.contact, data)
        await self.manager.place(request, origin)


@callback
def voice_contacts(hass: HomeAssistant, manager: CallManager) -> list[VoiceContact]:
    """Return the contacts of a PBX that voice may call, by their own settings."""
    return [
        VoiceContact(manager, contact)
        for contact in manager.book.contacts
        if contact.by_voice and not is_disabled(hass, contact)
    ]


@callback
def phone_near(
    hass: HomeAssistant, manager: CallManager, device_id: str | None
) -> Extension | None:
    """Return the phone for whoever speaks to a device, by it or by its area."""
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is None:
        return None
    phones = _phones(hass, manager)
    by_device = (phone for phone in phones if device.id in phone.satellites)
    area_id = dr.async_get_effective_area_id(hass, device)
    by_area = (phone for phone in phones if area_id in areas_of(hass, phone))
    return next(by_device, None) or next(by_area, None)


@callback
def phone_called(
    hass: HomeAssistant, manager: CallManager, words: str
) -> Extension | None:
    """Return the phone that somebody has named; the longest name that fits."""
    said = f" {folded(words)} "
    fitting = {
        name: phone
        for phone in _phones(hass, manager)
        for name in map(folded, names_of(hass, phone))
        if name and f" {name} " in said
    }
    return fitting[max(fitting, key=len)] if fitting else None


def _phones(hass: HomeAssistant, manager: CallManager) -> list[Extension]:
    return [each for each in manager.book.extensions if not is_disabled(hass, each)]

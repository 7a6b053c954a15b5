"""Who can be called by voice, and which phone rings first."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from ..backends.base import CallRequest
from ..calls.contacts import (
    Contact,
    Extension,
    areas_of,
    is_disabled,
    names_of,
)
from ..calls.manager import CallManager
from ..calls.permissions import async_get_user, origin_for_contact, origin_for_pbx
from ..calls.request import build_request, contact_request
from ..const import CONF_CALLEE, CONF_CALLER
from .spelling import folded


@dataclass(frozen=True, slots=True)
class VoiceContact:
    """A contact or an extension that can be called by voice.

    Attributes:
        manager: of its PBX.
        member: the contact or the extension.
    """

    manager: CallManager
    member: Contact | Extension

    @property
    def number(self) -> str:
        """The number that is dialed."""
        return self.member.number

    async def async_call(
        self, phone: Extension | None, context: Context | None
    ) -> CallRequest:
        """Place a call to it, and return what was requested.

        Args:
            phone: rings first in place of the default, unless it is the callee.
            context: of the user who asks.

        Raises:
            ServiceValidationError: a default is missing, or a rule blocks the call.
            Unauthorized: the user is not allowed to control the contact.
            HomeAssistantError: the PBX did not place the call, or may have.
        """
        origin = await origin_for_contact(self.manager, self.member, context)
        data = {}
        if phone is not None and phone.number != self.number:
            data[CONF_CALLER] = phone.number
        if isinstance(self.member, Contact):
            request = contact_request(self.manager, self.member, data)
        else:
            data[CONF_CALLEE] = self.number
            request = build_request(data, self.manager.entry.options, self.manager.kind)
        await self.manager.place(request, origin)
        return request

    def is_same_number(self, other: VoiceContact) -> bool:
        """Return whether another entry of the same phone book has the same number."""
        plan = self.manager.book.plan
        return self.manager is other.manager and plan.is_same(self.number, other.number)


@callback
def voice_contacts(hass: HomeAssistant, manager: CallManager) -> list[VoiceContact]:
    """Return the contacts of a PBX that voice is allowed to call."""
    return [
        VoiceContact(manager, contact)
        for contact in manager.book.contacts
        if contact.by_voice and not is_disabled(hass, contact)
    ]


@callback
def voice_extensions(hass: HomeAssistant, manager: CallManager) -> list[VoiceContact]:
    """Return the extensions of a PBX that voice is allowed to call.

    A contact with the same number decides, where there is one: voice is turned off
    for a number, not for one of its names.
    """
    found = [VoiceContact(manager, phone) for phone in phones_of(hass, manager)]
    blocked = [
        VoiceContact(manager, contact)
        for contact in manager.book.contacts
        if not contact.by_voice or is_disabled(hass, contact)
    ]
    return [each for each in found if not any(map(each.is_same_number, blocked))]


@callback
def phones_of(hass: HomeAssistant, manager: CallManager) -> list[Extension]:
    """Return the extensions of a PBX that can ring first."""
    return [each for each in manager.book.extensions if not is_disabled(hass, each)]


@callback
def spoken_names(hass: HomeAssistant, member: Contact | Extension) -> list[str]:
    """Return all that a contact or an extension is called by voice: names, number."""
    return [*names_of(hass, member), member.number]


@callback
def phone_near(
    hass: HomeAssistant, manager: CallManager, device_id: str | None
) -> Extension | None:
    """Return the phone near a voice device: assigned to it, or in its area."""
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is None:
        return None
    phones = phones_of(hass, manager)
    by_device = (phone for phone in phones if device.id in phone.satellites)
    area_id = dr.async_get_effective_area_id(hass, device)
    by_area = (phone for phone in phones if area_id in areas_of(hass, phone))
    return next(by_device, None) or next(by_area, None)


@callback
def phone_named(
    hass: HomeAssistant, manager: CallManager, name: str
) -> Extension | None:
    """Return the phone with a folded name; None if the PBX has none."""
    for phone in phones_of(hass, manager):
        if name in map(folded, spoken_names(hass, phone)):
            return phone
    return None


@callback
def name_of_number(manager: CallManager, number: str) -> str:
    """Return the name of an extension or a contact with a number, or the number."""
    book = manager.book
    members: list[Contact | Extension] = [*book.extensions, *book.contacts]
    plan = book.plan
    return next(
        (each.name for each in members if plan.is_same(each.number, number)), number
    )


async def async_hang_up(
    hass: HomeAssistant, managers: Sequence[CallManager], context: Context
) -> bool:
    """End the calls that were placed from here, and return whether there were any.

    Raises:
        Unauthorized: the user is not allowed to control a PBX.
        HomeAssistantError: a PBX did not end a call, or cannot; the calls of the
            others have been ended all the same.
    """
    user = await async_get_user(hass, context)
    busy = [each for each in managers if each.tracker.open.placed]
    ended: list[str] = []
    fault: HomeAssistantError | None = None
    for manager in busy or managers:
        try:
            origin_for_pbx(manager, user, context)
            ended += await manager.hang_up()
        except HomeAssistantError as err:
            fault = fault or err
    if fault is not None:
        raise fault
    return bool(ended)

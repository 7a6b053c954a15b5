"""Who can be called by voice, and which phone rings first."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
import logging

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from ..backends.base import CallRequest, Feature
from ..backends.redaction import clean_text
from ..calls import hang_up
from ..calls.announcement import async_announce, contact_announcement
from ..calls.asked_by import AskedByType
from ..calls.call import Call
from ..calls.contact_registry import area_of, is_disabled
from ..calls.contacts import Contact
from ..calls.manager import CallManager
from ..calls.permissions import async_get_user, origin_for_contact, origin_for_pbx
from ..calls.request import contact_request
from ..const import CONF_CALLER, CONF_MESSAGE
from ..errors import user_error
from .spelling import folded

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceContact:
    """A contact that a name stands for, and the manager of its PBX."""

    manager: CallManager
    contact: Contact

    @property
    def name(self) -> str:
        """The contact's own name."""
        return self.contact.name

    @property
    def names(self) -> list[str]:
        """All names of the contact."""
        return self.manager.book.names_of(self.contact)

    @property
    def is_disabled(self) -> bool:
        """Whether a user has disabled the contact."""
        return is_disabled(self.manager.hass, self.contact.subentry_id)

    @property
    def takes_messages(self) -> bool:
        """Whether the PBX can say a message to the contact."""
        return self.manager.link.supports(Feature.SPEECH)

    async def async_call(
        self, phone: Contact | None, context: Context | None
    ) -> CallRequest:
        """Place a call to the contact, and return the request.

        Args:
            phone: rings first in place of the default, unless it is the callee.
            context: of the user who asks.

        Raises:
            ServiceValidationError: a default is missing, or a rule blocks the call.
            Unauthorized: the user is not allowed to control the contact.
            HomeAssistantError: the PBX did not place the call, or may have.
        """
        origin = await origin_for_contact(
            self.manager, self.contact, context, AskedByType.VOICE
        )
        data = {}
        if phone is not None and phone.number != self.contact.number:
            data[CONF_CALLER] = phone.number
        request = contact_request(self.manager, self.contact, data)
        await self.manager.place(request, origin)
        return request

    async def async_tell(
        self, message: str, context: Context | None, *, in_background: bool = False
    ) -> None:
        """Call the contact to say a message; return when the call is placed.

        Args:
            message: what is said.
            context: of the user who asks.
            in_background: whether to return before the message is prepared; later
                errors are logged.

        Raises:
            ServiceValidationError: the PBX cannot say messages, a default is missing,
                or a rule blocks the call.
            Unauthorized: the user is not allowed to control the contact.
            HomeAssistantError: the message could not be prepared, or the PBX did not
                place the call, or may have.
        """
        manager = self.manager
        origin = await origin_for_contact(
            manager, self.contact, context, AskedByType.VOICE
        )
        data = {CONF_MESSAGE: message}
        request, speech = contact_announcement(manager, self.contact, data)
        manager.guard.check(request, origin)
        telling = async_announce(manager, request, speech, origin)
        if not in_background:
            await telling
            return
        manager.hass.async_create_background_task(
            self._async_log_error(telling), f"pbx tell {self.contact.subentry_id}"
        )

    async def _async_log_error(self, telling: Awaitable[Call]) -> None:
        try:
            await telling
        except HomeAssistantError as err:
            name = clean_text(self.name)
            _LOGGER.warning("The message to %s was not said: %s", name, err)


@callback
def contacts_of(managers: Iterable[CallManager]) -> list[VoiceContact]:
    """Return the contacts of PBXs, those that voice is not allowed to call included."""
    return [
        VoiceContact(manager, contact)
        for manager in managers
        for contact in manager.book.contacts
    ]


@callback
def allowed_of(fitting: Sequence[VoiceContact]) -> list[VoiceContact]:
    """Return those of the contacts with a name that voice is allowed to call.

    Raises:
        ServiceValidationError: there is none, as they are disabled, or voice is
            turned off for them.
    """
    enabled = [each for each in fitting if not each.is_disabled]
    if not enabled:
        raise user_error("contact_disabled", contact=clean_text(fitting[0].name))
    allowed = [each for each in enabled if each.contact.by_voice]
    if not allowed:
        raise user_error("not_by_voice", contact=clean_text(enabled[0].name))
    return allowed


@callback
def with_phones(
    contacts: Sequence[VoiceContact], phone_of: Callable[[CallManager], Contact | None]
) -> list[tuple[VoiceContact, Contact | None]]:
    """Return contacts, and the phone that rings first for each of them.

    Where only some of their PBXs have the phone, the others do not count.

    Args:
        contacts: with one name.
        phone_of: returns the phone of a PBX; None for the default caller.
    """
    pairs = [(each, phone_of(each.manager)) for each in contacts]
    return [pair for pair in pairs if pair[1] is not None] or pairs


@callback
def with_messages(contacts: Sequence[VoiceContact]) -> Sequence[VoiceContact]:
    """Return those of the contacts with one name whose PBX can say messages, or all."""
    return [each for each in contacts if each.takes_messages] or contacts


@callback
def names_apart(contacts: Sequence[VoiceContact]) -> str:
    """Return the names of contacts, with those of their PBXs where they are equal."""
    names = [each.name for each in contacts]
    if len(set(names)) < len(names):
        names = [f"{each.name} ({each.manager.entry.title})" for each in contacts]
    return ", ".join(names)


@callback
def phones_of(manager: CallManager) -> list[Contact]:
    """Return the extensions of a PBX that can ring first."""
    return [
        each
        for each in manager.book.extensions
        if not is_disabled(manager.hass, each.subentry_id)
    ]


@callback
def spoken_names(manager: CallManager, contact: Contact) -> list[str]:
    """Return everything that a contact is called by voice: names and number."""
    return [*manager.book.names_of(contact), contact.number]


@callback
def phone_near(manager: CallManager, device_id: str | None) -> Contact | None:
    """Return the phone in the area of a voice device; None if there is none."""
    hass = manager.hass
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    area_id = dr.async_get_effective_area_id(hass, device) if device else None
    if area_id is None:
        return None
    for phone in phones_of(manager):
        if area_id in (area_of(hass, phone.subentry_id), *phone.areas):
            return phone
    return None


@callback
def phone_named(manager: CallManager, name: str) -> Contact | None:
    """Return the phone with a folded name; None if the PBX has none."""
    for phone in phones_of(manager):
        if name in map(folded, spoken_names(manager, phone)):
            return phone
    return None


@callback
def name_of_number(manager: CallManager, number: str) -> str:
    """Return the name of the contact with a number, or the number."""
    owner = manager.book.owner_of(number)
    return owner.name if owner else number


async def async_hang_up(
    hass: HomeAssistant, managers: Sequence[CallManager], context: Context
) -> bool:
    """End the calls that were placed from here, and return whether there were any.

    Raises:
        Unauthorized: the user is not allowed to control a PBX.
        HomeAssistantError: a PBX ended none of its calls, or cannot; the calls of the
            others have been ended all the same.
    """
    user = await async_get_user(hass, context)
    busy = [each for each in managers if each.tracker.open.placed]
    ended: list[str] = []
    fault: HomeAssistantError | None = None
    for manager in busy or managers:
        try:
            origin_for_pbx(manager, user, context)
            ended += (await hang_up.async_hang_up([manager])).ids
        except HomeAssistantError as err:
            fault = fault or err
    if fault is not None:
        raise fault
    return bool(ended)

"""Notify entities: one for each contact, which calls it and speaks the message."""

from typing import Final, override

from homeassistant.components.notify import NotifyEntity, NotifyEntityFeature
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .backends.announcement import Announced, Played
from .backends.base import Feature
from .backends.redaction import clean_text
from .backends.updates import CallResult
from .calls.announcement import (
    async_announce,
    async_wait_until_announced,
    contact_announcement,
)
from .calls.asked_by import async_asked_by
from .calls.call import Call
from .calls.contacts import Contact
from .calls.permissions import async_get_user
from .calls.rules import CallOrigin
from .const import CONF_MESSAGE
from .coordinator import PbxConfigEntry
from .entity import PbxEntity, async_add_for_contacts
from .errors import action_error, unknown_contact_error, user_error

# Several contacts can be called at the same time.
PARALLEL_UPDATES = 0

# Seconds to wait for each place among the concurrent calls.
_PATIENCE: Final = 60


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the notify entities of a PBX that can play announcements."""
    if entry.runtime_data.manager.link.supports(Feature.SPEECH):
        async_add_for_contacts(entry, AnnouncementEntity, async_add_entities)


class AnnouncementEntity(PbxEntity, NotifyEntity):
    """Calls a contact and plays a message; success is that it was heard or confirmed.

    Home Assistant checks that the user may control the entity.
    """

    _attr_supported_features = NotifyEntityFeature.TITLE
    _follows_changes = False

    def __init__(self, entry: PbxConfigEntry, contact: Contact) -> None:
        """Initialize the entity of a contact."""
        super().__init__(entry, "announcement", contact)
        self._contact_name = clean_text(contact.name)

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Call the contact, and return when the message was heard or confirmed.

        Raises:
            ServiceValidationError: a dialing rule refused the call, or the user can
                correct the message or the contact's settings.
            HomeAssistantError: the contact was removed, did not hear the whole message,
                or did not confirm it, or the call was not placed.
        """
        contact = self.manager.book.contact(self._subentry_id)
        if contact is None:
            # The contact was just removed, and this entity is about to be.
            device = getattr(self.device_entry, "id", "")
            raise user_error(
                "message_not_delivered",
                contact=self._contact_name,
                detail=str(unknown_contact_error(device, ())),
            )
        user = await async_get_user(self.hass, self._context)
        asked_by = async_asked_by(self.hass, user, self._context)
        origin = CallOrigin(is_admin=user is None or user.is_admin, asked_by=asked_by)
        name, data = clean_text(contact.name), {CONF_MESSAGE: _spoken(message, title)}
        try:
            request, speech = contact_announcement(self.manager, contact, data)
            call = await async_announce(
                self.manager, request, speech, origin, patience=_PATIENCE
            )
            await async_wait_until_announced(self.manager, call)
        except ServiceValidationError as err:
            raise user_error(
                "message_not_delivered", contact=name, detail=str(err)
            ) from err
        except HomeAssistantError as err:
            raise action_error(
                "message_not_delivered", contact=name, detail=str(err)
            ) from err
        knows_end = self.manager.link.supports(Feature.SPEECH_KEYS)
        if (error := _error(call, name, knows_end=knows_end)) is not None:
            raise error


def _spoken(message: str, title: str | None) -> str:
    """Return the text to speak: the title first, as a sentence of its own."""
    if not (title := (title or "").strip()):
        return message
    end = "." if title[-1].isalnum() else ""
    return f"{title}{end} {message}"


def _error(call: Call, contact: str, *, knows_end: bool) -> HomeAssistantError | None:
    """Return why a message was not heard or confirmed; None if it was.

    Args:
        call: that has played the message.
        contact: the name of the contact.
        knows_end: whether the PBX tells that a message was played to its end. With one
            box, a Simotel never does, and only that the message has begun is known.
    """
    if call.result is not CallResult.ANSWERED:
        return _result_error(call.result, contact)
    announced = call.announced or Announced()
    if announced.confirmed is False:
        return action_error("message_not_confirmed", contact=contact)
    heard = (Played.FULL,) if knows_end else (Played.PART, Played.FULL)
    if announced.confirmed is None and announced.played not in heard:
        return action_error("message_not_heard", contact=contact)
    return None


def _result_error(result: CallResult | None, contact: str) -> HomeAssistantError:
    """Return why a contact did not answer."""
    match result:
        case CallResult.NO_ANSWER:
            return action_error("contact_no_answer", contact=contact)
        case CallResult.BUSY:
            return action_error("contact_busy", contact=contact)
        case CallResult.DECLINED:
            return action_error("contact_declined", contact=contact)
        case CallResult.UNDETERMINED:
            return action_error("contact_undetermined", contact=contact)
        case _:
            return action_error("contact_call_failed", contact=contact)

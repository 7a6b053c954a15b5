"""Who the parties of a call are, by the phone book of now."""

from typing import Final, NamedTuple

from homeassistant.core import HomeAssistant, callback

from ..backends.base import CallRequest
from ..backends.updates import (
    CallResult,
    Direction,
    ExtensionUpdate,
    Side,
    VoicemailUpdate,
)
from .call import Call, Outcome
from .contact_registry import device_of
from .contacts import Contact, PhoneBook

type Names = dict[str, str | bool | None]

ATTR_CALLER_CONTACT: Final = "caller_contact"
ATTR_CALLEE_CONTACT: Final = "callee_contact"


class Person(NamedTuple):
    """The other side of a call that leaves or enters the house.

    Attributes:
        number: as the PBX reports it; None where it is withheld or not known.
        contact: in the phone book; None for an unknown number.
    """

    number: str | None
    contact: Contact | None


@callback
def other_side(call: Call, book: PhoneBook) -> Person:
    """Return who is called from here or the house, or calls from outside."""
    if call.request is not None or call.direction is Direction.OUTGOING:
        number = call.callee
    elif call.is_incoming:
        number = call.caller
    else:
        return Person(None, None)
    return Person(number or None, book.owner_of(number))


@callback
def number_of(call: Call, side: Side) -> str:
    """Return the number on one side of a call; empty if it is not known.

    The person who hears an announcement is the caller, as the one who rings first, of
    the second party.
    """
    if side is Side.CALLER:
        return call.caller or call.callee
    if call.request is not None and call.request.announcement is not None:
        return call.request.announcement.connect_to or ""
    return call.answered_by or call.callee


@callback
def party_names(call: Call | CallRequest, book: PhoneBook) -> Names:
    """Return the names of the contacts that a call is between, None for others."""
    caller, callee = book.owner_of(call.caller), book.owner_of(call.callee)
    return {
        ATTR_CALLER_CONTACT: caller.name if caller else None,
        ATTR_CALLEE_CONTACT: callee.name if callee else None,
    }


@callback
def parties(call: Call | CallRequest, book: PhoneBook) -> Names:
    """Return the numbers and the names of the parties, as responses report them."""
    return {
        "caller": call.caller or None,
        "callee": call.callee or None,
        **party_names(call, book),
    }


@callback
def announcement_response(call: Call, book: PhoneBook) -> Outcome:
    """Return what came of an announcement, as the action reports it."""
    outcome, people = call.outcome(), parties(call, book)
    return {
        "originated_call_id": outcome["originated_call_id"],
        # Two parties may still be talking.
        "result": outcome["result"] or CallResult.ANSWERED.value,
        **call.announcement_outcome(),
        **{name: outcome[name] for name in ("ring_time", "talk_time", "cause")},
        **{name: people[name] for name in ("callee", ATTR_CALLEE_CONTACT)},
    }


@callback
def describe_extension(
    hass: HomeAssistant, update: ExtensionUpdate, book: PhoneBook
) -> Names:
    """Return whose phone does something, and who is at the other end.

    Returns:
        The `extension` with its `extension_name` and `extension_contact` (the id of its
        device), and `direction`, `number`, `name`, `contact` and `person` of the other
        party.
    """
    owner = book.owner_of(update.number)
    device = device_of(hass, owner.subentry_id) if owner else None
    contact = book.owner_of(update.participant)
    return {
        "extension": update.number,
        "extension_name": owner.name if owner else None,
        "extension_contact": device.id if device else None,
        "direction": update.direction and update.direction.value,
        **_person(hass, Person(update.participant or None, contact)),
    }


@callback
def describe_voicemail(
    hass: HomeAssistant, update: VoicemailUpdate, book: PhoneBook
) -> Names:
    """Return who left a voice message, in the words of `describe`."""
    contact = book.owner_of(update.caller)
    return {
        ATTR_CALLER_CONTACT: contact.name if contact else None,
        **_person(hass, Person(update.caller or None, contact)),
        "anonymous": not update.caller,
    }


@callback
def describe_side(
    hass: HomeAssistant, call: Call, side: Side, book: PhoneBook
) -> Names:
    """Return who is on one side of a call, in the words of `describe`."""
    number = number_of(call, side)
    return _person(hass, Person(number or None, book.owner_of(number)))


@callback
def describe(hass: HomeAssistant, call: Call, book: PhoneBook) -> Names:
    """Return who a call is between, as triggers and events report it.

    Returns:
        Beside the names of both parties, of the other side of a call that leaves or
        enters the house: `number`, `name` (to be said), `contact` (the id of its
        device, which actions take), `person` (an entity), and whether the number is
        withheld (`anonymous`).
    """
    other = other_side(call, book)
    return {
        **party_names(call, book),
        **_person(hass, other),
        "anonymous": call.is_incoming and other.number is None,
    }


@callback
def _person(hass: HomeAssistant, other: Person) -> Names:
    number, contact = other
    device = device_of(hass, contact.subentry_id) if contact else None
    return {
        "number": number,
        "name": contact.name if contact else None,
        "contact": device.id if device else None,
        "person": contact.person if contact else None,
    }

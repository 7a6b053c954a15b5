"""The phone book of a PBX: its contacts, and how they are found by name or number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final
import unicodedata

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant

from ..const import (
    CONF_ALIASES,
    CONF_AREAS,
    CONF_CALLER,
    CONF_CONFIRM_KEY,
    CONF_INTERNAL_DIGITS,
    CONF_IS_EXTENSION,
    CONF_LANGUAGE,
    CONF_NUMBER,
    CONF_PERSON,
    CONF_REPEAT,
    CONF_TTS_ENGINE,
    CONF_VOICE,
    DEFAULT_INTERNAL_DIGITS,
    SUBENTRY_CONTACT,
)
from .contact_registry import names_given, registry_changes, subentries_of
from .number import ascii_digits
from .number_plan import NumberPlan

# Maximum number of similar names that an error lists.
MAX_SUGGESTIONS: Final = 10

ANNOUNCEMENT_SETTINGS: Final = (
    CONF_TTS_ENGINE,
    CONF_LANGUAGE,
    CONF_REPEAT,
    CONF_CONFIRM_KEY,
)
"""Settings of a contact for announcements."""

_OWN_FIELDS: Final = (
    *ANNOUNCEMENT_SETTINGS,
    CONF_NAME,
    CONF_NUMBER,
    CONF_ALIASES,
    CONF_VOICE,
    CONF_PERSON,
    CONF_IS_EXTENSION,
    CONF_AREAS,
)

# Letters for which Arabic and Persian keyboards have different characters.
_KEYBOARDS: Final = str.maketrans("يىك", "ییک")


def name_key(name: str) -> str:
    """Return the form in which names are compared.

    Case, spaces, invisible direction marks and joiners, parentheses at the ends, and
    the digits and letters of an Arabic or a Persian keyboard make no difference.
    """
    plain = unicodedata.normalize("NFKC", ascii_digits(name)).translate(_KEYBOARDS)
    visible = (each for each in plain if unicodedata.category(each) != "Cf")
    words = "".join(visible).casefold().split()
    # The data of actions lose them: templates put a number into parentheses.
    return " ".join(words).strip("() ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a phone with a number.

    Attributes:
        subentry_id: of its config subentry.
        name: as people say it.
        number: as it is dialed.
        aliases: alternative names from its form; `PhoneBook.names_of` returns all.
        overrides: used in place of the call defaults of the PBX for calls to it.
        announcements: used in place of the defaults for announcements to it.
        by_voice: whether Assist and language models may call it.
        person: entity id of the person that it stands for; or None.
        is_extension: whether it is an internal phone of the PBX.
        areas: where it rings first for voice requests, beside the area of its device.
    """

    subentry_id: str
    name: str
    number: str
    aliases: Sequence[str] = ()
    overrides: Mapping[str, Any]
    announcements: Mapping[str, Any] = field(default_factory=dict)
    by_voice: bool = True
    person: str | None = None
    is_extension: bool = False
    areas: Sequence[str] = ()

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Contact:
        """Return the contact that a config subentry stores."""
        data = subentry.data
        return cls(
            subentry_id=subentry.subentry_id,
            name=subentry.title,
            number=data[CONF_NUMBER],
            aliases=tuple(data.get(CONF_ALIASES, ())),
            overrides={k: v for k, v in data.items() if k not in _OWN_FIELDS},
            announcements={k: data[k] for k in ANNOUNCEMENT_SETTINGS if k in data},
            by_voice=data.get(CONF_VOICE, True),
            person=data.get(CONF_PERSON),
            is_extension=data.get(CONF_IS_EXTENSION, False),
            areas=tuple(data.get(CONF_AREAS, ())),
        )


class PhoneBook:
    """The contacts of a PBX; created again when its settings change.

    Attributes:
        plan: the numbering plan of the PBX.
        contacts: in the order in which they were added.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, region: str | None
    ) -> None:
        """Read the contacts of a config entry.

        Args:
            hass: Home Assistant, whose registries hold further names.
            entry: of the PBX.
            region: country of the PBX, by its code of ISO 3166.
        """
        self._hass = hass
        digits = entry.options.get(CONF_INTERNAL_DIGITS, DEFAULT_INTERNAL_DIGITS)
        self.plan = NumberPlan(region=region, internal_digits=digits)
        self.contacts: Sequence[Contact] = [
            Contact.from_subentry(subentry)
            for subentry in entry.get_subentries_of_type(SUBENTRY_CONTACT)
        ]
        self._by_id = {each.subentry_id: each for each in self.contacts}
        self._by_name: dict[str, list[Contact]] = {}
        # The count of changes of the registries of which the names are.
        self._named_at = -1
        self._by_number: dict[str, Contact] = {}
        for contact in self.contacts:
            self._by_number.setdefault(self.plan.identity(contact.number), contact)
        callers = (each.overrides.get(CONF_CALLER) for each in self.contacts)
        self._callers = {self.plan.identity(number) for number in callers if number}

    @property
    def extensions(self) -> Sequence[Contact]:
        """The contacts that are extensions of the PBX."""
        return [contact for contact in self.contacts if contact.is_extension]

    def contact(self, subentry_id: str) -> Contact | None:
        """Return a contact by its config subentry; None if it was removed."""
        return self._by_id.get(subentry_id)

    def has_number(self, number: str) -> bool:
        """Return whether a number stands in the phone book, if only as a caller."""
        identity = self.plan.identity(number)
        return identity in self._by_number or identity in self._callers

    def with_number(self, number: str) -> Contact | None:
        """Return the contact with a number, in its international or national form."""
        return self._by_number.get(self.plan.identity(number))

    def owner_of(self, number: str) -> Contact | None:
        """Return the contact with a number, however that is written.

        An external number that lost its leading zeros or plus sign on its way through
        the PBX counts if exactly one contact fits: good enough for a name to show, and
        never used for a permission.
        """
        if (exact := self.with_number(number)) is not None:
            return exact
        if not self.plan.is_external(number):
            return None
        fitting = {
            contact.subentry_id: contact
            for form in self.plan.restored(number)
            if (contact := self.with_number(form)) is not None
        }
        return next(iter(fitting.values())) if len(fitting) == 1 else None

    def names_of(self, contact: Contact) -> list[str]:
        """Return all names of a contact, its own first.

        Names given to its device, and aliases of its button, count immediately.
        """
        given = names_given(self._hass, contact.subentry_id)
        return list(dict.fromkeys((contact.name, *contact.aliases, *given)))

    def find(self, reference: str) -> list[Contact]:
        """Return the contacts that a reference stands for.

        Args:
            reference: a name, or the id of a contact's device or of an entity of it.
        """
        named = self._names().get(name_key(reference), [])
        owners = subentries_of(self._hass, reference.strip())
        owned = (self.contact(subentry_id) for subentry_id in owners)
        return [*named, *(each for each in owned if each and each not in named)]

    def _names(self) -> Mapping[str, list[Contact]]:
        """Return the contacts by each of their names, in the form for comparison.

        They are read again when a name in the registries may have changed.
        """
        if self._named_at != (changes := registry_changes(self._hass)):
            self._named_at = changes
            self._by_name = {}
            for contact in self.contacts:
                for key in set(map(name_key, self.names_of(contact))) - {""}:
                    self._by_name.setdefault(key, []).append(contact)
        return self._by_name


def nearest_names(books: Sequence[PhoneBook], name: str) -> list[str]:
    """Return the names of contacts that are most similar to an unknown name."""
    wanted = name_key(name)

    def unlikeness(known: str) -> tuple[float, str]:
        ratio = SequenceMatcher(None, wanted, name_key(known)).ratio()
        return -ratio, known

    names = {contact.name for contact in _all(books)}
    return sorted(names, key=unlikeness)[:MAX_SUGGESTIONS]


def _all(books: Sequence[PhoneBook]) -> Iterator[Contact]:
    for book in books:
        yield from book.contacts

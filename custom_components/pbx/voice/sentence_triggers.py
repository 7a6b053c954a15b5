"""Calling by voice, without sentence files of the user's own.

All PBXs share one sentence trigger per language: a name that two of them have must
not place two calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
import logging
from typing import Any, Final

from homeassistant.const import CONF_ID, CONF_PLATFORM
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.script import ScriptRunResult
from homeassistant.helpers.trigger import async_initialize_triggers
from homeassistant.setup import async_when_setup
from homeassistant.util.hass_dict import HassKey

from ..backends.redaction import clean_text
from ..calls.changes import Change, SettingsChanged
from ..calls.contacts import Contact, nearest_names
from ..calls.manager import CallManager
from ..const import CONF_VOICE, DOMAIN
from ..errors import unknown_contact_error, user_error
from .answers import async_answer, async_reason
from .call_answers import async_did_call, async_who_called
from .contacts import (
    VoiceContact,
    allowed_of,
    async_hang_up,
    contacts_of,
    name_of_number,
    names_apart,
    phone_named,
    phone_near,
    phones_of,
    spoken_names,
    with_messages,
    with_phones,
)
from .languages import spoken_languages, watch_languages
from .registry import watch_names
from .sentences import (
    MESSAGE,
    Understood,
    templates,
    understand,
    understand_message,
)
from .spelling import folded, spoken

_LOGGER = logging.getLogger(__name__)

_VOICE: HassKey[Voice] = HassKey(f"{DOMAIN}_voice")
# Not imported: its packages are only installed if it is set up.
CONVERSATION_DOMAIN: Final = "conversation"
_COMMAND: Final = "command"


@callback
def async_start_voice(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Enable calls by voice to a PBX's contacts; return a function that stops this."""
    if _VOICE not in hass.data:
        hass.data[_VOICE] = Voice(hass)
    return hass.data[_VOICE].async_add(manager)


@dataclass(slots=True)
class Names:
    """The names that a sentence can hold, by their folded form, as they are spelled.

    Attributes:
        languages: of the sentences.
        callees: contacts, those that voice is not allowed to call included.
        phones: which phone can ring first.
        with_messages: whether messages can be said to some of the contacts.
    """

    languages: Sequence[str] = ()
    callees: dict[str, set[str]] = field(default_factory=dict)
    phones: dict[str, set[str]] = field(default_factory=dict)
    with_messages: bool = False


class Voice:
    """The sentences of all PBXs."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the sentences without a PBX."""
        self._hass = hass
        self._managers: list[CallManager] = []
        self._names = Names()
        self._stop: CALLBACK_TYPE | None = None
        self._has_begun = False
        self._is_building = False
        self._is_outdated = False
        # There are no sentences without Assist.
        async_when_setup(hass, CONVERSATION_DOMAIN, self._async_begin)

    @callback
    def async_add(self, manager: CallManager) -> CALLBACK_TYPE:
        """Add a PBX, and return a function that removes it."""

        @callback
        def changed(change: Change) -> None:
            if isinstance(change, SettingsChanged):
                self._changed()

        self._managers.append(manager)
        unsubscribe = manager.subscribe(changed)
        self._changed()

        @callback
        def remove() -> None:
            unsubscribe()
            self._managers.remove(manager)
            self._changed()

        return remove

    async def _async_begin(self, hass: HomeAssistant, _component: str) -> None:
        watch_names(hass, self._changed)
        watch_languages(hass, self._changed)
        self._has_begun = True
        self._changed()

    @callback
    def _changed(self) -> None:
        """Rebuild the sentences, once for several changes."""
        self._is_outdated = True
        if self._has_begun and not self._is_building:
            self._is_building = True
            self._hass.async_create_task(
                self._async_build(), "pbx voice", eager_start=False
            )

    async def _async_build(self) -> None:
        try:
            while self._is_outdated:
                self._is_outdated = False
                await self._async_build_once()
        finally:
            self._is_building = False

    async def _async_build_once(self) -> None:
        """Register the sentences if their names or languages have changed."""
        names = self._find_names()
        if names == self._names:
            return
        self._names = names
        if self._stop is not None:
            self._stop()
            self._stop = None
        # They are not validated, which would parse each of them a second time.
        triggers = [
            {
                CONF_PLATFORM: CONVERSATION_DOMAIN,
                CONF_ID: language,
                _COMMAND: sentences,
            }
            for language in names.languages
            if (
                sentences := templates(
                    language,
                    sorted(set().union(*names.callees.values())),
                    sorted(set().union(*names.phones.values())),
                    with_messages=names.with_messages,
                )
            )
        ]
        if triggers:
            self._stop = await async_initialize_triggers(
                self._hass, triggers, self._async_said, DOMAIN, "pbx voice", _LOGGER.log
            )

    @callback
    def _by_voice(self) -> list[CallManager]:
        """Return the managers of the PBXs whose contacts can be called by voice."""
        return [
            each for each in self._managers if each.entry.options.get(CONF_VOICE, True)
        ]

    @callback
    def _find_names(self) -> Names:
        managers = self._by_voice()
        if not managers:
            return Names()
        names = Names(spoken_languages(self._hass))
        for callee in contacts_of(managers):
            if not callee.is_disabled:
                names.with_messages |= callee.takes_messages
                for spelled in spoken_names(callee.manager, callee.contact):
                    if key := folded(spelled):
                        names.callees.setdefault(key, set()).add(spelled)
        for manager in managers:
            for phone in phones_of(manager):
                for spelled in spoken_names(manager, phone):
                    if key := folded(spelled):
                        names.phones.setdefault(key, set()).add(spelled)
        return names

    @callback
    def _contacts_named(self, key: str) -> list[tuple[VoiceContact, str]]:
        """Return who has a folded name, and how that is spelled.

        The names count as they are now: the sentences may be a moment behind.
        """
        known = self._names.callees[key]
        return [
            (callee, spelled)
            for callee in contacts_of(self._by_voice())
            for spelled in spoken_names(callee.manager, callee.contact)
            if spelled in known
        ]

    async def _async_said(
        self, variables: Mapping[str, Any], _context: Context | None = None
    ) -> ScriptRunResult | None:
        """Do what a sentence asks for, and return the answer."""
        trigger = variables["trigger"]
        language, sentence = trigger["id"], trigger["sentence"]
        names = self._names
        if message := trigger["slots"].get(MESSAGE):
            understood = understand_message(language, sentence, message, names.callees)
        else:
            understood = understand(language, sentence, names.callees, names.phones)
        if understood is None:
            _LOGGER.debug("The names in a sentence that matched were not found")
            return None
        # A sentence trigger has no context of its own: the user is in its data.
        context = Context(**trigger["user_input"]["context"])
        if understood.is_question:
            answer = await self._async_ask(language, understood.name, sentence, context)
        elif understood.name is None:
            answer = await self._async_hang_up(language, context)
        elif understood.message is not None:
            answer = await self._async_tell(
                language, understood.name, understood.message, sentence, context
            )
        else:
            answer = await self._async_call(language, understood, trigger, context)
        return ScriptRunResult(
            conversation_response=answer, service_response=None, variables={}
        )

    async def _async_hang_up(self, language: str, context: Context) -> str:
        try:
            ended = await async_hang_up(self._hass, self._by_voice(), context)
        except HomeAssistantError as err:
            reason = await async_reason(self._hass, language, err)
            key = "hang_up_failed"
            return await async_answer(self._hass, language, key, reason=reason)
        key = "hung_up" if ended else "nothing_to_hang_up"
        return await async_answer(self._hass, language, key)

    async def _async_ask(
        self, language: str, key: str | None, sentence: str, context: Context
    ) -> str:
        """Answer who called, or whether somebody did."""
        try:
            if key is None:
                return await async_who_called(
                    self._hass, language, self._by_voice(), context
                )
            fitting, written = self._find(key, sentence)
            found = self._known(written, fitting)
            return await async_did_call(self._hass, language, found, context)
        except HomeAssistantError as err:
            return await async_reason(self._hass, language, err)

    async def _async_call(
        self,
        language: str,
        understood: Understood,
        trigger: Mapping[str, Any],
        context: Context,
    ) -> str:
        fitting, written = self._find(understood.name or "", trigger["sentence"])
        try:
            found = self._with_phones(written, fitting, understood, trigger)
            if len(found) > 1:
                names = names_apart([callee for callee, _ in found])
                return await async_answer(self._hass, language, "which", names=names)
            ((callee, phone),) = found
            if phone is None and understood.phone is not None:
                spelled = self._phone_elsewhere(callee, understood.phone)
                return await async_answer(
                    self._hass, language, "unknown_phone", phone=spelled
                )
            request = await callee.async_call(phone, context)
        except HomeAssistantError as err:
            reason = await async_reason(self._hass, language, err)
            return await async_answer(
                self._hass, language, "failed", callee=written, reason=reason
            )
        caller = name_of_number(callee.manager, request.caller)
        return await async_answer(
            self._hass, language, "calling", caller=caller, callee=callee.name
        )

    async def _async_tell(
        self, language: str, key: str, message: str, sentence: str, context: Context
    ) -> str:
        """Answer at once, and say the message in the background."""
        fitting, written = self._find(key, sentence)
        try:
            found = with_messages(allowed_of(self._known(written, fitting)))
            if len(found) > 1:
                names = names_apart(found)
                return await async_answer(self._hass, language, "which", names=names)
            (callee,) = found
            await callee.async_tell(message, context, in_background=True)
        except HomeAssistantError as err:
            reason = await async_reason(self._hass, language, err)
            return await async_answer(
                self._hass, language, "failed", callee=written, reason=reason
            )
        return await async_answer(self._hass, language, "telling", callee=callee.name)

    @callback
    def _find(self, key: str, sentence: str) -> tuple[list[VoiceContact], str]:
        """Return who is meant by a folded name, and the name for an error."""
        fitting = _meant(self._contacts_named(key), sentence)
        return fitting, _common_name(fitting) or min(self._names.callees[key])

    @callback
    def _known(
        self, written: str, fitting: Sequence[VoiceContact]
    ) -> Sequence[VoiceContact]:
        """Return those who are meant.

        Raises:
            ServiceValidationError: there are none anymore.
        """
        if not fitting:
            books = [manager.book for manager in self._by_voice()]
            raise unknown_contact_error(written, nearest_names(books, written))
        return fitting

    @callback
    def _with_phones(
        self,
        written: str,
        fitting: Sequence[VoiceContact],
        understood: Understood,
        trigger: Mapping[str, Any],
    ) -> list[tuple[VoiceContact, Contact | None]]:
        """Return who is called, and the phone that rings first in place of the default.

        Raises:
            ServiceValidationError: none of the contacts can be called by voice.
        """
        if understood.phone is not None:
            phone_of = partial(phone_named, name=understood.phone)
        else:
            phone_of = partial(phone_near, device_id=trigger.get("device_id"))
        return with_phones(allowed_of(self._known(written, fitting)), phone_of)

    @callback
    def _phone_elsewhere(self, callee: VoiceContact, name: str) -> str:
        """Return the spelling of a phone that no PBX has.

        Raises:
            ServiceValidationError: another PBX has it.
        """
        for manager in self._by_voice():
            if (phone := phone_named(manager, name)) is not None:
                raise user_error(
                    "contacts_of_different_pbxs",
                    callee=clean_text(callee.name),
                    callee_pbx=callee.manager.entry.title,
                    caller=clean_text(phone.name),
                    caller_pbx=manager.entry.title,
                )
        return min(self._names.phones[name])


def _common_name(contacts: Sequence[VoiceContact]) -> str | None:
    """Return the name of contacts that all have the same one."""
    names = {each.name for each in contacts}
    return names.pop() if len(names) == 1 else None


def _meant(
    callees: Sequence[tuple[VoiceContact, str]], sentence: str
) -> list[VoiceContact]:
    """Return who is meant: those whose name is spelled so, or else all."""
    said = spoken(sentence).casefold()
    exact = [each for each, spelled in callees if spoken(spelled).casefold() in said]
    found = exact or [each for each, _ in callees]
    return list({id(each.contact): each for each in found}.values())

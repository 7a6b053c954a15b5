"""Calling contacts by voice, with no sentence files of the user's own.

All PBXs share one set of sentences: a name that is in two of them must not place
two calls.
"""

from collections.abc import Mapping, Sequence
import logging
from typing import Any, Final

from homeassistant.const import CONF_ID, CONF_PLATFORM
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers.script import ScriptRunResult
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.trigger import (
    async_initialize_triggers,
    async_validate_trigger_config,
)
from homeassistant.setup import async_when_setup
from homeassistant.util.hass_dict import HassKey

from ..calls.changes import Change, SettingsChanged
from ..calls.contacts import names_of
from ..calls.manager import CallManager
from ..const import CONF_VOICE, DOMAIN
from ..errors import action_error, user_error
from .contacts import VoiceContact, phone_called, phone_near, voice_contacts
from .registry import watch_names
from .sentences import LANGUAGES, commands, folded, spoken

_LOGGER = logging.getLogger(__name__)

_VOICE: HassKey[Voice] = HassKey(f"{DOMAIN}_voice")
# Not imported from it: its packages are there only where it is set up.
CONVERSATION_DOMAIN: Final = "conversation"
_COMMAND: Final = "command"


@callback
def async_start_voice(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Let the contacts of a PBX be called by voice; return what ends it."""
    if _VOICE not in hass.data:
        hass.data[_VOICE] = Voice(hass)
    return hass.data[_VOICE].async_add(manager)


class Voice:
    """The sentences of all PBXs."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the sentences without any PBX."""
        self._hass = hass
        self._managers: list[CallManager] = []
        self._names: dict[str, str] = {}
        self._stop: CALLBACK_TYPE | None = None
        self._has_begun = False
        self._is_building = False
        self._is_outdated = False
        # Without Assist there is nobody to speak to.
        async_when_setup(hass, CONVERSATION_DOMAIN, self._async_begin)

    @callback
    def async_add(self, manager: CallManager) -> CALLBACK_TYPE:
        """Add a PBX, and return what takes it away again."""

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
        self._has_begun = True
        self._changed()

    @callback
    def _changed(self) -> None:
        """Build the sentences anew, once for several changes."""
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
                await self._async_build_once(self._hass)
        finally:
            self._is_building = False

    async def _async_build_once(self, hass: HomeAssistant) -> None:
        """Register sentences if the names of those who can be called have changed."""
        _, names = self._find_names()
        if names == self._names:
            return
        self._names = names
        if self._stop is not None:
            self._stop()
            self._stop = None
        triggers = [
            {
                CONF_PLATFORM: CONVERSATION_DOMAIN,
                CONF_ID: f"{language}:{key}",
                _COMMAND: commands(LANGUAGES[language], name),
            }
            for language in LANGUAGES
            for key, name in names.items()
        ]
        if triggers:
            self._stop = await async_initialize_triggers(
                hass,
                await async_validate_trigger_config(hass, triggers),
                self._async_said,
                DOMAIN,
                "pbx voice",
                _LOGGER.log,
            )

    def _find_names(self) -> tuple[dict[str, list[VoiceContact]], dict[str, str]]:
        """Return who goes by each name, and how each name is written."""
        by_name: dict[str, list[VoiceContact]] = {}
        names: dict[str, str] = {}
        for manager in self._managers:
            if not manager.entry.options.get(CONF_VOICE, True):
                continue
            for each in voice_contacts(self._hass, manager):
                for name in names_of(self._hass, each.contact):
                    if not (key := folded(name)):
                        continue
                    names.setdefault(key, name)
                    known = by_name.setdefault(key, [])
                    if each not in known:
                        known.append(each)
        return by_name, names

    async def _async_said(
        self, variables: Mapping[str, Any], _context: Context | None = None
    ) -> ScriptRunResult | None:
        """Call whom somebody has named, and return what is answered."""
        trigger = variables["trigger"]
        language, _, key = trigger["id"].partition(":")
        if self._means_a_longer_name(key, trigger["sentence"]):
            return None
        # The trigger of a sentence passes no context on; who spoke is in its data.
        context = Context(**trigger["user_input"]["context"])
        # As it is by now: the sentences may be a moment behind.
        by_name, _ = self._find_names()
        found = by_name.get(key, [])
        answer = await self._async_answer(language, found, trigger, context)
        return ScriptRunResult(
            conversation_response=answer, service_response=None, variables={}
        )

    def _means_a_longer_name(self, key: str, sentence: str) -> bool:
        """Return whether somebody is meant whose name begins like this one's.

        "Call mum from work" is "mum from work", if there is such a contact.
        """
        said = f" {folded(sentence)} "
        return any(
            len(other) > len(key)
            and f" {key} " in f" {other} "
            and f" {other} " in said
            for other in self._names
        )

    async def _async_answer(
        self,
        language: str,
        found: Sequence[VoiceContact],
        trigger: Mapping[str, Any],
        context: Context,
    ) -> str:
        words = LANGUAGES[language]
        if not found:
            _, _, key = trigger["id"].partition(":")
            name = self._names.get(key, key)
            return await self._async_failed(
                language, name, user_error("unknown_contact", contact=name)
            )
        if len(found) > 1:
            names = [each.contact.name for each in found]
            if len(set(names)) < len(names):
                names = [
                    f"{each.contact.name} ({each.manager.entry.title})"
                    for each in found
                ]
            return words.which.format(names=", ".join(names))
        (wanted,) = found
        name = wanted.contact.name
        if phone_words := trigger["slots"].get("phone", ""):
            phone = phone_called(self._hass, wanted.manager, phone_words)
            if phone is None:
                return words.unknown_phone.format(phone=spoken(phone_words))
        else:
            phone = phone_near(self._hass, wanted.manager, trigger.get("device_id"))
        try:
            await wanted.async_call(phone, context)
        except HomeAssistantError as err:
            # Home Assistant's own error is no sentence.
            is_own = isinstance(err, Unauthorized)
            told = action_error("no_control") if is_own else err
            return await self._async_failed(language, name, told)
        return words.calling.format(name=name)

    async def _async_failed(
        self, language: str, name: str, err: HomeAssistantError
    ) -> str:
        reason = await async_reason(self._hass, language, err)
        return LANGUAGES[language].failed.format(name=name, reason=reason)


async def async_reason(
    hass: HomeAssistant, language: str, err: HomeAssistantError
) -> str:
    """Return what went wrong in a language, or in English where it is not known."""
    texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
    key = f"component.{DOMAIN}.exceptions.{err.translation_key}.message"
    if key not in texts:
        return str(err)
    return texts[key].format(**(err.translation_placeholders or {}))

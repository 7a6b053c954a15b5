"""Calling contacts by voice, with no sentence files of the user's own.

All PBXs share one set of sentences: a name that is in two of them must not place
two calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import logging
from typing import Any, Final

from homeassistant.components.homeassistant.exposed_entities import (
    async_listen_entity_updates,
    async_should_expose,
)
from homeassistant.const import CONF_ID, CONF_PLATFORM
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.script import ScriptRunResult
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.trigger import (
    async_initialize_triggers,
    async_validate_trigger_config,
)
from homeassistant.setup import async_when_setup
from homeassistant.util.hass_dict import HassKey

from ..calls.changes import Change, SettingsChanged
from ..calls.contacts import Contact, HouseExtension
from ..calls.manager import CallManager
from ..calls.permissions import button_of, origin_for_contact
from ..calls.request import contact_request
from ..const import CONF_CALLER, CONF_VOICE, DOMAIN
from ..errors import action_error
from .sentences import LANGUAGES, commands, folded, spoken

_LOGGER = logging.getLogger(__name__)

_VOICE: HassKey[Voice] = HassKey(f"{DOMAIN}_voice")
# Not imported from it: its packages are there only where it is set up.
CONVERSATION_DOMAIN: Final = "conversation"
_COMMAND: Final = "command"


@dataclass(frozen=True, slots=True)
class Exposed:
    """A contact that voice may call, and the manager of its PBX."""

    manager: CallManager
    contact: Contact

    async def async_call(
        self, phone: HouseExtension | None, context: Context | None
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
def exposed_contacts(hass: HomeAssistant, manager: CallManager) -> list[Exposed]:
    """Return the contacts of a PBX whose button is exposed to Assist."""
    exposed = []
    for contact in manager.book.contacts:
        entity_id = button_of(hass, contact)
        if entity_id and async_should_expose(hass, CONVERSATION_DOMAIN, entity_id):
            exposed.append(Exposed(manager, contact))
    return exposed


@callback
def phone_near(
    hass: HomeAssistant, manager: CallManager, device_id: str | None
) -> HouseExtension | None:
    """Return the phone for whoever speaks to a device, by it or by its area."""
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is None:
        return None
    phones = manager.book.extensions
    by_device = (phone for phone in phones if device.id in phone.satellites)
    by_area = (phone for phone in phones if device.area_id in phone.areas)
    return next(by_device, None) or next(by_area, None)


@callback
def phone_called(manager: CallManager, words: str) -> HouseExtension | None:
    """Return the phone that somebody has named; the longest name that fits."""
    said = f" {folded(words)} "
    fitting = [
        phone for phone in manager.book.extensions if f" {folded(phone.name)} " in said
    ]
    return max(fitting, key=lambda phone: len(phone.name), default=None)


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
        self._by_name: dict[str, list[Exposed]] = {}
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
        async_listen_entity_updates(hass, CONVERSATION_DOMAIN, self._changed)
        self._has_begun = True
        self._changed()

    @callback
    def _changed(self) -> None:
        """Build the sentences anew, once for several changes."""
        self._is_outdated = True
        if self._has_begun and not self._is_building:
            self._is_building = True
            self._hass.async_create_task(self._async_build(), "pbx voice")

    async def _async_build(self) -> None:
        try:
            while self._is_outdated:
                self._is_outdated = False
                await self._async_build_once(self._hass)
        finally:
            self._is_building = False

    async def _async_build_once(self, hass: HomeAssistant) -> None:
        """Look up who can be called, and register sentences if names have changed."""
        by_name, names = self._find_names()
        self._by_name = by_name
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

    def _find_names(self) -> tuple[dict[str, list[Exposed]], dict[str, str]]:
        """Return who goes by each name, and how each name is written."""
        by_name: dict[str, list[Exposed]] = {}
        names: dict[str, str] = {}
        for manager in self._managers:
            if not manager.entry.options.get(CONF_VOICE, True):
                continue
            for exposed in exposed_contacts(self._hass, manager):
                for name in exposed.contact.names:
                    if not (key := folded(name)):
                        continue
                    names.setdefault(key, name)
                    known = by_name.setdefault(key, [])
                    if exposed not in known:
                        known.append(exposed)
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
        found = self._by_name.get(key, [])
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
            for other in self._by_name
        )

    async def _async_answer(
        self,
        language: str,
        found: Sequence[Exposed],
        trigger: Mapping[str, Any],
        context: Context,
    ) -> str:
        words = LANGUAGES[language]
        if len(found) != 1:
            names = [each.contact.name for each in found]
            if len(set(names)) < len(names):
                names = [
                    f"{each.contact.name} ({each.manager.entry.title})"
                    for each in found
                ]
            return words.which.format(names=", ".join(names))
        (exposed,) = found
        name = exposed.contact.name
        if phone_words := trigger["slots"].get("phone", ""):
            phone = phone_called(exposed.manager, phone_words)
            if phone is None:
                return words.unknown_phone.format(phone=spoken(phone_words))
        else:
            phone = phone_near(self._hass, exposed.manager, trigger.get("device_id"))
        try:
            await exposed.async_call(phone, context)
        except HomeAssistantError as err:
            # Home Assistant's own error is no sentence.
            is_own = isinstance(err, Unauthorized)
            told = action_error("no_control") if is_own else err
            reason = await async_reason(self._hass, language, told)
            return words.failed.format(name=name, reason=reason)
        return words.calling.format(name=name)


async def async_reason(
    hass: HomeAssistant, language: str, err: HomeAssistantError
) -> str:
    """Return what went wrong in a language, or in English where it is not known."""
    texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
    key = f"component.{DOMAIN}.exceptions.{err.translation_key}.message"
    if key not in texts:
        return str(err)
    return texts[key].format(**(err.translation_placeholders or {}))

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

from ..calls.contacts import Contact, button_of, contacts_of
from ..calls.extensions import HouseExtension, extensions_of
from ..calls.guard import Asking
from ..calls.request import async_call_contact
from ..const import CONF_CALLER, CONF_VOICE, DOMAIN
from ..coordinator import PbxConfigEntry
from ..errors import failed
from .sentences import LANGUAGES, commands, folded, spoken

_LOGGER = logging.getLogger(__name__)

_VOICE: HassKey[Voice] = HassKey(f"{DOMAIN}_voice")
# Not imported from it: its packages are there only where it is set up.
CONVERSATION_DOMAIN: Final = "conversation"
_COMMAND: Final = "command"


@dataclass(frozen=True, slots=True)
class Exposed:
    """A contact that voice may call, and the PBX that it belongs to."""

    entry: PbxConfigEntry
    contact: Contact


@callback
def exposed_contacts(hass: HomeAssistant, entry: PbxConfigEntry) -> list[Exposed]:
    """Return the contacts of a PBX whose button is exposed to Assist."""
    exposed = []
    for contact in contacts_of(entry):
        entity_id = button_of(hass, contact)
        if entity_id and async_should_expose(hass, CONVERSATION_DOMAIN, entity_id):
            exposed.append(Exposed(entry, contact))
    return exposed


@callback
def phone_near(
    hass: HomeAssistant, entry: PbxConfigEntry, device_id: str | None
) -> HouseExtension | None:
    """Return the phone for whoever speaks to a device, by it or by its area."""
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is None:
        return None
    phones = extensions_of(entry)
    by_device = (phone for phone in phones if device.id in phone.satellites)
    by_area = (phone for phone in phones if device.area_id in phone.areas)
    return next(by_device, None) or next(by_area, None)


@callback
def phone_called(entry: PbxConfigEntry, words: str) -> HouseExtension | None:
    """Return the phone that somebody has named; the longest name that fits."""
    said = f" {folded(words)} "
    fitting = [
        phone for phone in extensions_of(entry) if f" {folded(phone.name)} " in said
    ]
    return max(fitting, key=lambda phone: len(phone.name), default=None)


async def async_start_voice(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Let the contacts of a PBX be called by voice, until it is unloaded."""
    if not entry.options.get(CONF_VOICE, True):
        return
    if _VOICE not in hass.data:
        hass.data[_VOICE] = Voice(hass)
    entry.async_on_unload(hass.data[_VOICE].async_add(entry))


class Voice:
    """The sentences of all PBXs."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Know of no PBX."""
        self._hass = hass
        self._entries: list[PbxConfigEntry] = []
        self._by_name: dict[str, list[Exposed]] = {}
        self._stop: CALLBACK_TYPE | None = None
        self._has_begun = False
        self._is_building = False
        self._is_outdated = False
        # Without Assist there is nobody to speak to.
        async_when_setup(hass, CONVERSATION_DOMAIN, self._async_begin)

    @callback
    def async_add(self, entry: PbxConfigEntry) -> CALLBACK_TYPE:
        """Add a PBX, and return what takes it away again."""
        self._entries.append(entry)
        self._changed()

        @callback
        def remove() -> None:
            self._entries.remove(entry)
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
        by_name: dict[str, list[Exposed]] = {}
        names: dict[str, str] = {}
        for entry in self._entries:
            for exposed in exposed_contacts(hass, entry):
                for name in exposed.contact.names:
                    if not (key := folded(name)):
                        continue
                    names.setdefault(key, name)
                    known = by_name.setdefault(key, [])
                    if exposed not in known:
                        known.append(exposed)
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._by_name = by_name
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

    async def _async_said(
        self, variables: Mapping[str, Any], _context: Context | None = None
    ) -> ScriptRunResult | None:
        """Call whom somebody has named, and return what is answered."""
        trigger = variables["trigger"]
        language, _, key = trigger["id"].partition(":")
        if self._means_a_longer_name(key, trigger["sentence"]):
            return None
        # The trigger of a sentence passes no context on; who spoke is in its data.
        asking = Asking(context=Context(**trigger["user_input"]["context"]))
        found = self._by_name.get(key, [])
        answer = await self._async_answer(language, found, trigger, asking)
        return ScriptRunResult(
            conversation_response=answer, service_response=None, variables={}
        )

    def _means_a_longer_name(self, key: str, sentence: str) -> bool:
        """Tell whether somebody is meant whose name begins like this one's.

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
        asking: Asking,
    ) -> str:
        words = LANGUAGES[language]
        if len(found) != 1:
            names = [each.contact.name for each in found]
            if len(set(names)) < len(names):
                names = [f"{each.contact.name} ({each.entry.title})" for each in found]
            return words.which.format(names=", ".join(names))
        entry, contact = found[0].entry, found[0].contact
        data = {}
        if phone_words := trigger["slots"].get("phone", ""):
            phone = phone_called(entry, phone_words)
            if phone is None:
                return words.unknown_phone.format(phone=spoken(phone_words))
        else:
            phone = phone_near(self._hass, entry, trigger.get("device_id"))
        if phone is not None and phone.number != contact.number:
            data[CONF_CALLER] = phone.number
        try:
            await async_call_contact(self._hass, entry, contact, data, asking)
        except HomeAssistantError as err:
            # Home Assistant's own error is no sentence.
            told = failed("no_control") if isinstance(err, Unauthorized) else err
            reason = await async_reason(self._hass, language, told)
            return words.failed.format(name=contact.name, reason=reason)
        return words.calling.format(name=contact.name)


async def async_reason(
    hass: HomeAssistant, language: str, err: HomeAssistantError
) -> str:
    """Return what went wrong in a language, or in English where it is not known."""
    texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
    key = f"component.{DOMAIN}.exceptions.{err.translation_key}.message"
    if key not in texts:
        return str(err)
    return texts[key].format(**(err.translation_placeholders or {}))

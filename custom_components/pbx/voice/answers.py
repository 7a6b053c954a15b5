"""What Assist answers, in the language of the sentence."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..errors import action_error

_COMMON: Final = f"component.{DOMAIN}.common."
# Placeholders of errors that hold names of fields.
_FIELDS: Final = frozenset({"field", "fields"})


async def async_answer(
    hass: HomeAssistant, language: str, key: str, **placeholders: str
) -> str:
    """Return an answer from the translations; its key is given without its prefix."""
    texts = await async_get_translations(hass, language, "common", {DOMAIN})
    return texts[f"{_COMMON}voice_{key}"].format(**placeholders)


async def async_reason(
    hass: HomeAssistant, language: str, err: HomeAssistantError
) -> str:
    """Return an error in a language, or in English where it is not translated."""
    if isinstance(err, Unauthorized):
        # Home Assistant's own error has no message.
        err = action_error("no_control")
    texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
    key = f"component.{DOMAIN}.exceptions.{err.translation_key}.message"
    if key not in texts:
        return str(err)
    placeholders = dict(err.translation_placeholders or {})
    common = await async_get_translations(hass, language, "common", {DOMAIN})
    # Names of fields are those of the actions: in English, and with underscores.
    for name in _FIELDS & placeholders.keys():
        fields = placeholders[name].split(", ")
        said = (common.get(f"{_COMMON}voice_field_{each}", each) for each in fields)
        placeholders[name] = ", ".join(said)
    return texts[key].format(**placeholders)

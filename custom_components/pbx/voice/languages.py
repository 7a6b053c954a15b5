"""The languages of the voice assistants that are set up in Home Assistant."""

from collections.abc import Callable
from typing import Any, Final

from homeassistant.const import EVENT_CORE_CONFIG_UPDATE, MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_when_setup

from .sentences import LANGUAGES

# Not imported: its packages are only installed if it is set up, which is optional.
PIPELINES: Final = "assist_pipeline"


@callback
def spoken_languages(hass: HomeAssistant) -> list[str]:
    """Return the supported languages that a voice assistant uses.

    Home Assistant's own language is included, as it is the language of text that is
    typed into the Assist dialog.
    """
    codes = {hass.config.language}
    if (store := _pipelines(hass)) is not None:
        for pipeline in store.data.values():
            language = pipeline.conversation_language
            codes.add(pipeline.language if language == MATCH_ALL else language)
    bases = {code.partition("-")[0].lower() for code in codes}
    return [language for language in LANGUAGES if language in bases]


@callback
def watch_languages(hass: HomeAssistant, changed: Callable[[], None]) -> None:
    """Call back when the languages may have changed, until Home Assistant stops."""

    @callback
    def config_updated(_event: Event) -> None:
        changed()

    async def pipeline_changed(*_change: object) -> None:
        changed()

    async def pipelines_set_up(hass: HomeAssistant, _component: str) -> None:
        if (store := _pipelines(hass)) is not None:
            store.async_add_listener(pipeline_changed)
            changed()

    hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, config_updated)
    async_when_setup(hass, PIPELINES, pipelines_set_up)


@callback
def _pipelines(hass: HomeAssistant) -> Any:  # noqa: ANN401 - a class of an optional integration
    """Return the collection of voice assistants; None if there is none."""
    return getattr(hass.data.get(PIPELINES), "pipeline_store", None)

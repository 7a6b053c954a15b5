"""Logbook entries for incoming calls and for the results of placed calls."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
    LazyEventPartialState,
)
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_cached_translations

from .backends.updates import CallResult, CallState, Direction
from .calls.changes import CallChanged, Change
from .calls.manager import CallManager
from .const import DOMAIN

# Fired on Home Assistant's event bus for the logbook, which shows only the state of an
# entity, and not the parties and the duration of a call.
EVENT_CALL_ENDED: Final = f"{DOMAIN}_call_ended"
EVENT_INCOMING_CALL: Final = f"{DOMAIN}_incoming_call"

type _Describe = Callable[[LazyEventPartialState], dict[str, Any]]


@callback
def async_log_calls(hass: HomeAssistant, manager: CallManager) -> CALLBACK_TYPE:
    """Fire an event for each logbook entry; return a function that stops this."""
    registry = er.async_get(hass)
    entry_id = manager.entry.entry_id

    @callback
    def changed(change: Change) -> None:
        if not isinstance(change, CallChanged):
            return
        call, state = change
        data = {
            # The logbook has no entries of sensors that count, such as active calls.
            ATTR_ENTITY_ID: registry.async_get_entity_id(
                "binary_sensor", DOMAIN, f"{entry_id}_connected"
            ),
            ATTR_CONFIG_ENTRY_ID: entry_id,
            **call.details(state),
        }
        is_from_here = call.request is not None
        if state is CallState.ENDED and is_from_here:
            hass.bus.async_fire(EVENT_CALL_ENDED, data)
        is_incoming = call.direction is Direction.INCOMING and not is_from_here
        if state is CallState.PLACED and is_incoming:
            data["number"] = call.caller or None
            hass.bus.async_fire(EVENT_INCOMING_CALL, data)

    return manager.subscribe(changed)


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, _Describe], None]
) -> None:
    """Describe the events to the logbook."""

    @callback
    def describe_end(event: LazyEventPartialState) -> dict[str, Any]:
        return _entry(hass, event.data, _end(event.data))

    @callback
    def describe_incoming(event: LazyEventPartialState) -> dict[str, Any]:
        key = "logbook_incoming" if event.data.get("number") else "logbook_withheld"
        return _entry(hass, event.data, key)

    async_describe_event(DOMAIN, EVENT_CALL_ENDED, describe_end)
    async_describe_event(DOMAIN, EVENT_INCOMING_CALL, describe_incoming)


def _end(data: Mapping[str, Any]) -> str:
    """Return the translation key of the entry for the end of a call."""
    is_timed = None not in (data.get("ring_time"), data.get("talk_time"))
    if data["result"] == CallResult.ANSWERED and is_timed:
        return "logbook_answered_timed"
    return f"logbook_{data['result']}"


@callback
def _entry(hass: HomeAssistant, data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a logbook entry, whose message follows the name of the PBX.

    It is in Home Assistant's language, as the logbook does not know the user's.
    """
    values = {
        name: round(value) if isinstance(value, float) else value
        for name, value in data.items()
    }
    entry = hass.config_entries.async_get_entry(data.get(ATTR_CONFIG_ENTRY_ID, ""))
    return {
        LOGBOOK_ENTRY_NAME: entry.title if entry else DOMAIN.upper(),
        LOGBOOK_ENTRY_MESSAGE: _sentence(hass, key).format(**values),
        LOGBOOK_ENTRY_ENTITY_ID: data[ATTR_ENTITY_ID],
    }


@callback
def _sentence(hass: HomeAssistant, key: str) -> str:
    """Return a message in Home Assistant's language.

    If the language was just changed and its texts are not loaded yet, return the
    message in English, or else the name of the key.
    """
    for language in (hass.config.language, "en"):
        texts = async_get_cached_translations(hass, language, "common", DOMAIN)
        if sentence := texts.get(f"component.{DOMAIN}.common.{key}"):
            return sentence
    return key.removeprefix("logbook_").replace("_", " ")

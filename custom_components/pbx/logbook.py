"""One line of *Activity* for each call, on the device page of its contact."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
    LazyEventPartialState,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .activity import ATTR_CONFIRMED, ATTR_MISSED, ATTR_PLAYED, EVENT_CALL_ENDED
from .backends.updates import CallResult, Direction
from .calls.people import ATTR_CALLEE_CONTACT, ATTR_CALLER_CONTACT
from .const import CONF_CALLEE, CONF_CALLER, DOMAIN

_MINUTE: Final = 60

type _Describe = Callable[[LazyEventPartialState], dict[str, str]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, _Describe], None]
) -> None:
    """Describe the event for *Activity*."""

    @callback
    def describe_end(event: LazyEventPartialState) -> dict[str, str]:
        return _line(hass, event.data)

    async_describe_event(DOMAIN, EVENT_CALL_ENDED, describe_end)


@callback
def _line(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    """Return a line, in Home Assistant's language: that of its reader is not known.

    Home Assistant shows the name and the message as one sentence.
    """
    caller = data.get(ATTR_CALLER_CONTACT) or data.get(CONF_CALLER)
    callee = data.get(ATTR_CALLEE_CONTACT) or data.get(CONF_CALLEE)
    if data.get(ATTR_MISSED):
        sender = caller or _text(hass, "logbook_an_unknown_number")
        message = _text(hass, "logbook_missed_from").format(caller=sender)
        return _entry(_text(hass, "logbook_missed"), message, "mdi:phone-missed")
    if data.get(ATTR_PLAYED):
        words = {"callee": callee, "result": _heard(hass, data)}
        message = _text(hass, "logbook_announced_to").format(**words)
        return _entry(_text(hass, "logbook_announcement"), message, "mdi:phone-message")
    key = "logbook_called" if callee else "logbook_called_unknown"
    message = _text(hass, key).format(callee=callee, result=_result(hass, data))
    name = caller or _text(hass, "logbook_unknown_number")
    is_incoming = data.get("direction") == Direction.INCOMING
    icon = "mdi:phone-incoming" if is_incoming else "mdi:phone-outgoing"
    return _entry(_text(hass, "logbook_caller").format(caller=name), message, icon)


@callback
def _result(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return the result of a call, with the time of a conversation."""
    result, talk_time = data.get("result"), data.get("talk_time")
    if result != CallResult.ANSWERED or talk_time is None:
        return _text(hass, f"logbook_{result}")
    duration = _duration(hass, talk_time)
    return _text(hass, "logbook_answered_for").format(duration=duration)


@callback
def _heard(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what came of an announcement."""
    if data.get("result") != CallResult.ANSWERED:
        return _result(hass, data)
    if (confirmed := data.get(ATTR_CONFIRMED)) is not None:
        return _text(hass, "logbook_confirmed" if confirmed else "logbook_unconfirmed")
    return _text(hass, f"logbook_played_{data[ATTR_PLAYED]}")


def _entry(name: str, message: str, icon: str) -> dict[str, str]:
    return {
        LOGBOOK_ENTRY_NAME: name,
        LOGBOOK_ENTRY_MESSAGE: message,
        LOGBOOK_ENTRY_ICON: icon,
    }


@callback
def _duration(hass: HomeAssistant, seconds: float) -> str:
    """Return a time of conversation, such as "2 min" or "45 s"."""
    if round(seconds) < _MINUTE:
        return _text(hass, "logbook_seconds").format(count=round(seconds))
    return _text(hass, "logbook_minutes").format(count=round(seconds / _MINUTE))


@callback
def _text(hass: HomeAssistant, key: str) -> str:
    """Return a text in Home Assistant's language.

    In English, or as a word, while the texts of a language that was just selected have
    not been read yet.
    """
    for language in (hass.config.language, "en"):
        texts = async_get_cached_translations(hass, language, "common", DOMAIN)
        if text := texts.get(f"component.{DOMAIN}.common.{key}"):
            return text
    return key.removeprefix("logbook_").replace("_", " ")

"""Diagnostics of a PBX, without phone numbers, secrets or addresses."""

from collections.abc import Callable, Mapping
import re
from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_WEBHOOK_ID,
)
from homeassistant.core import HomeAssistant
from yarl import URL

from .backends.redaction import clean_text, mask_number
from .calls.call import Call
from .calls.contacts import Contact, PhoneBook
from .calls.manager import DATA_MANAGERS, CallManager
from .const import (
    CONF_ALLOWED_NUMBERS,
    CONF_API_KEY,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_EMERGENCY_NUMBERS,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_EXTERNAL_CHANNEL,
    CONF_FORBIDDEN_NUMBERS,
    CONF_INTERNAL_CHANNEL,
    CONF_TEST_PHONE,
    CONF_TRUNK_NAME,
)
from .coordinator import PbxConfigEntry
from .webhook import DATA_INBOXES

_SECRETS = {
    CONF_USERNAME,
    CONF_PASSWORD,
    CONF_API_KEY,
    CONF_WEBHOOK_ID,
    CONF_EVENT_USERNAME,
    CONF_EVENT_PASSWORD,
}

_NUMBERS = (CONF_CALLER, CONF_CALLER_ID, CONF_TEST_PHONE)
# A trunk is often named after its number.
_NAMES = (CONF_CONTEXT, CONF_TRUNK_NAME)
# A caller name is often a person's name.
_PEOPLE = {CONF_CALLER_NAME}

# A channel template may contain the name of a provider and its credentials.
_CHANNELS = (CONF_INTERNAL_CHANNEL, CONF_EXTERNAL_CHANNEL)
_FIELD_OR_NAME = re.compile(r"(\{[^{}]*\})|[^{}/@:]+")
_LISTS: Mapping[str, Callable[[str], str]] = {
    CONF_ALLOWED_NUMBERS: mask_number,
    CONF_FORBIDDEN_NUMBERS: mask_number,
    # Public numbers, unless the user entered a private one.
    CONF_EMERGENCY_NUMBERS: clean_text,
}

_IP_ADDRESS = r"\d+(?:\.\d+){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f.]*"


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PbxConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a config entry."""
    url = URL(entry.data[CONF_URL])
    book = PhoneBook(hass, entry, hass.config.country)
    shown = {
        "state": entry.state.value,
        # Only the key: the translated reason contains the name of the PBX.
        "reason": entry.error_reason_translation_key,
        # Without the title, which may contain the name of a person or a place, and
        # without the address of the PBX.
        "data": {
            **async_redact_data(entry.data, _SECRETS),
            **_channels(entry.data),
            CONF_URL: f"{url.scheme}://{REDACTED}:{url.port}{url.path}",
        },
        "options": _without_numbers(entry.options),
        # Without names, but with the fields that they override.
        "contacts": [_contact(contact) for contact in book.contacts],
    }
    if (manager := hass.data.get(DATA_MANAGERS, {}).get(entry.entry_id)) is not None:
        shown |= _calls(manager, url)
    if (inbox := hass.data.get(DATA_INBOXES, {}).get(entry.entry_id)) is not None:
        shown["events"] = inbox.as_dict()
    if entry.state is ConfigEntryState.LOADED:
        shown |= _connection(entry, url)
    return shown


def _calls(manager: CallManager, url: URL) -> dict[str, Any]:
    """Return the calls, and the health of the channels that report them."""
    return {
        "health": {
            channel.value: {
                "state": state.value,
                "error": _without_host(str(manager.link.errors.get(channel, "")), url),
            }
            for channel, state in manager.link.health.items()
        },
        "refused_calls": {rule.value: n for rule, n in manager.guard.refused.items()},
        "open_calls": [_call(call, url) for call in manager.tracker.open],
        "recent_calls": [_call(call, url) for call in manager.tracker.recent],
    }


def _connection(entry: PbxConfigEntry, url: URL) -> dict[str, Any]:
    """Return whether the PBX responds, its version, and the last error."""
    coordinator = entry.runtime_data.coordinator
    is_connected = coordinator.last_update_success
    error = "" if is_connected else _backend_error(coordinator.last_exception)
    return {
        "connected": is_connected,
        "version": coordinator.data or None,
        "last_error": _without_host(error, url) or None,
    }


def _call(call: Call, url: URL) -> dict[str, Any]:
    return {**call.redacted(), "error": _without_host(call.error, url)}


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "number": mask_number(contact.number),
        "is_extension": contact.is_extension,
        "aliases": len(contact.aliases),
        "areas": len(contact.areas),
        "by_voice": contact.by_voice,
        "has_person": contact.person is not None,
        "overrides": sorted(contact.overrides),
    }


def _backend_error(err: BaseException | None) -> str:
    """Return the error of the backend, not its translation."""
    return str(err and err.__cause__)


def _without_host(text: str, url: URL) -> str:
    """Return an error of the backend without the address of the PBX.

    The backend has removed everything else that is private.
    """
    host = rf"(?<!\w){re.escape(str(url.host))}(?!\w)"
    return re.sub(rf"{host}|{_IP_ADDRESS}", REDACTED, text, flags=re.IGNORECASE)


def _channels(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the channel templates, with only technology, fields and punctuation."""
    shown = {}
    for name in _CHANNELS:
        if name in data:
            technology, _, resource = data[name].partition("/")
            form = _FIELD_OR_NAME.sub(lambda part: part[1] or REDACTED, resource)
            shown[name] = f"{technology}/{form}"
    return shown


def _without_numbers(options: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: mask_number(options[name]) for name in _NUMBERS if name in options}
    names = {name: clean_text(options[name]) for name in _NAMES if name in options}
    lists = {
        name: [hide(text) for text in options[name]]
        for name, hide in _LISTS.items()
        if name in options
    }
    return async_redact_data({**options, **numbers, **names, **lists}, _PEOPLE)

"""Form of the events that a PBX sends to the webhook, and their test."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from ..backends.base import PING
from ..backends.errors import PbxError
from ..calls.manager import DATA_MANAGERS
from ..calls.tracker import DEFAULT_MAX_TALK_TIME
from ..const import (
    CONF_ALLOW_REMOTE_EVENTS,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_MAX_TALK_TIME,
    CONF_REQUIRE_EVENT_LOGIN,
    MAX_TALK_TIME_RANGE,
)
from .call_defaults import whole_number
from .connection import form_error

# Seconds to wait for the event that echoes a ping.
ECHO_TIMEOUT = 30

EVENTS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_REQUIRE_EVENT_LOGIN, default=False): BooleanSelector(),
        vol.Required(CONF_ALLOW_REMOTE_EVENTS, default=False): BooleanSelector(),
        vol.Required(CONF_MAX_TALK_TIME, default=DEFAULT_MAX_TALK_TIME): whole_number(
            MAX_TALK_TIME_RANGE, unit="s"
        ),
    }
)


class Inbox(Protocol):
    """The part of `webhook.Inbox` that the test uses.

    Attributes:
        received: number of events by name.
        unknown: number of unknown events.
        refused: number of refused requests by the status of the response.
    """

    received: Counter[str]
    unknown: int
    refused: Counter[HTTPStatus]

    def expect_echo(self) -> asyncio.Future[None]:
        """Return a future that is done when the PBX echoes a ping."""


@callback
def async_sender_settings(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the webhook's address and credentials, to enter in the PBX."""
    return {
        "address": async_address(hass, entry),
        "username": entry.data[CONF_EVENT_USERNAME],
        "password": entry.data[CONF_EVENT_PASSWORD],
    }


async def async_test_events(
    hass: HomeAssistant, entry: ConfigEntry, inbox: Inbox | None
) -> tuple[str, str]:
    """Ping the PBX and wait for the event that echoes it.

    Args:
        hass: Home Assistant.
        entry: of the PBX.
        inbox: of the PBX; None if it is not set up yet.

    Returns:
        The form's error key, which is empty if the event was received, and the
        detail of the error.
    """
    manager = hass.data.get(DATA_MANAGERS, {}).get(entry.entry_id)
    backend = manager.link.backend if manager else None
    is_loaded = entry.state is ConfigEntryState.LOADED
    if inbox is None or backend is None or not is_loaded:
        return "not_loaded", ""
    refused, unknown = inbox.refused.copy(), inbox.unknown
    echo = inbox.expect_echo()
    try:
        await backend.ping()
        async with asyncio.timeout(ECHO_TIMEOUT):
            await echo
    except PbxError as err:
        return form_error(err, entry.data)
    except TimeoutError:
        return _diagnose(inbox, refused, unknown), ""
    finally:
        echo.cancel()
    return "", ""


def _diagnose(inbox: Inbox, refused: Mapping[HTTPStatus, int], unknown: int) -> str:
    """Return the error key for a missing echo, from the requests received since."""
    unauthorized = HTTPStatus.UNAUTHORIZED
    if inbox.refused[unauthorized] > refused[unauthorized]:
        return "event_login_refused"
    if inbox.refused != refused or inbox.unknown > unknown:
        return "event_not_understood"
    others = set(inbox.received) - {PING}
    return "no_ping_event" if others else "no_event"


@callback
def async_address(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the URL of the webhook for the PBX.

    It is the external URL if remote events are allowed, and only the path if Home
    Assistant does not know its own URL.
    """
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    is_remote = entry.options.get(CONF_ALLOW_REMOTE_EVENTS, False)
    try:
        return webhook.async_generate_url(hass, webhook_id, prefer_external=is_remote)
    except NoURLAvailableError:
        return webhook.async_generate_path(webhook_id)

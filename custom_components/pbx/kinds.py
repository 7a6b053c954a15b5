"""The kinds of PBX, and how a config entry's data becomes a client of one.

A new kind is a package beside `simotel` and a line in `_FACTORIES`, and its form
a line in `connection.FORMS`.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from aiohttp import ClientSession
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from yarl import URL

from .backends.asterisk import Access, AsteriskClient, ChannelTemplates
from .backends.base import PbxClient
from .backends.simotel import Credentials, SimotelClient
from .const import (
    CONF_API_KEY,
    CONF_INTERNAL_CHANNEL,
    CONF_KIND,
    CONF_OUTSIDE_CHANNEL,
)


class PbxKind(StrEnum):
    """A kind of PBX, as it stands in a config entry's data."""

    SIMOTEL = "simotel"
    ASTERISK = "asterisk"


@callback
def async_create_client(
    hass: HomeAssistant, data: Mapping[str, Any], entry_id: str = ""
) -> PbxClient:
    """Return a client on Home Assistant's shared session; nothing is sent yet.

    Args:
        hass: Home Assistant.
        data: of the config entry, or of one that there may be.
        entry_id: of the entry whose events are to be heard, which are told to
            nobody else then.
    """
    session = async_get_clientsession(hass, data[CONF_VERIFY_SSL])
    return _FACTORIES[PbxKind(data[CONF_KIND])](session, data, entry_id)


def _simotel(
    session: ClientSession, data: Mapping[str, Any], _entry_id: str
) -> PbxClient:
    credentials = Credentials(
        username=data.get(CONF_USERNAME, ""),
        password=data.get(CONF_PASSWORD, ""),
        api_key=data.get(CONF_API_KEY, ""),
    )
    return SimotelClient(session, URL(data[CONF_URL]), credentials)


def _asterisk(
    session: ClientSession, data: Mapping[str, Any], entry_id: str
) -> PbxClient:
    access = Access(
        base_url=URL(data[CONF_URL]),
        username=data[CONF_USERNAME],
        password=data[CONF_PASSWORD],
        application=f"home-assistant-{entry_id}",
    )
    templates = ChannelTemplates(
        internal=data[CONF_INTERNAL_CHANNEL], outside=data[CONF_OUTSIDE_CHANNEL]
    )
    return AsteriskClient(session, access, templates)


type _Factory = Callable[[ClientSession, Mapping[str, Any], str], PbxClient]
_FACTORIES: dict[PbxKind, _Factory] = {
    PbxKind.SIMOTEL: _simotel,
    PbxKind.ASTERISK: _asterisk,
}

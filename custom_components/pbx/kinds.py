"""The kinds of PBX, and how a config entry's data becomes a client of one.

A new kind is a package beside `simotel` and a line in `_FACTORIES`.
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

from .client import PbxClient
from .const import CONF_API_KEY, CONF_KIND
from .simotel import Credentials, SimotelClient


class PbxKind(StrEnum):
    """A kind of PBX, as it stands in a config entry's data."""

    SIMOTEL = "simotel"


@callback
def async_create_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PbxClient:
    """Return a client on Home Assistant's shared session; nothing is sent yet."""
    session = async_get_clientsession(hass, data[CONF_VERIFY_SSL])
    return _FACTORIES[PbxKind(data[CONF_KIND])](session, data)


def _simotel(session: ClientSession, data: Mapping[str, Any]) -> PbxClient:
    credentials = Credentials(
        username=data.get(CONF_USERNAME, ""),
        password=data.get(CONF_PASSWORD, ""),
        api_key=data.get(CONF_API_KEY, ""),
    )
    return SimotelClient(session, URL(data[CONF_URL]), credentials)


_FACTORIES: dict[PbxKind, Callable[[ClientSession, Mapping[str, Any]], PbxClient]] = {
    PbxKind.SIMOTEL: _simotel,
}

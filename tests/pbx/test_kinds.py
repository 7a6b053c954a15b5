"""Tests of the kinds of PBX."""

from typing import Any

from aiohttp import ClientSession
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest
from yarl import URL

from custom_components.pbx import kinds
from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.simotel import Credentials, SimotelClient
from custom_components.pbx.const import CONF_INTERNAL_CHANNEL, CONF_KIND
from custom_components.pbx.kinds import PbxKind, async_create_client
from sandbox import Sandbox

from .ari import StubAri


@pytest.mark.parametrize("kind", PbxKind)
async def test_every_kind(
    hass: HomeAssistant,
    sandbox: Sandbox,
    ari: StubAri,
    entry_data: dict[str, Any],
    asterisk_data: dict[str, Any],
    kind: PbxKind,
) -> None:
    """Every kind that can be stored has a client, which sends nothing by itself."""
    data = {each[CONF_KIND]: each for each in (entry_data, asterisk_data)}[kind]
    client = async_create_client(hass, data)

    assert client.manufacturer
    # There has to be some way to learn what became of a call.
    assert any((client.report, client.pushed_events, client.event_stream))
    assert client.can_hang_up or client.enforces_limits
    assert sandbox.requests == []
    assert ari.asked == []


async def test_asterisk(
    hass: HomeAssistant, ari: StubAri, asterisk_data: dict[str, Any]
) -> None:
    """The client of an Asterisk has the channels, and a name of the entry's own."""
    data = {**asterisk_data, CONF_INTERNAL_CHANNEL: "PJSIP/p{number}"}
    client = async_create_client(hass, data, "01ABC")
    request = CallRequest(
        caller="557",
        callee="1",
        context="c",
        caller_id="1",
        trunk_name=None,
        timeout=1,
        call_limit=None,
    )
    await client.originate(request)

    assert ari.originated[0]["endpoint"] == "PJSIP/p557"
    assert ari.asked[0].path == "applications/home-assistant-01ABC/subscription"


@pytest.mark.parametrize("verify_ssl", [True, False])
async def test_simotel(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    entry_data: dict[str, Any],
    verify_ssl: bool,
) -> None:
    """The client has the shared session of its trust, the address and credentials."""
    given: list[Any] = []

    class Client(SimotelClient):
        """A client that shows what it was given."""

        def __init__(
            self, session: ClientSession, base_url: URL, credentials: Credentials
        ) -> None:
            """Take it down."""
            super().__init__(session, base_url, credentials)
            given.extend((session, base_url, credentials))

    monkeypatch.setattr(kinds, "SimotelClient", Client)
    async_create_client(hass, {**entry_data, CONF_VERIFY_SSL: verify_ssl})

    assert given == [
        async_get_clientsession(hass, verify_ssl),
        URL(entry_data["url"]),
        Credentials(
            username=entry_data["username"],
            password=entry_data["password"],
            api_key=entry_data["api_key"],
        ),
    ]


async def test_unknown_kind(hass: HomeAssistant, entry_data: dict[str, Any]) -> None:
    """The data of a newer version are no Simotel's by default."""
    with pytest.raises(ValueError, match="freeswitch"):
        async_create_client(hass, {**entry_data, CONF_KIND: "freeswitch"})

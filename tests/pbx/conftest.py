"""A Home Assistant with the sandbox PBX in it."""

from collections.abc import AsyncIterator
from functools import partial
import socket
from typing import Any, override

from aiohttp.abc import AbstractResolver, ResolveResult
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx import kinds
from custom_components.pbx.backends.simotel.client import SimotelClient
from custom_components.pbx.const import (
    CONF_API_KEY,
    CONF_CONTEXT,
    CONF_INTERNAL_CHANNEL,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_OUTSIDE_CHANNEL,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.pbx.webhook import async_new_address
from sandbox import ManualClock, Sandbox

from .ari import PASSWORD, USERNAME, StubAri
from .scene import REPORT, Scene


@pytest.fixture(autouse=True)
def _custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let a Home Assistant, where a test has one, find the integration."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


class _Names(AbstractResolver):
    """A DNS that knows one host."""

    known = "pbx.test"

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the address of a host."""
        if host != self.known:
            raise OSError(None, "Domain name not found")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    @override
    async def close(self) -> None:
        """Have nothing to close."""

    real_close = close


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for a PBX that hangs."""
    impatient = partial(SimotelClient, request_timeout=1)
    monkeypatch.setattr(kinds, "SimotelClient", impatient)


@pytest.fixture
def known_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a host on loopback; there is no other."""
    monkeypatch.setattr(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        lambda _hass: _Names(),
    )
    return _Names.known


@pytest.fixture
def entry_data(sandbox: Sandbox) -> dict[str, Any]:
    """Return the data of a config entry for the sandbox."""
    account = sandbox.config.accounts[0]
    return {
        CONF_KIND: "simotel",
        CONF_URL: sandbox.api_url,
        CONF_USERNAME: account.username,
        CONF_PASSWORD: account.password,
        CONF_API_KEY: account.api_key,
        CONF_VERIFY_SSL: True,
    }


@pytest.fixture
def entry(hass: HomeAssistant, entry_data: dict[str, Any]) -> MockConfigEntry:
    """Return a config entry for the sandbox that is not set up yet."""
    config_entry = MockConfigEntry(
        domain=DOMAIN,
        title="Sandbox",
        data={**entry_data, **async_new_address()},
        options={
            CONF_CONTEXT: "main_routing",
            CONF_TIMEOUT: 30,
            CONF_INTERNAL_DIGITS: 5,
        },
    )
    config_entry.add_to_hass(hass)
    return config_entry


@pytest.fixture
async def loaded_entry(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return a config entry for the sandbox that is set up."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def ari() -> AsyncIterator[StubAri]:
    """Return a running stub of an Asterisk's REST interface."""
    async with StubAri() as running:
        yield running


@pytest.fixture
def asterisk_data(ari: StubAri) -> dict[str, Any]:
    """Return the data of a config entry for the stub of an Asterisk."""
    return {
        CONF_KIND: "asterisk",
        CONF_URL: ari.url,
        CONF_USERNAME: USERNAME,
        CONF_PASSWORD: PASSWORD,
        CONF_VERIFY_SSL: True,
        CONF_INTERNAL_CHANNEL: "PJSIP/{number}",
        CONF_OUTSIDE_CHANNEL: "PJSIP/{number}@{trunk}",
    }


@pytest.fixture
async def asterisk_entry(
    hass: HomeAssistant, ari: StubAri, asterisk_data: dict[str, Any]
) -> MockConfigEntry:
    """Return a config entry for the stub that is set up, and listens."""
    config_entry = MockConfigEntry(
        domain=DOMAIN,
        title="Stub",
        data=asterisk_data,
        options={
            CONF_CONTEXT: "from-internal",
            CONF_TIMEOUT: 20,
            CONF_INTERNAL_DIGITS: 5,
        },
    )
    config_entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await hass.async_block_till_done()
    await ari.connected.wait()
    return config_entry


@pytest.fixture
async def scene(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> Scene:
    """Return a PBX whose calls get on in driven time; it has no report."""
    sandbox.configure(missing_services=(REPORT,))
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    tracker = entry.runtime_data.tracking.tracker
    return Scene(hass, entry, sandbox, clock, freezer, tracker)

"""Fixtures: Home Assistant with the sandbox PBX or a toy PBX."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
import socket
from typing import TYPE_CHECKING, Any, override

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

from custom_components.pbx.backends import KINDS, simotel
from custom_components.pbx.backends.base import Backend, Feature, Sink
from custom_components.pbx.backends.simotel import SimotelClient
from custom_components.pbx.const import (
    CONF_API_KEY,
    CONF_CONTEXT,
    CONF_EXTERNAL_CHANNEL,
    CONF_INTERNAL_CHANNEL,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.pbx.flows import FORMS
from custom_components.pbx.webhook import async_new_address
from sandbox import ManualClock, Sandbox

from .ari import PASSWORD, USERNAME, StubAri
from .common import settle, until
from .scene import REPORT, Scene
from .toy import ToyBackend, Toys

if TYPE_CHECKING:
    from .speech.engines import Engine


@pytest.fixture(autouse=True)
def _custom_integrations(request: pytest.FixtureRequest) -> None:
    """Enable custom integrations if a test uses Home Assistant."""
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
    """Reduce the timeout of requests to the PBX."""
    impatient = partial(SimotelClient, request_timeout=1)
    monkeypatch.setattr(simotel, "SimotelClient", impatient)


@pytest.fixture
def known_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a host on loopback; there is no other."""
    monkeypatch.setattr(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        lambda _hass: _Names(),
    )
    return _Names.known


@pytest.fixture
async def engine(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    """Return the only text-to-speech engine, which leaves nothing on the disk."""
    # Few tests need speech, which takes long to import.
    from homeassistant.components import tts  # noqa: PLC0415

    from .speech.engines import Engine, set_up  # noqa: PLC0415

    monkeypatch.setattr(tts, "_init_tts_cache_dir", lambda *_: str(tmp_path))
    made = Engine()
    await set_up(hass, made)
    return made


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return what the toys can do; a test that needs something else says so."""
    return (Feature.HANG_UP,)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, toy_features: tuple[Feature, ...]) -> Toys:
    """Return the toy PBXs: a kind of their own, for the test."""
    made = Toys()
    monkeypatch.setitem(KINDS, "toy", made.kind(*toy_features))
    monkeypatch.setitem(FORMS, "toy", FORMS["simotel"])
    return made


@pytest.fixture
def new_toy(hass: HomeAssistant, toys: Toys) -> MockConfigEntry:  # noqa: ARG001 - makes the kind
    """Return a config entry for a toy that is not set up yet."""
    config_entry = MockConfigEntry(
        domain=DOMAIN,
        title="Toy",
        data={
            CONF_KIND: "toy",
            CONF_URL: "http://toy.test",
            CONF_VERIFY_SSL: True,
            **async_new_address(),
        },
        options={CONF_CONTEXT: "main", CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5},
    )
    config_entry.add_to_hass(hass)
    return config_entry


@pytest.fixture
async def toy_entry(hass: HomeAssistant, new_toy: MockConfigEntry) -> MockConfigEntry:
    """Return a config entry for a toy that is set up."""
    assert await hass.config_entries.async_setup(new_toy.entry_id)
    await settle(hass)
    return new_toy


@pytest.fixture
async def toy(toys: Toys, toy_entry: MockConfigEntry) -> ToyBackend:  # noqa: ARG001 - makes it
    """Return the toy of `toy_entry`, until that is reloaded: see `Toys.latest`."""
    return toys.latest


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
        CONF_EXTERNAL_CHANNEL: "PJSIP/{number}@{trunk}",
        "application": "home-assistant-test",
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
    await settle(hass)
    await until(ari.connected.is_set)
    return config_entry


@pytest.fixture
async def scene(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """Return a PBX whose calls get on in driven time; it has no report."""
    sandbox.configure(missing_services=(REPORT,))
    sinks = tapped(monkeypatch, "simotel")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return Scene(hass, entry, sandbox, clock, freezer, sinks)


def tapped(monkeypatch: pytest.MonkeyPatch, kind_id: str) -> list[Sink]:
    """Return the sinks of all backends of a kind that are made from now on."""
    sinks: list[Sink] = []
    kind = KINDS[kind_id]

    def create(
        session: Any,  # noqa: ANN401 - passed on, as the next
        data: Any,  # noqa: ANN401
        memory: Any,  # noqa: ANN401
        sink: Sink,
        clock: Any,  # noqa: ANN401
    ) -> Backend:
        sinks.append(sink)
        return kind.create(session, data, memory, sink, clock)

    monkeypatch.setitem(KINDS, kind_id, replace(kind, create=create))
    return sinks

"""Tests of the setup, unload and removal of a PBX."""

import threading
from typing import Any

from homeassistant.components import conversation
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import (
    EVENT_HOMEASSISTANT_STOP,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.const import DOMAIN
from sandbox import Fault, Sandbox

from .common import (
    ORIGINATE,
    PING,
    change_account,
    connected,
    expect_state,
    let_time_pass,
    pings,
    place_call,
    reauth_flows,
)
from .people import contact, phone, set_up
from .toy import ToyBackend, Toys


async def test_actions_without_a_pbx(hass: HomeAssistant) -> None:
    """The action exists without a PBX."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert hass.services.has_service(DOMAIN, "originate")


async def test_numbering_plans(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbering plans are loaded at the start, outside of the event loop."""
    read: list[tuple[str | None, bool]] = []

    def load(region: str | None) -> None:
        read.append((region, threading.get_ident() == hass.loop_thread_id))

    monkeypatch.setattr("custom_components.pbx.load_numbering_plans", load)
    hass.config.country = "IR"
    assert await async_setup_component(hass, DOMAIN, {})

    assert read == [("IR", False)]


async def test_no_yaml(hass: HomeAssistant) -> None:
    """YAML configuration is refused with an issue."""
    await async_setup_component(hass, DOMAIN, {DOMAIN: {"url": "pbx"}})

    issues = ir.async_get(hass).issues
    assert ("homeassistant", f"config_entry_only_{DOMAIN}") in issues


async def test_unload_and_reload(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """An unloaded PBX is not pinged anymore; the action stays."""
    expect_state(loaded_entry, ConfigEntryState.LOADED)
    assert connected(hass) == STATE_ON

    assert await hass.config_entries.async_unload(loaded_entry.entry_id)
    expect_state(loaded_entry, ConfigEntryState.NOT_LOADED)
    assert connected(hass) == STATE_UNAVAILABLE
    assert hass.services.has_service(DOMAIN, "originate")
    before = pings(sandbox)
    await let_time_pass(hass, 600)
    assert pings(sandbox) == before

    assert await hass.config_entries.async_setup(loaded_entry.entry_id)
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await hass.async_block_till_done()
    expect_state(loaded_entry, ConfigEntryState.LOADED)
    assert pings(sandbox) == before + 2


async def test_remove(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A PBX that is removed leaves nothing behind."""
    await hass.config_entries.async_remove(loaded_entry.entry_id)
    await hass.async_block_till_done()
    before = pings(sandbox)
    await let_time_pass(hass, 600)

    assert connected(hass) is None
    assert pings(sandbox) == before


async def test_stop(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A backend has ended its calls before other parts of Home Assistant stop."""
    assert toy.is_running
    toy.steps_to_stop = 10
    was_running: list[bool] = []
    hass.bus.async_listen(
        EVENT_HOMEASSISTANT_STOP, lambda _: was_running.append(toy.is_running)
    )
    await hass.async_stop(force=True)
    assert was_running == [False]


REASONS = {
    "account": ("simotel_access_denied", "/setting/ping/act"),
    "address": ("simotel_ip_not_permitted", ""),
    "service": ("simotel_not_supported", "/setting/ping/act"),
    "refused": ("refused", "Licence has expired"),
    "reset": ("cannot_connect", "Connection reset by peer"),
    "html": ("simotel_unexpected_answer", "HTTP 200, text/html"),
}


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("account", {"permissions": (ORIGINATE,)}),
        ("address", {"permitted_addresses": ("192.0.2.1",)}),
        ("service", {"missing_services": (PING,)}),
        ("refused", Fault("refuse", message="Licence has expired")),
        ("reset", Fault("reset")),
        ("html", Fault("html")),
    ],
)
async def test_retry(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    name: str,
    cause: Fault | dict[str, Any],
) -> None:
    """A setup that fails is retried, and the error explains why until then."""
    intact = sandbox.config
    if isinstance(cause, Fault):
        sandbox.faults.set(PING, cause)
    elif "permissions" in cause:
        change_account(sandbox, **cause)
    else:
        sandbox.configure(**cause)

    assert not await hass.config_entries.async_setup(entry.entry_id)
    expect_state(entry, ConfigEntryState.SETUP_RETRY)
    key, detail = REASONS[name]
    assert entry.error_reason_translation_key == key
    assert "Sandbox" in str(entry.reason)
    assert detail in str(entry.reason)
    assert not reauth_flows(hass)

    sandbox.faults.clear()
    sandbox.configure(
        accounts=intact.accounts,
        permitted_addresses=intact.permitted_addresses,
        missing_services=intact.missing_services,
    )
    await let_time_pass(hass, 30)
    expect_state(entry, ConfigEntryState.LOADED)


async def test_wrong_credentials(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Wrong credentials start one reauthentication, and the setup is retried."""
    account = sandbox.config.accounts[0]
    change_account(sandbox, password="other")
    for _ in range(2):
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        expect_state(entry, ConfigEntryState.SETUP_RETRY)
        assert entry.error_reason_translation_key == "simotel_invalid_auth"
        assert "(BasicAuth or ApiKey is invalid)" in str(entry.reason)
        assert reauth_flows(hass) == ["reauth_simotel"]
    before = pings(sandbox)
    await let_time_pass(hass, 30)
    assert pings(sandbox) == before + 1
    assert reauth_flows(hass) == ["reauth_simotel"]

    change_account(sandbox, password=account.password)
    await let_time_pass(hass, 60)
    expect_state(entry, ConfigEntryState.LOADED)
    assert connected(hass) == STATE_ON


async def test_voice_while_retried(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call by voice to an unavailable PBX explains that, until it is unloaded."""
    pytest.importorskip("hassil")
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    made = await set_up(hass, new_toy, contact("Mum", "200"))

    async def say() -> str:
        result = await conversation.async_converse(
            hass, "call mum", None, Context(), language="en"
        )
        return str(result.response.speech["plain"]["speech"])

    with monkeypatch.context() as patch:
        patch.setattr(ToyBackend, "_fail", _no_route)
        assert not await hass.config_entries.async_reload(made.entry_id)
        expect_state(made, ConfigEntryState.SETUP_RETRY)
        await let_time_pass(hass, 30)
        expect_state(made, ConfigEntryState.SETUP_RETRY)
        assert "no route" in await say()

    await let_time_pass(hass, 60)
    expect_state(made, ConfigEntryState.LOADED)
    assert await say() == "101 rings first, then Mum."
    assert len(toys.latest.requests) == 1
    assert await hass.config_entries.async_unload(made.entry_id)
    await hass.async_block_till_done()
    assert "Mum" not in await say()


def _no_route(_toy: ToyBackend) -> None:
    raise PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")


async def test_extensions_of_an_old_version(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Extensions of a version in which they were no contacts are dropped quietly."""
    old = phone("Workshop", "102")
    old["subentry_type"] = "extension"
    made = await set_up(hass, new_toy, old, phone("Kitchen", "101"))

    assert [each.title for each in made.subentries.values()] == ["Kitchen"]
    expect_state(made, ConfigEntryState.LOADED)
    assert len(toys.made) == 1
    assert not [each for each in caplog.records if "Workshop" in each.message]


async def test_contacts_and_options_do_not_reload(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A new name or option is applied without a reload."""
    before = pings(sandbox)
    hass.config_entries.async_update_entry(
        loaded_entry, title="Reception", options={**loaded_entry.options, "timeout": 9}
    )
    await hass.async_block_till_done()
    assert pings(sandbox) == before
    expect_state(loaded_entry, ConfigEntryState.LOADED)


async def test_new_credentials_while_retried(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """New connection data also reload an entry whose setup failed."""
    sandbox.faults.set(PING, Fault("reset"))
    assert not await hass.config_entries.async_setup(entry.entry_id)
    expect_state(entry, ConfigEntryState.SETUP_RETRY)
    sandbox.faults.clear()
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "verify_ssl": False}
    )
    await hass.async_block_till_done()
    expect_state(entry, ConfigEntryState.LOADED)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_contact_of_a_disabled_pbx(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toys: Toys,
    *,
    is_shared: bool,
) -> None:
    """A contact of a PBX that is not loaded is found, unless another PBX has it."""
    disabled = MockConfigEntry(
        domain=DOMAIN,
        title="Old",
        data=dict(toy_entry.data),
        options=dict(toy_entry.options),
        subentries_data=[contact("Mum", "200")],
        disabled_by=ConfigEntryDisabler.USER,
    )
    disabled.add_to_hass(hass)
    if is_shared:
        await set_up(hass, toy_entry, contact("Mum", "201"), title="New")
        await place_call(hass, callee_contact="Mum")
        assert [each.callee for each in toys.latest.requests] == ["201"]
        return
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, callee_contact="Mum")
    assert caught.value.translation_key == "service_config_entry_not_loaded"


async def test_disabled_while_retried(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """A PBX that is disabled during a setup retry gets no calls."""
    sandbox.faults.set(PING, Fault("reset"))
    assert not await hass.config_entries.async_setup(entry.entry_id)
    expect_state(entry, ConfigEntryState.SETUP_RETRY)
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    with pytest.raises(HomeAssistantError):
        await place_call(hass, caller="101", callee="102")
    assert not [each for each in sandbox.requests if each.path == ORIGINATE]

"""Tests of the coordinator: pings, availability, and its log lines."""

import logging

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN
from sandbox import Fault, Sandbox

from .ari import StubAri
from .common import (
    PING,
    change_account,
    connected,
    let_time_pass,
    pings,
    place_call,
    reauth_flows,
)
from .dialog import Dialog, open_call_defaults

INTERVAL = 61  # with what Home Assistant adds to spread the load


def logged_lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what the integration has logged since the last time."""
    lines = [
        (record.levelname, record.message)
        for record in caplog.records
        if record.name.startswith("custom_components.pbx")
        and record.levelname != "DEBUG"
    ]
    caplog.clear()
    return lines


@pytest.mark.usefixtures("loaded_entry")
async def test_interval(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """The PBX is pinged once a minute."""
    assert pings(sandbox) == 1
    for expected in (2, 3):
        await let_time_pass(hass, 58)
        assert pings(sandbox) == expected - 1
        await let_time_pass(hass, INTERVAL)
        assert pings(sandbox) == expected


async def test_off_and_on_again(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line is logged when the PBX becomes unavailable, and one when it is back."""
    logged_lines(caplog)

    for fault in (Fault("reset"), Fault("html"), Fault("refuse"), Fault("reset")):
        sandbox.faults.set(PING, fault)
        await let_time_pass(hass, INTERVAL)
        assert connected(hass) == "off"
    assert pings(sandbox) == 5
    reason = "Cannot connect to the PBX Sandbox (Connection reset by peer)."
    ((level, line),) = logged_lines(caplog)
    assert level == "ERROR"
    assert line.startswith(f"Error fetching pbx Sandbox data: {reason}")

    sandbox.faults.clear()
    for _ in range(2):
        await let_time_pass(hass, INTERVAL)
        assert connected(hass) == "on"
    assert logged_lines(caplog) == [("INFO", "Fetching pbx Sandbox data recovered")]
    assert loaded_entry.state is ConfigEntryState.LOADED
    assert not reauth_flows(hass)


async def test_wrong_credentials(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 401 starts one reauthentication flow, which is not interrupted later."""
    account = sandbox.config.accounts[0]
    logged_lines(caplog)
    change_account(sandbox, password="other")
    for expected in (2, 3, 4):
        await let_time_pass(hass, INTERVAL)
        assert pings(sandbox) == expected
        assert reauth_flows(hass) == ["reauth_simotel"]
    assert connected(hass) == "off"
    assert loaded_entry.state is ConfigEntryState.LOADED
    assert [level for level, _ in logged_lines(caplog)] == ["ERROR"]

    change_account(sandbox, password=account.password)
    await let_time_pass(hass, INTERVAL)
    assert connected(hass) == "on"
    assert [level for level, _ in logged_lines(caplog)] == ["INFO"]
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"username": account.username}
    )
    assert result["reason"] == "reauth_successful"
    assert not reauth_flows(hass)


async def test_typing_new_credentials(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A successful ping does not close an open dialog."""
    account = sandbox.config.accounts[0]
    change_account(sandbox, password="other")
    await let_time_pass(hass, INTERVAL)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    dialog = Dialog(
        hass, await hass.config_entries.flow.async_configure(flow["flow_id"])
    )
    dialog.expect_form("reauth_simotel")
    change_account(sandbox, password=account.password)
    await let_time_pass(hass, INTERVAL)
    assert connected(hass) == "on"
    change_account(sandbox, password="typed")
    login = {
        "username": account.username,
        "password": "typed",
        "api_key": account.api_key,
    }
    await dialog.submit(login)

    dialog.expect_abort("reauth_successful")
    assert loaded_entry.data == {**loaded_entry.data, **login}
    assert loaded_entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("loaded_entry")
async def test_one_question(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """A 401 to a call and one to a ping are one question."""
    change_account(sandbox, password="other")
    with pytest.raises(HomeAssistantError, match="credentials"):
        await place_call(hass, caller="101", callee="200")
    await let_time_pass(hass, INTERVAL)

    assert reauth_flows(hass) == ["reauth_simotel"]


async def test_question_of_another_pbx(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """What is asked about another PBX, or by a person, stays."""
    await loaded_entry.start_reconfigure_flow(hass)
    other = MockConfigEntry(domain=loaded_entry.domain, data=dict(loaded_entry.data))
    other.add_to_hass(hass)
    await other.start_reauth_flow(hass)
    await let_time_pass(hass, INTERVAL)

    assert pings(sandbox) == 2
    assert len(hass.config_entries.flow.async_progress()) == 2


async def test_closed_session(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is asked while Home Assistant ends is refused, not a fault of ours."""
    await place_call(hass, caller="101", callee="200")
    async_get_clientsession(hass).detach()
    await let_time_pass(hass, INTERVAL)
    await refuse_call(hass)
    await open_call_defaults(hass, loaded_entry)

    assert connected(hass) == "off"
    assert loaded_entry.state is ConfigEntryState.LOADED
    assert not tracebacks(caplog)


@pytest.mark.usefixtures("asterisk_entry")
async def test_closed_session_of_a_stream(
    hass: HomeAssistant, ari: StubAri, caplog: pytest.LogCaptureFixture
) -> None:
    """The same goes for a PBX whose stream is to be made again."""
    async_get_clientsession(hass).detach()
    await ari.drop()
    await let_time_pass(hass, INTERVAL)
    await refuse_call(hass)

    assert not tracebacks(caplog)


async def refuse_call(hass: HomeAssistant) -> None:
    """Ask for a call that is not placed."""
    with pytest.raises(HomeAssistantError, match="session is closed"):
        await place_call(hass, caller="102", callee="200")


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the log records of unexpected errors."""
    return [
        record
        for record in caplog.records
        if record.exc_info and record.levelno > logging.DEBUG
    ]

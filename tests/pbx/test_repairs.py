"""Tests of the repair issues and their fix flow."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.base import (
    Channel,
    ChannelState,
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.const import DOMAIN

from .common import expect_state, place_call, set_options, settle
from .toy import ToyBackend, Toys


async def test_listen_here_again(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    toys: Toys,
) -> None:
    """Confirming the fix flow takes the event stream back."""
    assert await async_setup_component(hass, "repairs", {})
    toy.sink.health(Channel.STREAM, ChannelState.TAKEN_OVER)
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"stream_{toy_entry.entry_id}"
    response = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    assert response.status == HTTPStatus.OK
    step = await response.json()
    assert step["step_id"] == "confirm"
    assert step["description_placeholders"]["pbx"] == "Toy"
    await client.post(f"{path}/{step['flow_id']}", json={})
    await settle(hass)

    assert len(toys.made) == 2
    assert (DOMAIN, issue_id) not in ir.async_get(hass).issues


def issues(hass: HomeAssistant) -> list[str]:
    """Return the open issues."""
    registry = ir.async_get(hass)
    return [
        issue.translation_key or ""
        for (domain, _), issue in registry.issues.items()
        if domain == DOMAIN and issue.active
    ]


async def disable(hass: HomeAssistant, entry_id: str) -> None:
    """Disable a PBX."""
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


async def unload(hass: HomeAssistant, entry_id: str) -> None:
    """Unload a PBX."""
    assert await hass.config_entries.async_unload(entry_id)


async def remove(hass: HomeAssistant, entry_id: str) -> None:
    """Remove a PBX."""
    await hass.config_entries.async_remove(entry_id)


each_end = pytest.mark.parametrize("end", [disable, unload, remove])
LOST = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")


@each_end
async def test_not_in_use(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The issues of an unloaded PBX are deleted."""
    await set_options(hass, toy_entry, calls_per_hour=1)
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    await place_call(hass, caller="101", callee="200")
    with pytest.raises(ServiceValidationError):
        await place_call(hass, caller="101", callee="201")
    assert sorted(issues(hass)) == ["calls_refused", "stream_down"]

    await end(hass, toy_entry.entry_id)
    assert issues(hass) == []


@each_end
async def test_not_in_use_while_retried(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The same applies to a PBX whose setup failed."""

    def fail(_toy: ToyBackend) -> None:
        raise LOST

    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    monkeypatch.setattr(ToyBackend, "_fail", fail)
    assert not await hass.config_entries.async_reload(toy_entry.entry_id)
    expect_state(toy_entry, ConfigEntryState.SETUP_RETRY)
    toys.latest.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    assert issues(hass) == ["stream_down"]

    await end(hass, toy_entry.entry_id)
    assert issues(hass) == []


async def test_stream_down(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A stream that fails is an issue until it is connected again."""
    issue = (DOMAIN, f"stream_{toy_entry.entry_id}")
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    made = ir.async_get(hass).issues[issue]
    assert made.severity is ir.IssueSeverity.ERROR
    assert not made.is_fixable

    toy.sink.health(Channel.STREAM, ChannelState.OK)
    assert issue not in ir.async_get(hass).issues


async def test_report_denied(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A report that cannot be read is an issue until it can be read."""
    issue = (DOMAIN, f"report_{toy_entry.entry_id}")
    error = DeniedError(PbxErrorCode.ACCESS_DENIED, "/reports")
    toy.sink.health(Channel.REPORT, ChannelState.DENIED, error)
    made = ir.async_get(hass).issues[issue]
    assert made.translation_key == "report_denied"
    assert made.translation_placeholders == {"pbx": "Toy", "detail": "/reports"}

    toy.sink.health(Channel.REPORT, ChannelState.OK)
    assert issue not in ir.async_get(hass).issues


async def test_calls_refused(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Reaching the hourly limit is an issue until a call is placed again."""
    issue = (DOMAIN, f"limit_{toy_entry.entry_id}")
    await set_options(hass, toy_entry, calls_per_hour=1, cooldown=0)
    await place_call(hass, caller="101", callee="102")
    toy.end()
    assert issue not in ir.async_get(hass).issues
    with pytest.raises(ServiceValidationError) as refused:
        await place_call(hass, caller="101", callee="102")
    assert refused.value.translation_key == "too_many_per_hour"
    made = ir.async_get(hass).issues[issue]
    assert made.translation_key == "calls_refused"
    assert made.translation_placeholders == {"pbx": "Toy", "limit": "1"}

    freezer.tick(3601)
    await place_call(hass, caller="101", callee="102")
    assert issue not in ir.async_get(hass).issues


async def test_removed_with_its_pbx(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Removing a PBX deletes its issues."""
    toy.sink.health(Channel.REPORT, ChannelState.DENIED)
    await hass.config_entries.async_remove(toy_entry.entry_id)
    assert not [key for key in ir.async_get(hass).issues if key[0] == DOMAIN]


async def test_credentials_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Rejected credentials on any channel start a reauthentication."""
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, CredentialsError("401"))
    await settle(hass)
    (flow,) = toy_entry.async_get_active_flows(hass, {"reauth"})
    assert flow["handler"] == DOMAIN

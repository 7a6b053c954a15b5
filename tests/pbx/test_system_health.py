"""Tests of what the page of system health shows."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.pbx.const import DOMAIN
from sandbox import Fault, Sandbox

from .common import PING, place_call, sentences


async def health(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is shown when all of it is there."""
    info = await get_system_health_info(hass, DOMAIN)
    return {
        name: await value if asyncio.iscoroutine(value) else value
        for name, value in info.items()
    }


@pytest.fixture(autouse=True)
async def _page(hass: HomeAssistant) -> None:
    """Have the page."""
    assert await async_setup_component(hass, "system_health", {})


async def test_without_pbx(hass: HomeAssistant) -> None:
    """With no PBX there is nothing to reach."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()

    info = await health(hass)
    assert (info["pbxs"], info["loaded"]) == ("", 0)
    assert not any(name.startswith("can_reach") for name in info)


async def test_contents(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """It counts, and names nobody."""
    await place_call(hass, caller="101", callee="200")
    with pytest.raises(ServiceValidationError):
        await place_call(hass, caller="101", callee="112")

    assert await health(hass) == {
        "pbxs": "simotel",
        "loaded": 1,
        "active_calls": 1,
        "events": 0,
        "refused_calls": 1,
        "can_reach_pbx_1": "ok",
    }
    sandbox.faults.set(PING, Fault("reset"))
    reached = (await health(hass))["can_reach_pbx_1"]
    assert reached == {"type": "failed", "error": "CannotConnect"}

    await hass.config_entries.async_unload(loaded_entry.entry_id)
    info = await health(hass)
    assert (info["pbxs"], info["loaded"]) == ("simotel", 0)


@pytest.mark.usefixtures("loaded_entry")
async def test_words(hass: HomeAssistant) -> None:
    """Each line has its words in each language."""
    shown = await health(hass)
    for language in ("en", "fa"):
        texts = await sentences(hass, "system_health", language)
        assert {f"info.{name}" for name in shown} <= set(texts)

"""Helpers for the tests of the integration."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.errors import PbxErrorCode
from custom_components.pbx.calls.manager import DATA_MANAGERS
from custom_components.pbx.const import DOMAIN
from sandbox import Sandbox

SIMOTEL, ASTERISK = KINDS["simotel"], KINDS["asterisk"]

# Codes that are only reported as channel health or call results, not as errors.
_WITHOUT_MESSAGE: Final = (PbxErrorCode.TAKEN_OVER, PbxErrorCode.INTERNAL)

# Turns of the event loop: a request over loopback takes some fifty.
_TURNS: Final = 200
_MANY_TURNS: Final = 100_000

PING = "/setting/ping/act"
ORIGINATE = "/call/originate/act"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"

CONNECTED = "binary_sensor.sandbox_connected"


def client_errors() -> list[PbxErrorCode]:
    """Return the codes of the errors that a backend may raise."""
    return [code for code in PbxErrorCode if code not in _WITHOUT_MESSAGE]


def pings(sandbox: Sandbox) -> int:
    """Return how often the sandbox has been pinged."""
    return sum(request.path == PING for request in sandbox.requests)


def change_account(sandbox: Sandbox, **changes: Any) -> None:  # noqa: ANN401 - any field of an account
    """Change the API account that the config entry uses."""
    sandbox.configure(accounts=(replace(sandbox.config.accounts[0], **changes),))


def expect_state(entry: MockConfigEntry, state: ConfigEntryState) -> None:
    """Check the state of a config entry."""
    assert entry.state is state


def connected(hass: HomeAssistant) -> str | None:
    """Return the state of the sensor of the connection; None if there is none."""
    return state.state if (state := hass.states.get(CONNECTED)) else None


def reauth_flows(hass: HomeAssistant) -> list[str]:
    """Return the steps of the open reauthentication flows."""
    return [
        flow["step_id"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == "reauth"
    ]


async def settle(hass: HomeAssistant) -> None:
    """Wait until all tasks are done or wait for time to pass.

    The tasks that listen to a PBX never end, and are not waited for, but get time
    for one or two requests.
    """
    for _ in range(3):
        await hass.async_block_till_done()
        tasks = [
            task
            for task in hass._background_tasks  # noqa: SLF001 - no public access
            if isinstance(task, asyncio.Task)
            and not task.get_name().startswith(f"{DOMAIN} run ")
        ]
        if tasks:
            await asyncio.wait(tasks)
        await run_pending()


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true, without advancing the clock."""
    for _ in range(_MANY_TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("The condition was never true")


async def until_waiting(hass: HomeAssistant, running: asyncio.Task[Any]) -> None:
    """Wait until an action that prepares speech waits for a call, or is done.

    Home Assistant does not know the task, and reading sound takes real time.
    """

    def waiting() -> set[asyncio.Future[None]]:
        managers = hass.data[DATA_MANAGERS].values()
        return {each for one in managers for each in one.waiters._futures}  # noqa: SLF001 - no other sign

    known = waiting()
    await until(lambda: running.done() or waiting() - known)
    await settle(hass)


async def run_pending() -> None:
    """Run what is pending, including notifications of calls that were just placed."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def all_answered(hass: HomeAssistant) -> None:
    """Wait until all HTTP requests have a response."""
    connector = async_get_clientsession(hass).connector
    assert connector is not None
    await until(lambda: not connector._acquired)  # noqa: SLF001 - no public access
    await settle(hass)


async def let_time_pass(hass: HomeAssistant, seconds: float) -> None:
    """Fire the timers that are due in this many seconds."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await settle(hass)


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Advance the clock, and fire the due timers."""
    await settle(hass)
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await settle(hass)


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, **options: object
) -> None:
    """Change options of a PBX."""
    hass.config_entries.async_update_entry(entry, options=entry.options | options)
    await hass.async_block_till_done()


async def lift_limits(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Remove the call limits of a PBX."""
    await set_options(hass, entry, calls_at_once=0, calls_per_hour=0)


async def place_call(hass: HomeAssistant, **data: object) -> None:
    """Perform the originate action."""
    await hass.services.async_call(DOMAIN, "originate", data, blocking=True)


async def sentences(
    hass: HomeAssistant, category: str, language: str = "en"
) -> dict[str, str]:
    """Return the integration's texts of a category, without their common prefix."""
    texts = await async_get_translations(hass, language, category, {DOMAIN})
    prefix = f"component.{DOMAIN}.{category}."
    return {key.removeprefix(prefix): text for key, text in texts.items()}

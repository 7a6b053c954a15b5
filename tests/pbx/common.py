"""What several tests of the integration do."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from yarl import URL

# All kinds, so that their errors are there.
from custom_components.pbx import kinds  # noqa: F401
from custom_components.pbx.backends.asterisk import Access, AsteriskClient
from custom_components.pbx.backends.base import (
    CallerUnreachableError,
    PbxError,
    StreamTakenOverError,
)
from custom_components.pbx.backends.simotel import Credentials, SimotelClient
from custom_components.pbx.const import DOMAIN
from sandbox import Sandbox

# One has a result, the other a repair issue.
# Clients that are asked what their kind of PBX takes, and nothing more.
_SESSION = cast("ClientSession", None)
SIMOTEL = SimotelClient(_SESSION, URL("http://pbx.test"), Credentials())
ASTERISK = AsteriskClient(
    _SESSION,
    Access(base_url=URL("http://pbx.test"), username="", password="", application=""),
)

_TOLD_TO_NOBODY = (CallerUnreachableError, StreamTakenOverError)

PING = "/setting/ping/act"
ORIGINATE = "/call/originate/act"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"

CONNECTED = "binary_sensor.sandbox_connected"


def client_errors(error: type[PbxError] = PbxError) -> list[type[PbxError]]:
    """Return the errors that a client may raise."""
    errors = []
    for kind in error.__subclasses__():
        # Without words of its own it is one that others are kinds of.
        if hasattr(kind, "translation_key") and kind not in _TOLD_TO_NOBODY:
            errors.append(kind)
        errors += client_errors(kind)
    return errors


def pings(sandbox: Sandbox) -> int:
    """Return how often the sandbox has been pinged."""
    return sum(request.path == PING for request in sandbox.requests)


def change_account(sandbox: Sandbox, **changes: Any) -> None:  # noqa: ANN401 - any field of an account
    """Change the API account that the config entry uses."""
    sandbox.configure(accounts=(replace(sandbox.config.accounts[0], **changes),))


def expect_state(entry: MockConfigEntry, state: ConfigEntryState) -> None:
    """Check what has become of a config entry."""
    assert entry.state is state


def connected(hass: HomeAssistant) -> str | None:
    """Return the state of the sensor of the connection; None if there is none."""
    return state.state if (state := hass.states.get(CONNECTED)) else None


def reauth_flows(hass: HomeAssistant) -> list[str]:
    """Return the steps of the questions for new credentials that are open."""
    return [
        flow["step_id"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == "reauth"
    ]


async def let_time_pass(hass: HomeAssistant, seconds: float) -> None:
    """Let what is due in so many seconds happen, with the requests it makes."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done(wait_background_tasks=True)


async def all_told() -> None:
    """Let everybody be told of the calls that were just placed."""
    for _ in range(2):
        await asyncio.sleep(0)


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by on the clock as well, and whatever is due be done."""
    await all_told()
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, **options: object
) -> None:
    """Change options of a PBX, which is loaded anew by that."""
    hass.config_entries.async_update_entry(entry, options=entry.options | options)
    await hass.async_block_till_done()


async def lift_limits(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Let a PBX place any number of calls."""
    await set_options(hass, entry, calls_at_once=0, calls_per_hour=0)


async def place_call(hass: HomeAssistant, **data: object) -> None:
    """Run the action."""
    await hass.services.async_call(DOMAIN, "originate", data, blocking=True)


async def sentences(
    hass: HomeAssistant, category: str, language: str = "en"
) -> dict[str, str]:
    """Return the integration's texts of a category, without their common prefix."""
    texts = await async_get_translations(hass, language, category, {DOMAIN})
    prefix = f"component.{DOMAIN}.{category}."
    return {key.removeprefix(prefix): text for key, text in texts.items()}

"""Browser test on the oldest supported Home Assistant.

Before 2026.11, the page replaces its registry of custom elements while it starts. A
module that ran before that is defined in a registry that nobody asks again.
"""

from collections.abc import AsyncIterator
import os
from pathlib import Path

from playwright.async_api import Browser, Page, Route, expect
import pytest
import pytest_asyncio

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.machine import ROOT

from .house import CARD, DASHBOARD, EXTERNAL, PHONES, House, Seat, view_of

STRATEGY = "pbx-strategy"
LOADS = 3


@pytest.fixture(scope="session")
def python() -> str:
    """Return the Python of an environment with the oldest Home Assistant."""
    python = os.environ.get("FLOOR_PYTHON", str(ROOT / ".venv-floor/bin/python"))
    environment = Path(python).parents[1]
    if not any(environment.glob("lib/python3*/site-packages/hass_frontend")):
        if os.environ.get("CI"):
            pytest.fail(f"{python} has no Home Assistant with its pages")
        pytest.skip("run scripts/setup floor")
    return python


@pytest_asyncio.fixture(loop_scope="session")
async def floor(browser: Browser, python: str) -> AsyncIterator[House]:
    """Return a house of the oldest Home Assistant with a PBX."""
    async with BootedHomeAssistant(python=python) as booted, Sandbox() as sandbox:
        sandbox.configure(phones=PHONES, external=EXTERNAL)
        house = House(booted, sandbox, browser)
        for url_path in (DASHBOARD, STRATEGY):
            await booted.client.command(
                "lovelace/dashboards/create", url_path=url_path, title="Telephone"
            )
        await house.show(view_of(CARD))
        await booted.client.command(
            "lovelace/config/save",
            url_path=STRATEGY,
            config={"strategy": {"type": "custom:pbx-telephone"}},
        )
        await house.add_pbx()
        yield house
        await house.clear()


async def hold_app(page: Page) -> None:
    """Let our module run before the page's own, as with a slow line."""

    async def after_ours(route: Route) -> None:
        await page.wait_for_function("Boolean(customElements.get('pbx-phone-card'))")
        await route.continue_()

    await page.route("**/frontend_latest/app.*.js", after_ours)


async def test_the_registry_is_replaced(floor: House) -> None:
    """The card and the dashboard are there, whichever module runs first."""
    for path, cards in ((DASHBOARD, 1), (STRATEGY, 2)):
        seat = await floor.sit_down()
        await hold_app(seat.page)
        await seat.open(f"/{path}")
        await expect(seat.card).to_have_count(cards)
        await expect(seat.contact("Mum")).to_be_visible()
        # Only without a route are files taken from the cache.
        await seat.page.unroute_all()
        for _ in range(LOADS):
            await seat.page.reload()
            await expect(seat.card).to_have_count(cards)
            await expect(seat.contact("Mum")).to_be_visible()
        await call(floor, seat)


async def call(house: House, seat: Seat) -> None:
    """Place a call, and end it."""
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Connected")
    house.hang_up()
    await expect(seat.live).to_have_count(0)

"""Browser test: set up the events from the options page, and test them."""

from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_pbx, connect_events


@pytest.mark.timeout(900)
async def test_events(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """The page says what to type; the button says whether the way back works."""
    entry = await add_pbx(home_assistant, sandbox)
    await page.goto("/config/integrations/integration/pbx")
    await page.get_by_role("button", name="Configure").first.click()
    await page.get_by_text("Events", exact=True).click()
    await expect(page.get_by_text("API Password")).to_be_visible()
    await page.screenshot(path=screenshots / "4-events.png")

    push = await connect_events(home_assistant, sandbox, entry["entry_id"])
    await expect(page.get_by_text(push.password)).to_be_visible()
    await page.goto("/config/integrations/integration/pbx")
    await page.get_by_role("button", name="Configure").first.click()
    await page.get_by_text("Test events").click()
    await expect(page.get_by_text("its Ping event arrived")).to_be_visible()
    await page.screenshot(path=screenshots / "5-events-come.png")

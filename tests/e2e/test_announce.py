"""Announcements in the browser: a contact's notify entity, and the action's form."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect
import pytest

from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_contact
from tests.pbx.ari import PASSWORD, USERNAME, StubAri

from .pages import open_device


@pytest.fixture
async def ari() -> AsyncIterator[StubAri]:
    """Return a running stub of an Asterisk's REST interface."""
    async with StubAri() as running:
        yield running


async def add_asterisk(home_assistant: BootedHomeAssistant, ari: StubAri) -> None:
    """Add the stub, with a contact."""
    connection = {
        "url": ari.url,
        "username": USERNAME,
        "password": PASSWORD,
        "verify_ssl": True,
    }
    defaults = {"context": "from-internal", "timeout": 20, "internal_digits": 5}
    inputs: list[dict[str, Any]] = [
        {"next_step_id": "asterisk"},
        connection,
        {**defaults, "caller": "557"},
        {"extensions": []},
        {},
    ]
    entry = await home_assistant.add_config_entry("pbx", inputs)
    fields = {"name": "Mum", "number": "552", "announcements": {"repeat": 3}}
    await add_contact(home_assistant, entry["entry_id"], **fields)


@pytest.mark.timeout(900)
async def test_announce(
    page: Page,
    ari: StubAri,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """The entity stands beside the button, and the action's form has its sections."""
    await add_asterisk(home_assistant, ari)
    await open_device(page, home_assistant, "Mum")
    await expect(page.get_by_text("Announcement", exact=True)).to_be_visible()
    await page.screenshot(path=screenshots / "announce-1-device.png")

    await page.goto("/config/tools/action")
    await page.get_by_role("button", name="Action", exact=True).click()
    await page.get_by_placeholder("Search", exact=True).fill("pbx.announce")
    await page.get_by_text("Play announcement", exact=True).first.click()
    form = page.locator("ha-service-control")
    for field in ("Callee", "Message", "Media", "Confirmation key"):
        await expect(form.get_by_text(field, exact=True)).to_be_visible()
    await page.screenshot(path=screenshots / "announce-2-form.png")
    # Without its checkbox, whose icon is in front of it, a field is left out.
    await form.get_by_role("checkbox").first.click(force=True)
    await form.get_by_role("textbox").first.fill("Mum")
    await form.get_by_role("button", name="Keys").click()
    collected = form.get_by_text("Number of keys to collect", exact=True)
    await expect(collected).to_be_visible()
    await collected.scroll_into_view_if_needed()
    await page.screenshot(path=screenshots / "announce-3-keys.png")
    await page.get_by_role("button", name="Perform action").click()
    error = page.get_by_text("Provide either a message or media, not both.")
    await expect(error.first).to_be_visible()
    await page.screenshot(path=screenshots / "announce-4-error.png")
    await page.set_viewport_size({"width": 400, "height": 850})
    await page.screenshot(path=screenshots / "announce-5-phone.png")
    assert not ari.originated
    assert "Traceback" not in home_assistant.log_text()

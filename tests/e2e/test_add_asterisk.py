"""Adding an Asterisk by clicking through the dialog, and seeing it there."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from scripts.support.booted.home_assistant import BootedHomeAssistant
from tests.pbx.ari import PASSWORD, USERNAME, StubAri

from .pages import import_extensions


@pytest.fixture
async def ari() -> AsyncIterator[StubAri]:
    """Return a running stub of an Asterisk's REST interface."""
    async with StubAri() as running:
        yield running


@pytest.mark.timeout(900)
async def test_add_asterisk(
    page: Page,
    ari: StubAri,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """What is wrong is explained, one thing at a time; then calls go through it."""
    await page.goto("/config/integrations/dashboard")
    await page.get_by_role("button", name="Add integration").click()
    await page.get_by_placeholder("Search for a brand name").fill("pbx")
    await page.get_by_text("PBX", exact=True).click()
    await expect(page.get_by_text("Select the type of your PBX.")).to_be_visible()
    await page.screenshot(path=screenshots / "asterisk-1-kinds.png")
    await page.get_by_text("Asterisk or FreePBX", exact=True).click()
    await expect(page.get_by_text("Connect to Asterisk")).to_be_visible()

    outside = page.locator("input[name=external_channel]")
    # A field's name in braces is a text's placeholder, too: it is filled in.
    await expect(outside).to_have_value("PJSIP/{number}@{trunk}")
    await expect(page.locator("input[name=name]")).to_have_value("Asterisk")
    await page.locator("input[name=name]").fill("Door station")
    await page.locator("input[name=url]").fill(f"127.0.0.1:{ari.port}")
    await page.locator("input[name=username]").fill(USERNAME)
    await page.locator("input[name=password]").fill(PASSWORD)
    await outside.fill("PJSIP/{trunk}")
    await page.get_by_role("button", name="Submit").click()
    wrong = page.get_by_text("Invalid channel.")
    await expect(wrong).to_be_visible()
    await page.screenshot(path=screenshots / "asterisk-2-channel.png", full_page=True)
    assert ari.requests == []

    await outside.fill("PJSIP/{number}@{trunk}")
    await page.locator("input[name=password]").fill("wrong")
    await page.get_by_role("button", name="Submit").click()
    wrong = page.get_by_text("The PBX rejected the username and password.")
    await expect(wrong).to_be_visible()
    await page.screenshot(path=screenshots / "asterisk-3-password.png", full_page=True)

    await page.locator("input[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Submit").click()
    await expect(page.locator("input[name=context]")).to_have_value("from-internal")
    await expect(page.locator("input[name=caller_name]")).to_be_visible()
    # The endpoints of the PBX are there to choose from.
    await page.get_by_text("Caller", exact=True).first.click()
    await page.get_by_text("557", exact=True).click()
    await page.screenshot(path=screenshots / "asterisk-4-defaults.png")
    await page.get_by_role("button", name="Submit").click()
    await import_extensions(
        page, screenshots / "asterisk-5-extensions.png", without=["557", "552"]
    )
    # It is there already; without an extension, the first contact is offered next.
    contact = page.get_by_text("New contact", exact=True)
    await expect(contact).to_be_visible()
    await page.get_by_role("button", name="Close").click()
    await expect(contact).to_be_hidden()
    await page.goto("/config/integrations/integration/pbx")
    await expect(page.get_by_text("Door station").first).to_be_visible()
    await page.screenshot(path=screenshots / "asterisk-6-added.png")

    await ari.connected.wait()
    response = await home_assistant.call_action(
        "pbx", "originate", {"callee": "552"}, return_response=True
    )
    (call,) = ari.originated
    assert (call["endpoint"], call["extension"]) == ("PJSIP/557", "552")
    assert (response or {})["originated_call_id"] == call["channelId"]
    assert "Traceback" not in home_assistant.log_text()

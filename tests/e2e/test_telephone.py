"""Browser test: the dashboard *Telephone*, on which somebody calls and is called."""

from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_contact, add_pbx, connect_events


@pytest.mark.timeout(900)
async def test_telephone(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """The strategy draws the card; a tap calls, and the call is shown and hung up."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    entry = await add_pbx(home_assistant, sandbox, extensions=["101", "102"])
    await connect_events(home_assistant, sandbox, entry["entry_id"])
    await add_contact(
        home_assistant, entry["entry_id"], name="<b>Mum</b>", number="103"
    )
    client = home_assistant.client
    await client.command(
        "lovelace/dashboards/create", url_path="pbx-telephone", title="Telephone"
    )
    await client.command(
        "lovelace/config/save",
        url_path="pbx-telephone",
        config={"strategy": {"type": "custom:pbx-telephone"}},
    )
    await page.goto("/pbx-telephone")
    card = page.locator("pbx-phone-card")
    mum = card.get_by_role("button", name="Call \u2068<b>Mum</b>\u2069").first
    await expect(mum).to_be_visible()
    await page.screenshot(path=screenshots / "telephone-1.png")
    await mum.click()
    live = card.locator(".live li")
    await expect(live.first).to_contain_text("<b>Mum</b>")
    await page.screenshot(path=screenshots / "telephone-2-call.png")
    await expect(card.locator(".calls .row").first).to_contain_text("<b>Mum</b>")
    await expect(live).to_have_count(0)
    await page.set_viewport_size({"width": 400, "height": 850})
    await page.screenshot(path=screenshots / "telephone-3-phone.png")
    assert errors == []

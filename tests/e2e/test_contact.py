"""Adding a contact by clicking, calling it, and seeing what came of it."""

from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.home_assistant import BootedHomeAssistant
from scripts.support.pbx import add_pbx


@pytest.mark.timeout(900)
async def test_contact(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """The workshop, which is busy, gets a name; its button calls it."""
    await add_pbx(home_assistant, sandbox)
    await page.goto("/config/integrations/integration/pbx")
    await page.get_by_text("Add a contact").first.click()
    await page.locator("input[name=name]").fill("Workshop")
    await page.locator("input[name=number]").fill("mum")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_text("A number has digits,")).to_be_visible()
    await page.screenshot(path=screenshots / "contact-1-wrong.png")
    await page.locator("input[name=number]").fill("103")
    await page.get_by_role("button", name="Submit").click()
    await page.get_by_role("button", name="Finish").click()
    await expect(page.get_by_role("button", name="Finish")).to_be_hidden()

    devices = await home_assistant.client.command("config/device_registry/list")
    (device,) = (each for each in devices if each["name"] == "Workshop")
    await page.goto(f"/config/devices/device/{device['id']}")
    await page.get_by_role("button", name="Press").click()
    await expect(page.get_by_text("Busy", exact=True).first).to_be_visible(
        timeout=120_000
    )
    await page.screenshot(path=screenshots / "contact-2-result.png")

    (call,) = sandbox.calls
    assert (call.caller, call.callee) == ("106", "103")
    await page.set_viewport_size({"width": 400, "height": 850})
    await page.screenshot(path=screenshots / "contact-3-phone.png")
    assert "Traceback" not in home_assistant.log_text()

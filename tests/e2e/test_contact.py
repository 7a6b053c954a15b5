"""Browser test: add a contact, call it, and see the result."""

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_pbx


async def last_result(home_assistant: BootedHomeAssistant) -> str | None:
    """Return what the contact's button says of the last call."""
    state = await home_assistant.client.get("/api/states/button.workshop_call")
    result: str | None = state["attributes"]["last_result"]
    return result


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
    await page.get_by_text("Add contact").first.click()
    await page.locator("input[name=name]").fill("Workshop")
    await page.locator("input[name=number]").fill("mum")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_text("A number can contain only digits")).to_be_visible()
    await page.screenshot(path=screenshots / "contact-1-wrong.png")
    await page.locator("input[name=number]").fill("103")
    await page.get_by_role("button", name="Submit").click()
    await page.get_by_role("button", name="Finish").click()
    await expect(page.get_by_role("button", name="Finish")).to_be_hidden()

    devices = await home_assistant.client.command("config/device_registry/list")
    (device,) = (each for each in devices if each["name"] == "Workshop")
    await page.goto(f"/config/devices/device/{device['id']}")
    await page.get_by_role("button", name="Press").click()
    async with asyncio.timeout(120):
        while await last_result(home_assistant) != "busy":  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.1)
    await page.screenshot(path=screenshots / "contact-2-result.png")

    (call,) = sandbox.calls
    assert (call.caller, call.callee) == ("106", "103")
    await page.set_viewport_size({"width": 400, "height": 850})
    await page.screenshot(path=screenshots / "contact-3-phone.png")
    assert "Traceback" not in home_assistant.log_text()

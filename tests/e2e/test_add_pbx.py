"""The set-up from nothing to the first call, by clicking through the dialog."""

from pathlib import Path
import re

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant

from .pages import ended_call, import_extensions, open_device


@pytest.mark.timeout(900)
async def test_add_pbx(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """A wrong key is explained; a right one adds the PBX with its extensions."""
    account = sandbox.config.accounts[0]
    await page.goto("/config/integrations/dashboard")
    await page.get_by_role("button", name="Add integration").click()
    await page.get_by_placeholder("Search for a brand name").fill("pbx")
    await page.get_by_text("PBX", exact=True).click()
    await page.get_by_text("Simotel", exact=True).click()
    await expect(page.get_by_text("Connect to Simotel")).to_be_visible()

    await expect(page.locator("input[name=name]")).to_have_value("Simotel")
    await page.locator("input[name=name]").fill("Office")
    await page.locator("input[name=url]").fill(sandbox.url.removeprefix("http://"))
    await page.locator("input[name=username]").fill(account.username)
    await page.locator("input[name=password]").fill(account.password)
    await page.locator("input[name=api_key]").fill("wrong")
    await page.get_by_role("button", name="Submit").click()
    wrong = page.get_by_text("The PBX rejected the credentials.")
    await expect(wrong).to_be_visible()
    await page.screenshot(path=screenshots / "1-wrong-credentials.png")
    # What was typed is still there.
    await expect(page.locator("input[name=username]")).to_have_value(account.username)

    await page.locator("input[name=api_key]").fill(account.api_key)
    await page.get_by_role("button", name="Submit").click()
    await expect(page.locator("input[name=context]")).to_have_value("main_routing")
    # The phones of the PBX are there to choose from.
    await page.get_by_text("Caller", exact=True).first.click()
    await page.get_by_text("101 Kitchen").click()
    await page.screenshot(path=screenshots / "2-defaults.png")
    await page.get_by_role("button", name="Submit").click()
    for phone in sandbox.config.phones:
        box = page.get_by_role("checkbox", name=f"{phone.number} {phone.name}")
        await expect(box).to_be_checked()
    picture = screenshots / "3-extensions.png"
    await import_extensions(page, picture, without=["105 Garage"])
    finish = page.get_by_role("button", name=re.compile("finish", re.IGNORECASE))
    await expect(finish).to_be_visible()
    await page.screenshot(path=screenshots / "4-finish.png")
    await finish.click()
    await expect(finish).to_be_hidden()
    await page.goto("/config/integrations/integration/pbx")
    title = page.get_by_text("Office", exact=True).first
    await expect(title).to_be_visible()
    await page.screenshot(path=screenshots / "5-added.png")

    states = {
        each["entity_id"]: each["state"] for each in await home_assistant.states()
    }
    assert states["binary_sensor.office_connected"] == "on"
    assert "button.workshop" in states
    assert "button.garage" not in states
    await open_device(page, home_assistant, "Workshop")
    await page.get_by_role("button", name="Press").click()
    call = await ended_call(sandbox)
    assert (call.caller, call.callee) == ("101", "103")
    assert "Traceback" not in home_assistant.log_text()

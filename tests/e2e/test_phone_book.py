"""Browser test of the phone book: add a contact, see it, call it, and edit it."""

from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_pbx

from .pages import choose, ended_call, open_device

NOT_A_NUMBER = "A number can contain only digits"
NOT_A_NAME = "This name reads as a phone number"


@pytest.mark.timeout(900)
async def test_phone_book(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """What is wrong is explained; a contact's own ring time applies to its button."""
    await add_pbx(home_assistant, sandbox)
    await page.goto("/config/integrations/integration/pbx")
    await page.get_by_text("Add contact").first.click()
    number = page.get_by_role("button", name="Number *")
    # No extension is selected beforehand.
    await expect(number).to_be_visible()
    name = page.locator("input[name=name]")
    submit = page.get_by_role("button", name="Submit")
    await name.fill("102")
    await choose(page, "Number *", "mum")
    await submit.click()
    await expect(page.get_by_text(NOT_A_NUMBER)).to_be_visible()
    await page.screenshot(path=screenshots / "contact-1-number.png")
    await choose(page, "Number *", "103")
    await submit.click()
    await expect(page.get_by_text(NOT_A_NAME)).to_be_visible()
    await page.screenshot(path=screenshots / "contact-2-name.png")
    await name.fill("Toolshed")
    await page.get_by_role("button", name="Calls to this contact").click()
    await page.get_by_role("spinbutton", name="Ring time").fill("7")
    await page.screenshot(path=screenshots / "contact-3-sections.png")
    await submit.click()
    finish = page.get_by_role("button", name="Finish")
    await finish.click()
    await expect(finish).to_be_hidden()

    await open_device(page, home_assistant, "Toolshed")
    # The directory of the PBX knows the number.
    await expect(page.get_by_text("Extension (103)")).to_be_visible()
    await page.screenshot(path=screenshots / "contact-4-device.png")
    await page.get_by_role("button", name="Press").click()
    call = await ended_call(sandbox)
    assert (call.caller, call.callee, call.timeout) == ("106", "103", 7)

    await page.goto("/config/integrations/integration/pbx")
    row = page.locator("ha-config-sub-entry-row").filter(has_text="Toolshed")
    await row.locator("ha-icon-button").nth(1).click()
    await expect(page.get_by_text("Edit contact")).to_be_visible()
    await expect(name).to_have_value("Toolshed")
    await name.fill("Workshop")
    await page.screenshot(path=screenshots / "contact-5-edit.png")
    await submit.click()
    await expect(page.get_by_text("Reconfiguration was successful")).to_be_visible()
    await open_device(page, home_assistant, "Workshop")
    await page.set_viewport_size({"width": 400, "height": 850})
    await page.screenshot(path=screenshots / "contact-6-phone.png")
    response = await home_assistant.call_action(
        "pbx", "originate", {"callee": "workshop"}, return_response=True
    )
    call = await ended_call(sandbox, 2)
    assert (response or {})["originated_call_id"] == call.id
    assert (response or {})["callee_contact"] == "Workshop"
    assert call.callee == "103"
    assert "Traceback" not in home_assistant.log_text()

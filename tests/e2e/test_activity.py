"""Browser test of *Activity*: the lines about calls on the page of a contact."""

from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Phone, Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_contact, add_pbx, connect_events

from .pages import ended_call, open_device

MUM = Phone("07700900118", "Mum", after=1, hang_up_after=2, gives_up_after=2)
GARDEN = "104"


@pytest.mark.timeout(900)
async def test_activity(
    page: Page,
    sandbox: Sandbox,
    home_assistant: BootedHomeAssistant,
    screenshots: Path,
) -> None:
    """Each call has one line, in words."""
    sandbox.configure(external=(MUM,))
    entry = await add_pbx(home_assistant, sandbox, extensions=["106"])
    await connect_events(home_assistant, sandbox, entry["entry_id"])
    await add_contact(home_assistant, entry["entry_id"], name="Mum", number=MUM.number)
    await open_device(page, home_assistant, "Mum")
    await page.get_by_role("button", name="Press").click()
    await ended_call(sandbox)
    sandbox.incoming(MUM.number, GARDEN)
    await ended_call(sandbox, 2)

    missed = page.get_by_text("from Mum")
    await expect(missed.first).to_be_visible()
    # Everything that was said is there after another load of the page, too.
    for _ in range(2):
        await expect(missed).to_have_count(1)
        await expect(page.get_by_text("called Mum: answered, 2 s")).to_have_count(1)
        await expect(page.get_by_text("Missed call")).to_have_count(1)
        await expect(page.get_by_text("Door station", exact=True)).to_have_count(1)
        await page.screenshot(path=screenshots / "activity.png")
        await page.reload()
    await page.goto("/logbook")
    await expect(page.get_by_text("called Mum: answered, 2 s")).to_have_count(1)
    await expect(page.get_by_text("from Mum")).to_have_count(1)
    assert "Traceback" not in home_assistant.log_text()

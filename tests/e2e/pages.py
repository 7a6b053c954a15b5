"""Steps that several browser tests take."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
import re

from playwright.async_api import Page, expect

from sandbox import Sandbox, SandboxCall
from scripts.support.booted.home_assistant import BootedHomeAssistant

NEXT = re.compile("Name and assign|New contact")


async def open_device(
    page: Page, home_assistant: BootedHomeAssistant, name: str
) -> None:
    """Open the page of a device."""
    devices = await home_assistant.client.command("config/device_registry/list")
    (device,) = (each for each in devices if each["name"] == name)
    await page.goto(f"/config/devices/device/{device['id']}")
    await expect(page.get_by_text(name, exact=True).first).to_be_visible()


async def choose(page: Page, field: str, text: str) -> None:
    """Enter a text into a field that also offers some."""
    await page.get_by_role("button", name=field).click()
    await page.get_by_placeholder("Search | Add custom item").fill(text)
    await page.get_by_role("option").filter(has_text=text).first.click()


async def ended_call(sandbox: Sandbox, number: int = 1) -> SandboxCall:
    """Wait for the end of the first or a later call, and return it."""
    async with asyncio.timeout(120):
        while len(sandbox.calls) < number or sandbox.calls[-1].state != "ended":  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.1)
    return sandbox.calls[-1]


async def import_extensions(
    page: Page, screenshot: Path, *, without: Iterable[str]
) -> None:
    """Import all extensions but some, which are all selected, and do not ring one."""
    await expect(page.get_by_text("Extensions for your phone book")).to_be_visible()
    for extension in without:
        box = page.get_by_role("checkbox", name=extension)
        await expect(box).to_be_checked()
        # Its icon is in front of it.
        await box.click(force=True)
    await page.screenshot(path=screenshot)
    submit = page.get_by_role("button", name="Submit")
    await submit.click()
    ring = page.get_by_text("Ring my phone", exact=True).first
    await expect(ring.or_(page.get_by_text(NEXT).first)).to_be_visible()
    if await ring.is_visible():
        await submit.click()

"""A booted Home Assistant, a sandbox PBX, and a browser that is logged in."""

from collections.abc import AsyncIterator
import json
import os
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds that a slow machine may take for a page; what fails is seen sooner.
_PATIENCE = 120_000
expect.set_options(timeout=_PATIENCE)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Return a running sandbox PBX, on the real clock."""
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def home_assistant() -> AsyncIterator[BootedHomeAssistant]:
    """Return a booted Home Assistant that no PBX has been added to."""
    async with BootedHomeAssistant() as booted:
        yield booted


@pytest.fixture
async def page(home_assistant: BootedHomeAssistant) -> AsyncIterator[Page]:
    """Return a page of a browser that is logged in to Home Assistant."""
    tokens = json.dumps(json.dumps(home_assistant.token))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=BROWSER_ARGUMENTS,
        )
        context = await browser.new_context(
            base_url=home_assistant.url, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(_PATIENCE)
        await context.add_init_script(f"localStorage.hassTokens = {tokens}")
        yield await context.new_page()
        await browser.close()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return where screenshots go: SCREENSHOTS, to look at them, or nowhere."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

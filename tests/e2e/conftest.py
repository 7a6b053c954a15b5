"""A booted Home Assistant, a sandbox PBX, and a browser that is logged in."""

from collections.abc import AsyncIterator
import os
from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from sandbox import Sandbox
from scripts.support.booted.browser import BROWSER_ARGUMENTS, run_browser, sign_in
from scripts.support.booted.home_assistant import BootedHomeAssistant

__all__ = ["BROWSER_ARGUMENTS"]

# Milliseconds that a slow machine may take for a page; what fails is seen sooner.
LONG_PATIENCE = 120_000
expect.set_options(timeout=LONG_PATIENCE)


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
    async with run_browser() as browser:
        context = await sign_in(browser, home_assistant.url, home_assistant.token)
        context.set_default_timeout(LONG_PATIENCE)
        yield await context.new_page()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return where screenshots go: SCREENSHOTS, to look at them, or nowhere."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

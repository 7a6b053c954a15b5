"""A browser, in which a user of Home Assistant is signed in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import json
import os
import shutil
from typing import Any

from playwright.async_api import Browser, BrowserContext, async_playwright

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The first of these is used, unless CHROMIUM is set.
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowserError(Exception):
    """There is no browser."""


def find_browser() -> str:
    """Return the path of the browser.

    Raises:
        NoBrowserError: there is none.
    """
    found = (os.environ.get("CHROMIUM"), *map(shutil.which, _NAMES))
    if (path := next(filter(None, found), None)) is None:
        raise NoBrowserError("Chromium was not found. Install it, or set CHROMIUM.")
    return path


@asynccontextmanager
async def run_browser() -> AsyncIterator[Browser]:
    """Run a browser without a window.

    Raises:
        NoBrowserError: there is none.
    """
    path = find_browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=BROWSER_ARGUMENTS
        )
        yield browser
        await browser.close()


async def sign_in(
    browser: Browser,
    url: str,
    tokens: Mapping[str, Any],
    *,
    language: str = "en",
    width: int = 1280,
) -> BrowserContext:
    """Return a context of the browser that has loaded nothing yet.

    Args:
        browser: that runs.
        url: of Home Assistant, as it is opened.
        tokens: of the user, in the format of the frontend.
        language: of the user.
        width: of the page.
    """
    context = await browser.new_context(
        base_url=url, viewport={"width": width, "height": 900}
    )
    stored = {
        "hassTokens": json.dumps({**tokens, "hassUrl": url}),
        "selectedLanguage": json.dumps(language),
    }
    await context.add_init_script(f"Object.assign(localStorage, {json.dumps(stored)})")
    return context

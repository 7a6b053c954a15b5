"""One Home Assistant and one browser for all tests of the telephone."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from playwright.async_api import Browser, expect
import pytest
import pytest_asyncio

from sandbox import Sandbox
from scripts.support.booted.browser import run_browser
from scripts.support.booted.home_assistant import BootedHomeAssistant

from ..conftest import LONG_PATIENCE
from .house import (
    CARD,
    DASHBOARD,
    EXTERNAL,
    PATIENCE,
    PHONES,
    House,
    components,
    view_of,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run them in one loop, in which Home Assistant's client and the browser live."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Wait less long than the tests that boot for themselves."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=LONG_PATIENCE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Return a running browser."""
    async with run_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_house(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Return a booted Home Assistant with two more users, and a dashboard."""
    config_dir = tmp_path_factory.mktemp("home_assistant")
    components(config_dir)
    async with BootedHomeAssistant(config_dir) as booted, Sandbox() as sandbox:
        house = House(booted, sandbox, browser)
        await house.add_user("Anna", "system-users")
        await house.add_user("Guest", "system-read-only")
        await booted.client.command(
            "lovelace/dashboards/create", url_path=DASHBOARD, title="Telephone"
        )
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def bare_house(empty_house: House) -> AsyncIterator[House]:
    """Return it without a PBX; everything is removed after the test."""
    async with Sandbox() as sandbox:
        sandbox.configure(phones=PHONES, external=EXTERNAL)
        empty_house.sandbox = sandbox
        await empty_house.show(view_of(CARD))
        yield empty_house
        errors = [error for seat in empty_house.seats for error in seat.errors]
        await empty_house.clear()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def house(bare_house: House) -> House:
    """Return it with a PBX, its phones, and a contact."""
    await bare_house.add_pbx()
    return bare_house

"""Tests of serving the card, and of loading it on each page."""

from collections.abc import Iterator
from pathlib import Path

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, UrlManager
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx import frontend
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode

from .reporting import add_other_pbx
from .toy import Toys

MONTH = 2_678_400
REAL = frontend.FOLDER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the card, with two modules."""
    (tmp_path / "pbx-phone-card.js").write_text('import "./store.js";')
    (tmp_path / "store.js").write_text("export const a = 1;")
    monkeypatch.setattr(frontend, "FOLDER", tmp_path)
    return tmp_path


class Pages(UrlManager):
    """What the pages of Home Assistant load."""

    def __init__(self, *urls: str) -> None:
        """Initialize them without any module of ours."""
        self.changes: list[tuple[str, str]] = []
        super().__init__(lambda *change: self.changes.append(change), [*urls])


@pytest.fixture
def pages(hass: HomeAssistant) -> Iterator[Pages]:
    """Return the pages: setting them up needs all of their files."""
    hass.data[DATA_EXTRA_MODULE_URL] = made = Pages("/local/other.js")
    yield made
    assert "/local/other.js" in made.urls


def urls(pages: Pages) -> list[str]:
    """Return the modules of ours that each page loads."""
    return [each for each in pages.urls if each.startswith("/pbx")]


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up a PBX."""
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_served(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    pages: Pages,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """A page loads the card with all its modules without login, and keeps them."""
    await set_up(hass, new_toy)
    (url,) = urls(pages)
    client = await hass_client_no_auth()
    for address, text in (
        (url, 'import "./store.js";'),
        (url.replace("pbx-phone-card", "store"), "export const a = 1;"),
    ):
        response = await client.get(address)
        assert response.status == 200
        assert await response.text() == text
        assert response.headers["Cache-Control"] == f"public, max-age={MONTH}"
        assert "javascript" in response.headers["Content-Type"]


async def test_only_the_folder(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    pages: Pages,
    folder: Path,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Neither a list of the files is served nor what lies beside them."""
    (folder.parent / "secret.js").write_text("secret")
    await set_up(hass, new_toy)
    base = urls(pages)[0].rpartition("/")[0]
    client = await hass_client_no_auth()
    for path in ("", "/", "/none.js", "/%2e%2e/secret.js", "/..%2fsecret.js"):
        response = await client.get(f"{base}{path}")
        assert response.status >= 400
        assert "secret" not in await response.text()


async def test_address(folder: Path) -> None:
    """The address depends on the names and the contents of all files alone."""
    seen = {frontend._hash_of(folder)}  # noqa: SLF001 - the address

    def is_new() -> bool:
        before = len(seen)
        seen.add(frontend._hash_of(folder))  # noqa: SLF001 - the address
        return len(seen) > before

    (folder / "store.js").touch()
    assert not is_new()
    (folder / "store.js").write_text("export const a = 2;")
    assert is_new()
    (folder / "store.js").rename(folder / "other.js")
    assert is_new()
    (folder / "inner").mkdir()
    assert not is_new()
    (folder / "inner" / "more.js").write_text("")
    assert is_new()


@pytest.mark.skipif(not REAL.exists(), reason="the card is not there yet")
async def test_real_files(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    pages: Pages,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that is served is modules, and the first of them is there."""
    assert {each.suffix for each in REAL.rglob("*")} == {".js"}
    monkeypatch.setattr(frontend, "FOLDER", REAL)
    await set_up(hass, new_toy)
    client = await hass_client_no_auth()
    response = await client.get(urls(pages)[0])
    assert response.status == 200
    assert "pbx-phone-card" in await response.text()


async def test_once_for_all(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """The card is loaded once, until the last PBX is removed, and again later."""
    await set_up(hass, new_toy)
    (url,) = urls(pages)
    other = await add_other_pbx(hass, new_toy)
    await hass.config_entries.async_reload(new_toy.entry_id)
    assert pages.changes == [("added", url)]

    await hass.config_entries.async_remove(new_toy.entry_id)
    await hass.config_entries.async_set_disabled_by(
        other.entry_id, ConfigEntryDisabler.USER
    )
    # Dashboards have it still: it says that there is no PBX.
    assert pages.changes == [("added", url)]
    await hass.config_entries.async_remove(other.entry_id)
    assert urls(pages) == []

    await add_other_pbx(hass, other)
    assert pages.changes == [("added", url), ("removed", url), ("added", url)]


async def test_pbx_that_does_not_respond(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """The card is there to say so."""
    error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    toys.prepare = lambda toy: setattr(toy, "error", error)
    await set_up(hass, new_toy)
    assert len(urls(pages)) == 1


async def test_without_pages(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A Home Assistant without pages has the PBX all the same."""
    await set_up(hass, new_toy)
    assert hass.states.get("binary_sensor.toy_connected") is not None
    await hass.config_entries.async_remove(new_toy.entry_id)
    assert DATA_EXTRA_MODULE_URL not in hass.data


async def test_never_set_up(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """A PBX that was disabled all the time can be removed."""
    await hass.config_entries.async_set_disabled_by(
        new_toy.entry_id, ConfigEntryDisabler.USER
    )
    assert await hass.config_entries.async_remove(new_toy.entry_id)
    assert hass.config_entries.async_entries("pbx") == []
    assert pages.changes == []

"""The card for dashboards: its files are served, and each page loads it."""

from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import (
    DATA_EXTRA_MODULE_URL,
    add_extra_js_url,
    remove_extra_js_url,
)
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

# Everything in it is public: it is served without login.
FOLDER: Final = Path(__file__).parent / "frontend"
# The module that defines the card and the strategy, and imports the others.
ENTRY: Final = "pbx-phone-card.js"

_DATA_CARD: HassKey[_Card] = HassKey(f"{DOMAIN}_card")

# Digits of the hash that are in the address.
_HASH_LENGTH: Final = 12


@dataclass(slots=True)
class _Card:
    """The card at its address, and whether pages load it."""

    url: str
    is_loaded: bool = False


async def async_serve_card(hass: HomeAssistant) -> None:
    """Serve the files of the card; once, as an address cannot be taken away.

    Browsers keep the files for a month. After an update, all of them, also those that
    modules import, are at another address.
    """
    version = await hass.async_add_executor_job(_hash_of, FOLDER)
    folder_url = f"/{DOMAIN}_static/{version}"
    await hass.http.async_register_static_paths(
        [StaticPathConfig(folder_url, str(FOLDER), cache_headers=True)]
    )
    hass.data[_DATA_CARD] = _Card(f"{folder_url}/{ENTRY}")


@callback
def async_load_card(hass: HomeAssistant) -> None:
    """Let each page load the card; once for all PBXs."""
    card = hass.data[_DATA_CARD]
    # A house without Home Assistant's own pages has no use for it.
    if not card.is_loaded and DATA_EXTRA_MODULE_URL in hass.data:
        add_extra_js_url(hass, card.url)
        card.is_loaded = True


@callback
def async_unload_card(hass: HomeAssistant) -> None:
    """Let no page load the card anymore."""
    # A PBX may be removed that was disabled all the time.
    card = hass.data.get(_DATA_CARD)
    if card is not None and card.is_loaded:
        remove_extra_js_url(hass, card.url)
        card.is_loaded = False


def _hash_of(folder: Path) -> str:
    """Return a hash of the names and the contents of all files in a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            name = path.relative_to(folder).as_posix()
            total.update(f"{name}\n{content}\n".encode())
    return total.hexdigest()[:_HASH_LENGTH]

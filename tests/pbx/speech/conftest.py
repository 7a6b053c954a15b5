"""Fixtures: speech that leaves nothing on the disk."""

from pathlib import Path

from homeassistant.components import tts
import pytest


@pytest.fixture(autouse=True)
def speech_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which Home Assistant keeps what engines said."""
    folder = tmp_path / "speech"
    folder.mkdir()
    monkeypatch.setattr(tts, "_init_tts_cache_dir", lambda _hass, _folder: str(folder))
    return folder

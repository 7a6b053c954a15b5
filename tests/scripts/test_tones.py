"""The speech engine of tests: a tone for each word."""

from pathlib import Path
from typing import cast

from homeassistant.components import tts
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

from scripts.support.tones import find, likeness, say, to_wav, tts as tone_speech
from scripts.support.tones.install import CONFIGURATION, DOMAIN, install
from scripts.support.tones.tones import frequency

TEXT = "The front door is open"
SAID = say(TEXT)


def test_words() -> None:
    """Each word is a tone of its own, always the same, within a telephone's band."""
    assert len(say("one")) == 8_000
    assert say("one two") == say("one") + say("two")
    assert say(" One\n") == say("one")
    assert say("one") != say("two")
    assert say("") == b""
    for word in ("one", "two", "سلام", "4711"):
        assert 300 <= frequency(word) <= 3_000
    assert frequency("one") == 851


def test_same() -> None:
    """A sound is like itself, at any place and volume."""
    assert likeness(SAID, SAID) == pytest.approx(1)
    quiet = b"".join(
        (int.from_bytes(SAID[at : at + 2], "little", signed=True) // 4).to_bytes(
            2, "little", signed=True
        )
        for at in range(0, len(SAID), 2)
    )
    found = find(bytes(16_000) + quiet + bytes(9_000), SAID)
    assert found.likeness > 0.99
    assert found.seconds == pytest.approx(0.5, abs=0.001)


def test_other() -> None:
    """Another text, a part and silence are not alike."""
    assert likeness(say("Dinner will be ready soon"), SAID) < 0.5
    assert likeness(SAID[: len(SAID) // 2], SAID) < 0.8
    assert likeness(bytes(32_000), SAID) == 0
    assert likeness(b"", SAID) == 0
    assert likeness(SAID, b"") == 0


def test_where() -> None:
    """Of what is repeated, the first time is found; a beginning may be missing."""
    assert find(bytes(3_200) + SAID + bytes(32_000) + SAID, SAID).seconds == 0.1
    assert find(SAID[8_000:], SAID).seconds == pytest.approx(-0.25, abs=0.001)


def test_install(tmp_path: Path) -> None:
    """A Home Assistant finds the engine and the integration of this folder."""
    (tmp_path / "custom_components").symlink_to(tmp_path)
    for _ in range(2):
        install(tmp_path)
        components = tmp_path / "custom_components"
        assert (components / "pbx/manifest.json").is_file()
        assert (components / "__init__.py").is_file()
        for name in ("__init__.py", "manifest.json", "tones.py", "tts.py"):
            assert (components / DOMAIN / name).is_file()
    assert f"platform: {DOMAIN}" in CONFIGURATION


async def test_engine(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant has the engine spoken."""
    monkeypatch.setattr(tts, "_init_tts_cache_dir", lambda _hass, _dir: str(tmp_path))
    mock_integration(hass, MockModule(DOMAIN))
    mock_platform(hass, f"{DOMAIN}.tts", cast("MockPlatform", tone_speech))
    assert await async_setup_component(
        hass, "tts", {"tts": {"platform": DOMAIN, "cache": False}}
    )
    await hass.async_block_till_done()
    options = {"preferred_format": "wav", "voice": "any"}
    stream = tts.async_create_stream(hass, DOMAIN, "fa", options)
    stream.async_set_message(TEXT)
    wav = b"".join([chunk async for chunk in stream.async_stream_result()])
    assert wav == to_wav(SAID)
    await hass.async_block_till_done(wait_background_tasks=True)

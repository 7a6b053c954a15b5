"""Tests of sound that FFmpeg decodes."""

import asyncio
from functools import partial
import os
from pathlib import Path
import subprocess
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest

from custom_components.pbx.speech.decoding import async_decode, async_find_ffmpeg
from scripts.support.tones import likeness, say, to_wav

from .engines import FFMPEG, NO_FFMPEG

PCM: Final = say("The front door is open")


async def have(hass: HomeAssistant, binary: str) -> None:
    """Set up FFmpeg."""
    config = {"ffmpeg": {"ffmpeg_bin": binary}}
    assert await async_setup_component(hass, "ffmpeg", config)


def stub(folder: Path, script: str) -> str:
    """Return the path of a program in place of FFmpeg."""
    path = folder / "ffmpeg"
    path.write_text(f'#!/bin/sh\n[ "$1" = -version ] && exit\n{script}\n')
    path.chmod(0o755)
    return str(path)


def encoded(form: str, *options: str, pcm: bytes = PCM, to: str = "pipe:1") -> bytes:
    """Return sound in stereo at 44.1 kHz, in another format."""
    given = ("-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0")
    command = (FFMPEG, "-loglevel", "error", *given, "-ar", "44100", "-ac", "2")
    return subprocess.run(  # noqa: S603 - the program of the tests
        (*command, *options, "-f", form, to),
        input=pcm,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("mp3", ()),
        ("ogg", ()),
        ("flac", ()),
        ("wav", ()),
        ("wav", ("-c:a", "pcm_f32le")),
        ("wav", ("-c:a", "pcm_mulaw")),
    ],
)
async def test_decoded(
    hass: HomeAssistant, form: str, options: tuple[str, ...]
) -> None:
    """Sound of any format is decoded."""
    await have(hass, FFMPEG)
    sound = await hass.async_add_executor_job(encoded, form, *options)
    assert likeness(await async_decode(hass, sound, 10), PCM) > 0.98


async def test_index_at_the_end(hass: HomeAssistant, tmp_path: Path) -> None:
    """A voice memo of a phone, whose index is at its end, is decoded."""
    await have(hass, FFMPEG)
    path, pcm = tmp_path / "memo.m4a", PCM * 10
    encode = partial(encoded, "ipod", pcm=pcm, to=str(path))
    await hass.async_add_executor_job(encode)
    memo = await hass.async_add_executor_job(path.read_bytes)
    assert memo.index(b"mdat") < memo.index(b"moov")
    assert likeness(await async_decode(hass, memo, 60), pcm) > 0.98


async def test_longest(hass: HomeAssistant) -> None:
    """No more than the given length is decoded."""
    await have(hass, FFMPEG)
    sound = await hass.async_add_executor_job(encoded, "flac")
    assert len(await async_decode(hass, sound, 1)) == 32_000


@pytest.mark.parametrize(
    "data", [b"no sound at all", b"ffconcat version 1.0\nfile /etc/passwd\n"]
)
async def test_no_sound(hass: HomeAssistant, data: bytes) -> None:
    """Data that are no sound, or refer to a file, have no samples."""
    await have(hass, FFMPEG)
    assert await async_decode(hass, data, 10) == b""


async def test_nothing(hass: HomeAssistant) -> None:
    """Nothing has no samples, and needs no program."""
    assert await async_decode(hass, b"", 10) == b""


async def test_whole_samples(hass: HomeAssistant, tmp_path: Path) -> None:
    """Half a sample at the end is dropped."""
    await have(hass, stub(tmp_path, "cat > /dev/null; printf 12345"))
    assert await async_decode(hass, b"sound", 10) == b"1234"


async def test_wav_needs_none(hass: HomeAssistant) -> None:
    """A WAV is read without FFmpeg."""
    assert await async_decode(hass, to_wav(PCM), 10) == PCM


@pytest.mark.parametrize("binary", [None, NO_FFMPEG])
async def test_missing(hass: HomeAssistant, binary: str | None) -> None:
    """Without FFmpeg, other sound is an error."""
    if binary is not None:
        await have(hass, binary)
    assert await async_find_ffmpeg(hass) is None
    with pytest.raises(HomeAssistantError) as caught:
        await async_decode(hass, b"ID3", 10)
    assert caught.value.translation_key == "ffmpeg_missing"


async def test_broken(hass: HomeAssistant, tmp_path: Path) -> None:
    """An FFmpeg that does not run counts as missing."""
    await have(hass, stub(tmp_path, ""))
    path = tmp_path / "ffmpeg"
    path.write_bytes(b"\x7fELF of another machine")
    with pytest.raises(HomeAssistantError) as caught:
        await async_decode(hass, b"ID3", 10)
    assert caught.value.translation_key == "ffmpeg_missing"


async def test_killed(hass: HomeAssistant, tmp_path: Path) -> None:
    """FFmpeg does not outlive its task."""
    started = tmp_path / "started"
    os.mkfifo(started)
    await have(
        hass, stub(tmp_path, f"cat > {os.devnull}; echo $$ > {started}; exec sleep 600")
    )
    decoding = hass.async_create_task(async_decode(hass, b"ID3", 10))
    process = int(await hass.async_add_executor_job(started.read_text))
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)

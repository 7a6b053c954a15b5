"""Sound of any format to the samples of an audio."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
import os
import shutil
from typing import BinaryIO, Final

from homeassistant.core import HomeAssistant

from ..backends.announcement import SAMPLE_RATE, SAMPLE_WIDTH
from ..errors import action_error
from .wav import NotReadableError, read_wav

# FFmpeg has to be able to seek in such a file, as its index may be at its end.
_MP4: Final = b"ftyp"


async def async_find_ffmpeg(hass: HomeAssistant) -> str | None:
    """Return the path of the FFmpeg that Home Assistant uses; None if there is none."""
    if "ffmpeg" not in hass.config.components:
        return None
    # Loaded with the component, not with this integration.
    from homeassistant.components import ffmpeg  # noqa: PLC0415

    binary = ffmpeg.get_ffmpeg_manager(hass).binary
    return await hass.async_add_executor_job(shutil.which, binary)


async def async_decode(hass: HomeAssistant, sound: bytes, seconds: int) -> bytes:
    """Return the samples of an `Audio`; none if the data contain no sound.

    Args:
        hass: Home Assistant.
        sound: a file of any format. FFmpeg is used for all but WAV.
        seconds: the most that is decoded.

    Raises:
        HomeAssistantError: FFmpeg is needed, and is not available.
    """
    if not sound:
        return b""
    with suppress(NotReadableError):
        return await hass.async_add_executor_job(read_wav, sound, seconds)
    binary = await async_find_ffmpeg(hass)
    if binary is None:
        raise action_error("ffmpeg_missing")
    if sound[4:8] != _MP4:
        return await _async_convert(binary, seconds, "pipe", PIPE, sound)
    with await hass.async_add_executor_job(_file, sound) as file:
        return await _async_convert(binary, seconds, "fd", file, None)


async def _async_convert(
    binary: str, seconds: int, protocol: str, stdin: int | BinaryIO, sent: bytes | None
) -> bytes:
    """Run FFmpeg, which can read nothing but its input."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(binary, "-hide_banner", "-nostdin", "-loglevel", "quiet"),
            *("-protocol_whitelist", protocol, "-i", f"{protocol}:"),
            *("-map", "0:a:0", "-t", str(seconds), "-f", "s16le"),
            *("-ar", str(SAMPLE_RATE), "-ac", "1", "pipe:1"),
            stdin=stdin,
            stdout=PIPE,
            stderr=DEVNULL,
        )
    except OSError:
        raise action_error("ffmpeg_missing") from None
    try:
        pcm, _ = await process.communicate(sent)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return pcm[: len(pcm) - len(pcm) % SAMPLE_WIDTH]


def _file(content: bytes) -> BinaryIO:
    """Return a file that exists in memory only."""
    file = os.fdopen(os.memfd_create("media"), "w+b")
    file.write(content)
    file.seek(0)
    return file

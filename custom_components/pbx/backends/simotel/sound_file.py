"""The sounds that are stored on a Simotel: 8 kHz, 16-bit mono WAV files."""

from array import array
import io
import sys
from typing import Final
import wave

from ..announcement import SAMPLE_WIDTH

FILE_RATE: Final = 8_000
SHORTEST: Final = 1.2
"""Seconds that a sound lasts at least.

A box that asks again earlier has not played it.
"""


def sound_file(pcm: bytes, pause: float) -> bytes:
    """Return the file of a sound, with silence at its end.

    Args:
        pcm: samples, as of `Audio`.
        pause: seconds of silence. There is more if the sound would be too short.
    """
    samples = _halve_rate(pcm)
    length = max(len(samples) + round(pause * FILE_RATE), round(SHORTEST * FILE_RATE))
    samples.extend(array("h", bytes((length - len(samples)) * SAMPLE_WIDTH)))
    if sys.byteorder == "big":  # pragma: no cover - not on the test machines
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_WIDTH)
        writer.setframerate(FILE_RATE)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def _halve_rate(pcm: bytes) -> array[int]:
    """Return every second sample, without what is above half of the new rate.

    The filter is the shortest useful half-band one: -1 0 9 16 9 0 -1, by 32.
    """
    samples = array("h", pcm[: len(pcm) // SAMPLE_WIDTH * SAMPLE_WIDTH])
    if sys.byteorder == "big":  # pragma: no cover - as above
        samples.byteswap()
    # Silence before and after: each sample has three neighbors on each side.
    silence = array("h", bytes(3 * SAMPLE_WIDTH))
    padded = silence + samples + silence
    taps = (padded[offset::2] for offset in (0, 2, 3, 4, 6))
    return array(
        "h",
        [
            max(-32_768, min((16 * now + 9 * (a + b) - (c + d)) // 32, 32_767))
            for c, a, now, b, d in zip(*taps, strict=False)
        ],
    )

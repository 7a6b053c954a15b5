"""Tones for words, and how much of them is heard.

Sound is PCM: mono, 16-bit little-endian samples, 16,000 each second.
"""

import io
from typing import Final, NamedTuple
import wave
import zlib

import numpy as np
import numpy.typing as npt

SAMPLE_RATE: Final = 16_000
SAMPLE_WIDTH: Final = 2
# A word lasts this long, and so much of that is silence.
WORD_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 0.05
# Tones fade in and out, so that they do not click.
_EDGE_SECONDS: Final = 0.01
# What a telephone transmits.
_LOWEST, _HIGHEST = 300, 3_000
_LOUDNESS: Final = 12_000
# A part that is softer than this share of the loudest one is silence.
_SILENCE: Final = 1e-3
# Two likenesses that differ by less are of the same sound.
_SAME: Final = 0.01

type Samples = npt.NDArray[np.float64]


class Found(NamedTuple):
    """Where a sound is heard best.

    Attributes:
        likeness: from 0 (not at all) to 1 (the same but for its loudness).
        seconds: where it begins; negative if its beginning is missing.
    """

    likeness: float
    seconds: float


def say(text: str) -> bytes:
    """Return a text as PCM: a tone for each word; empty if it has no words."""
    return b"".join(map(_tone, text.split()))


def frequency(word: str) -> int:
    """Return the frequency of a word in hertz, regardless of case."""
    number = zlib.crc32(word.casefold().encode())
    return _LOWEST + number % (_HIGHEST - _LOWEST + 1)


def to_wav(pcm: bytes) -> bytes:
    """Return PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(SAMPLE_WIDTH)
        written.setframerate(SAMPLE_RATE)
        written.writeframes(pcm)
    return file.getvalue()


def likeness(heard: bytes, said: bytes) -> float:
    """Return how much a part of what was heard is like what was said, from 0 to 1.

    This is the normalized correlation at the position where it is largest.
    """
    return find(heard, said).likeness


def find(heard: bytes, said: bytes) -> Found:
    """Return where what was said is heard best; the first time if it is repeated."""
    sound, wanted = _samples(heard), _samples(said)
    if not (sound.any() and wanted.any()):
        return Found(0.0, 0.0)
    # It may begin before what was heard, and end after it.
    edge = np.zeros(len(wanted))
    padded = np.concatenate((edge, sound, edge))
    size = 1 << (len(padded) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(padded, size) * np.conj(np.fft.rfft(wanted, size))
    products = np.fft.irfft(spectrum, size)[: len(padded) - len(wanted) + 1]
    sums = np.concatenate(([0.0], np.cumsum(padded * padded)))
    energies = sums[len(wanted) :] - sums[: -len(wanted)]
    energies[energies < _SILENCE * energies.max()] = np.inf
    matches = products / np.sqrt(energies * (wanted @ wanted))
    best = matches.max()
    first = int((matches >= best - _SAME).argmax())
    return Found(min(float(best), 1.0), (first - len(wanted)) / SAMPLE_RATE)


def _tone(word: str) -> bytes:
    length = round((WORD_SECONDS - PAUSE_SECONDS) * SAMPLE_RATE)
    tone = np.sin(2 * np.pi * frequency(word) * np.arange(length) / SAMPLE_RATE)
    edge = np.sin(np.linspace(0, np.pi / 2, round(_EDGE_SECONDS * SAMPLE_RATE))) ** 2
    tone[: len(edge)] *= edge
    tone[-len(edge) :] *= edge[::-1]
    silence = bytes(round(PAUSE_SECONDS * SAMPLE_RATE) * SAMPLE_WIDTH)
    return (_LOUDNESS * tone).astype("<i2").tobytes() + silence


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm[: len(pcm) & ~1], "<i2").astype(np.float64)

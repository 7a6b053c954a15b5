"""Sound files: their form, their length, and what is left of the sound."""

from array import array
import io
import math
import wave

import pytest

from custom_components.pbx.backends.announcement import SAMPLE_RATE
from custom_components.pbx.backends.simotel.sound_file import FILE_RATE, sound_file


def _read(file: bytes) -> array[int]:
    with wave.open(io.BytesIO(file)) as reader:
        assert reader.getnchannels() == 1
        assert reader.getsampwidth() == 2
        assert reader.getframerate() == FILE_RATE
        return array("h", reader.readframes(reader.getnframes()))


def _tone(hertz: float, seconds: float, level: int = 20_000) -> bytes:
    step = 2 * math.pi * hertz / SAMPLE_RATE
    samples = (math.sin(step * n) for n in range(round(seconds * SAMPLE_RATE)))
    return array("h", [round(level * each) for each in samples]).tobytes()


@pytest.mark.parametrize(
    ("seconds", "pause", "length"),
    [
        (3, 0, 3),
        (3, 1, 4),
        (3, 2.5, 5.5),
        (0.5, 0, 1.2),
        (0.5, 0.6, 1.2),
        (0, 1.5, 1.5),
    ],
)
def test_length(seconds: float, pause: float, length: float) -> None:
    """Silence follows the sound, at least as much as its shortest length needs."""
    samples = _read(sound_file(_tone(400, seconds), pause))
    assert len(samples) == pytest.approx(length * FILE_RATE, abs=1)
    assert not any(samples[round(seconds * FILE_RATE) + 1 :])


@pytest.mark.parametrize(
    ("hertz", "most", "least"), [(400, 1.02, 0.98), (2_000, 1.05, 0.9), (7_000, 0.1, 0)]
)
def test_filter(hertz: float, most: float, least: float) -> None:
    """Speech stays as loud as it is; what is too high becomes no other tone."""
    samples = _read(sound_file(_tone(hertz, 2), 0))
    loudest = max(map(abs, samples[100:-100])) / 20_000
    assert least <= loudest <= most


def test_loudest() -> None:
    """A sound at its limits is not turned over."""
    samples = array("h", [32_767] * 8 + [-32_768] * 8) * 2_000
    made = _read(sound_file(samples.tobytes(), 0))
    assert max(made) == 32_767
    assert min(made) == -32_768


def test_odd_byte() -> None:
    """Half a sample is dropped."""
    assert _read(sound_file(_tone(400, 2) + b"\0", 0)) == _read(
        sound_file(_tone(400, 2), 0)
    )

"""What a phone has heard, compared with what was said."""

import numpy as np

from scripts.support.tones import find

# Sound of a phone.
_RATE, _WIDTH = 8000, 2
# `find` measures with the rate of announcements.
_FASTER = 2


def likeness(heard: bytes, said: bytes) -> float:
    """Return how alike the two are at the best place, from 0 to 1.

    Args:
        heard: 8 kHz, 16 bit, of any length.
        said: 16 kHz, 16 bit.
    """
    return find(heard, at_the_phone(said)).likeness


def places(heard: bytes, said: bytes, *, from_likeness: float = 0.9) -> list[float]:
    """Return when what was said was heard, in seconds from the start of `heard`."""
    rest, said = bytearray(heard), at_the_phone(said)
    found: list[float] = []
    while (best := find(bytes(rest), said)).likeness >= from_likeness:
        seconds = best.seconds * _FASTER
        found.append(seconds)
        start = max(0, round(seconds * _RATE)) * _WIDTH
        size = len(rest[start : start + len(said)])
        rest[start : start + size] = bytes(size)
    return sorted(found)


def at_the_phone(said: bytes) -> bytes:
    """Return what was said at the rate of a phone: 8 kHz instead of 16 kHz."""
    return np.frombuffer(said, "<i2")[::_FASTER].tobytes()

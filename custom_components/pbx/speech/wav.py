"""WAV files to the samples of an audio, without a program that converts them."""

from collections.abc import Iterator
import struct
from typing import Final, NamedTuple

from ..backends.announcement import SAMPLE_RATE, SAMPLE_WIDTH

# Home Assistant requires the package of this module, but does not promise to. Without
# it, only a WAV that needs no conversion is read here.
try:
    import audioop
except ImportError:  # pragma: no cover - the tests replace the module
    audioop = None  # type: ignore[assignment]

_PCM: Final = 1
# The format stands in the first two bytes of an identifier, at the end of the chunk.
_EXTENSIBLE: Final = 0xFFFE
_FORMAT: Final = struct.Struct("<HHIIHH")
_SUBFORMAT: Final = struct.Struct("<24xH")
_CHUNK: Final = struct.Struct("<4sI")
_UNSIGNED: Final = 128
_WIDTHS: Final = (1, 2, 3, 4)
_CHANNELS: Final = (1, 2)
_RATES: Final = range(4_000, 384_001)


class NotReadableError(ValueError):
    """The data are not a WAV of whole-number samples, in mono or stereo."""


class _Format(NamedTuple):
    channels: int
    rate: int
    width: int

    @property
    def frame(self) -> int:
        """The bytes of the samples of one moment."""
        return self.channels * self.width


def read_wav(data: bytes, seconds: int) -> bytes:
    """Return the samples of a WAV as those of an `Audio`.

    Sizes in a header are not relied on: a WAV that was streamed states false ones.

    Args:
        data: the file.
        seconds: the most that is read.

    Raises:
        NotReadableError: the data are something else, or need another program.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotReadableError
    form: _Format | None = None
    for name, content in _chunks(memoryview(data)[12:]):
        if name == b"fmt ":
            form = _format(content)
        elif name == b"data" and form is not None:
            end = min(len(content), seconds * form.rate * form.frame)
            return _samples(content[: end - end % form.frame], form)
    raise NotReadableError


def _chunks(rest: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and the content of each chunk.

    A size of 0, or one larger than what is left, is false: the samples of such a chunk
    go on to the end.
    """
    while len(rest) >= _CHUNK.size:
        name, size = _CHUNK.unpack_from(rest)
        rest = rest[_CHUNK.size :]
        is_false = size > len(rest) or (name == b"data" and not size)
        yield name, rest if is_false else rest[:size]
        # Chunks begin at even positions.
        rest = rest[size + size % 2 :]


def _format(content: memoryview) -> _Format:
    if len(content) < _FORMAT.size:
        raise NotReadableError
    kind, channels, rate, _, _, bits = _FORMAT.unpack_from(content)
    if kind == _EXTENSIBLE and len(content) >= _SUBFORMAT.size:
        (kind,) = _SUBFORMAT.unpack_from(content)
    width, rest = divmod(bits, 8)
    if (
        kind != _PCM
        or rest
        or width not in _WIDTHS
        or channels not in _CHANNELS
        or rate not in _RATES
    ):
        raise NotReadableError
    return _Format(channels, rate, width)


def _samples(content: memoryview, form: _Format) -> bytes:
    if form == (1, SAMPLE_RATE, SAMPLE_WIDTH):
        return bytes(content)
    if audioop is None:
        raise NotReadableError
    # Second by second, as nothing else runs while a fragment is converted.
    step, state, converted = form.rate * form.frame, None, []
    for start in range(0, len(content), step):
        part = bytes(content[start : start + step])
        if form.width == 1:
            part = audioop.bias(part, 1, _UNSIGNED)
        part = audioop.lin2lin(part, form.width, SAMPLE_WIDTH)
        if form.channels > 1:
            part = audioop.tomono(part, SAMPLE_WIDTH, 0.5, 0.5)
        part, state = audioop.ratecv(
            part, SAMPLE_WIDTH, 1, form.rate, SAMPLE_RATE, state
        )
        converted.append(part)
    return b"".join(converted)

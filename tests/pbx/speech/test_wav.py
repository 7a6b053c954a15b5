"""Tests of WAV files that are read without another program."""

import struct
from typing import Final

from hypothesis import given, strategies as st
import numpy as np
import pytest

from custom_components.pbx.speech import wav
from custom_components.pbx.speech.wav import NotReadableError, read_wav
from scripts.support.tones import find, likeness, say, to_wav

PCM: Final = say("The front door is open")
PCM_FORMAT, FLOAT, MULAW, EXTENSIBLE = 1, 3, 7, 0xFFFE


def header(
    *,
    form: int = PCM_FORMAT,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    more: bytes = b"",
) -> bytes:
    """Return the chunk of the format."""
    frame = channels * bits // 8
    content = struct.pack(
        "<HHIIHH", form, channels, rate, rate * frame % 2**32, frame % 2**16, bits
    )
    return chunk(b"fmt ", content + more)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    """Return a chunk; its size may be false."""
    size = len(content) if size is None else size
    return name + struct.pack("<I", size) + content + bytes(len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    """Return a WAV of chunks, whose size is false."""
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


def resampled(rate: int) -> list[int]:
    """Return the samples of the test sound at another rate."""
    spectrum = np.fft.rfft(np.frombuffer(PCM, "<i2"))
    count = len(PCM) // 2 * rate // 16_000
    samples = np.fft.irfft(spectrum, count) * rate / 16_000
    return [round(each) for each in samples.tolist()]


def packed(samples: list[int], width: int) -> bytes:
    """Return 16-bit samples as those of another width."""
    if width == 1:
        return bytes((each >> 8) + 128 for each in samples)
    wide = (each << (width - 2) * 8 for each in samples)
    return b"".join(each.to_bytes(width, "little", signed=True) for each in wide)


def test_as_it_is() -> None:
    """A WAV of the rate and width of an audio is not changed."""
    assert read_wav(to_wav(PCM), 10) == PCM


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, None])
def test_size(size: int | None) -> None:
    """The size of a sound that was streamed is false."""
    streamed = riff(header(), chunk(b"data", PCM, size))
    assert read_wav(streamed, 10) == PCM


@pytest.mark.parametrize("content", [b"INFOISFT\x04\x00\x00\x00Lavf", b"odd"])
def test_other_chunks(content: bytes) -> None:
    """Other chunks, before and after the sound, are not heard."""
    note = chunk(b"LIST", content)
    assert read_wav(riff(note, header(), note, chunk(b"data", PCM), note), 10) == PCM


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_converted(width: int, rate: int, channels: int) -> None:
    """Other widths, rates and channels are converted."""
    samples = [each for each in resampled(rate) for _ in range(channels)]
    form = header(channels=channels, rate=rate, bits=8 * width)
    pcm = read_wav(riff(form, chunk(b"data", packed(samples, width))), 10)
    assert likeness(pcm, PCM) > 0.99
    assert abs(find(pcm, PCM).seconds) < 0.001
    assert len(pcm) == pytest.approx(len(PCM), abs=4)


def test_mono() -> None:
    """Both channels are heard, each half as loud."""
    left_only = b"".join(PCM[at : at + 2] + bytes(2) for at in range(0, len(PCM), 2))
    pcm = read_wav(riff(header(channels=2), chunk(b"data", left_only)), 10)
    assert likeness(pcm, PCM) > 0.999
    loudest = max(struct.unpack(f"<{len(pcm) // 2}h", pcm))
    assert loudest == pytest.approx(12_000 / 2, abs=10)


def test_extensible() -> None:
    """The longer form of the header is read."""
    more = struct.pack("<HHIH14x", 22, 16, 4, PCM_FORMAT)
    form = header(form=EXTENSIBLE, more=more)
    assert read_wav(riff(form, chunk(b"data", PCM)), 10) == PCM


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_longest(rate: int) -> None:
    """No more than the given length is read."""
    sound = riff(header(rate=rate), chunk(b"data", bytes(rate * 2 * 3)))
    assert len(read_wav(sound, 2)) == pytest.approx(2 * 32_000, abs=4)


def test_whole_samples() -> None:
    """Half a sample at the end is dropped."""
    assert read_wav(riff(header(), chunk(b"data", PCM + b"\x01", 0))[:-1], 10) == PCM


def test_empty() -> None:
    """A WAV without sound is read."""
    assert read_wav(to_wav(b""), 10) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ID3\x04 an mp3",
        b"RIFF\x04\x00\x00\x00AVI " + header() + chunk(b"data", PCM),
        riff(),
        riff(header()),
        riff(chunk(b"data", PCM), header()),
        riff(chunk(b"fmt ", b"\x01\x00"), chunk(b"data", PCM)),
        riff(header(form=FLOAT, bits=32), chunk(b"data", PCM)),
        riff(header(form=MULAW, bits=8), chunk(b"data", PCM)),
        riff(header(form=EXTENSIBLE), chunk(b"data", PCM)),
        riff(header(channels=6), chunk(b"data", PCM)),
        riff(header(channels=0), chunk(b"data", PCM)),
        riff(header(rate=0), chunk(b"data", PCM)),
        riff(header(bits=0), chunk(b"data", PCM)),
        riff(header(bits=12), chunk(b"data", PCM)),
        riff(header(bits=64), chunk(b"data", PCM)),
    ],
)
def test_not_readable(data: bytes) -> None:
    """What is something else is left to another program."""
    with pytest.raises(NotReadableError):
        read_wav(data, 10)


def test_without_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the module that converts, only a WAV of the right kind is read."""
    monkeypatch.setattr(wav, "audioop", None)
    assert read_wav(to_wav(PCM), 10) == PCM
    with pytest.raises(NotReadableError):
        read_wav(riff(header(rate=8_000), chunk(b"data", PCM)), 10)


_NUMBERS = st.integers(0, 2**16 - 1)
_HEADERS = st.builds(
    header,
    form=st.sampled_from([PCM_FORMAT, EXTENSIBLE]) | _NUMBERS,
    channels=st.integers(0, 3) | _NUMBERS,
    rate=st.integers(0, 2**32 - 1) | st.sampled_from([8_000, 16_000, 384_000]),
    bits=st.integers(0, 5).map(lambda width: 8 * width) | _NUMBERS,
    more=st.binary(max_size=24),
)
_CHUNKS = st.builds(
    chunk,
    st.sampled_from([b"data", b"LIST", b"fmt "]) | st.binary(min_size=4, max_size=4),
    st.binary(max_size=200),
    st.none() | st.integers(0, 2**32 - 1),
)
_WAVS = st.lists(_HEADERS | _CHUNKS, max_size=5).map(lambda all_: riff(*all_))


@given(data=st.binary() | _WAVS | st.binary().map(lambda rest: riff() + rest))
def test_any_bytes(data: bytes) -> None:
    """Bytes of any kind are either samples or not readable."""
    try:
        pcm = read_wav(data, 1)
    except NotReadableError:
        return
    assert len(pcm) % 2 == 0
    assert len(pcm) <= 32_000 + 4

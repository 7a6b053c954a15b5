"""Reading uploads, and the lengths of sounds."""

import io
import wave

from hypothesis import example, given, strategies as st
import pytest

from sandbox.multipart import Upload, read_uploads, wav_seconds

from .helpers import wav

TYPE = 'multipart/form-data; boundary="x"'


def _part(head: str, content: bytes) -> bytes:
    return f"--x\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


FILE = 'Content-Disposition: form-data; name="file"; filename="a.wav"'


def test_fields_and_files() -> None:
    """Only files count, whatever other fields come with them."""
    body = (
        _part('content-disposition: form-data; name="comment"', b"hello")
        + _part(f"Content-Type: audio/wav\r\n{FILE}", b"\r\n--sound\r\n")
        + b"--x--\r\n"
    )
    assert read_uploads(TYPE, body) == {"file": Upload("a.wav", b"\r\n--sound\r\n")}
    assert read_uploads(TYPE, _part("X-Other: 1", b"") + b"--x--") == {}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (TYPE, b""),
        (TYPE, b"--x"),
        (TYPE, _part(FILE, b"sound")),
        (TYPE, b"preamble\r\n" + _part(FILE, b"sound") + b"--x--"),
        (TYPE, b"--x\r\n" + FILE.encode() + b"\r\n--x--"),
        ("multipart/form-data", _part(FILE, b"sound") + b"--x--"),
        ("multipart/form-data; boundary=y", _part(FILE, b"sound") + b"--x--"),
    ],
)
def test_bodies_that_are_not_valid(content_type: str, body: bytes) -> None:
    """A part, a boundary or the end is missing."""
    assert read_uploads(content_type, body) is None


@given(st.binary(max_size=200))
@example(b"\r\n--x")
@example(b"--x\r\n\r\n\r\n--x--")
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Nothing that a client sends breaks the PBX."""
    read_uploads(TYPE, body)
    read_uploads(TYPE, b"--x" + body + b"--x--")


@pytest.mark.parametrize("channels", [1, 2])
def test_lengths(channels: int) -> None:
    """In seconds, for one channel and for two."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * channels * 24_000))
    assert wav_seconds(content.getvalue()) == 1.5


def test_a_wav_that_was_cut_off() -> None:
    """What is there counts, not what the header says."""
    whole = wav(4)
    assert wav_seconds(whole[: 44 + 16_000]) == 1


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda tail: wav(0) + tail))
@example(b"")
@example(b"RIFF")
@example(wav(1)[:30])
def test_any_bytes_are_a_wav_or_not(content: bytes) -> None:
    """Whatever is uploaded."""
    try:
        assert wav_seconds(content) >= 0
    except ValueError as error:
        assert str(error) == "not a WAV"  # noqa: PT017 - most bytes are none

"""Uploads: files in a body of the type multipart/form-data, and lengths of WAVs."""

from dataclasses import dataclass
from email.message import Message
import io
import wave


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file."""

    filename: str
    content: bytes


def read_uploads(content_type: str, body: bytes) -> dict[str, Upload] | None:
    """Return the files by the names of their fields; None if the body is not valid."""
    boundary = _header(content_type).get_param("boundary", "")
    if not isinstance(boundary, str) or not boundary:
        return None
    # The first boundary has no line end before it.
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if first or not parts or not parts.pop().startswith(b"--"):
        return None
    uploads: dict[str, Upload] = {}
    for part in parts:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            return None
        name, filename = _names(head)
        if filename:
            uploads[name] = Upload(filename, content)
    return uploads


def wav_seconds(content: bytes) -> float:
    """Return the length of a WAV.

    Raises:
        ValueError: it is not a WAV.
    """
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            size = file.getnchannels() * file.getsampwidth()
            # The header of a file that was cut off promises more than there is.
            frames = len(file.readframes(file.getnframes())) // size
            return frames / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise ValueError("not a WAV") from error


def _names(head: bytes) -> tuple[str, str]:
    """Return the name of the field, and of the file, from the head of a part."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            header = _header(value)
            fields = (header.get_param(each, "") for each in ("name", "filename"))
            field, filename = (each if isinstance(each, str) else "" for each in fields)
            return field, filename
    return "", ""


def _header(value: str) -> Message:
    message = Message()
    message["Content-Type"] = value.strip()
    return message

"""HTTP helpers shared by all kinds of PBX: requests, content, clocks and errors."""

from collections.abc import Callable, Iterable, Mapping
from http import cookiejar
import json
import math
import os
from typing import Any, Final, TypedDict, override

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import CONNECTION, DATE

from .errors import PbxError, PbxErrorCode
from .redaction import clean_text

_MAX_CONTENT: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024

# The fields that hold the reason in a structured error response, and how deep they are
# searched for.
_REASONS: Final = frozenset(
    {"message", "messages", "error", "errors", "reason", "detail", "details"}
)
_MAX_DEPTH: Final = 4


class JsonBody(aiohttp.BytesPayload):
    """A JSON request body that records whether it may have been sent."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Initialize the body with a value."""
        super().__init__(json.dumps(value).encode(), content_type="application/json")
        self.sent = False

    @override
    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,
    ) -> None:
        """Write the body; from here on the PBX may process the request."""
        self.sent = True
        await super().write_with_length(writer, content_length)


class _UniqueHost(str):
    """A host name that only equals itself, even if another one has the same text.

    aiohttp has no option that forces a new connection. Its connection pool is keyed
    by, among others, the server name that the certificate is checked for: with an
    instance of this class, the pool never has a matching connection, and the
    certificate is checked as usual.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class _Options(TypedDict):
    headers: Mapping[str, str]
    server_hostname: str | None


def request_options(headers: Mapping[str, str], host: str, *, is_new: bool) -> _Options:
    """Return the options of an aiohttp request that control its connection.

    A PBX may close an idle connection at the moment it is reused. It would then be
    unknown whether a call was placed, so calls are placed on a new connection.

    Args:
        headers: of the request.
        host: of the PBX.
        is_new: whether the request needs a new connection.
    """
    if not is_new:
        return {"headers": headers, "server_hostname": None}
    return {
        "headers": {**headers, CONNECTION: "close"},
        "server_hostname": _UniqueHost(host),
    }


class ServerClock:
    """The offset of a PBX's clock, by the dates of its responses.

    Args:
        clock: returns the local Unix time.

    Attributes:
        offset: whole seconds that the PBX's clock is ahead of the local clock, by the
            last response that had a date.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Initialize the clock without an offset."""
        self._clock = clock
        self.offset = 0.0

    def update(self, response: aiohttp.ClientResponse) -> None:
        """Update the offset from the date of a response, if it has one."""
        offset = clock_offset(response.headers.get(DATE, ""), self._clock())
        self.offset = self.offset if offset is None else offset


def check_open(session: aiohttp.ClientSession) -> None:
    """Check that the session is open, as it is closed when Home Assistant stops.

    Raises:
        PbxError: the session is closed, for which aiohttp raises a `RuntimeError`.
    """
    if session.closed:
        raise PbxError(PbxErrorCode.CANNOT_CONNECT, "the session is closed")


async def read_content(response: aiohttp.ClientResponse) -> bytes:
    """Return the content of a response; empty if it exceeds the size limit.

    Raises:
        TimeoutError, aiohttp.ClientError, OSError: the connection was lost.
    """
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > _MAX_CONTENT:
            return b""
    return bytes(content)


def extract_text(value: object, depth: int = _MAX_DEPTH) -> str:
    """Return the text in a value of any shape, not redacted; empty if there is none.

    Of an object, return the fields that hold a reason, or else all fields.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not depth:
        return ""
    if isinstance(value, list):
        texts = (extract_text(each, depth - 1) for each in value)
        return ", ".join(filter(None, texts))
    if not isinstance(value, Mapping):
        return ""
    named = {str(key): extract_text(each, depth - 1) for key, each in value.items()}
    reasons = [words for key, words in named.items() if key.casefold() in _REASONS]
    fields = (f"{key}: {words}" for key, words in named.items() if words)
    return ", ".join(filter(None, reasons)) or ", ".join(fields)


def transport_error(err: Exception, secrets: Iterable[str] = ()) -> PbxError:
    """Return the error for a request that got no response, by its cause.

    Raise it `from None`: the cause contains the host, and possibly text from the PBX.

    Args:
        err: the cause.
        secrets: to be masked in the message.
    """
    match err:
        case aiohttp.ClientConnectorDNSError():
            words = err.os_error.strerror or "name not found"
            return PbxError(PbxErrorCode.HOST_NOT_FOUND, clean_text(words, secrets))
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            words = getattr(cause, "verify_message", "") or str(cause)
            return PbxError(PbxErrorCode.SSL_ERROR, clean_text(words, secrets))
        case aiohttp.ClientSSLError():
            return PbxError(
                PbxErrorCode.SSL_ERROR, clean_text(err.strerror or err, secrets)
            )
        case OSError(errno=int(number)) if number > 0:
            # The exception's own message contains the address.
            return PbxError(PbxErrorCode.CANNOT_CONNECT, os.strerror(number))
        case _:
            words = clean_text(err, secrets) or type(err).__name__
            return PbxError(PbxErrorCode.CANNOT_CONNECT, words)


def clock_offset(date: str, now: float) -> float | None:
    """Return the whole seconds that a PBX's clock is ahead of the local clock.

    Args:
        date: the `Date` header of a response, which has no fractions of seconds.
        now: Unix time by the local clock.

    Returns:
        None if the date is invalid.
    """
    server_time: float | None = cookiejar.http2time(date)  # type: ignore[attr-defined]
    return None if server_time is None else server_time - math.floor(now)

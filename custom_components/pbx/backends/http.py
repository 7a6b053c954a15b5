"""What all kinds of PBX that are asked by HTTP have in common.

No Home Assistant in here: sessions and clocks come from outside.
"""

from collections.abc import Callable, Iterable, Mapping
from http import cookiejar
import json
import math
import os
from typing import Any, Final, TypedDict, override

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import CONNECTION, DATE

from .base import PbxError, PbxErrorCode
from .redaction import clean_text

_MAX_CONTENT: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024

# What holds the reason in an answer that is more than a text, and how deep it is
# looked for.
_REASONS: Final = frozenset(
    {"message", "messages", "error", "errors", "reason", "detail", "details"}
)
_MAX_DEPTH: Final = 4


class JsonBody(aiohttp.BytesPayload):
    """A request's body that knows whether any of it may have left."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Hold the value as JSON."""
        super().__init__(json.dumps(value).encode(), content_type="application/json")
        self.sent = False

    @override
    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,
    ) -> None:
        """Write the body; from here on the PBX may act on it."""
        self.sent = True
        await super().write_with_length(writer, content_length)


class _NewHost(str):
    """A host name that equals itself alone, also where another has the same letters.

    aiohttp has no argument for a new connection. But its pool looks for an idle one
    by, among others, the name that a certificate has to have: by this name, there is
    none, before the request or after it. The name itself is the one that counts
    without it as well.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class _Options(TypedDict):
    headers: Mapping[str, str]
    server_hostname: str | None


def request_options(headers: Mapping[str, str], host: str, *, is_new: bool) -> _Options:
    """Return what aiohttp is told of the connection of a request.

    A PBX may close a connection that was idle in the moment in which it is used
    again; nobody could tell then whether a call was placed. So a call gets a
    connection of its own.

    Args:
        headers: of the request.
        host: that is asked.
        is_new: whether it needs a connection that nothing has used before.
    """
    if not is_new:
        return {"headers": headers, "server_hostname": None}
    return {
        "headers": {**headers, CONNECTION: "close"},
        "server_hostname": _NewHost(host),
    }


class ServerClock:
    """How far a PBX's clock is ahead of ours, by the dates of its answers.

    Args:
        clock: gives our Unix time.

    Attributes:
        offset: whole seconds, by the last answer that had a date.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Initialize the clock as ours, until an answer says otherwise."""
        self._clock = clock
        self.offset = 0.0

    def note(self, response: aiohttp.ClientResponse) -> None:
        """Take note of the date of an answer, if it has one."""
        offset = clock_offset(response.headers.get(DATE, ""), self._clock())
        self.offset = self.offset if offset is None else offset


def check_open(session: aiohttp.ClientSession) -> None:
    """Refuse a request that Home Assistant's end has overtaken.

    Raises:
        PbxError: the session was closed; aiohttp itself has no error but its
            `RuntimeError` for that.
    """
    if session.closed:
        raise PbxError(PbxErrorCode.CANNOT_CONNECT, "the session is closed")


async def read_content(response: aiohttp.ClientResponse) -> bytes:
    """Return an answer's content; a longer one than any PBX sends counts as none.

    Raises:
        TimeoutError, aiohttp.ClientError, OSError: it broke off.
    """
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > _MAX_CONTENT:
            return b""
    return bytes(content)


def words_of(value: object, depth: int = _MAX_DEPTH) -> str:
    """Return what a PBX says in a value of any shape, not cleaned; perhaps nothing.

    Of an object, its reason is taken if it has one, or else all that it says.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not depth:
        return ""
    if isinstance(value, list):
        told = (words_of(each, depth - 1) for each in value)
        return ", ".join(filter(None, told))
    if not isinstance(value, Mapping):
        return ""
    named = {str(key): words_of(each, depth - 1) for key, each in value.items()}
    reasons = [words for key, words in named.items() if key.casefold() in _REASONS]
    fields = (f"{key}: {words}" for key, words in named.items() if words)
    return ", ".join(filter(None, reasons)) or ", ".join(fields)


def transport_error(err: Exception, secrets: Iterable[str] = ()) -> PbxError:
    """Return the error of a request that got no answer, by its cause.

    Raise it `from None`: the cause names the host, and may repeat what the PBX said.

    Args:
        err: the cause.
        secrets: what is not to be repeated.
    """
    match err:
        case aiohttp.ClientConnectorDNSError():
            words = err.os_error.strerror or "the name is not known"
            return PbxError(PbxErrorCode.HOST_NOT_FOUND, clean_text(words, secrets))
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            words = getattr(cause, "verify_message", "") or str(cause)
            return PbxError(PbxErrorCode.SSL_ERROR, clean_text(words, secrets))
        case aiohttp.ClientSSLError():
            return PbxError(
                PbxErrorCode.SSL_ERROR, clean_text(err.strerror or err, secrets)
            )
        case OSError(errno=int(number)) if number > 0:
            # Its own words name the address, which the person typed in.
            return PbxError(PbxErrorCode.CANNOT_CONNECT, os.strerror(number))
        case _:
            words = clean_text(err, secrets) or type(err).__name__
            return PbxError(PbxErrorCode.CANNOT_CONNECT, words)


def clock_offset(date: str, now: float) -> float | None:
    """Return how many whole seconds a PBX's clock is ahead of ours.

    Args:
        date: the `Date` header of an answer, which has no fractions of seconds.
        now: Unix time by our clock.

    Returns:
        None for what is no date.
    """
    told: float | None = cookiejar.http2time(date)  # type: ignore[attr-defined]
    return None if told is None else told - math.floor(now)

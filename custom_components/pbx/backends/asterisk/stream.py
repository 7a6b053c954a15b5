"""The WebSocket event stream of an Asterisk.

Source: Asterisk's documentation of ARI's events and applications.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import json
from typing import Any, Final

import aiohttp

from ..errors import PbxError, PbxErrorCode, TakenOverError
from ..http import check_open, transport_error
from ..redaction import clean_text
from .access import Access, Timeouts
from .errors import answer_error
from .models import Answer

# Seconds that the closing handshake may take.
_CLOSE_TIMEOUT: Final = 1
_MAX_MESSAGE: Final = 1024 * 1024
# The most frequent events of a call, which this integration does not use. Keys are not
# among them: they are rare, and a filter that changed with each call could miss some.
IGNORED_EVENTS: Final = ("ChannelVarset", "ChannelDialplan")

_ENDS: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)


class EventStream:
    """The event stream of an Asterisk.

    Args:
        session: owned by the caller.
        access: the PBX's address and credentials.
        timeouts: for connecting, and for an idle connection.
    """

    def __init__(
        self, session: aiohttp.ClientSession, access: Access, timeouts: Timeouts
    ) -> None:
        """Initialize the stream without connecting."""
        self._session = session
        self._access = access
        self._timeouts = timeouts
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it is connected."""
        return self._socket is not None and not self._socket.closed

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Connect, and return an iterator over the events.

        Raises:
            PbxError: connecting failed, or the connection was lost.
        """
        socket = self._socket = await self._connect()
        try:
            yield self._read(socket)
        finally:
            self._socket = None
            await socket.close()

    async def close(self) -> None:
        """Close the connection, if any."""
        if self._socket is not None:
            await self._socket.close()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        check_open(self._session)
        try:
            async with asyncio.timeout(self._timeouts.request):
                return await self._session.ws_connect(
                    self._access.base_url / "events",
                    params={"app": self._access.application, "subscribeAll": "true"},
                    headers=self._access.headers(),
                    # aiohttp's own heartbeat leaves a timer behind when the
                    # connection is closed, so pings are sent by this class.
                    autoping=False,
                    max_msg_size=_MAX_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                )
        except TimeoutError as err:
            seconds = f"{self._timeouts.request:g} s"
            words = f"no response within {seconds}"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except aiohttp.WSServerHandshakeError as err:
            # aiohttp does not provide the content. Without JSON, a 404 is handled as
            # that of a PBX without ARI.
            raise answer_error(Answer(status=err.status, is_json=False)) from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise transport_error(err, self._access.secrets()) from None

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse
    ) -> AsyncIterator[Mapping[str, Any]]:
        async for text in self._texts(socket):
            event = _parse(text)
            if event.get("type") == "ApplicationReplaced":
                raise TakenOverError(clean_text(self._access.application))
            yield event

    async def _texts(
        self, socket: aiohttp.ClientWebSocketResponse
    ) -> AsyncIterator[str]:
        """Yield text messages, and ping an idle connection.

        Raises:
            PbxError: the connection was closed, or a ping was not answered.
        """
        is_pinged = False
        while True:
            try:
                message = await socket.receive(timeout=self._timeouts.heartbeat)
                is_pinged = False
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
            except TimeoutError as err:
                if is_pinged:
                    raise _lost("ping not answered") from err
                is_pinged = True
                await self._ping(socket)
            except OSError as err:
                raise transport_error(err, self._access.secrets()) from None
            else:
                if message.type in _ENDS:
                    words = f"connection closed ({socket.close_code})"
                    raise _lost(words)
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            await socket.ping()
        except OSError as err:
            raise transport_error(err, self._access.secrets()) from None


def _parse(text: str) -> Mapping[str, Any]:
    """Return an event; empty if the text is not a JSON object."""
    try:
        event = json.loads(text)
    except ValueError, RecursionError:
        return {}
    return event if isinstance(event, Mapping) else {}


def _lost(words: str) -> PbxError:
    return PbxError(PbxErrorCode.CANNOT_CONNECT, words)

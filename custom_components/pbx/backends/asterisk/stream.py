"""The WebSocket on which an Asterisk reports its events.

Source: Asterisk's documentation of ARI's events and applications.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import json
from typing import Any, Final

import aiohttp

from ..base import PbxError, PbxErrorCode, TakenOverError
from ..http import check_open, transport_error
from ..redaction import clean_text
from .access import Access, Timeouts
from .errors import answer_error
from .models import Answer

# Seconds that a farewell may take.
_CLOSE_TIMEOUT: Final = 1
_MAX_MESSAGE: Final = 1024 * 1024
# Most of what an Asterisk reports of a call; nothing is read from it here.
UNHEARD: Final = ("ChannelVarset", "ChannelDialplan", "ChannelDtmfReceived")

_ENDS: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)


class EventStream:
    """The events of an Asterisk.

    Args:
        session: made and closed by somebody else.
        access: where it is, and how it knows us.
        timeouts: how long it is given.
    """

    def __init__(
        self, session: aiohttp.ClientSession, access: Access, timeouts: Timeouts
    ) -> None:
        """Initialize the stream; nothing is connected."""
        self._session = session
        self._access = access
        self._timeouts = timeouts
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Connect, and return the events from then on.

        Raises:
            PbxError: there is no connection, or it is lost.
        """
        socket = self._socket = await self._connect()
        try:
            yield self._read(socket)
        finally:
            self._socket = None
            await socket.close()

    async def close(self) -> None:
        """Close the connection, if there is one."""
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
                    # aiohttp's own heartbeat leaves a timer behind when it is
                    # closed, so the sign of life is asked for here.
                    autoping=False,
                    max_msg_size=_MAX_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                )
        except TimeoutError as err:
            seconds = f"{self._timeouts.request:g} s"
            words = f"nothing came within {seconds}"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except aiohttp.WSServerHandshakeError as err:
            # Its content is not told: that it was no JSON is what a 404 would
            # say of a PBX without the interface.
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
        """Yield what comes; a silent connection is asked for a sign of life.

        Raises:
            PbxError: it was closed, or gave none.
        """
        is_asked = False
        while True:
            try:
                message = await socket.receive(timeout=self._timeouts.heartbeat)
                is_asked = False
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
            except TimeoutError as err:
                if is_asked:
                    raise _lost("no sign of life") from err
                is_asked = True
                await self._ping(socket)
            except OSError as err:
                raise transport_error(err, self._access.secrets()) from None
            else:
                if message.type in _ENDS:
                    words = f"the connection was closed ({socket.close_code})"
                    raise _lost(words)
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            await socket.ping()
        except OSError as err:
            raise transport_error(err, self._access.secrets()) from None


def _parse(text: str) -> Mapping[str, Any]:
    """Return an event; nothing for what is none."""
    try:
        event = json.loads(text)
    except ValueError, RecursionError:
        return {}
    return event if isinstance(event, Mapping) else {}


def _lost(words: str) -> PbxError:
    return PbxError(PbxErrorCode.CANNOT_CONNECT, words)

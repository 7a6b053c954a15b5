"""The WebSocket on which an Asterisk tells its events.

Source: Asterisk's documentation of ARI's events and applications.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Set as AbstractSet,
)
from contextlib import asynccontextmanager
from http import HTTPStatus
import json
import logging
from typing import Any, Final

import aiohttp

from ..base import (
    CannotConnectError,
    PbxError,
    RequestTimeoutError,
    Settled,
    StreamTakenOverError,
)
from ..http import transport_error
from ..redaction import clean_text
from ..updates import CallEvidence, CallResult, CallState, EvidenceSource
from .access import Access, Patience
from .errors import answer_error
from .legs import Fact, Legs
from .models import Answer, rows, unix_time

_LOGGER = logging.getLogger(__name__)

# Seconds that a farewell may take.
_CLOSE_TIMEOUT: Final = 1
_MAX_MESSAGE: Final = 1024 * 1024
# Most of what an Asterisk tells of a call; nothing is read from it here.
_UNHEARD: Final = ("ChannelVarset", "ChannelDialplan", "ChannelDtmfReceived")

_ENDS: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)

type Ask = Callable[[str, str, Mapping[str, Any] | None], Awaitable[Answer]]


class AsteriskEvents:
    """The events of an Asterisk; meets `EventStream`.

    Args:
        session: made and closed by somebody else.
        access: where it is, and how it knows us.
        patience: how long it is given.
        legs: what takes the events in.
        ask: sends a request of the REST interface, and returns its answer.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        patience: Patience,
        *,
        legs: Legs,
        ask: Ask,
    ) -> None:
        """Connect to nothing yet."""
        self._session = session
        self._access = access
        self._patience = patience
        self._legs = legs
        self._ask = ask
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._is_wanted = False
        # Whether the first attempt to connect has come to something.
        self._tried = asyncio.Event()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Fact]]:
        """Connect, and return what the PBX tells from then on.

        Raises:
            PbxError: there is no connection, or it is lost.
        """
        self._is_wanted = True
        try:
            socket = self._socket = await self._async_connect()
        except PbxError:
            self._tried.set()
            raise
        try:
            await self._async_leave_out()
            self._tried.set()
            yield self._async_read(socket)
        finally:
            self._socket = None
            await socket.close()

    async def is_abandoned(self) -> bool:
        """Return whether Asterisk knows nobody who listens under our name.

        Raises:
            PbxError: the PBX did not tell.
        """
        socket = self._socket
        answer = await self._ask(
            "GET", f"applications/{self._access.application}", None
        )
        if answer.status != HTTPStatus.NOT_FOUND or not answer.is_json:
            return False
        if socket is not None:
            await socket.close()
        return True

    async def settle(
        self, calls: Mapping[str, CallState | None], missed: AbstractSet[str]
    ) -> Settled:
        """Return what has become of calls, by the channels that there are.

        Raises:
            PbxError: the PBX did not tell.
        """
        # What an event tells of from here on is not missing.
        known = self._legs.of_others | calls.keys()
        channels = {
            channel["id"]: channel
            for channel in await self._async_rows("channels")
            if isinstance(channel.get("id"), str)
        }
        for call_id in (calls.keys() & missed) - channels.keys():
            if (channel := await self._async_channel(call_id)) is not None:
                channels[call_id] = channel
        answers = _answers(await self._async_rows("bridges"))
        missing = known - channels.keys()
        gone = missing & missed
        for channel_id in gone:
            self._legs.forget(channel_id)
        evidence = [
            _gone(call_id, calls[call_id]) for call_id in calls if call_id in gone
        ]
        evidence += self._on(calls, channels, answers)
        return Settled(evidence, missing)

    def _on(
        self,
        calls: Mapping[str, CallState | None],
        channels: Mapping[str, Mapping[str, Any]],
        answers: Mapping[str, float | None],
    ) -> list[CallEvidence]:
        """Return what is known of the calls that are on."""
        evidence = []
        for call_id, reached in calls.items():
            if call_id not in channels:
                continue
            leg = self._legs.expect(call_id)
            if channels[call_id].get("state") == "Up":
                leg.up_at = leg.up_at or unix_time(
                    channels[call_id].get("creationtime")
                )
            if call_id in answers or reached is CallState.CONNECTED:
                leg.is_answered = True
                leg.answered_at = leg.answered_at or answers.get(call_id)
                evidence.append(_on(call_id, CallState.CONNECTED, answers.get(call_id)))
            elif reached is None:
                evidence.append(_on(call_id, CallState.PLACED))
        return evidence

    async def wait_tried(self, seconds: float) -> None:
        """Wait for the first connection, if one is wanted, but not for ever.

        Where it was tried in vain, or was lost again, nobody knows for how long.
        """
        if self._is_wanted and not self._tried.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._tried.wait()
            except TimeoutError:
                _LOGGER.debug("The events are not there, the call goes without them")

    async def _async_connect(self) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._patience.request):
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
            seconds = f"{self._patience.request:g} s"
            raise RequestTimeoutError(f"nothing came within {seconds}") from err
        except aiohttp.WSServerHandshakeError as err:
            # Its content is not told: that it was no JSON is what a 404 would
            # say of a PBX without the interface.
            raise answer_error(Answer(status=err.status, is_json=False)) from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise transport_error(err, self._access.secrets()) from None

    async def _async_leave_out(self) -> None:
        """Ask for what is read here only; an Asterisk that cannot tells all."""
        try:
            await self._ask(
                "PUT",
                f"applications/{self._access.application}/eventFilter",
                {"disallowed": [{"type": name} for name in _UNHEARD]},
            )
        except PbxError as err:
            _LOGGER.debug("The events could not be thinned out: %s", err)

    async def _async_read(
        self, socket: aiohttp.ClientWebSocketResponse
    ) -> AsyncIterator[Fact]:
        async for text in self._async_texts(socket):
            event = _parse(text)
            if event.get("type") == "ApplicationReplaced":
                raise StreamTakenOverError(clean_text(self._access.application))
            for fact in self._legs.read(event):
                yield fact

    async def _async_texts(
        self, socket: aiohttp.ClientWebSocketResponse
    ) -> AsyncIterator[str]:
        """Yield what comes; a silent connection is asked for a sign of life.

        Raises:
            CannotConnectError: it was closed, or gave none.
        """
        is_asked = False
        while True:
            try:
                message = await socket.receive(timeout=self._patience.heartbeat)
                is_asked = False
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
            except TimeoutError as err:
                if is_asked:
                    raise CannotConnectError("no sign of life") from err
                is_asked = True
                await _async_ping(socket)
            except OSError as err:
                raise transport_error(err, self._access.secrets()) from None
            else:
                if message.type in _ENDS:
                    words = f"the connection was closed ({socket.close_code})"
                    raise CannotConnectError(words)
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data

    async def _async_channel(self, channel_id: str) -> Mapping[str, Any] | None:
        """Return a channel; None if there is none.

        Raises:
            PbxError: the PBX did not tell.
        """
        answer = await self._ask("GET", f"channels/{channel_id}", None)
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            return None
        if not answer.is_success:
            raise answer_error(answer)
        is_it = isinstance(answer.data, Mapping) and answer.data.get("id") == channel_id
        return answer.data if is_it else None

    async def _async_rows(self, path: str) -> list[Mapping[str, Any]]:
        answer = await self._ask("GET", path, None)
        if not answer.is_success:
            raise answer_error(answer)
        return list(rows(answer.data))


async def _async_ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    try:
        await socket.ping()
    except OSError as err:
        raise transport_error(err) from None


def _parse(text: str) -> Mapping[str, Any]:
    """Return an event; nothing for what is none."""
    try:
        event = json.loads(text)
    except ValueError, RecursionError:
        return {}
    return event if isinstance(event, Mapping) else {}


def _answers(bridges: list[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return since when channels have been talking, by their ids.

    A bridge is made when the callee answers.
    """
    answers: dict[str, float | None] = {}
    for bridge in bridges:
        channels = bridge.get("channels")
        if isinstance(channels, list) and len(channels) > 1:
            since = unix_time(bridge.get("creationtime"))
            answers |= {name: since for name in channels if isinstance(name, str)}
    return answers


def _gone(call_id: str, reached: CallState | None) -> CallEvidence:
    """Return the evidence of a call that has ended while nobody listened."""
    if reached is CallState.CONNECTED:
        result = CallResult.ANSWERED
    else:
        result = CallResult.UNDETERMINED if reached else CallResult.FAILED
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.ENDED,
        originated_call_id=call_id,
        result=result,
    )


def _on(call_id: str, state: CallState, since: float | None = None) -> CallEvidence:
    """Return the evidence of a call that has come to a state."""
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=state,
        originated_call_id=call_id,
        occurred_at=since,
    )

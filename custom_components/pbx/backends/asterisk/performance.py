"""One person who has answered an announcement, until they are let go or connected."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
import logging
import math
from typing import Any, Final

import aiohttp

from ..announcement import Announced, Announcement, Played
from ..base import CallRequest
from ..errors import CallNotFoundError, PbxError, PbxErrorCode
from ..reconnect import first_of, wait_for
from .application import Tools
from .connecting import async_connect
from .key_script import KeyScript
from .media import Media
from .speech_api import bridge_id, media_id

_LOGGER = logging.getLogger(__name__)

# Seconds after which Asterisk itself ends a call that has lasted too long.
TIME_MARGIN: Final = 60
# Seconds in which a media channel enters our application once it is connected.
_ENTER_TIMEOUT: Final = 5
# Seconds in which the last keys of a phone that has hung up are received.
_KEYS_TIMEOUT: Final = 0.5


class Performance:
    """Plays an announcement to one person, and takes their keys.

    Implements `MediaListener`.

    Args:
        tools: of our application.
        request: of the call.
        announcement: of the request.
        report: called with what came of it so far, whenever that changes.
        take_over: called to connect the second party with keys, when the phone has left
            the media channel.

    Attributes:
        announced: what came of it so far.
        is_running: whether the phone may be in our application for this announcement.
        has_left: whether the phone is let go to the second party.
        is_let_go: whether the phone has to be hung up, if it is in our application.
        misses_events: whether the phone may have hung up without an event.
        keys_read: set unless more keys may have been received than were processed.
    """

    def __init__(
        self,
        tools: Tools,
        request: CallRequest,
        announcement: Announcement,
        report: Callable[[Announced], None],
        take_over: Callable[[CallRequest], None],
    ) -> None:
        """Initialize a performance that has not begun."""
        self.announced = Announced.before(announcement)
        self.is_running = True
        self.has_left = False
        self.is_let_go = False
        self.misses_events = False
        self.keys_read = asyncio.Event()
        self.keys_read.set()
        self._tools = tools
        self._request = request
        self._announcement = announcement
        self._report = report
        self._take_over = take_over
        self._script = KeyScript(announcement)
        # The number of the repetition that is played; 0 for silence.
        self._played_now = 0
        self._media_entered = asyncio.Event()
        self._changed = asyncio.Event()
        self._is_gone = False
        self._has_media = False
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        # Whether to check if the phone was there at the last word.
        self._must_check = False

    async def run(self) -> None:
        """Play the announcement, and connect the second party or hang up."""
        try:
            await self._run()
        finally:
            await self._close_socket()

    async def _run(self) -> None:
        try:
            await self._perform()
        except CallNotFoundError as err:
            _LOGGER.debug("The phone of an announcement has hung up: %s", err)
        except PbxError as err:
            if not self._is_gone:
                _LOGGER.warning("Failed to play an announcement: %s", err)
        finally:
            self.is_running = False
            self.keys_read.set()
        is_connected = self._script.is_over and self._script.connects
        if is_connected and not self._is_gone:
            await self._connect()
        else:
            self.is_let_go = True
            await self._release(self._tools.background.stop_now(self._request.call_id))

    def handle_media_entered(self) -> None:
        """Process that the media channel has entered our application."""
        self._media_entered.set()

    def end(self) -> None:
        """Process that the phone has hung up, or has to."""
        self._is_gone = True
        if self._script.is_over:
            self.keys_read.set()
        self._changed.set()
        self._media_entered.set()

    def handle_speech_begun(self) -> None:
        """Process that the first part of a message was played."""
        if not self._is_gone and self.announced.played is Played.NONE:
            self._update(played=Played.PART)

    def handle_spoken(self, number: int) -> None:
        """Process that a repetition was played to its end."""
        if self._is_gone:
            return
        self.handle_speech_begun()
        if self.misses_events or not self._tools.client.is_listening:
            self._must_check = True
        else:
            self._update(played=Played.FULL)
        self._script.finish(number, self._tools.clock.time())
        self._changed.set()

    def handle_key(self, key: str) -> None:
        """Process a key."""
        script, played = self._script, self.announced.played
        if script.heard_now and played is Played.NONE and self._announcement.takes_keys:
            # The key stops the speech before its beginning is reported.
            played = Played.PART
        script.press(key, self._tools.clock.time())
        self._update(played=played, confirmed=script.confirmed, digits=script.digits)
        self._changed.set()

    def _update(self, **changes: Any) -> None:  # noqa: ANN401 - any field
        announced = replace(self.announced, **changes)
        if announced != self.announced:
            self.announced = announced
            self._report(announced)

    async def _perform(self) -> None:
        """Play the announcement until it is over, or the phone has hung up.

        Raises:
            PbxError: a request failed, or a connection was lost.
        """
        client, call_id = self._tools.client, self._request.call_id
        limit = math.ceil(self._announcement.longest) + TIME_MARGIN
        keys = self._announcement.send_keys
        if keys:
            await client.limit_time(call_id, limit)
            seconds = await client.speech.send_keys(call_id, keys)
            await wait_for(self._changed, self._tools.clock, seconds)
        async with client.speech.connecting:
            if self._is_gone:
                return
            self._socket = await self._connect_media(None if keys else limit)
        await self._play(self._socket)

    async def _connect_media(
        self, limit: int | None
    ) -> aiohttp.ClientWebSocketResponse:
        """Create the media channel and the bridge, and connect the media WebSocket.

        Args:
            limit: seconds after which Asterisk itself ends the call; None if it knows.

        Raises:
            PbxError: a request failed.
        """
        client, call_id = self._tools.client, self._request.call_id
        speech = client.speech
        requests: list[Coroutine[Any, Any, str | None]] = [
            speech.create_media(call_id),
            speech.create_bridge(call_id),
        ]
        if limit is not None:
            requests.append(client.limit_time(call_id, limit))
        connection, *errors = await asyncio.gather(*requests, return_exceptions=True)
        for each in (connection, *errors):
            if isinstance(each, BaseException):
                raise each
        self._has_media = True
        return await speech.connect_media(str(connection))

    async def _play(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Play the announcement through a media WebSocket.

        Raises:
            PbxError: a request failed, or a connection was lost.
        """
        media = Media(socket, self._tools.clock, self)
        await first_of(media.run(), self._follow(media))

    async def _close_socket(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await self._tools.client.speech.close_media(socket)

    async def _follow(self, media: Media) -> None:
        """Follow the script.

        Raises:
            PbxError: a request failed.
        """
        clock, script = self._tools.clock, self._script
        if not await wait_for(self._media_entered, clock, _ENTER_TIMEOUT):
            raise PbxError(PbxErrorCode.TIMEOUT, "the media channel does not connect")
        if self._is_gone:
            return
        await self._tools.client.speech.join(self._request.call_id)
        if self._announcement.takes_keys:
            self.keys_read.clear()
        script.begin(clock.time())
        while not (script.is_over or self._is_gone):
            self._direct(media)
            await wait_for(self._changed, clock, max(script.due - clock.time(), 0))
            script.advance(clock.time())
            if self._must_check:
                await self._check_full()
        if self._is_gone and not self.keys_read.is_set():
            # Events and keys arrive on connections of their own.
            await first_of(media.catch_up(), clock.sleep(_KEYS_TIMEOUT))

    def _direct(self, media: Media) -> None:
        number = self._script.heard_now
        if number == self._played_now:
            return
        self._played_now = number
        if number:
            media.speak(self._announcement.audio.pcm, number)
        else:
            media.hush()

    async def _check_full(self) -> None:
        """Check that the phone was there at the last word, as events were missed."""
        self._must_check = False
        call_id = self._request.call_id
        try:
            channel = await self._tools.client.get_channel(call_id)
        except PbxError as err:
            _LOGGER.debug("Failed to check the phone of an announcement: %s", err)
            return
        if channel is None:
            self.end()
        else:
            self._update(played=Played.FULL)

    async def _connect(self) -> None:
        self.has_left = True
        if self._request.takes_keys:
            await self._release()
            if not self._is_gone:
                self._take_over(self._request)
        else:
            self.is_let_go = not await async_connect(self._tools, self._request)
            await self._release()

    async def _release(self, *others: Any) -> None:  # noqa: ANN401 - coroutines
        """Remove the media channel and the bridge, which Asterisk keeps."""
        background, call_id = self._tools.background, self._request.call_id
        await asyncio.gather(
            *others,
            # Without a response, it may be created later.
            background.stop_now(media_id(call_id), is_certain=self._has_media),
            background.delete_bridge(bridge_id(call_id)),
            # Only now, as its handshake takes time.
            self._close_socket(),
        )

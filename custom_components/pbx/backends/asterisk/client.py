"""The client of the Asterisk REST Interface (ARI).

Source: Asterisk's documentation of ARI, Asterisk 22, and its responses.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
import logging
import time
from typing import Any, Final

import aiohttp

from ..base import CallRequest, Directory, Placed
from ..errors import CallNotFoundError, CallUncertainError, PbxError, PbxErrorCode
from ..http import JsonBody
from ..redaction import clean_text
from ..updates import CallResult, CallUpdate, ExtensionUpdate
from .access import Access, Timeouts
from .api import Api
from .channels import ChannelTemplates, endpoint_to_ring, is_pjsip
from .errors import answer_error
from .models import (
    absolute_limit,
    channels_by_id,
    originate_body,
    parse_extension_states,
    parse_extensions,
    parse_trunks,
    parse_version,
    ring_body,
    rings_into_application,
    talking_since,
)
from .speech_api import SpeechApi
from .stream import IGNORED_EVENTS, EventStream

_LOGGER = logging.getLogger(__name__)

# The id of a channel that does not exist: if the account has write access, hanging it
# up returns 404.
_PROBE_CHANNEL: Final = "ha-probe"
# Characters that end an argument of a dialplan function, or start a substitution.
_SYNTAX: Final = frozenset('(),$"\\')


class AsteriskClient:
    """A client of one Asterisk.

    Args:
        session: owned by the caller.
        access: the PBX's address and credentials.
        templates: for the dial strings of calls.
        timeouts: of requests and of the event stream.
        clock: returns the Unix time.

    Attributes:
        timeouts: of requests and of the event stream.
        application: the name of the ARI application.
        speech: the requests that play audio to a phone.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        templates: ChannelTemplates | None = None,
        *,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Initialize the client; nothing is sent."""
        self.timeouts = timeouts or Timeouts()
        self.application = access.application
        self._session = session
        self._access = access
        self._templates = templates or ChannelTemplates()
        self._clock = clock
        self._api = Api(session, access, self.timeouts, clock)
        self._may_write = False
        self._stream = EventStream(session, access, self.timeouts)
        self.speech = SpeechApi(self._api, session, access, self.timeouts)

    @property
    def is_listening(self) -> bool:
        """Whether the event stream is connected."""
        return self._stream.is_connected

    @property
    def api(self) -> Api:
        """The interface for requests about channels of our application."""
        return self._api

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock is ahead of the local clock."""
        return self._api.clock_offset

    def to_local_time(self, update: CallUpdate) -> CallUpdate:
        """Return an update with its time converted from the PBX's clock."""
        if update.at is None:
            return update
        return replace(update, at=update.at - self.clock_offset)

    async def ping(self) -> str:
        """Check the connection, the credentials and the permission to place calls.

        Returns:
            The version of Asterisk, such as ``22.10.1``; empty if it is unknown.

        Raises:
            PbxError: one of the checks failed.
        """
        answer = await self._api.request("GET", "asterisk/info")
        if not answer.is_success:
            raise answer_error(answer)
        info = answer.data
        if not isinstance(info, Mapping) or info.get("system") is None:
            words = f"HTTP {answer.status}, {answer.media_type}"
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, words)
        if not self._may_write:
            answer = await self._api.request("DELETE", f"channels/{_PROBE_CHANNEL}")
            if answer.status != HTTPStatus.NOT_FOUND:
                raise answer_error(answer)
            self._may_write = True
        return parse_version(info["system"])

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its channel has the id of the request.

        The request is sent at most once.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            PbxError: the call was not placed.
        """
        channel = self.channel_of(request)
        if (request.auto_answer or request.ring_tone) and not is_pjsip(channel):
            raise PbxError(PbxErrorCode.NO_RING_TONE, channel.partition("/")[0])
        if rings_into_application(request):
            return await self.ring(request)
        return await self._place(request, channel, originate_body(request, channel))

    async def ring(self, request: CallRequest) -> Placed:
        """Ring the caller into the ARI application, as `originate` does otherwise.

        Raises:
            CallUncertainError: the phone may be ringing, or not.
            PbxError: the phone does not ring.
        """
        channel = self.channel_of(request)
        body = ring_body(request, channel, self.application)
        return await self._place(request, channel, body)

    async def call_from_application(
        self, request: CallRequest, body: Mapping[str, Any]
    ) -> Placed:
        """Create a channel into the dialplan that enters our ARI application.

        The request is sent at most once.

        Raises:
            CallUncertainError: the channel may have been created, or not.
            PbxError: it was not created.
        """
        return await self._place(request, body["endpoint"], body)

    def channel_of(self, request: CallRequest) -> str:
        """Return the dial string of a request's caller."""
        return self._templates.channel(
            request.caller, request.trunk_name, is_external=request.is_external
        )

    async def _place(
        self, request: CallRequest, channel: str, value: Mapping[str, Any]
    ) -> Placed:
        is_known = await self._check_endpoint(channel)
        body = JsonBody(value)
        try:
            answer = await self._api.send("POST", "channels", body, is_new=True)
        except PbxError as err:
            if body.sent:
                raise CallUncertainError(err.detail, request.call_id) from err
            if err.code is PbxErrorCode.TIMEOUT:
                # The timeout elapsed while waiting for a connection.
                raise PbxError(PbxErrorCode.CANNOT_CONNECT, err.detail) from err
            raise
        if answer.is_success:
            return Placed(request.call_id)
        error = answer_error(answer)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error
        if not answer.is_json:
            raise CallUncertainError(error.detail, request.call_id)
        if not is_known:
            raise error
        # Asterisk could not create the channel: the phone is not registered.
        is_callee = request.announcement is not None
        result = CallResult.FAILED if is_callee else CallResult.CALLER_UNREACHABLE
        return Placed(request.call_id, result)

    async def connect_to_callee(self, request: CallRequest) -> None:
        """Continue a channel of our application in the dialplan, to the callee.

        After an announcement, this is the second party. This can be repeated: a channel
        that has left the application already stays as it is.

        Raises:
            CallNotFoundError: the channel has ended.
            PbxError: a request failed otherwise.
        """
        await self.limit_time(request.call_id, absolute_limit(request))
        announcement = request.announcement
        target = {
            "context": request.context,
            "extension": announcement.connect_to if announcement else request.callee,
            "priority": 1,
        }
        path = f"channels/{request.call_id}/continue"
        answer = await self._api.request("POST", path, target)
        if answer.is_missing:
            raise CallNotFoundError(answer.message)
        if not answer.is_success and answer.status != HTTPStatus.CONFLICT:
            raise answer_error(answer)

    async def limit_time(self, channel_id: str, seconds: int) -> None:
        """Have Asterisk itself end a channel after some seconds; 0 for never.

        Raises:
            CallNotFoundError: the channel has ended.
            PbxError: the request failed otherwise.
        """
        limit = {"variable": "TIMEOUT(absolute)", "value": str(seconds)}
        await self._api.act_on_channel("POST", f"{channel_id}/variable", limit)

    def for_application(self, name: str) -> AsteriskClient:
        """Return a client with the same access, and an ARI application of its own."""
        return AsteriskClient(
            self._session,
            replace(self._access, application=name),
            self._templates,
            timeouts=self.timeouts,
            clock=self._clock,
        )

    async def has_extension(
        self, channel_id: str, context: str, number: str
    ) -> bool | None:
        """Return whether a dialplan context, or one it includes, has an extension.

        Returns:
            None if Asterisk cannot evaluate it on a channel in the ARI application.
        """
        if set(context) & _SYNTAX:
            return None
        query = {"variable": f"DIALPLAN_EXISTS({context},{number},1)"}
        answer = await self._api.request(
            "GET", f"channels/{channel_id}/variable", query
        )
        value = answer.data.get("value") if isinstance(answer.data, Mapping) else None
        return {"0": False, "1": True}.get(str(value)) if answer.is_success else None

    async def play(self, channel_id: str, media: str) -> None:
        """Play a sound to a channel in the ARI application, after those before it."""
        await self._api.request("POST", f"channels/{channel_id}/play", {"media": media})

    async def hang_up(self, call_id: str, *, reason: str = "") -> None:
        """Hang up a call in any state.

        Args:
            call_id: of the channel.
            reason: Asterisk's name of the hangup reason; empty for a normal one.

        Raises:
            CallNotFoundError: the PBX has no such call, or it has ended.
            PbxError: the request failed otherwise.
        """
        value = {"reason": reason} if reason else None
        await self._api.act_on_channel("DELETE", call_id, value)

    async def extension_states(self) -> list[ExtensionUpdate]:
        """Return the states of the extensions.

        Raises:
            PbxError: a request failed.
        """
        channels = channels_by_id(await self.list_objects("channels"))
        endpoints = await self.list_objects("endpoints")
        return list(parse_extension_states(endpoints, channels, self._templates))

    async def directory(self) -> Directory:
        """Return the endpoints: extensions sorted by number, and trunks by name.

        Raises:
            PbxError: the request failed.
        """
        endpoints = await self.list_objects("endpoints")
        return Directory(
            parse_extensions(endpoints, self._templates),
            parse_trunks(endpoints, self._templates),
        )

    async def list_objects(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return the objects of a collection, such as `channels`.

        Raises:
            PbxError: the request failed.
        """
        return await self._api.objects(path)

    async def get_channel(self, channel_id: str) -> Mapping[str, Any] | None:
        """Return a channel; None if it does not exist.

        Raises:
            PbxError: the request failed.
        """
        answer = await self._api.request("GET", f"channels/{channel_id}")
        if answer.is_missing:
            return None
        if not answer.is_success:
            raise answer_error(answer)
        is_it = isinstance(answer.data, Mapping) and answer.data.get("id") == channel_id
        return answer.data if is_it else None

    async def is_talking(self, channel_id: str) -> bool:
        """Return whether a channel is in a conversation.

        Raises:
            PbxError: the request failed.
        """
        return channel_id in talking_since(await self.list_objects("bridges"))

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Connect to the event stream, and return an iterator over the events.

        Raises:
            TakenOverError: another client took over the event stream.
            PbxError: connecting failed, or the connection was lost.
        """
        async with self._stream.connect() as events:
            await self._filter_events()
            yield events

    async def stop_listening(self) -> None:
        """Close the event stream, which its reader sees as a lost connection."""
        await self._stream.close()

    async def is_unregistered(self) -> bool:
        """Return whether no client is registered for our ARI application.

        Raises:
            PbxError: the request failed.
        """
        answer = await self._api.request(
            "GET", f"applications/{self._access.application}"
        )
        return answer.is_missing

    async def _filter_events(self) -> None:
        """Filter out unused events; an Asterisk without event filters sends all."""
        try:
            await self._api.request(
                "PUT",
                f"applications/{self._access.application}/eventFilter",
                {"disallowed": [{"type": name} for name in IGNORED_EVENTS]},
            )
        except PbxError as err:
            _LOGGER.debug("Failed to set the event filter: %s", err)

    async def _check_endpoint(self, channel: str) -> bool:
        """Subscribe to the endpoint to be dialed; return whether it is known to exist.

        This is unknown for technologies without endpoints, and while the event stream
        is not connected.

        Raises:
            PbxError: it does not exist, or the request failed; no call was placed.
        """
        if (endpoint := endpoint_to_ring(channel)) is None:
            return False
        answer = await self._api.send(
            "POST",
            f"applications/{self._access.application}/subscription",
            JsonBody({"eventSource": f"endpoint:{endpoint}"}),
            is_new=True,
        )
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise PbxError(PbxErrorCode.ENDPOINT_NOT_FOUND, clean_text(endpoint))
        if answer.is_missing:
            return False
        if not answer.is_success:
            raise answer_error(answer)
        return True

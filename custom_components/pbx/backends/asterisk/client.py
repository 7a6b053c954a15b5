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

from ..base import (
    CallNotFoundError,
    CallRequest,
    CallUncertainError,
    Directory,
    PbxError,
    PbxErrorCode,
    Placed,
)
from ..http import (
    JsonBody,
    ServerClock,
    check_open,
    read_content,
    request_options,
    transport_error,
)
from ..redaction import clean_text
from ..updates import CallResult, CallUpdate, ExtensionUpdate
from .access import Access, Timeouts
from .channels import ChannelTemplates, endpoint_to_ring
from .errors import answer_error
from .models import (
    Answer,
    channels_by_id,
    originate_body,
    parse_extension_states,
    parse_extensions,
    parse_trunks,
    parse_version,
    ring_body,
    rows,
    talking_since,
)
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
        self._headers = access.headers()
        self._secrets = access.secrets()
        self._templates = templates or ChannelTemplates()
        self._timeout = aiohttp.ClientTimeout(total=self.timeouts.request)
        self._time = clock
        self._clock = ServerClock(clock)
        self._may_write = False
        self._stream = EventStream(session, access, self.timeouts)

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock is ahead of the local clock."""
        return self._clock.offset

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
        answer = await self._request("GET", "asterisk/info")
        if not answer.is_success:
            raise answer_error(answer)
        info = answer.data
        if not isinstance(info, Mapping) or info.get("system") is None:
            words = f"HTTP {answer.status}, {answer.media_type}"
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, words)
        if not self._may_write:
            answer = await self._request("DELETE", f"channels/{_PROBE_CHANNEL}")
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
            answer = await self._send("POST", "channels", body, is_new=True)
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
        return Placed(request.call_id, CallResult.CALLER_UNREACHABLE)

    def for_application(self, name: str) -> AsteriskClient:
        """Return a client with the same access, and an ARI application of its own."""
        return AsteriskClient(
            self._session,
            replace(self._access, application=name),
            self._templates,
            timeouts=self.timeouts,
            clock=self._time,
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
        answer = await self._request("GET", f"channels/{channel_id}/variable", query)
        value = answer.data.get("value") if isinstance(answer.data, Mapping) else None
        return {"0": False, "1": True}.get(str(value)) if answer.is_success else None

    async def play(self, channel_id: str, media: str) -> None:
        """Play a sound to a channel in the ARI application, after those before it."""
        await self._request("POST", f"channels/{channel_id}/play", {"media": media})

    async def hang_up(self, call_id: str) -> None:
        """Hang up a call in any state.

        Raises:
            CallNotFoundError: the PBX has no such call, or it has ended.
            PbxError: the request failed otherwise.
        """
        answer = await self._request("DELETE", f"channels/{call_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            raise CallNotFoundError(answer.message)
        if not answer.is_success:
            raise answer_error(answer)

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
        answer = await self._request("GET", path)
        if not answer.is_success:
            raise answer_error(answer)
        return rows(answer.data)

    async def get_channel(self, channel_id: str) -> Mapping[str, Any] | None:
        """Return a channel; None if it does not exist.

        Raises:
            PbxError: the request failed.
        """
        answer = await self._request("GET", f"channels/{channel_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
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
        answer = await self._request("GET", f"applications/{self._access.application}")
        return answer.status == HTTPStatus.NOT_FOUND and answer.is_json

    async def _filter_events(self) -> None:
        """Filter out unused events; an Asterisk without event filters sends all."""
        try:
            await self._request(
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
        answer = await self._send(
            "POST",
            f"applications/{self._access.application}/subscription",
            JsonBody({"eventSource": f"endpoint:{endpoint}"}),
            is_new=True,
        )
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise PbxError(PbxErrorCode.ENDPOINT_NOT_FOUND, clean_text(endpoint))
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            return False
        if not answer.is_success:
            raise answer_error(answer)
        return True

    async def _request(
        self, method: str, path: str, value: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send a request that does not place a call, and return the response.

        Args:
            method: of the request. The value of a GET is its query, else its body.
            path: relative to the base of ARI.
            value: None for none.
        """
        if method == "GET":
            return await self._send(method, path, None, query=value)
        body = None if value is None else JsonBody(value)
        return await self._send(method, path, body)

    async def _send(
        self,
        method: str,
        path: str,
        body: JsonBody | None,
        *,
        query: Mapping[str, str] | None = None,
        is_new: bool = False,
    ) -> Answer:
        """Send a request once, and return the response, whatever its status.

        Raises:
            PbxError: connecting failed, the connection was lost, or the request timed
                out.
        """
        url = self._access.base_url / path
        check_open(self._session)
        try:
            async with self._session.request(
                method,
                url,
                params=query,
                data=body,
                **request_options(self._headers, url.raw_host or "", is_new=is_new),
                timeout=self._timeout,
                # Send credentials to the configured address only.
                allow_redirects=False,
            ) as response:
                self._clock.update(response)
                answer = Answer.parse(
                    response.status,
                    await read_content(response),
                    media_type=response.content_type,
                    location=response.headers.get("Location", ""),
                    secrets=self._secrets,
                )
        except TimeoutError as err:
            words = f"no response within {self._timeout.total:g} s"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # Some resolvers raise ValueError for a host that cannot be encoded.
            raise transport_error(err, self._secrets) from None
        _LOGGER.debug("%s %s: HTTP %s", method, path.partition("/")[0], answer.status)
        return answer

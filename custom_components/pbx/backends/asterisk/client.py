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
from ..updates import CallResult, CallUpdate
from .access import Access, Timeouts
from .channels import ChannelTemplates, endpoint_to_ring
from .errors import answer_error
from .models import (
    Answer,
    originate_body,
    parse_extensions,
    parse_trunks,
    rows,
    talking_since,
)
from .stream import IGNORED_EVENTS, EventStream

_LOGGER = logging.getLogger(__name__)

# The id of a channel that does not exist: if the account has write access, hanging it
# up returns 404.
_PROBE_CHANNEL: Final = "ha-probe"


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
        self._session = session
        self._access = access
        self._headers = access.headers()
        self._secrets = access.secrets()
        self._templates = templates or ChannelTemplates()
        self._timeout = aiohttp.ClientTimeout(total=self.timeouts.request)
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

    async def ping(self) -> None:
        """Check the connection, the credentials and the permission to place calls.

        Raises:
            PbxError: one of the checks failed.
        """
        answer = await self._request("GET", "asterisk/info")
        if not answer.is_success:
            raise answer_error(answer)
        if not isinstance(answer.data, Mapping) or answer.data.get("system") is None:
            words = f"HTTP {answer.status}, {answer.media_type}"
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, words)
        if not self._may_write:
            answer = await self._request("DELETE", f"channels/{_PROBE_CHANNEL}")
            if answer.status != HTTPStatus.NOT_FOUND:
                raise answer_error(answer)
            self._may_write = True

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its channel has the id of the request.

        The request is sent at most once.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            PbxError: the call was not placed.
        """
        channel = self._templates.channel(
            request.caller, request.trunk_name, is_external=request.is_external
        )
        is_known = await self._check_endpoint(channel)
        body = JsonBody(originate_body(request, channel))
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
        """Send a request that does not place a call, and return the response."""
        return await self._send(
            method, path, None if value is None else JsonBody(value)
        )

    async def _send(
        self, method: str, path: str, body: JsonBody | None, *, is_new: bool = False
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
            seconds = f"{self._timeout.total:g} s"
            raise PbxError(
                PbxErrorCode.TIMEOUT, f"no response within {seconds}"
            ) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # Some resolvers raise ValueError for a host that cannot be encoded.
            raise transport_error(err, self._secrets) from None
        _LOGGER.debug("%s %s: HTTP %s", method, path.partition("/")[0], answer.status)
        return answer

"""The client of an Asterisk's REST interface (ARI).

Source: Asterisk's documentation of ARI, Asterisk 22, and what one really answers.
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
from .stream import UNHEARD, EventStream

_LOGGER = logging.getLogger(__name__)

# Of no channel: who may end one is told that it is not there.
_NO_CHANNEL: Final = "ha-probe"


class AsteriskClient:
    """The requests of an Asterisk's REST interface.

    Args:
        session: made and closed by somebody else.
        access: where it is, and how it knows us.
        templates: how phones are rung.
        timeouts: how long it is given.
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
        """Seconds that the PBX's clock was ahead of ours at its last answer."""
        return self._clock.offset

    def by_our_clock(self, update: CallUpdate) -> CallUpdate:
        """Return an update that was told by the PBX's clock."""
        if update.at is None:
            return update
        return replace(update, at=update.at - self.clock_offset)

    async def ping(self) -> None:
        """Ask whether the PBX is there, knows us, and lets us place calls.

        Raises:
            PbxError: it does not.
        """
        answer = await self._ask("GET", "asterisk/info")
        if not answer.is_success:
            raise answer_error(answer)
        if not isinstance(answer.data, Mapping) or answer.data.get("system") is None:
            words = f"HTTP {answer.status}, {answer.media_type}"
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, words)
        if not self._may_write:
            answer = await self._ask("DELETE", f"channels/{_NO_CHANNEL}")
            if answer.status != HTTPStatus.NOT_FOUND:
                raise answer_error(answer)
            self._may_write = True

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its channel has the name of the request.

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
                # The time went by in the queue for a connection.
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
        # It could not make the channel: the phone is not registered.
        return Placed(request.call_id, CallResult.CALLER_UNREACHABLE)

    async def hang_up(self, call_id: str) -> None:
        """End a call, whoever is ringing or talking.

        Raises:
            CallNotFoundError: there is no such call, or not anymore.
            PbxError: another fault.
        """
        answer = await self._ask("DELETE", f"channels/{call_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            raise CallNotFoundError(answer.message)
        if not answer.is_success:
            raise answer_error(answer)

    async def directory(self) -> Directory:
        """Return the endpoints: the phones in order of number, and the others by name.

        Raises:
            PbxError: the PBX did not tell.
        """
        endpoints = await self.rows("endpoints")
        return Directory(
            parse_extensions(endpoints, self._templates),
            parse_trunks(endpoints, self._templates),
        )

    async def rows(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return what a list has in it, such as `channels`.

        Raises:
            PbxError: the PBX did not tell.
        """
        answer = await self._ask("GET", path)
        if not answer.is_success:
            raise answer_error(answer)
        return rows(answer.data)

    async def channel(self, channel_id: str) -> Mapping[str, Any] | None:
        """Return a channel; None if there is none.

        Raises:
            PbxError: the PBX did not tell.
        """
        answer = await self._ask("GET", f"channels/{channel_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            return None
        if not answer.is_success:
            raise answer_error(answer)
        is_it = isinstance(answer.data, Mapping) and answer.data.get("id") == channel_id
        return answer.data if is_it else None

    async def talks(self, channel_id: str) -> bool:
        """Return whether somebody talks on a channel.

        Raises:
            PbxError: the PBX did not tell.
        """
        return channel_id in talking_since(await self.rows("bridges"))

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Connect, and return what the PBX reports from then on.

        Raises:
            TakenOverError: somebody else listens under our name.
            PbxError: there is no connection, or it is lost.
        """
        async with self._stream.connect() as events:
            await self._leave_out()
            yield events

    async def stop_listening(self) -> None:
        """Close the connection, which whoever listens notices as lost."""
        await self._stream.close()

    async def is_abandoned(self) -> bool:
        """Return whether Asterisk knows nobody who listens under our name.

        Raises:
            PbxError: the PBX did not tell.
        """
        answer = await self._ask("GET", f"applications/{self._access.application}")
        return answer.status == HTTPStatus.NOT_FOUND and answer.is_json

    async def _leave_out(self) -> None:
        """Ask for what is read here only; an Asterisk that cannot sends all."""
        try:
            await self._ask(
                "PUT",
                f"applications/{self._access.application}/eventFilter",
                {"disallowed": [{"type": name} for name in UNHEARD]},
            )
        except PbxError as err:
            _LOGGER.debug("The events could not be filtered: %s", err)

    async def _check_endpoint(self, channel: str) -> bool:
        """Subscribe to the endpoint that is to be rung; return whether there is one.

        Nothing is known of one of a technology that has no endpoints, and of any
        while nobody listens.

        Raises:
            PbxError: there is none, or the PBX cannot be asked; no call was placed.
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

    async def _ask(
        self, method: str, path: str, value: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send a request that places no call, and return its answer."""
        return await self._send(
            method, path, None if value is None else JsonBody(value)
        )

    async def _send(
        self, method: str, path: str, body: JsonBody | None, *, is_new: bool = False
    ) -> Answer:
        """Send a request once; every answer is an answer, whatever it says.

        Raises:
            PbxError: no connection, it broke, or the time for the request went by.
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
                # Credentials go to the configured address and nowhere else.
                allow_redirects=False,
            ) as response:
                self._clock.note(response)
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
                PbxErrorCode.TIMEOUT, f"nothing came within {seconds}"
            ) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # A host that cannot be encoded is a ValueError to some resolvers.
            raise transport_error(err, self._secrets) from None
        _LOGGER.debug("%s %s: HTTP %s", method, path.partition("/")[0], answer.status)
        return answer

"""The client of an Asterisk's REST interface (ARI).

Source: Asterisk's documentation of ARI, Asterisk 22, and what one really answers.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
import logging
import time
from typing import Any, ClassVar, Final
import uuid

import aiohttp

from ..base import (
    CallerUnreachableError,
    CallNotFoundError,
    CallRequest,
    CallUncertainError,
    CannotConnectError,
    Extension,
    PbxError,
    RequestTimeoutError,
)
from ..http import (
    JsonBody,
    ServerClock,
    read_content,
    request_options,
    transport_error,
)
from ..redaction import clean_text
from .access import Access, Patience
from .channels import ChannelTemplates, endpoint_to_ring
from .errors import EndpointNotFoundError, NotAsteriskError, answer_error
from .legs import Legs
from .models import (
    Answer,
    originate_body,
    parse_extensions,
    parse_trunks,
)
from .stream import AsteriskEvents

_LOGGER = logging.getLogger(__name__)

CHANNEL_ID_PREFIX: Final = "ha-"
# Of no channel: whoever may end one is told that it is not there.
_NO_CHANNEL: Final = f"{CHANNEL_ID_PREFIX}probe"


class AsteriskClient:
    """An Asterisk, asked over its REST interface; meets `PbxClient`.

    Args:
        session: made and closed by somebody else.
        access: where it is, and how it knows us.
        templates: how phones are rung.
        patience: how long it is given.
        clock: gives the Unix time.
    """

    manufacturer: ClassVar[str] = "Asterisk"
    enforces_limits: ClassVar[bool] = False
    can_hang_up: ClassVar[bool] = True
    # `PJSIP/557@provider` rings a stranger, not the kitchen.
    keeps_internal_calls: ClassVar[bool] = False
    # The name is a field of its own.
    takes_named_caller_id: ClassVar[bool] = False

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        templates: ChannelTemplates | None = None,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Send nothing yet."""
        self._session = session
        self._access = access
        self._headers = access.headers()
        self._secrets = access.secrets()
        self._templates = templates or ChannelTemplates()
        self._patience = patience or Patience()
        self._timeout = aiohttp.ClientTimeout(total=self._patience.request)
        self._clock = ServerClock(clock)
        self._may_write = False
        self._legs = Legs(self._templates)
        self._events = AsteriskEvents(
            session, access, self._patience, legs=self._legs, ask=self._ask
        )

    @property
    def report(self) -> None:
        """No call report: the interface has none."""
        return

    @property
    def pushed_events(self) -> None:
        """No address of ours: events come on a connection."""
        return

    @property
    def event_stream(self) -> AsteriskEvents:
        """The events of the PBX."""
        return self._events

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock was ahead of ours at its last answer."""
        return self._clock.offset

    async def ping(self) -> None:
        """Ask whether the PBX is there, knows us, and lets us place calls.

        Raises:
            PbxError: it does not.
        """
        answer = await self._ask("GET", "asterisk/info")
        if not answer.is_success:
            raise answer_error(answer)
        if not isinstance(answer.data, Mapping) or "system" not in answer.data:
            raise NotAsteriskError(f"HTTP {answer.status}, {answer.media_type}")
        if not self._may_write:
            answer = await self._ask("DELETE", f"channels/{_NO_CHANNEL}")
            if answer.status != HTTPStatus.NOT_FOUND:
                raise answer_error(answer)
            self._may_write = True

    def name_call(self) -> str:
        """Return an id that no other channel has."""
        return f"{CHANNEL_ID_PREFIX}{uuid.uuid4()}"

    async def originate(self, request: CallRequest) -> str:
        """Place a call into the dialplan and return its id, which is our own.

        The request is sent at most once.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            CallerUnreachableError: the caller's phone is known, but not there.
            PbxError: any other class says that the call was not placed.
        """
        channel = self._templates.channel(request.caller, request.trunk_name)
        await self._events.wait_tried(self._patience.events)
        is_known = await self._check_endpoint(channel)
        call_id = request.call_id or self.name_call()
        body = JsonBody(originate_body(request, channel, call_id))
        # Its events may be here before the answer is.
        self._legs.expect(call_id, request)
        try:
            answer = await self._send("POST", "channels", body, is_new=True)
        except PbxError as err:
            if body.sent:
                raise CallUncertainError(str(err), call_id) from err
            self._legs.forget(call_id)
            if isinstance(err, RequestTimeoutError):
                # The time went by in the queue for a connection.
                raise CannotConnectError(err.detail) from err
            raise
        if answer.is_success:
            return call_id
        raise self._refusal(answer, call_id, is_known=is_known)

    async def hang_up(self, originated_call_id: str) -> None:
        """End a call, whoever is ringing or talking.

        Raises:
            CallNotFoundError: there is no such call, or not any more.
            PbxError: another fault.
        """
        answer = await self._ask("DELETE", f"channels/{originated_call_id}")
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            raise CallNotFoundError(answer.message)
        if not answer.is_success:
            raise answer_error(answer)

    async def extensions(self) -> list[Extension]:
        """Return the phones among the endpoints, in order of number.

        Raises:
            PbxError: the PBX did not tell.
        """
        return parse_extensions(await self._endpoints(), self._templates)

    async def trunks(self) -> list[str]:
        """Return the names of the endpoints that are no phones, in order.

        Raises:
            PbxError: the PBX did not tell.
        """
        return parse_trunks(await self._endpoints(), self._templates)

    async def _endpoints(self) -> object:
        answer = await self._ask("GET", "endpoints")
        if not answer.is_success:
            raise answer_error(answer)
        return answer.data

    async def _check_endpoint(self, channel: str) -> bool:
        """Subscribe to the endpoint that is to be rung; tell whether there is one.

        Nothing is known of one of a technology that has no endpoints, and of any
        while nobody listens.

        Raises:
            EndpointNotFoundError: there is none.
            PbxError: the PBX cannot be asked; no call was placed.
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
            raise EndpointNotFoundError(clean_text(endpoint))
        if answer.status == HTTPStatus.NOT_FOUND and answer.is_json:
            return False
        if not answer.is_success:
            raise answer_error(answer)
        return True

    def _refusal(self, answer: Answer, call_id: str, *, is_known: bool) -> PbxError:
        """Return the error of an originate request that was not done."""
        error = answer_error(answer)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._legs.forget(call_id)
            return error
        if not answer.is_json:
            return CallUncertainError(str(error), call_id)
        self._legs.forget(call_id)
        # It could not make the channel: the phone is not registered.
        return CallerUnreachableError(error.detail, call_id) if is_known else error

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
            RequestTimeoutError: the time for the whole request went by.
            CannotConnectError: no connection, or it broke.
        """
        url = self._access.base_url / path
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
            raise RequestTimeoutError(f"nothing came within {seconds}") from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # A host that cannot be encoded is a ValueError to some resolvers.
            raise transport_error(err, self._secrets) from None
        _LOGGER.debug("%s %s: HTTP %s", method, path.partition("/")[0], answer.status)
        return answer

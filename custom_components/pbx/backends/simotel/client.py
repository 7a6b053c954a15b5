"""The client of Simotel's v4 HTTP API.

Source: Simotel's v4 API documents (API accounts, ping, originate call, users
and trunks search, CDR report in order).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
import logging
import time
from typing import Any, ClassVar, Final, Self

import aiohttp
from yarl import URL

from ..base import (
    CallRequest,
    CallUncertainError,
    CannotConnectError,
    Extension,
    HangUpNotSupportedError,
    PbxError,
    RefusedError,
    RequestTimeoutError,
    UnexpectedAnswerError,
)
from ..http import (
    JsonBody,
    ServerClock,
    read_content,
    request_options,
    transport_error,
)
from ..redaction import clean_text, login_spellings, spellings
from ..updates import PbxEvent, ReportPage
from .errors import answer_error
from .events import parse_event
from .models import (
    Answer,
    is_definite_status,
    originate_body,
    parse_extensions,
    parse_originated_call_id,
    parse_trunks,
)
from .report import (
    cursor_before,
    is_ignored,
    later_cursor,
    parse_page,
    starting_points,
)
from .times import call_time

_LOGGER = logging.getLogger(__name__)

PING: Final = "/setting/ping/act"
ORIGINATE: Final = "/call/originate/act"
USERS_SEARCH: Final = "/pbx/users/search"
TRUNKS_SEARCH: Final = "/pbx/trunks/search"
REPORT: Final = "/reports/cdr/ordered/id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an API account is known by: HTTP Basic, an API key, or both."""

    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers that carry whichever credentials there are."""
        headers = {}
        if self.username:
            headers["Authorization"] = aiohttp.encode_basic_auth(
                self.username, self.password, encoding="utf-8"
            )
        if self.api_key:
            headers["X-APIKEY"] = self.api_key
        return headers


class SimotelClient:
    """A Simotel, asked over its v4 HTTP API.

    Meets `PbxClient`, and itself is the `CallReport` and the `PushedEvents`.

    Args:
        session: made and closed by somebody else.
        base_url: the API's base, as `normalise_address` returns it.
        credentials: of an API account.
        request_timeout: seconds for a whole request, with its answer.
        clock: gives the Unix time.
    """

    manufacturer: ClassVar[str] = "Simotel"
    enforces_limits: ClassVar[bool] = True
    can_hang_up: ClassVar[bool] = False
    # Both stand in the vendor's own samples.
    keeps_internal_calls: ClassVar[bool] = True
    takes_named_caller_id: ClassVar[bool] = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: URL,
        credentials: Credentials,
        *,
        request_timeout: float = 10,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Send nothing yet."""
        self._session = session
        self._base_url = str(base_url)
        self._host = base_url.raw_host or ""
        self._headers = credentials.headers()
        self._secrets = (
            *login_spellings(credentials.username, credentials.password),
            *spellings(credentials.api_key, base_url.host or ""),
        )
        self._timeout = aiohttp.ClientTimeout(total=request_timeout)
        self._clock = ServerClock(clock)

    @property
    def report(self) -> Self:
        """The call report."""
        return self

    @property
    def pushed_events(self) -> Self:
        """The events that the PBX sends to an address of ours."""
        return self

    @property
    def event_stream(self) -> None:
        """No connection of ours: events are pushed."""
        return

    async def ping(self) -> None:
        """Ask whether the PBX is there and knows us (``/setting/ping/act``).

        Raises:
            PbxError: it does not.
        """
        await self._ask(PING, {})

    def name_call(self) -> str:
        """Return nothing: Simotel names its calls."""
        return ""

    async def originate(self, request: CallRequest) -> str | None:
        """Place a call (``/call/originate/act``) and return its id.

        The request is sent at most once. None is the id of a call that was
        placed without the PBX telling its id.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            PbxError: any other class says that the call was not placed.
        """
        body = JsonBody(originate_body(request))
        try:
            answer = await self._post(ORIGINATE, body)
        except PbxError as err:
            if body.sent:
                raise CallUncertainError(str(err)) from err
            if isinstance(err, RequestTimeoutError):
                # The time went by in the queue for a connection.
                raise CannotConnectError(err.detail) from err
            raise
        if not answer.is_success:
            error = answer_error(answer, ORIGINATE)
            raise error if answer.is_definite else CallUncertainError(str(error))
        call_id = parse_originated_call_id(answer.data)
        if call_id is None:
            _LOGGER.warning("The PBX placed a call, but did not tell its id")
        return call_id

    async def hang_up(self, originated_call_id: str) -> None:
        """Tell that it cannot be done: the API has no request for it.

        Raises:
            HangUpNotSupportedError: always.
        """
        raise HangUpNotSupportedError(clean_text(originated_call_id))

    async def extensions(self) -> list[Extension]:
        """Return the active users (``/pbx/users/search``), by number.

        Raises:
            PbxError: the account may not read them, or another fault.
        """
        conditions = {"name": "", "number": "", "mapped": ""}
        query = {"status": "all", "alike": True, "conditions": conditions}
        return parse_extensions(await self._ask(USERS_SEARCH, query))

    async def trunks(self) -> list[str]:
        """Return the names of the active trunks (``/pbx/trunks/search``).

        Raises:
            PbxError: the account may not read them, or another fault.
        """
        query = {"alike": "true", "conditions": {"name": ""}}
        return parse_trunks(await self._ask(TRUNKS_SEARCH, query))

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock was ahead of ours at its last answer."""
        return self._clock.offset

    def call_time(self, originated_call_id: str) -> float | None:
        """Return the Unix time, by the PBX's clock, in a call's id."""
        return call_time(originated_call_id)

    def parse_event(self, fields: Mapping[str, object]) -> PbxEvent | None:
        """Return an event of the Event API; None for one that is not known."""
        return parse_event(fields)

    def report_cursor(self, since: float, known: str) -> str:
        """Return the row to begin after: made up, or `known` if it is later."""
        return later_cursor(cursor_before(since), known)

    async def read_report(self, cursor: str, known: str) -> ReportPage:
        """Return the rows after a cursor (``/reports/cdr/ordered/id``).

        If the PBX does not go by a cursor that `report_cursor` made up, they
        are those after `known`.

        Raises:
            PbxError: the account may not read them, or another fault.
        """
        *attempts, last = starting_points(cursor, known)
        for start in attempts:
            try:
                data = await self._ask(REPORT, {"_id": start})
            except RefusedError, UnexpectedAnswerError:
                continue
            if not is_ignored(data, start):
                break
        else:
            start = last
            data = await self._ask(REPORT, {"_id": start})
        page = parse_page(data, start)
        # With no row in the whole report there is none to go on from.
        return page if page.cursor else replace(page, cursor=cursor)

    async def _ask(self, request: str, query: dict[str, Any]) -> object:
        """Return the data of a request that changes nothing at the PBX."""
        answer = await self._post(request, JsonBody(query))
        if not answer.is_success:
            raise answer_error(answer, request)
        return answer.data

    async def _post(self, request: str, body: JsonBody) -> Answer:
        """Send a request once; every answer is an answer, whatever it says.

        On a connection of its own, whatever is asked: a POST that meets the end of an
        idle one is not sent again by aiohttp.

        Raises:
            RequestTimeoutError: the time for the whole request went by.
            CannotConnectError: no connection, or it broke.
        """
        try:
            async with self._session.post(
                self._base_url + request,
                data=body,
                **request_options(self._headers, self._host, is_new=True),
                timeout=self._timeout,
                # Credentials go to the configured address and nowhere else.
                allow_redirects=False,
            ) as response:
                self._clock.note(response)
                answer = Answer.parse(
                    response.status,
                    await _read(response),
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
        words = answer.status, answer.success, answer.message
        _LOGGER.debug("%s: HTTP %s, success %s, %r", request, *words)
        return answer


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the content, or none where the status alone says all."""
    try:
        return await read_content(response)
    except TimeoutError, aiohttp.ClientError, OSError:
        # The status alone may say that nothing was done; then the rest is
        # not needed.
        if not is_definite_status(response.status):
            raise
    return b""

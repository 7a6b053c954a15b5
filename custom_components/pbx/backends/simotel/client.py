"""The client of Simotel's v4 HTTP API.

Source: Simotel's v4 API documents (API accounts, ping, originate call, users
and trunks search, CDR report in order).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import logging
import time
from typing import Any, Final

import aiohttp
from yarl import URL

from ..base import (
    CallRequest,
    CallUncertainError,
    DirectoryExtension,
    PbxError,
    PbxErrorCode,
)
from ..http import (
    JsonBody,
    ServerClock,
    check_open,
    read_content,
    request_options,
    transport_error,
)
from ..redaction import login_spellings, spellings
from .errors import answer_error
from .models import (
    Answer,
    is_definite_status,
    originate_body,
    parse_extensions,
    parse_originated_call_id,
    parse_trunks,
)
from .report import ReportPage, is_ignored, parse_page, starting_points

_LOGGER = logging.getLogger(__name__)

PING: Final = "/setting/ping/act"
ORIGINATE: Final = "/call/originate/act"
USERS_SEARCH: Final = "/pbx/users/search"
TRUNKS_SEARCH: Final = "/pbx/trunks/search"
REPORT: Final = "/reports/cdr/ordered/id"

# How a PBX answers that goes by no id but those of its rows.
_NO_SUCH_ROW: Final = (PbxErrorCode.REFUSED, PbxErrorCode.UNEXPECTED_ANSWER)


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

    Args:
        session: made and closed by somebody else.
        base_url: the API's base, as `normalize_address` returns it.
        credentials: of an API account.
        request_timeout: seconds for a whole request, with its answer.
        clock: returns the Unix time.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: URL,
        credentials: Credentials,
        *,
        request_timeout: float = 10,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Initialize the client; nothing is sent."""
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

    async def ping(self) -> None:
        """Ask whether the PBX is there and knows us (``/setting/ping/act``).

        Raises:
            PbxError: it does not.
        """
        await self._ask(PING, {})

    async def originate(self, request: CallRequest) -> str | None:
        """Place a call (``/call/originate/act``) and return its id.

        The request is sent at most once. None is the id of a call that was
        placed without the PBX telling its id.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            PbxError: the call was not placed.
        """
        body = JsonBody(originate_body(request))
        try:
            answer = await self._post(ORIGINATE, body)
        except PbxError as err:
            if body.sent:
                raise CallUncertainError(err.detail) from err
            if err.code is PbxErrorCode.TIMEOUT:
                # The time went by in the queue for a connection.
                raise PbxError(PbxErrorCode.CANNOT_CONNECT, err.detail) from err
            raise
        if not answer.is_success:
            error = answer_error(answer, ORIGINATE)
            raise error if answer.is_definite else CallUncertainError(error.detail)
        call_id = parse_originated_call_id(answer.data)
        if call_id is None:
            _LOGGER.warning("The PBX placed a call, but did not tell its id")
        return call_id

    async def extensions(self) -> list[DirectoryExtension]:
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

    async def read_report(self, cursor: str, known: str) -> ReportPage:
        """Return the rows after a cursor (``/reports/cdr/ordered/id``).

        If the PBX does not go by a cursor that was made up, they are those after
        `known`; empty is the very first row.

        Raises:
            PbxError: the account may not read them, or another fault.
        """
        *attempts, last = starting_points(cursor, known)
        for start in attempts:
            try:
                data = await self._ask(REPORT, {"_id": start})
            except PbxError as err:
                if err.code not in _NO_SUCH_ROW:
                    raise
                continue
            if not is_ignored(data, start):
                break
        else:
            start = last
            data = await self._ask(REPORT, {"_id": start})
        page = parse_page(data, start)
        # With no row in the whole report there is none to go on from.
        return page if page.cursor else page._replace(cursor=cursor)

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
            PbxError: no connection, or it broke, or the time for the whole request
                went by.
        """
        check_open(self._session)
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
            words = f"nothing came within {seconds}"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # A host that cannot be encoded is a ValueError to some resolvers.
            raise transport_error(err, self._secrets) from None
        said = answer.status, answer.success, answer.message
        _LOGGER.debug("%s: HTTP %s, success %s, %r", request, *said)
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

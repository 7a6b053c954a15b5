"""The client of Simotel's v4 HTTP API.

Source: Simotel's v4 API documents (API accounts, ping, originate call, users
and trunks search, CDR report in order).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import logging
import time
from typing import Any, Final

import aiohttp
from yarl import URL

from ..base import CallRequest, DirectoryExtension
from ..errors import CallUncertainError, PbxError, PbxErrorCode
from ..http import (
    JsonBody,
    ServerClock,
    check_open,
    read_content,
    request_options,
    transport_error,
)
from ..redaction import login_forms, secret_forms
from .errors import answer_error
from .models import (
    Answer,
    is_definite_status,
    originate_body,
    parse_extensions,
    parse_originated_call_id,
    parse_trunks,
)
from .report import ReportPage, candidate_cursors, is_cursor_ignored, parse_page

_LOGGER = logging.getLogger(__name__)

PING: Final = "/setting/ping/act"
ORIGINATE: Final = "/call/originate/act"
USERS_SEARCH: Final = "/pbx/users/search"
TRUNKS_SEARCH: Final = "/pbx/trunks/search"
REPORT: Final = "/reports/cdr/ordered/id"

# A message of several minutes has several megabytes.
_UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)

# Errors of a PBX that only accepts the ids of existing rows as a cursor.
_UNKNOWN_CURSOR: Final = (PbxErrorCode.REFUSED, PbxErrorCode.UNEXPECTED_ANSWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials of an API account: basic authentication, API key, or both."""

    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the credentials."""
        headers = {}
        if self.username:
            headers["Authorization"] = aiohttp.encode_basic_auth(
                self.username, self.password, encoding="utf-8"
            )
        if self.api_key:
            headers["X-APIKEY"] = self.api_key
        return headers


class SimotelClient:
    """A client of one Simotel's v4 HTTP API.

    Args:
        session: owned by the caller.
        base_url: the API's base, as `normalize_address` returns it.
        credentials: of an API account.
        request_timeout: seconds for a complete request and its response.
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
            *login_forms(credentials.username, credentials.password),
            *secret_forms(credentials.api_key, base_url.host or ""),
        )
        self._timeout = aiohttp.ClientTimeout(total=request_timeout)
        self._clock = ServerClock(clock)

    async def ping(self) -> None:
        """Check the connection and the credentials (``/setting/ping/act``).

        Raises:
            PbxError: the request failed.
        """
        await self.ask(PING, {})

    async def originate(self, request: CallRequest) -> str | None:
        """Place a call (``/call/originate/act``) and return its id.

        The request is sent at most once. The id is None if the PBX placed the call, but
        did not return an id.

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
                # The timeout elapsed while waiting for a connection.
                raise PbxError(PbxErrorCode.CANNOT_CONNECT, err.detail) from err
            raise
        if not answer.is_success:
            error = answer_error(answer, ORIGINATE)
            raise error if answer.is_definite else CallUncertainError(error.detail)
        call_id = parse_originated_call_id(answer.data)
        if call_id is None:
            _LOGGER.warning("The PBX placed a call, but did not return its ID")
        return call_id

    async def extensions(self) -> list[DirectoryExtension]:
        """Return the active users (``/pbx/users/search``), sorted by number.

        Raises:
            PbxError: the account is not allowed to read them, or the request failed.
        """
        conditions = {"name": "", "number": "", "mapped": ""}
        query = {"status": "all", "alike": True, "conditions": conditions}
        return parse_extensions(await self.ask(USERS_SEARCH, query))

    async def trunks(self) -> list[str]:
        """Return the names of the active trunks (``/pbx/trunks/search``).

        Raises:
            PbxError: the account is not allowed to read them, or the request failed.
        """
        query = {"alike": "true", "conditions": {"name": ""}}
        return parse_trunks(await self.ask(TRUNKS_SEARCH, query))

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock is ahead of the local clock."""
        return self._clock.offset

    async def read_report(self, cursor: str, known_id: str) -> ReportPage:
        """Return the rows after a cursor (``/reports/cdr/ordered/id``).

        If the PBX does not accept a synthetic cursor, return the rows after `known_id`,
        or else from the first row of the report.

        Args:
            cursor: an id of a row, or a synthetic one.
            known_id: the id of a row that was read before; empty if there is none.

        Raises:
            PbxError: the account is not allowed to read them, or the request failed.
        """
        *attempts, last = candidate_cursors(cursor, known_id)
        for start in attempts:
            try:
                data = await self.ask(REPORT, {"_id": start})
            except PbxError as err:
                if err.code not in _UNKNOWN_CURSOR:
                    raise
                continue
            if not is_cursor_ignored(data, start):
                break
        else:
            start = last
            data = await self.ask(REPORT, {"_id": start})
        page = parse_page(data, start)
        # An empty report has no row to continue from.
        return page if page.cursor else page._replace(cursor=cursor)

    async def ask(self, request: str, query: Mapping[str, Any]) -> object:
        """Return the data of a request that does not place a call.

        Raises:
            PbxError: the request failed.
        """
        answer = await self._post(request, JsonBody(query))
        if not answer.is_success:
            raise answer_error(answer, request)
        return answer.data

    async def send_file(self, request: str, name: str, content: bytes) -> object:
        """Upload a WAV file, and return the data of the response.

        Raises:
            PbxError: the request failed.
        """
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type="audio/wav")
        answer = await self._post(request, form, _UPLOAD_TIMEOUT)
        if not answer.is_success:
            raise answer_error(answer, request)
        return answer.data

    async def _post(
        self,
        request: str,
        body: JsonBody | aiohttp.FormData,
        limit: aiohttp.ClientTimeout | None = None,
    ) -> Answer:
        """Send a request once, and return the response, whatever its status.

        Every request uses a new connection, as aiohttp does not retry a POST whose idle
        connection was closed.

        Raises:
            PbxError: connecting failed, the connection was lost, or the request timed
                out.
        """
        check_open(self._session)
        limit = limit or self._timeout
        try:
            async with self._session.post(
                self._base_url + request,
                data=body,
                **request_options(self._headers, self._host, is_new=True),
                timeout=limit,
                # Send credentials to the configured address only.
                allow_redirects=False,
            ) as response:
                self._clock.update(response)
                answer = Answer.parse(
                    response.status,
                    await _read(response),
                    media_type=response.content_type,
                    location=response.headers.get("Location", ""),
                    secrets=self._secrets,
                )
        except TimeoutError as err:
            seconds = f"{limit.total:g} s"
            words = f"no response within {seconds}"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # Some resolvers raise ValueError for a host that cannot be encoded.
            raise transport_error(err, self._secrets) from None
        result = answer.status, answer.success, answer.message
        _LOGGER.debug("%s: HTTP %s, success %s, %r", request, *result)
        return answer


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the content; empty if it was lost and only the status matters."""
    try:
        return await read_content(response)
    except TimeoutError, aiohttp.ClientError, OSError:
        # If the status alone rules out that the request was carried out, the content is
        # not needed.
        if not is_definite_status(response.status):
            raise
    return b""

"""HTTP requests to the Asterisk REST Interface (ARI), and their responses.

Source: Asterisk's documentation of ARI, Asterisk 22, and its responses.
"""

from collections.abc import Callable, Mapping, Sequence
import logging
from typing import Any, Final

import aiohttp

from ..errors import CallNotFoundError, PbxError, PbxErrorCode
from ..http import (
    JsonBody,
    ServerClock,
    check_open,
    read_content,
    request_options,
    transport_error,
)
from .access import Access, Timeouts
from .errors import answer_error
from .models import Answer, rows

_LOGGER = logging.getLogger(__name__)

# Some proxies drop the body of these.
_WITH_QUERY: Final = frozenset({"GET", "DELETE"})


class Api:
    """The REST interface of one Asterisk.

    Args:
        session: owned by the caller.
        access: the PBX's address and credentials.
        timeouts: of requests.
        clock: returns the Unix time.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        timeouts: Timeouts,
        clock: Callable[[], float],
    ) -> None:
        """Initialize the interface; nothing is sent."""
        self._session = session
        self._base_url = access.base_url
        self._headers = access.headers()
        self._secrets = access.secrets()
        self._timeout = aiohttp.ClientTimeout(total=timeouts.request)
        self._clock = ServerClock(clock)

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock is ahead of the local clock."""
        return self._clock.offset

    async def objects(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return the objects of a collection, such as `channels`.

        Raises:
            PbxError: the request failed.
        """
        answer = await self.request("GET", path)
        if not answer.is_success:
            raise answer_error(answer)
        return rows(answer.data)

    async def act_on_channel(
        self, method: str, path: str, value: Mapping[str, Any] | None = None
    ) -> None:
        """Send a request about a channel that is expected to exist.

        Raises:
            CallNotFoundError: it does not exist, or has ended.
            PbxError: the request failed otherwise.
        """
        answer = await self.request(method, f"channels/{path}", value)
        if answer.is_missing:
            raise CallNotFoundError(answer.message)
        if not answer.is_success:
            raise answer_error(answer)

    async def request(
        self, method: str, path: str, value: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send a request that does not place a call, and return the response.

        Args:
            method: of the request. The value of a GET or DELETE is its query, else its
                body.
            path: relative to the base of ARI.
            value: None for none.
        """
        if method in _WITH_QUERY:
            return await self.send(method, path, None, query=value)
        return await self.send(method, path, None if value is None else JsonBody(value))

    async def send(
        self,
        method: str,
        path: str,
        body: JsonBody | None,
        *,
        query: Mapping[str, str] | None = None,
        is_new: bool = False,
    ) -> Answer:
        """Send a request once, and return the response, whatever its status.

        Args:
            method: of the request.
            path: relative to the base of ARI.
            body: None for none.
            query: None for none.
            is_new: whether to use a new connection, as a reused one may be closed by
                the PBX while the request is sent.

        Raises:
            PbxError: connecting failed, the connection was lost, or the request timed
                out.
        """
        url = self._base_url / path
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
            seconds = f"{self._timeout.total:g} s"
            raise PbxError(
                PbxErrorCode.TIMEOUT, f"no response within {seconds}"
            ) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            # Some resolvers raise ValueError for a host that cannot be encoded.
            raise transport_error(err, self._secrets) from None
        _LOGGER.debug("%s %s: HTTP %s", method, path.partition("/")[0], answer.status)
        return answer

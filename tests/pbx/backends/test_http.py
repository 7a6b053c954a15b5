"""Tests of the HTTP helpers shared by all kinds of PBX."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
import errno
from pathlib import Path
import re
import ssl

import aiohttp
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.pbx.backends.asterisk.access import Access, Timeouts
from custom_components.pbx.backends.asterisk.client import AsteriskClient
from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.http import clock_offset, transport_error
from custom_components.pbx.backends.simotel import Credentials, SimotelClient
from custom_components.pbx.backends.simotel.client import ORIGINATE
from sandbox import Sandbox
from tests.tls import Authority


@pytest.mark.parametrize(
    ("cause", "detail"),
    [
        (
            ConnectionResetError(errno.ECONNRESET, "Reset by 192.0.2.1:8080"),
            "Connection reset by peer",
        ),
        (aiohttp.ClientError("Lost 09121234567"), "Lost *********67"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (OSError(), "OSError"),
    ],
)
def test_transport_error(cause: Exception, detail: str) -> None:
    """A lost connection is reported with the redacted message of its cause."""
    found = transport_error(cause)

    assert found.code is PbxErrorCode.CANNOT_CONNECT
    assert found.detail == detail


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Thu, 21 Dec 2023 07:50:54 GMT", 0),
        ("Thu, 21 Dec 2023 07:50:59 GMT", 5),
        ("Thu, 21 Dec 2023 07:49:54 GMT", -60),
        ("Thu, 21 Dec 2023 11:20:54 +0330", 0),
        ("Thu, 21 Dec 2023 07:50:54 -0000", 0),
        ("Thu, 32 Dec 2023 07:50:54 GMT", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_clock_offset(date: str, expected: float | None) -> None:
    """The clock offset is computed from a date in whole seconds."""
    assert clock_offset(date, 1703145054.787335) == expected


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w+"))
def test_clock_offset_of_anything(date: str) -> None:
    """An invalid date is no offset, and does not raise."""
    offset = clock_offset(date, 0.5)

    assert offset is None or offset == int(offset)


class OncePerConnection:
    """A web server that keeps each connection, and closes it when it is used again.

    As one does whose patience ends in the moment in which a request comes.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        """Answer a request whose line holds one of these words, or with `{}`."""
        self.answered: list[str] = []
        self.lost: list[str] = []
        self._answers = answers

    async def handle(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the first request of a connection."""
        with closing(writer), suppress(asyncio.IncompleteReadError):
            line = await self._read(reader)
            self.answered.append(line)
            answer = next(
                (a for word, a in self._answers.items() if word in line), "{}"
            )
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"
                b"Content-Type: application/json\r\n"
                + f"Content-Length: {len(answer)}\r\n\r\n{answer}".encode()
            )
            await writer.drain()
            self.lost.append(await self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> str:
        """Read a request, and return its first line."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        return head.partition("\r\n")[0]


@asynccontextmanager
async def once_per_connection(
    answers: Mapping[str, str],
) -> AsyncIterator[tuple[OncePerConnection, URL]]:
    """Run such a server on loopback."""
    pbx = OncePerConnection(answers)
    server = await asyncio.start_server(pbx.handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield pbx, URL.build(scheme="http", host="127.0.0.1", port=port, path="/api")


REQUEST = CallRequest(
    call_id="ha-1",
    caller="557",
    callee="552",
    context="main_routing",
    caller_id="557",
    trunk_name=None,
    timeout=30,
    call_limit=None,
)


async def test_call_on_a_new_connection_simotel() -> None:
    """A call is not sent on a connection that the PBX is about to close."""
    answer = '{"success": 1, "data": {"originated_call_id": "orig.call.1.2"}}'
    async with (
        once_per_connection({"POST": answer}) as (pbx, url),
        aiohttp.ClientSession() as http,
    ):
        client = SimotelClient(http, url, Credentials(api_key="key"))
        # The second one would reuse the first one's connection, which ends.
        await client.ping()
        for _ in range(3):
            assert await client.originate(REQUEST) == "orig.call.1.2"

    originates = [line for line in pbx.answered if ORIGINATE in line]
    assert len(originates) == 3
    assert pbx.lost == []


async def test_call_on_a_new_connection_asterisk() -> None:
    """Neither is a call to an Asterisk, nor the request before it."""
    async with (
        once_per_connection({"asterisk/info": '{"system": {}}'}) as (pbx, url),
        aiohttp.ClientSession() as http,
    ):
        access = Access(base_url=url, username="u", password="p", application="ha")
        client = AsteriskClient(http, access, timeouts=Timeouts(events=0.01))
        assert (await http.get(url / "asterisk/info")).ok
        for _ in range(3):
            await client.originate(REQUEST)

    placed = [line for line in pbx.answered if "/channels " in line]
    assert len(placed) == 3
    assert pbx.lost == []


async def test_all_on_new_connections_simotel() -> None:
    """Neither is any other POST: aiohttp does not retry it."""
    answer = '{"success": 1, "data": []}'
    async with (
        once_per_connection({"POST": answer}) as (pbx, url),
        aiohttp.ClientSession() as http,
    ):
        client = SimotelClient(http, url, Credentials(api_key="key"))
        for _ in range(2):
            await client.ping()
            assert await client.trunks() == []
            assert await client.extensions() == []
            assert (await client.read_report("0" * 24, "")).is_last

    assert len(pbx.answered) == 8
    assert pbx.lost == []


async def test_call_over_tls(tmp_path: Path) -> None:
    """The certificate of a new connection is checked as any other."""
    authority = Authority()
    trusting = ssl.create_default_context(cadata=authority.pem)
    connector = aiohttp.TCPConnector(ssl=trusting)
    async with (
        Sandbox(ssl_context=authority.context(tmp_path)) as pbx,
        Sandbox(ssl_context=authority.context(tmp_path, address="192.0.2.1")) as other,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        account = pbx.config.accounts[0]
        credentials = Credentials(
            username=account.username,
            password=account.password,
            api_key=account.api_key,
        )
        request = replace(REQUEST, caller="101", callee="200")
        client = SimotelClient(http, URL(pbx.api_url), credentials)
        assert await client.originate(request) == pbx.calls[0].id
        client = SimotelClient(http, URL(other.api_url), credentials)
        with pytest.raises(PbxError) as caught:
            await client.originate(request)
        assert caught.value.code is PbxErrorCode.SSL_ERROR
        assert not other.requests

"""Tests of the client, over HTTP to the sandbox."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
import socket
import time
from typing import Any

from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
import pytest
from yarl import URL

from custom_components.pbx.backends.base import CallRequest, DirectoryExtension
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.simotel import Credentials, SimotelClient
from custom_components.pbx.backends.simotel.client import ORIGINATE, PING, USERS_SEARCH
from custom_components.pbx.backends.simotel.fields import call_time
from sandbox import Account, Fault, ManualClock, Sandbox
from sandbox.faults import FaultKind
from tests.tls import self_signed_context

REQUEST = CallRequest(
    call_id="ha-1",
    caller="101",
    callee="200",
    context="main_routing",
    caller_id="101",
    trunk_name=None,
    timeout=30,
    call_limit=None,
)

# Retrying does not help.
DENIED = (PbxErrorCode.ACCESS_DENIED, PbxErrorCode.NOT_SUPPORTED)


@contextmanager
def raises(
    code: PbxErrorCode, match: str | None = None
) -> Iterator[pytest.ExceptionInfo[PbxError]]:
    """Expect an error with a code."""
    with pytest.raises(PbxError, match=match) as caught:
        yield caught
    assert caught.value.code is code
    assert isinstance(caught.value, DeniedError) is (code in DENIED)


def with_account(sandbox: Sandbox, **changes: Any) -> None:  # noqa: ANN401 - any field
    """Change the sandbox's account."""
    account = replace(sandbox.config.accounts[0], **changes)
    sandbox.configure(accounts=(account,))


async def test_ping(client: SimotelClient, sandbox: Sandbox) -> None:
    """A ping is an empty object, sent as documented."""
    await client.ping()

    (request,) = sandbox.requests
    assert (request.method, request.path) == ("POST", "/setting/ping/act")
    assert request.json == {}
    assert request.headers["Content-Type"] == "application/json"


async def test_credentials_both(client: SimotelClient, sandbox: Sandbox) -> None:
    """Both credentials are sent if both are set."""
    await client.ping()

    headers = sandbox.requests[0].headers
    scheme, _, encoded = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"homeassistant:sandbox-password"
    assert headers["X-APIKEY"] == "sandbox-key"


@pytest.mark.parametrize(
    ("credentials", "sent", "not_sent"),
    [
        (Credentials(username="a", password="گذر"), "Authorization", "X-APIKEY"),
        (Credentials(api_key="k"), "X-APIKEY", "Authorization"),
    ],
)
async def test_credentials_one(
    session: ClientSession,
    sandbox: Sandbox,
    credentials: Credentials,
    sent: str,
    not_sent: str,
) -> None:
    """A single credential is sent on its own."""
    sandbox.configure(
        accounts=(
            Account(username="a", password="گذر", mode="basic"),
            Account(api_key="k", mode="key"),
        )
    )
    await SimotelClient(session, URL(sandbox.api_url), credentials).ping()

    headers = sandbox.requests[0].headers
    assert sent in headers
    assert not_sent not in headers


def test_credentials_repr() -> None:
    """A credential does not show its secrets."""
    shown = repr(Credentials(username="u", password="hush", api_key="shush"))

    assert "hush" not in shown
    assert "u" in shown


async def test_originate(
    client: SimotelClient, sandbox: Sandbox, clock: ManualClock
) -> None:
    """A call is placed as documented: all values are strings, and no more of them."""
    call_id = await client.originate(REQUEST)

    assert sandbox.requests[0].path == "/call/originate/act"
    assert sandbox.requests[0].json == {
        "caller": "101",
        "callee": "200",
        "context": "main_routing",
        "caller_id": "101",
        "timeout": "30",
    }
    assert call_id == sandbox.calls[0].id
    await clock.advance(30)
    assert sandbox.calls[0].result == "answered"


async def test_originate_all_fields(client: SimotelClient, sandbox: Sandbox) -> None:
    """A trunk and a limit are sent if they are set."""
    request = replace(REQUEST, trunk_name="main_trunk", call_limit=60, timeout=5)
    await client.originate(request)

    assert sandbox.requests[0].json == {
        "caller": "101",
        "callee": "200",
        "context": "main_routing",
        "caller_id": "101",
        "timeout": "5",
        "trunk_name": "main_trunk",
        "call_limit": "60",
    }


async def test_success_as_string(client: SimotelClient, sandbox: Sandbox) -> None:
    """A success flag may be a string."""
    sandbox.faults.set(ORIGINATE, Fault("success_as_string"))

    assert await client.originate(REQUEST) == sandbox.calls[0].id


async def test_no_id(
    client: SimotelClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A success without an id is a placed call, and a warning."""
    sandbox.faults.set(ORIGINATE, Fault("no_id", placed=True))

    assert await client.originate(REQUEST) is None
    assert "did not return its ID" in caplog.text


async def test_invalid_credentials(client: SimotelClient, sandbox: Sandbox) -> None:
    """Invalid credentials have their own error."""
    with_account(sandbox, password="changed")

    with pytest.raises(CredentialsError):
        await client.ping()


async def test_access_denied(client: SimotelClient, sandbox: Sandbox) -> None:
    """A missing permission is reported with the request's name."""
    with_account(sandbox, permissions=(PING,))

    with raises(PbxErrorCode.ACCESS_DENIED, match="/call/originate/act"):
        await client.originate(REQUEST)
    assert not sandbox.calls


async def test_address_not_permitted(client: SimotelClient, sandbox: Sandbox) -> None:
    """A refused IP address differs from a refused account."""
    sandbox.configure(permitted_addresses=("192.0.2.1",))

    with raises(PbxErrorCode.IP_NOT_PERMITTED):
        await client.ping()


async def test_not_supported(client: SimotelClient, sandbox: Sandbox) -> None:
    """An unsupported request is reported by name; no call is uncertain."""
    sandbox.configure(missing_services=(ORIGINATE,))

    with raises(PbxErrorCode.NOT_SUPPORTED, match="/call/originate/act"):
        await client.originate(REQUEST)


async def test_refused(client: SimotelClient) -> None:
    """A refusal contains the PBX's message."""
    with raises(PbxErrorCode.REFUSED, match="nowhere"):
        await client.originate(replace(REQUEST, context="nowhere"))


async def test_refusal_is_cleaned(client: SimotelClient, sandbox: Sandbox) -> None:
    """Secrets and numbers in a PBX's message are masked."""
    words = "No\nroute to 09121234567 with sandbox-password and sandbox-key"
    sandbox.faults.set(ORIGINATE, Fault("refuse", message=words))

    with raises(PbxErrorCode.REFUSED) as caught:
        await client.originate(REQUEST)

    assert caught.value.detail == "No route to *********67 with *** and ***"


async def test_wrong_base_path(
    session: ClientSession, sandbox: Sandbox, credentials: Credentials
) -> None:
    """An address that is not a Simotel's is reported as such."""
    client = SimotelClient(session, URL(sandbox.url) / "elsewhere", credentials)

    with raises(PbxErrorCode.UNEXPECTED_ANSWER, match=r"HTTP 404, text/html"):
        await client.ping()
    with raises(PbxErrorCode.UNEXPECTED_ANSWER):
        await client.originate(REQUEST)


async def test_redirect(client: SimotelClient, sandbox: Sandbox) -> None:
    """A redirect is not followed, and is definite for a call."""
    sandbox.faults.set("*", Fault("redirect", location="https://other.example/x?k=1"))

    with raises(
        PbxErrorCode.UNEXPECTED_ANSWER, match=r"redirects to https://other.example/x$"
    ):
        await client.originate(REQUEST)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "kind", ["status_500", "html", "truncated", "wrong_shape", "flood"]
)
async def test_no_envelope(
    client: SimotelClient, sandbox: Sandbox, kind: FaultKind
) -> None:
    """A ping response without an envelope is unexpected."""
    sandbox.faults.set(PING, Fault(kind, megabytes=2))

    with raises(PbxErrorCode.UNEXPECTED_ANSWER):
        await client.ping()


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize(
    "kind",
    ["hang", "reset", "status_500", "html", "truncated", "wrong_shape", "flood"],
)
async def test_uncertain(
    client: SimotelClient, sandbox: Sandbox, kind: FaultKind, placed: bool
) -> None:
    """A lost response makes the call uncertain, and the request is sent once."""
    sandbox.faults.set(ORIGINATE, Fault(kind, placed=placed, megabytes=2))

    with pytest.raises(CallUncertainError):
        await client.originate(REQUEST)

    assert len(sandbox.requests) == 1
    assert len(sandbox.calls) == placed


async def test_flood_is_not_read(
    session: ClientSession, sandbox: Sandbox, credentials: Credentials
) -> None:
    """An endless response is dropped after 1 MiB, and its connection closed."""
    sandbox.faults.set(PING, Fault("flood", times=1, megabytes=200_000))
    client = SimotelClient(session, URL(sandbox.api_url), credentials)

    async with asyncio.timeout(60):
        with raises(PbxErrorCode.UNEXPECTED_ANSWER):
            await client.ping()
        await client.ping()


async def test_timeout(client: SimotelClient, sandbox: Sandbox) -> None:
    """A PBX that does not respond times out."""
    sandbox.faults.set(PING, Fault("hang"))

    with raises(PbxErrorCode.TIMEOUT, match=r"within 2 s"):
        await client.ping()


async def test_reset(client: SimotelClient, sandbox: Sandbox) -> None:
    """A connection that is lost is a failed connection."""
    sandbox.faults.set(PING, Fault("reset"))

    with raises(PbxErrorCode.CANNOT_CONNECT):
        await client.ping()


async def test_queued_request_is_not_sent(
    sandbox: Sandbox, credentials: Credentials
) -> None:
    """A timeout while waiting for a connection does not make a call uncertain."""
    sandbox.faults.set(PING, Fault("hang"))
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        url = URL(sandbox.api_url)
        hanging = asyncio.ensure_future(
            SimotelClient(session, url, credentials, request_timeout=2).ping()
        )
        await asyncio.sleep(0)
        client = SimotelClient(session, url, credentials, request_timeout=0.1)
        with raises(PbxErrorCode.CANNOT_CONNECT):
            await client.originate(REQUEST)
        with raises(PbxErrorCode.TIMEOUT):
            await hanging

    assert [request.path for request in sandbox.requests] == [PING]


async def test_refused_connection(
    session: ClientSession, credentials: Credentials
) -> None:
    """A closed port is a refused connection, not an uncertain call."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = URL.build(
            scheme="http", host="127.0.0.1", port=unused.getsockname()[1], path="/api"
        )
        client = SimotelClient(session, url, credentials)
        with raises(PbxErrorCode.CANNOT_CONNECT) as caught:
            await client.originate(REQUEST)

    assert caught.value.detail == "Connection refused"


class NoResolver(AbstractResolver):
    """Knows no host."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Find nothing."""
        raise OSError(None, "DNS lookup failed")

    async def close(self) -> None:
        """Have nothing to close."""


async def test_unknown_host(credentials: Credentials) -> None:
    """An unknown host is reported without its name; no call is uncertain."""
    connector = TCPConnector(resolver=NoResolver())
    async with ClientSession(connector=connector) as session:
        client = SimotelClient(session, URL("http://pbx.invalid/api/v4"), credentials)
        with raises(PbxErrorCode.HOST_NOT_FOUND) as caught:
            await client.originate(REQUEST)
    assert "invalid" not in str(caught.value)


async def test_self_signed_certificate(
    session: ClientSession, credentials: Credentials, tmp_path: Path
) -> None:
    """A self-signed certificate is rejected with a message."""
    async with Sandbox(ssl_context=self_signed_context(tmp_path)) as sandbox:
        client = SimotelClient(session, URL(sandbox.api_url), credentials)
        with raises(PbxErrorCode.SSL_ERROR, match="self-signed certificate"):
            await client.originate(REQUEST)

    assert not sandbox.requests


async def test_tls_to_a_plain_port(
    session: ClientSession, sandbox: Sandbox, credentials: Credentials
) -> None:
    """A port without TLS is reported as an SSL error."""
    url = URL(sandbox.api_url).with_scheme("https")
    with raises(PbxErrorCode.SSL_ERROR):
        await SimotelClient(session, url, credentials).ping()


async def _half_an_answer(status: bytes, url_of: list[URL]) -> asyncio.Server:
    """Start a server that closes the connection within each response."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 999\r\n\r\n{")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url_of.append(URL.build(scheme="http", host="127.0.0.1", port=port, path="/api"))
    return server


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (b"200 OK", CallUncertainError),
        (b"502 Bad Gateway", CallUncertainError),
        (b"400 Bad Request", PbxError),
        (b"401 Unauthorized", CredentialsError),
        (b"429 Too Many Requests", PbxError),
        (b"501 Not Implemented", DeniedError),
    ],
)
async def test_answer_breaks_off(
    session: ClientSession,
    credentials: Credentials,
    status: bytes,
    error: type[PbxError],
) -> None:
    """A definite status rules a call out without the rest of its response."""
    url_of: list[URL] = []
    async with await _half_an_answer(status, url_of):
        client = SimotelClient(session, url_of[0], credentials)
        with pytest.raises(error) as caught:
            await client.originate(REQUEST)

    assert type(caught.value) is error


async def test_directory(client: SimotelClient, sandbox: Sandbox) -> None:
    """Active extensions and trunks come in order."""
    extensions = await client.extensions()

    assert extensions[0] == DirectoryExtension("101", "Kitchen")
    assert [each.number for each in extensions] == sorted(
        phone.number for phone in sandbox.config.phones if phone.active
    )
    assert await client.trunks() == ["main_trunk"]


async def test_directory_not_allowed(client: SimotelClient, sandbox: Sandbox) -> None:
    """A directory that may not be read is an error like any other."""
    with_account(sandbox, permissions=(PING,))

    with raises(PbxErrorCode.ACCESS_DENIED, match=USERS_SEARCH):
        await client.extensions()


async def test_clock_offset(
    session: ClientSession, sandbox: Sandbox, credentials: Credentials
) -> None:
    """The clock offset is that of the latest response, whatever its status."""
    ahead = 0.0
    client = SimotelClient(
        session,
        URL(sandbox.api_url),
        credentials,
        clock=lambda: time.time() - ahead,
    )
    assert client.clock_offset == 0

    ahead = 3600
    await client.ping()
    assert client.clock_offset == pytest.approx(3600, abs=1)
    assert client.clock_offset == int(client.clock_offset)

    ahead = -60
    with_account(sandbox, permissions=())
    with raises(PbxErrorCode.ACCESS_DENIED):
        await client.ping()
    assert client.clock_offset == pytest.approx(-60, abs=1)


@pytest.mark.parametrize(
    "status", [b"401 Unauthorized", b"401 Unauthorized\r\nDate: soon"]
)
async def test_clock_offset_without_date(
    session: ClientSession, credentials: Credentials, status: bytes
) -> None:
    """A response without a date does not change the clock offset."""
    url_of: list[URL] = []
    async with await _half_an_answer(status, url_of):
        client = SimotelClient(session, url_of[0], credentials)
        with pytest.raises(CredentialsError):
            await client.ping()

    assert client.clock_offset == 0


async def test_call_time(client: SimotelClient, clock: ManualClock) -> None:
    """A call's id contains the time of its request."""
    call_id = await client.originate(REQUEST)

    assert call_id is not None
    placed = call_time(call_id)
    assert placed is not None
    assert int(placed) == clock.time()
    assert call_time("7") is None

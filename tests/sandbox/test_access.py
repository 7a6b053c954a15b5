"""Who may use the API."""

import asyncio
import base64
from typing import Any

from hypothesis import given, strategies as st
import pytest

from sandbox import Account
from sandbox.access import INVALID, MISSING, find_account, is_permitted, parse_basic

from .helpers import LOGIN, ORIGINATE, PING, Pbx, basic, order

RIGHT = ("user", "word")
WRONG = ("user", "other")


def _account(mode: Any) -> Account:  # noqa: ANN401 - a literal
    return Account(username="user", password="word", api_key="key", mode=mode)


@pytest.mark.parametrize(
    ("mode", "login", "key", "problem"),
    [
        ("basic", RIGHT, None, None),
        ("basic", RIGHT, "anything", None),
        ("basic", WRONG, None, INVALID),
        ("basic", None, "key", MISSING),
        ("basic", None, None, MISSING),
        ("key", None, "key", None),
        ("key", WRONG, "key", None),
        ("key", None, "other", INVALID),
        ("key", RIGHT, None, MISSING),
        ("both", RIGHT, "key", None),
        ("both", RIGHT, None, MISSING),
        ("both", None, "key", MISSING),
        ("both", RIGHT, "other", INVALID),
        ("both", WRONG, "key", INVALID),
        ("both", WRONG, None, INVALID),
        ("both", None, None, MISSING),
    ],
)
def test_modes(
    mode: str, login: tuple[str, str] | None, key: str | None, problem: str | None
) -> None:
    """What each wants, and what is said when it does not get it."""
    account = _account(mode)
    found = find_account((account,), login, key)
    assert found == (account if problem is None else problem)


def test_several_accounts() -> None:
    """Each is known by its own credentials."""
    first, second = (
        Account(api_key="one", mode="key"),
        Account(api_key="two", mode="key"),
    )
    assert find_account((first, second), None, "two") is second
    assert find_account((), RIGHT, "two") == INVALID


def test_nothing_is_no_credential() -> None:
    """An account without a key is not opened by an empty one."""
    assert find_account((Account(mode="key"),), None, "") == INVALID
    assert find_account((Account(mode="basic"),), ("", ""), None) == INVALID


@pytest.mark.parametrize(
    ("header", "login"),
    [
        (None, None),
        ("", None),
        ("Bearer abc", None),
        (basic("خانه", "رمز:با"), ("خانه", "رمز:با")),
        ("basic " + base64.b64encode(b"a:b").decode(), ("a", "b")),
        ("Basic " + base64.b64encode("ü:é".encode("latin-1")).decode(), ("ü", "é")),
        ("Basic nonsense!", ("", "")),
    ],
)
def test_reading_basic(header: str | None, login: tuple[str, str] | None) -> None:
    """UTF-8, or the older Latin-1; nonsense is wrong rather than missing."""
    assert parse_basic(header) == login


@given(st.text(st.characters()))
def test_any_header_can_be_read(value: str) -> None:
    """It is no credential, and never fails."""
    accounts = (_account("both"), _account("key"), _account("basic"))
    login = parse_basic("Basic " + value)
    assert find_account(accounts, login, value) in {MISSING, INVALID}


async def test_headers_that_are_no_text(pbx: Pbx) -> None:
    """Bytes beyond ASCII are wrong credentials like any other."""
    headers = {"Authorization": "Basic \xff", "X-APIKEY": "\xff\udcfe"}
    url = pbx.sandbox.url.removeprefix("http://")
    host, _, port = url.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST /api/v4{PING} HTTP/1.1", f"Host: {url}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "surrogateescape"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert INVALID.encode() in answer


@pytest.mark.parametrize(
    ("permitted", "remote", "allowed"),
    [
        ((), "10.0.0.1", True),
        ((), None, True),
        (("10.0.0.1",), "10.0.0.1", True),
        (("10.0.0.0/24",), "10.0.0.77", True),
        (("10.0.0.0/24", "fe80::/10"), "10.0.1.1", False),
        (("10.0.0.0/24",), "::ffff:10.0.0.7", True),
        (("10.0.0.0/24",), "::1", False),
        (("10.0.0.0/24",), None, False),
    ],
)
def test_addresses(
    permitted: tuple[str, ...], remote: str | None, *, allowed: bool
) -> None:
    """An empty list permits everybody."""
    assert is_permitted(permitted, remote) is allowed


async def test_over_the_api(pbx: Pbx) -> None:
    """The documented words for each refusal."""
    pbx.client.headers.clear()
    reply = await pbx.post(PING)
    assert (reply.status, reply.message) == (401, MISSING)
    headers = {"Authorization": LOGIN, "X-APIKEY": "wrong"}
    reply = await pbx.send(PING, json={}, headers=headers)
    assert (reply.status, reply.message) == (401, INVALID)
    headers = {"Authorization": LOGIN, "X-APIKEY": "sandbox-key"}
    reply = await pbx.send(PING, json={}, headers=headers)
    assert (reply.status, reply.json["success"]) == (200, 1)


async def test_an_address_that_is_not_permitted(pbx: Pbx) -> None:
    """The address is checked before the credentials."""
    pbx.sandbox.configure(permitted_addresses=("192.0.2.0/24",))
    pbx.client.headers.clear()
    reply = await pbx.post(PING)
    assert (reply.status, reply.message) == (403, "IP is not permitted")


async def test_an_account_without_the_permission(pbx: Pbx) -> None:
    """Each request is allowed by itself."""
    account = Account(
        username="homeassistant",
        password="sandbox-password",
        api_key="sandbox-key",
        permissions=(PING,),
    )
    pbx.sandbox.configure(accounts=(account,))
    assert (await pbx.post(PING)).status == 200
    reply = await pbx.post(ORIGINATE, order("101", "102"))
    assert reply.status == 403
    assert reply.message == '"/call/originate/act";Access denied'
    assert pbx.sandbox.calls == []

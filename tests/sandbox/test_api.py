"""The API's entrance."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from sandbox.api import parse_json

from .helpers import HEADERS, PING, Pbx


@pytest.mark.parametrize("path", ["/api/v3/setting/ping/act", "/api/v4", "/api", "/x"])
async def test_a_wrong_base_path(pbx: Pbx, path: str) -> None:
    """Apache answers, with a page."""
    reply = await pbx.raw(pbx.sandbox.url + path, json={})
    assert (reply.status, reply.content_type) == (404, "text/html")
    assert "Apache" in reply.text
    assert pbx.sandbox.requests == []


async def test_another_base_path(pbx: Pbx) -> None:
    """Hosted PBXs have others."""
    old = pbx.sandbox.api_url
    pbx.sandbox.configure(base_path="/api/v4.1")
    assert pbx.sandbox.api_url.endswith("/api/v4.1")
    assert (await pbx.post(PING)).status == 200
    assert (await pbx.raw(old + PING, json={})).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_wrong_method(pbx: Pbx, method: str) -> None:
    """The older collections' PUT among them."""
    reply = await pbx.send(PING, method, json={})
    assert (reply.status, reply.message) == (405, "Method not allowed")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/xml"])
async def test_a_wrong_content_type(pbx: Pbx, kind: str | None) -> None:
    """Only JSON is taken."""
    headers = {"Content-Type": kind} if kind else {}
    reply = await pbx.send(PING, data=b"{}", headers=headers)
    assert (reply.status, reply.message) == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000]
)
async def test_a_body_that_is_no_json_object(pbx: Pbx, body: bytes) -> None:
    """It cannot be parsed."""
    headers = {"Content-Type": "application/json"}
    reply = await pbx.send(PING, data=body, headers=headers)
    assert (reply.status, reply.message) == (400, "Unable to parse content")


async def test_the_order_of_the_checks(pbx: Pbx) -> None:
    """Path, method, address, credentials, permission, content type, body."""
    pbx.client.headers.clear()
    pbx.sandbox.configure(permitted_addresses=("192.0.2.1",))
    bad = {"Content-Type": "text/plain"}
    assert (await pbx.send("/nothing", "GET", data=b"{")).status == 501
    assert (await pbx.send(PING, "GET", data=b"{", headers=bad)).status == 405
    assert (await pbx.send(PING, data=b"{", headers=bad)).message == (
        "IP is not permitted"
    )
    pbx.sandbox.configure(permitted_addresses=())
    assert (await pbx.send(PING, data=b"{", headers=bad)).status == 401
    bad |= HEADERS
    (account,) = pbx.sandbox.config.accounts
    pbx.sandbox.configure(accounts=(replace(account, permissions=()),))
    assert (await pbx.send(PING, data=b"{", headers=bad)).message == (
        f'"{PING}";Access denied'
    )
    pbx.sandbox.configure(accounts=(account,))
    assert (await pbx.send(PING, data=b"{", headers=bad)).status == 415
    bad["Content-Type"] = "application/json"
    assert (await pbx.send(PING, data=b"{", headers=bad)).status == 400


async def test_what_is_recorded(pbx: Pbx) -> None:
    """Every API request in order, refused ones too."""
    await pbx.send(PING + "?a=1", json={"x": "y"})
    await pbx.send("/nothing", "PUT", data=b"\xff")
    first, second = pbx.sandbox.requests
    assert (first.method, first.path, first.query) == ("POST", PING, {"a": "1"})
    assert first.headers["x-apikey"] == "sandbox-key"
    assert (first.body, first.json) == (b'{"x": "y"}', {"x": "y"})
    assert (second.method, second.path, second.json) == ("PUT", "/nothing", None)


async def test_not_all_requests_are_kept(
    pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox may run for weeks."""
    monkeypatch.setattr("sandbox.api.KEPT_REQUESTS", 2)
    for number in range(4):
        await pbx.post(PING, {"number": number})
    assert [request.json for request in pbx.sandbox.requests] == [
        {"number": 2},
        {"number": 3},
    ]


@given(st.binary())
def test_any_bytes_can_be_read(body: bytes) -> None:
    """As JSON, or as nothing."""
    parse_json(body)

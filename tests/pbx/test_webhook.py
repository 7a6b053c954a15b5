"""Tests of the webhook over real HTTP, with the sandbox and with other clients."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
import gzip
import hmac
from http import HTTPStatus
import json
import logging
from typing import Any
from urllib.parse import urlencode

from aiohttp import FormData
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, async_get_hass, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.setup import async_setup_component
from homeassistant.util.aiohttp import MockRequest
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx import webhook as pbx_webhook
from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.changes import CallChanged, Change
from custom_components.pbx.calls.manager import SIGNAL_CHANGE, CallManager
from custom_components.pbx.const import (
    CONF_ALLOW_REMOTE_EVENTS,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_REQUIRE_EVENT_LOGIN,
)
from custom_components.pbx.webhook import DATA_INBOXES, MAX_BODY, Inbox
from sandbox import EventPush, Fault, ManualClock, Sandbox

from .common import (
    PING,
    change_account,
    expect_state,
    let_time_pass,
    pass_time,
    place_call,
)
from .reporting import automate, begin_call

type Client = TestClient[Request, Application]

PONG = {"event_name": "Ping"}
INCOMING = {"event_name": "IncomingCall", "number": "09121234567", "unique_id": "1.2"}
PARTS = (
    b"--x y\r\nContent-Disposition: form-data; name=event_name\r\n\r\nIncomingCall\r\n"
    b'--x y\r\nContent-Disposition: form-data; name="number"\r\n'
    b"Content-Type: text/plain; charset=utf-16-le\r\n\r\n"
    + "09121234567".encode("utf-16-le")
    + b"\r\n--x y--\r\n"
)
PONG_JSON = json.dumps(PONG).encode()


@pytest.fixture(autouse=True)
def _quiet(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Check that no test leaves a traceback in the log."""
    # The server's own lines cannot be written while the time is frozen.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    yield
    expect_quiet(caplog.get_records("setup") + caplog.get_records("call"))


@pytest.fixture
async def http(
    loaded_entry: MockConfigEntry,  # noqa: ARG001 - sets the server up
    hass_client_no_auth: ClientSessionGenerator,
) -> Client:
    """Return a client of Home Assistant's HTTP server that is not logged in."""
    return await hass_client_no_auth()


@pytest.fixture
def path(loaded_entry: MockConfigEntry) -> str:
    """Return the path of the webhook."""
    return webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])


@pytest.fixture
def published(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> list[Change]:
    """Return the changes that the manager publishes."""
    changes: list[Change] = []

    @callback
    def take(manager: CallManager, change: Change) -> None:
        assert manager.entry.entry_id == loaded_entry.entry_id
        changes.append(change)

    async_dispatcher_connect(hass, SIGNAL_CHANGE, take)
    return changes


def calls(published: list[Change]) -> list[tuple[str, str]]:
    """Return the caller and the state of each change of a call."""
    return [
        (each.call.caller, each.state)
        for each in published
        if isinstance(each, CallChanged)
    ]


def inbox(entry: MockConfigEntry) -> Inbox:
    """Return the inbox of a PBX."""
    return async_get_hass().data[DATA_INBOXES][entry.entry_id]


def expect_quiet(records: Iterable[logging.LogRecord]) -> None:
    """Check that a log has no traceback above the debug level."""
    for record in records:
        assert not record.exc_info or record.levelno == logging.DEBUG, record.exc_text


def login(username: str, password: str) -> dict[str, str]:
    """Return the Authorization header of a username and a password."""
    token = b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


async def set_option(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    **options: Any,  # noqa: ANN401 - any option
) -> None:
    """Change options of a PBX."""
    hass.config_entries.async_update_entry(entry, options=entry.options | options)
    await hass.async_block_till_done()
    expect_state(entry, ConfigEntryState.LOADED)


def listen(sandbox: Sandbox, http: Client, path: str, **changes: Any) -> None:  # noqa: ANN401 - any field of it
    """Configure the sandbox to send its events to the webhook."""
    sandbox.configure(events=EventPush(url=str(http.make_url(path)), **changes))


# --- Effects of an event ---


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("numbers", ["strings", "numbers"])
@pytest.mark.usefixtures("loaded_entry")
async def test_call(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    http: Client,
    path: str,
    published: list[Change],
    loaded_entry: MockConfigEntry,
    method: Any,  # noqa: ANN401 - one of its literals
    numbers: Any,  # noqa: ANN401 - likewise
) -> None:
    """A call is tracked by the events of the PBX, and its changes are published."""
    listen(sandbox, http, path, method=method, numbers=numbers)
    await place_call(hass, caller="101", callee="102")
    await clock.advance(120)
    await hass.async_block_till_done()

    changes = [each for each in published if isinstance(each, CallChanged)]
    assert [each.state for each in changes][-1] is CallState.ENDED
    assert changes[-1].call.result == "answered"
    assert len(changes) < len(published)
    counted = inbox(loaded_entry)
    assert counted.received["cdr"] == 1
    assert counted.unknown == 0
    assert not counted.refused
    assert counted.last_event_at is not None


@pytest.mark.parametrize(
    "request_arguments",
    [
        {"json": INCOMING},
        {"data": INCOMING},
        {"params": INCOMING},
        {"data": json.dumps(INCOMING)},
        {"data": b"\xef\xbb\xbf\r\n" + json.dumps(INCOMING).encode()},
        {
            "data": json.dumps(INCOMING),
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {
            "data": urlencode(INCOMING),
            "headers": {
                "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
            },
        },
        {"data": gzip.compress(json.dumps(INCOMING).encode())}
        | {"headers": {"Content-Encoding": "gzip"}},
        {"json": [INCOMING]},
        {"json": {}, "params": INCOMING},
        {"json": {"number": "09121234567"}, "params": {"event_name": "IncomingCall"}},
        {"data": json.dumps(INCOMING).encode("utf-16")}
        | {"headers": {"Content-Type": "application/json; charset=UTF-16"}},
        {"data": FormData(INCOMING, default_to_multipart=True)},
        {"data": PARTS}
        | {"headers": {"Content-Type": 'Multipart/Form-Data; boundary="x y"'}},
    ],
    ids=[
        "json",
        "form",
        "query",
        "text",
        "bom",
        "curl",
        "form_charset",
        "gzip",
        "list_of_one",
        "query_beside_empty",
        "query_and_body",
        "json_charset",
        "multipart",
        "multipart_charset",
    ],
)
async def test_post(
    http: Client,
    path: str,
    published: list[Change],
    request_arguments: dict[str, Any],
) -> None:
    """An event is understood in any supported format."""
    response = await http.post(path, **request_arguments)

    assert response.status == HTTPStatus.OK
    assert calls(published) == [("09121234567", "placed")]


async def test_unknown(
    http: Client, path: str, published: list[Change], loaded_entry: MockConfigEntry
) -> None:
    """An unknown event is accepted and counted, without a change."""
    for fields in ({"event_name": "News"}, {"event_name": 7}, {}):
        assert (await http.post(path, json=fields)).status == HTTPStatus.OK
    assert (await http.get(path)).status == HTTPStatus.OK

    assert inbox(loaded_entry).unknown == 4
    assert not inbox(loaded_entry).received
    assert not calls(published)


@pytest.mark.parametrize("is_refused", [False, True])
async def test_while_retried(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    *,
    is_refused: bool,
) -> None:
    """Events that arrive before the setup succeeds are not lost."""
    account = sandbox.config.accounts[0]
    if is_refused:
        change_account(sandbox, password="other")
    else:
        sandbox.faults.set(PING, Fault("reset"))
    assert not await hass.config_entries.async_setup(entry.entry_id)
    came_in = await automate(hass, {"trigger": "pbx.incoming_call"}, "unique_id")
    # The notify entities need it, and the test's server accepts no more routes later.
    assert await async_setup_component(hass, "repairs", {})
    http = await hass_client_no_auth()
    address = webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID])
    for unique_id in ("a.1", "a.2"):
        expect_state(entry, ConfigEntryState.SETUP_RETRY)
        response = await http.post(address, json=INCOMING | {"unique_id": unique_id})
        assert response.status == HTTPStatus.OK
        await let_time_pass(hass, 30)
    assert [event.data["unique_id"] for event in came_in] == ["a.1", "a.2"]

    change_account(sandbox, password=account.password)
    sandbox.faults.clear()
    await let_time_pass(hass, 60)
    expect_state(entry, ConfigEntryState.LOADED)
    assert inbox(entry).received["incomingcall"] == 2


# --- One call, reported in more than one way ---

CDR = {
    "event_name": "Cdr",
    "src": "101",
    "dst": "200",
    "type": "local",
    "disposition": "ANSWERED",
    "billsec": "20",
    "wait": "4",
    "unique_id": "17.1",
}


@pytest.mark.parametrize(
    ("disposition", "result"),
    [
        ("CANCEL", "no_answer"),
        ("CALL_REJECTED", "declined"),
        ("DECLINED", "declined"),
        ("TIMEOUT", "undetermined"),
        ("", "undetermined"),
        (None, "undetermined"),
        ("پاسخ داده نشد", "undetermined"),
    ],
)
async def test_cdr_is_an_end(
    hass: HomeAssistant,
    http: Client,
    path: str,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    disposition: str | None,
    result: str,
) -> None:
    """The call has ended for any disposition of the PBX."""
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    call_id = await begin_call(hass, loaded_entry)
    cdr = CDR | {"originated_call_id": call_id, "disposition": disposition}
    assert (await http.post(path, json=cdr)).status == HTTPStatus.OK
    await pass_time(hass, freezer, 2)

    assert [event.data["result"] for event in ended] == [result]


@pytest.mark.parametrize("name", ["Cdr", "CdrQueue"])
async def test_answered_group(
    hass: HomeAssistant,
    http: Client,
    path: str,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    name: str,
) -> None:
    """A ring group in which one phone answered is answered, and ends once."""
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    cdr = CDR | {"originated_call_id": await begin_call(hass, loaded_entry)}
    await http.post(path, json=cdr | {"disposition": "NO ANSWER", "billsec": "0"})
    await pass_time(hass, freezer, 0.5)
    assert ended == []
    await http.post(path, json=cdr | {"event_name": name, "unique_id": "17.2"})
    await http.post(path, json=cdr | {"disposition": "BUSY", "unique_id": "17.3"})
    await pass_time(hass, freezer, 2)

    assert [event.data["result"] for event in ended] == ["answered"]


async def test_repeated(hass: HomeAssistant, http: Client, path: str) -> None:
    """Repeated events of a call publish one change; another call publishes another."""
    came_in = await automate(hass, {"trigger": "pbx.incoming_call"}, "unique_id")
    for fields in (INCOMING, INCOMING, INCOMING | {"unique_id": "1.3"}):
        await http.post(path, json=fields)
    await hass.async_block_till_done()

    assert [str(event.data["unique_id"]) for event in came_in] == ["1.2", "1.3"]


# --- What is no event ---

NO_EVENTS = {
    "empty": (b"", 400),
    "no json": (b"event_name=Ping", 400),
    "cut off": (b'{"event_name": "Pi', 400),
    "not utf-8": (b'{"event_name": "\xff\xfe"}', 400),
    "surrogate": (b'{"event_name": "\\ud800"}', 400),
    "infinite": (b'{"event_name": 1e999}', 400),
    "deep list": (b"[" * 60_000, 400),
    "deep object": (b'{"a":' * 12_000, 400),
    "text": (b'"Ping"', 422),
    "number": (b"7", 422),
    "null": (b"null", 422),
    "list": (b'[{"event_name": "Ping"}, {"event_name": "Ping"}]', 422),
    "empty list": (b"[]", 422),
    "list of no event": (b'["Ping"]', 422),
    "longest": (b" " * (MAX_BODY - len(PONG_JSON)) + PONG_JSON, 200),
    "too long": (b" " * (MAX_BODY - len(PONG_JSON) + 1) + PONG_JSON, 413),
    "far too long": (b"x" * 1024 * 1024, 413),
}


@pytest.mark.parametrize(
    ("body", "status"), list(NO_EVENTS.values()), ids=list(NO_EVENTS)
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_status(
    http: Client,
    path: str,
    loaded_entry: MockConfigEntry,
    body: bytes,
    status: int,
    is_chunked: bool,
) -> None:
    """A body that cannot be an event is refused, with or without a content length."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 16_384):
            yield body[start : start + 16_384]

    response = await http.post(path, data=chunks() if is_chunked else body)

    assert response.status == status
    refused = {} if status == HTTPStatus.OK else {status: 1}
    assert inbox(loaded_entry).refused == refused


@pytest.mark.parametrize(
    ("body", "status"),
    [(gzip.compress(b" " * 10_000_000), 413), (b"no gzip at all", 400)],
    ids=["bomb", "no gzip"],
)
async def test_compressed(http: Client, path: str, body: bytes, status: int) -> None:
    """The size limit applies to the decompressed body."""
    headers = {"Content-Encoding": "gzip"}
    response = await http.post(path, data=body, headers=headers)
    assert response.status == status
    assert (await http.post(path, json=PONG)).status == HTTPStatus.OK


async def test_form_in_a_charset(
    http: Client, path: str, published: list[Change]
) -> None:
    """Escaped characters of a form use its charset."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16-le"}
    data = "event_name=IncomingCall&number=%30%00%39%00".encode("utf-16-le")
    response = await http.post(path, data=data, headers=headers)
    assert response.status == HTTPStatus.OK
    assert calls(published) == [("09", "placed")]


async def test_not_utf8_form(http: Client, path: str) -> None:
    """The fields of a form are text."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await http.post(path, data=b"event_name=\xff", headers=headers)
    assert response.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=klingon",
        "application/json; charset=base64",
        "multipart/form-data",
        "multipart/form-data; boundary=y",
    ],
)
async def test_unreadable_type(http: Client, path: str, content_type: str) -> None:
    """A body that does not match its content type is refused."""
    headers = {"Content-Type": content_type}
    response = await http.post(path, data=PARTS, headers=headers)
    assert response.status == HTTPStatus.BAD_REQUEST


async def test_cut_off(
    hass: HomeAssistant, http: Client, path: str, loaded_entry: MockConfigEntry
) -> None:
    """A sender that disconnects during its request is handled."""
    _, writer = await open_request(http, path, b'{"event_name"', length=500)
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    await hass.async_block_till_done()

    assert not inbox(loaded_entry).received
    assert (await http.post(path, json=PONG)).status == HTTPStatus.OK


async def test_methods(http: Client, path: str) -> None:
    """Events can be sent with GET and POST; HEAD is for checking the address."""
    assert (await http.head(path)).status == HTTPStatus.OK
    assert (await http.put(path, json=PONG)).status == HTTPStatus.METHOD_NOT_ALLOWED
    # Home Assistant has nothing below the address of a webhook.
    assert (await http.post(f"{path}/Ping", json=PONG)).status == HTTPStatus.NOT_FOUND


async def test_warned_once(
    http: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Repeated invalid requests are logged only once."""
    for _ in range(3):
        await http.post(path, data=b"nonsense")
    warning = (
        "Refused a request to the webhook of Sandbox: 400 Bad Request"
        " (application/octet-stream, 8 bytes)"
    )
    assert [
        record.message
        for record in caplog.records
        if record.levelno == logging.WARNING and "webhook" in record.message
    ] == [warning]


# --- Who may send events ---


def logins(entry: MockConfigEntry) -> dict[str, dict[str, str]]:
    """Return headers without the valid login of a PBX."""
    username, password = (
        entry.data[name] for name in (CONF_EVENT_USERNAME, CONF_EVENT_PASSWORD)
    )
    right = login(username, password)["Authorization"]
    return {
        "missing": {},
        "empty": {"Authorization": ""},
        "other password": login(username, "other"),
        "longer password": login(username, f"{password}x"),
        "no password": login(username, ""),
        "other name": login("other", password),
        "other scheme": {"Authorization": right.replace("Basic", "Bearer")},
        "no scheme": {"Authorization": right.removeprefix("Basic ")},
        "no base64": {"Authorization": "Basic ***"},
        "no ascii": {"Authorization": "Basic ÿäö"},
        "no utf-8": {"Authorization": f"Basic {b64encode(bytes([255])).decode()}"},
    }


async def test_login(
    hass: HomeAssistant, http: Client, path: str, loaded_entry: MockConfigEntry
) -> None:
    """If a login is required, only the correct one is accepted."""
    await set_option(hass, loaded_entry, **{CONF_REQUIRE_EVENT_LOGIN: True})
    for name, headers in logins(loaded_entry).items():
        for method in ("GET", "POST"):
            response = await http.request(
                method, path, params=PONG, data=b"x" * 100, headers=headers
            )
            assert response.status == HTTPStatus.UNAUTHORIZED, name
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
    refused = 2 * len(logins(loaded_entry))
    assert inbox(loaded_entry).refused == {HTTPStatus.UNAUTHORIZED: refused}
    assert not inbox(loaded_entry).received

    right = login(
        loaded_entry.data[CONF_EVENT_USERNAME], loaded_entry.data[CONF_EVENT_PASSWORD]
    )
    folded = {"Authorization": right["Authorization"].replace("Basic", "BASIC ")}
    for headers in (right, folded):
        response = await http.post(path, json=PONG, headers=headers)
        assert response.status == HTTPStatus.OK
    assert inbox(loaded_entry).received == {"ping": 2}


async def test_login_takes_the_same_time(
    hass: HomeAssistant,
    http: Client,
    path: str,
    loaded_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The login is compared in constant time."""
    await set_option(hass, loaded_entry, **{CONF_REQUIRE_EVENT_LOGIN: True})
    compared: list[bytes] = []

    def compare(given: bytes, _expected: bytes) -> bool:
        compared.append(given)
        return True

    assert vars(pbx_webhook)["compare_digest"] is hmac.compare_digest
    monkeypatch.setattr(pbx_webhook, "compare_digest", compare)
    response = await http.post(path, json=PONG, headers=login("who", "ever"))

    assert response.status == HTTPStatus.OK
    assert compared == [b"who:ever"]


async def test_no_login(http: Client, path: str, loaded_entry: MockConfigEntry) -> None:
    """If no login is required, events with any login or none are accepted."""
    for name, headers in logins(loaded_entry).items():
        response = await http.post(path, json=PONG, headers=headers)
        assert response.status == HTTPStatus.OK, name
    assert not inbox(loaded_entry).refused


async def test_login_from_sandbox(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    http: Client,
    path: str,
    loaded_entry: MockConfigEntry,
) -> None:
    """The PBX logs in with the generated credentials."""
    await set_option(hass, loaded_entry, **{CONF_REQUIRE_EVENT_LOGIN: True})
    listen(
        sandbox,
        http,
        path,
        username=loaded_entry.data[CONF_EVENT_USERNAME],
        password=loaded_entry.data[CONF_EVENT_PASSWORD],
    )
    await let_time_pass(hass, 61)
    await clock.settle()

    assert inbox(loaded_entry).received == {"ping": 1}


@pytest.mark.parametrize("remote", ["203.0.113.7", "2001:db8::7", "nonsense", None])
@pytest.mark.parametrize("is_allowed", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_remote(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    remote: str | None,
    is_allowed: bool,
    method: str,
) -> None:
    """External requests, or those from the cloud (None), are accepted if allowed."""
    await set_option(hass, loaded_entry, **{CONF_ALLOW_REMOTE_EVENTS: is_allowed})
    request = MockRequest(
        content=b"" if method == "GET" else PONG_JSON,
        method=method,
        query_string=urlencode(PONG) if method == "GET" else "",
        mock_source="cloud",
        remote=remote,
    )
    response = await webhook.async_handle_webhook(
        hass, loaded_entry.data[CONF_WEBHOOK_ID], request
    )

    assert response.status == HTTPStatus.OK
    received = {"ping": 1} if is_allowed else {}
    assert inbox(loaded_entry).received == received


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (urlencode(PONG).encode(), "application/x-www-form-urlencoded", 200),
        (b"nonsense", "application/json", 400),
        (b"[]", "application/json", 422),
        (b" " * MAX_BODY + PONG_JSON, "application/json", 413),
    ],
    ids=["form", "no json", "list", "too long"],
)
async def test_cloud(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    body: bytes,
    content_type: str,
    status: int,
) -> None:
    """Requests from the cloud are parsed like others."""
    await set_option(hass, loaded_entry, **{CONF_ALLOW_REMOTE_EVENTS: True})
    request = MockRequest(
        content=body,
        method="POST",
        headers={"content-type": content_type},
        mock_source="cloud",
    )
    response = await webhook.async_handle_webhook(
        hass, loaded_entry.data[CONF_WEBHOOK_ID], request
    )
    assert response.status == status


# --- Over the life of a config entry ---


async def test_reload(
    hass: HomeAssistant, http: Client, path: str, loaded_entry: MockConfigEntry
) -> None:
    """The webhook and its counters survive a reload."""
    await http.post(path, json=PONG)
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await hass.async_block_till_done()

    assert (await http.post(path, json=PONG)).status == HTTPStatus.OK
    assert inbox(loaded_entry).received == {"ping": 2}


async def test_disabled(
    hass: HomeAssistant,
    http: Client,
    path: str,
    published: list[Change],
    loaded_entry: MockConfigEntry,
) -> None:
    """Events of a disabled PBX are ignored, with the same response."""
    await hass.config_entries.async_set_disabled_by(
        loaded_entry.entry_id, ConfigEntryDisabler.USER
    )
    for body in (PONG_JSON, b"nonsense"):
        assert (await http.post(path, data=body)).status == HTTPStatus.OK
    assert not calls(published)


async def test_unload_in_between(
    hass: HomeAssistant,
    http: Client,
    path: str,
    published: list[Change],
    loaded_entry: MockConfigEntry,
) -> None:
    """An event whose body arrives during the unload is dropped."""
    length = len(PONG_JSON)
    reader, writer = await open_request(http, path, PONG_JSON[:5], length=length)
    await asyncio.sleep(0.05)
    assert await hass.config_entries.async_unload(loaded_entry.entry_id)
    writer.write(PONG_JSON[5:])

    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert not calls(published)


async def test_private(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Diagnostics have the counters; neither they nor the log contain secrets."""
    caplog.set_level(logging.DEBUG, "custom_components.pbx")
    await set_option(hass, loaded_entry, **{CONF_REQUIRE_EVENT_LOGIN: True})
    data = loaded_entry.data
    right = login(data[CONF_EVENT_USERNAME], data[CONF_EVENT_PASSWORD])
    # Before the server runs.
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    path = webhook.async_generate_path(data[CONF_WEBHOOK_ID])
    for fields in (PONG, PONG, INCOMING, {}):
        await client.post(path, json=fields, headers=right)
    await client.post(path, data=b"[]", headers=right)
    await client.post(path, json=PONG, headers=login("a", "b"))

    dump = await get_diagnostics_for_config_entry(hass, hass_client, loaded_entry)
    events: Any = dump["events"]
    assert events.pop("last_event_at").endswith("+00:00")
    assert events == {
        "received": {"ping": 2, "incomingcall": 1},
        "unknown": 1,
        "refused": {"422": 1, "401": 1},
    }
    secrets = [
        data[name]
        for name in (CONF_WEBHOOK_ID, CONF_EVENT_USERNAME, CONF_EVENT_PASSWORD)
    ]
    own = [record.message for record in caplog.records if "pbx" in record.name]
    texts = [json.dumps(dump), *own]
    assert not [secret for secret in secrets for text in texts if secret in text]


# --- Anything at all ---

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["ANSWERED", "orig.call.1.2", "101", "InUse", "-1", "1e400"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    [
        *("Cdr", "CDR", "CdrQueue", "NewState", "OutgoingCall", "IncomingCall"),
        *("Transfer", "VoiceMail", "Ping"),
    ]
)
_KEYS = st.sampled_from(
    [
        *("originated_call_id", "src", "dst", "disposition", "billsec", "wait"),
        *("exten", "state", "participant", "direction", "number", "unique_id"),
        "description",
    ]
)
_EVENTS = st.builds(
    lambda name, fields: {"event_name": name, **fields},
    _NAMES | _JSON,
    st.dictionaries(_KEYS | st.text(), _JSON, max_size=8),
)
_BODIES = st.one_of(
    st.binary(max_size=200),
    (_EVENTS | _JSON).map(lambda value: json.dumps(value).encode()),
    _EVENTS.map(lambda fields: urlencode(fields, errors="replace").encode()),
    st.lists(st.binary(max_size=40)).map(b"\r\n--x\r\n\r\n".join),
    st.binary(max_size=40).map(
        b"--x\r\nContent-Disposition: form-data; name=%s\r\n\r\n".__mod__
    ),
)
_TYPES = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-16",
        "application/json; charset*=klingon'x'y",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "nonsense",
        "",
    ]
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST"]),
    body=_BODIES,
    content_type=_TYPES,
    query=st.dictionaries(_KEYS | st.just("event_name"), _NAMES | st.text()),
    authorization=st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])
    ),
)
async def test_anything(
    http: Client,
    path: str,
    caplog: pytest.LogCaptureFixture,
    method: str,
    body: bytes,
    content_type: str,
    query: dict[str, str],
    authorization: str,
) -> None:
    """Any request has a response, and logs no error."""
    caplog.clear()
    response = await http.request(
        method,
        path,
        data=body,
        params={
            key: value.encode(errors="replace").decode() for key, value in query.items()
        },
        headers={"Content-Type": content_type, "Authorization": authorization},
    )
    assert response.status in {200, 400, 422}
    expect_quiet(caplog.records)


async def open_request(
    http: Client, path: str, body: bytes, *, length: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the beginning of a request."""
    reader, writer = await asyncio.open_connection(http.host, http.port)
    head = f"POST {path} HTTP/1.1\r\nHost: ha\r\nContent-Length: {length}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer

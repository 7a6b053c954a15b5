"""Nothing secret and no whole number leaves for where others may read it.

Canaries are planted wherever there is a credential or a number, everything is done
that can be done, and all that was written of it is searched for them.

Users who can see the entities see their attributes, with full numbers: automations
need them. Home Assistant's own log at the level of debug repeats these, and what is
given to actions. Neither is searched.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
import json
import logging
import re
from types import MappingProxyType
from typing import Any, get_args
from urllib.parse import quote

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.const import DOMAIN
from sandbox import Account, Fault, ManualClock, Sandbox
from sandbox.faults import FAULT_KINDS, FaultKind

from .ari import PASSWORD as ARI_PASSWORD, USERNAME as ARI_USERNAME, Reply, StubAri
from .common import ORIGINATE, PING, let_time_pass
from .dialog import open_user
from .scene import REPORT

CALLEE, CALLER, CALLER_ID = "09127770001", "09127770002", "02187770003"
CONTACT, FORBIDDEN = "09127770004", "09127770005"
DATA = {
    "username": "canary-user",
    # Two blanks are one where a text is made a line of.
    "password": "Canary  Pass/word",
    "api_key": "Canary-Api-Key",
    "webhook_id": "canary0webhook0id",
    "event_username": "canary-sender",
    "event_password": "Canary-Event-Password",
}
ACCOUNT = Account(
    username=DATA["username"], password=DATA["password"], api_key=DATA["api_key"]
)
OPTIONS = {
    "context": "main_routing",
    "timeout": 30,
    "internal_digits": 5,
    "caller": CALLER,
    "caller_id": CALLER_ID,
    "trunk_name": "main_trunk",
    "forbidden_numbers": [FORBIDDEN],
    "require_event_login": True,
    "calls_at_once": 0,
    "calls_per_hour": 0,
}
NUMBERS = (CALLEE, CALLER, CALLER_ID, CONTACT, FORBIDDEN)
CANARIES = (*DATA.values(), *NUMBERS, *(number.lstrip("0") for number in NUMBERS))


def login(username: str, password: str) -> str:
    """Return the encoded credentials that each request contains."""
    return b64encode(f"{username}:{password}".encode()).decode()


LOGINS = (
    login(DATA["username"], DATA["password"]),
    login(DATA["event_username"], DATA["event_password"]),
)
ARI_LOGIN = login(ARI_USERNAME, ARI_PASSWORD)


def repeated(username: str, password: str) -> list[str]:
    """Return what a PBX may say that repeats what it was sent."""
    header = json.dumps({"Authorization": f"Basic {login(username, password)}"})
    return [
        header,
        header.replace("/", r"\/").replace("=", ""),
        quote(header),
        f"{username} has another password than {password}",
        f"/login?user={quote(username)}&password={quote(password, safe='')}",
        "0912-777-0001, (0912) 777.0002, +98 21 8777 0003",
        "\u06f0\u06f9\u06f1\u06f2 \u06f7\u06f7\u06f7 \u06f0\u06f0\u06f0\u06f1",
    ]


# Of the numbers above, however they are written, but for their last two digits.
DIGITS = re.compile(r"9127770\d\d|21877700")


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have the integration write all that it can; others what they do by default."""
    with (
        caplog.at_level(logging.INFO),
        # As Home Assistant has it: a line would name the address of each request.
        caplog.at_level(logging.WARNING, "aiohttp.access"),
        caplog.at_level(logging.DEBUG, f"custom_components.{DOMAIN}"),
    ):
        yield


@pytest.fixture
def canary_entry(
    hass: HomeAssistant, sandbox: Sandbox, entry_data: dict[str, Any]
) -> MockConfigEntry:
    """Return a PBX all of whose secrets are canaries, with a contact."""
    sandbox.configure(accounts=(ACCOUNT,))
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        data={**entry_data, **DATA},
        options=OPTIONS,
    )
    entry.add_to_hass(hass)
    contact = ConfigSubentry(
        data=MappingProxyType({"number": CONTACT}),
        subentry_type="contact",
        title="Mum",
        unique_id=f"contact_{CONTACT}",
    )
    hass.config_entries.async_add_subentry(entry, contact)
    return entry


@pytest.fixture
async def listening(
    hass: HomeAssistant, canary_entry: MockConfigEntry
) -> AsyncIterator[MockConfigEntry]:
    """Return it, set up."""
    for component in ("diagnostics", "repairs"):
        assert await async_setup_component(hass, component, {})
    assert await hass.config_entries.async_setup(canary_entry.entry_id)
    await hass.async_block_till_done()
    yield canary_entry
    await hass.async_block_till_done()


def texts_of(error: BaseException | None) -> Iterator[str]:
    """Yield all that an error and those behind it say."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__


def find_canaries(text: str) -> list[str]:
    """Return those that a text has in it, the numbers however they are grouped."""
    collapsed = " ".join(text.split())
    known = {
        form
        for canary in (*CANARIES, *LOGINS, ARI_PASSWORD, ARI_LOGIN)
        for form in (canary, " ".join(canary.split()), canary.rstrip("="))
    }
    digits = "".join(str(int(sign)) for sign in text if sign.isdecimal())
    return [
        *sorted(form for form in known if form in text or form in collapsed),
        *DIGITS.findall(digits),
    ]


def logged(caplog: pytest.LogCaptureFixture, *loggers: str) -> str:
    """Return all that was written, or by some loggers, tracebacks and all."""
    formatter = logging.Formatter("%(levelname)s %(name)s %(message)s")
    records = [each for each in caplog.records if each.name.startswith(loggers or "")]
    return "\n".join(map(formatter.format, records))


async def everywhere(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> str:
    """Return all that people copy into a bug report, or see without being asked."""
    dump = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    issues = [asdict(issue) for issue in ir.async_get(hass).issues.values()]
    return json.dumps([dump, issues, entry.reason], default=str)


async def act(hass: HomeAssistant, action: str, **data: object) -> list[str]:
    """Run an action, and return what its error says, if there is one."""
    try:
        await hass.services.async_call(DOMAIN, action, data, blocking=True)
    except HomeAssistantError as err:
        return list(texts_of(err))
    return []


async def test_find_canaries() -> None:
    """The search finds what it is to find."""
    known = {CALLEE, CALLEE.lstrip("0"), LOGINS[0], LOGINS[0].rstrip("=")}
    found = [*sorted(known), "912777000"]
    assert find_canaries(f"a {CALLEE} b {LOGINS[0]}") == found
    assert find_canaries("a Canary Pass/word") == ["Canary Pass/word"]
    assert find_canaries("a 0912-777-00, 01") == ["912777000"]
    error = HomeAssistantError("No")
    error.__cause__ = ValueError(CALLER)
    assert find_canaries("".join(texts_of(error)))


@pytest.mark.usefixtures("hurried")
async def test_calls(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    listening: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Calls that succeed, that fail in every way, and that are refused."""
    messages: list[str] = []
    words = f"{DATA['api_key']} of {DATA['username']}: {DATA['password']}, {CALLEE}"
    for kind in get_args(FaultKind.__value__):
        fault = Fault(kind, message=words, megabytes=2, location=f"/{CALLEE}?{words}")
        for path in (ORIGINATE, REPORT, PING):
            sandbox.faults.set(path, fault)
        messages += await act(hass, "originate", callee=CALLEE)
        await let_time_pass(hass, 61)
        sandbox.faults.clear()
        await clock.advance(120)
    assert len(messages) > len(FAULT_KINDS)
    await act(hass, "originate", callee=CALLEE)
    await hass.services.async_call(
        "button", "press", {"entity_id": "button.mum"}, blocking=True
    )
    messages += await act(hass, "originate", callee=FORBIDDEN)
    for data in (
        {"callee": f"{CALLEE}x"},
        {"callee": CALLEE, "trunk_name": ""},
        {"callee_contact": CALLEE},
        {"callee": "112"},
    ):
        messages += await act(hass, "originate", **data)
    messages += await act(hass, "hang_up", originated_call_id=f"{CALLEE}")
    messages += await act(hass, "escalate", callees=[FORBIDDEN, f"{CALLEE}x"])
    sandbox.configure(accounts=(Account(api_key="changed", mode="key"),))
    messages += await act(hass, "originate", callee=CALLEE)
    assert await hass.config_entries.async_reload(listening.entry_id) is False
    messages += await act(hass, "originate", callee=CALLEE)

    assert find_canaries("\n".join(messages)) == []
    assert find_canaries(logged(caplog)) == []
    assert "Placing a call from *********02 to *********01" in logged(caplog)
    text = await everywhere(hass, hass_client, listening)
    assert "refused_calls" in text
    assert find_canaries(text) == []


async def test_events(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    listening: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events that are taken, and what is none, with a login or without."""
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(DATA["webhook_id"])
    right = {"Authorization": f"Basic {LOGINS[1]}"}
    wrong = {"Authorization": f"Basic {LOGINS[0]}"}
    incoming = {"event_name": "IncomingCall", "number": CALLEE, "unique_id": "1.2"}
    for body in (
        json.dumps(incoming),
        json.dumps({**incoming, "event_name": CALLEE}),
        f'{{"{DATA["api_key"]}": ',
        f'["{CALLEE}"]',
        CALLEE * 100_000,
    ):
        for headers in (right, wrong, {}):
            async with http.post(path, data=body, headers=headers) as response:
                assert find_canaries(await response.text()) == []
                assert find_canaries(repr(response.headers)) == []

    assert find_canaries(logged(caplog)) == []
    text = await everywhere(hass, hass_client, listening)
    assert find_canaries(text) == []


async def test_asterisk(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The password of an Asterisk, which goes along with its stream as well."""
    messages: list[str] = []
    words = {"message": f"{ARI_PASSWORD} {CALLEE}"}
    for status in (401, 403, 404, 409, 500, 503):
        ari.replies["POST", "channels"] = Reply(status=status, value=words)
        messages += await act(hass, "originate", caller="557", callee=CALLEE)
    ari.replies["GET", "asterisk/info"] = Reply(status=500, value=words)
    await let_time_pass(hass, 61)
    await ari.send_event(
        {"type": CALLEE, "channel": {"id": CALLEE, "name": ARI_PASSWORD}}
    )
    await ari.send_event({"type": "ApplicationReplaced"})
    messages += await act(hass, "hang_up", originated_call_id=CALLEE)
    await hass.async_block_till_done()

    text = await everywhere(hass, hass_client, asterisk_entry)
    for found in ("\n".join(messages), logged(caplog), text):
        assert find_canaries(found) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("words", repeated(DATA["username"], DATA["password"]))
async def test_repeated_by_a_simotel(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    listening: MockConfigEntry,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    words: str,
) -> None:
    """What a PBX repeats of what it was sent stays with it, however it is written."""
    messages: list[str] = []
    for kind in ("refuse", "redirect"):
        fault = Fault(kind, message=words, location=f"/{words}")
        for path in (ORIGINATE, REPORT, PING):
            sandbox.faults.set(path, fault)
        messages += await act(hass, "originate", callee=CALLEE)
        await let_time_pass(hass, 61)

    text = await everywhere(hass, hass_client, listening)
    for found in ("\n".join(messages), logged(caplog), text):
        assert find_canaries(found) == []
    assert "The PBX Home refused the request (" in "".join(messages)


@pytest.mark.parametrize("words", repeated(ARI_USERNAME, ARI_PASSWORD))
async def test_repeated_by_an_asterisk(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    words: str,
) -> None:
    """Likewise."""
    ari.reply("POST", "channels", Reply(409, {"message": words}))
    messages = await act(hass, "originate", caller="557", callee=CALLEE)
    ari.reply("GET", "asterisk/info", Reply(500, {"error": words}))
    await let_time_pass(hass, 61)
    ari.reply("POST", "channels", Reply(302, headers={"Location": f"/{words}"}))
    messages += await act(hass, "originate", caller="557", callee=CALLEE)

    text = await everywhere(hass, hass_client, asterisk_entry)
    for found in ("\n".join(messages), logged(caplog), text):
        assert find_canaries(found) == []
    assert "The PBX Stub refused the request (" in "".join(messages)


@pytest.mark.parametrize("kind", ["simotel", "asterisk"])
async def test_a_parrot(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    known_host: str,
    entry_data: dict[str, Any],
    asterisk_data: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """What speaks no HTTP, and repeats a header in the place of an answer."""

    async def repeat(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        login = re.search(r"Authorization: (.*)", head)
        assert login
        writer.write(f"{login[1]} for {CALLEE}\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    base = {"simotel": {**entry_data, **DATA}, "asterisk": asterisk_data}[kind]
    data = {**base, "url": f"http://{known_host}:{port}/api"}
    entry = MockConfigEntry(domain=DOMAIN, title="Home", data=data)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    dump = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    server.close()
    assert not await hass.config_entries.async_reload(entry.entry_id)

    rest = f"{entry.reason} {json.dumps(dump)}"
    assert "Cannot connect to the PBX" in rest
    assert find_canaries(logged(caplog) + rest) == []
    lines = logged(caplog, "custom_components", "homeassistant.config_entries")
    assert "Cannot connect to the PBX" in lines
    assert known_host not in lines + rest
    assert "127.0.0.1" not in lines + rest


@pytest.mark.usefixtures("hurried")
async def test_set_up(
    hass: HomeAssistant, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the form shows what the user entered."""
    login = {name: DATA[name] for name in ("username", "password", "api_key")}
    form = {"url": sandbox.api_url, "verify_ssl": True, **login}
    words = " ".join((*login.values(), CALLEE, LOGINS[0]))
    dialog = await open_user(hass, "simotel")
    await dialog.submit(form)
    dialog.expect_form("simotel", {"base": "simotel_invalid_auth"})
    messages = [await dialog.error_text()]
    sandbox.configure(accounts=(ACCOUNT,))
    for kind in ("refuse", "hang", "html", "status_500", "redirect", "wrong_shape"):
        fault = Fault(kind, message=words, location=f"/{words}?{words}")
        sandbox.faults.set(PING, fault)
        await dialog.submit(form)
        messages += [await dialog.error_text(), json.dumps(dialog.placeholders)]

    assert find_canaries("\n".join(messages)) == []
    assert find_canaries(logged(caplog)) == []

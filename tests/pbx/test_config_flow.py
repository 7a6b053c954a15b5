"""Tests of the config flow and of the options, over HTTP to the sandbox."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import logging
from pathlib import Path
import ssl
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.const import (
    CONF_NAME,
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    CONF_WEBHOOK_ID,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.util import ssl as ssl_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.pbx.backends import KINDS
from custom_components.pbx.const import (
    CONF_API_KEY,
    CONF_CALL_LIMIT,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CONTEXT,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DOMAIN,
)
from custom_components.pbx.flows import FORMS, call_defaults
from custom_components.pbx.flows.ring_phone import CONF_RING
from sandbox import Account, Fault, ManualClock, Sandbox, Trunk
from tests.tls import Authority, self_signed_context

from .common import (
    ORIGINATE,
    PING,
    TRUNKS,
    USERS,
    change_account,
    let_time_pass,
    pings,
    reauth_flows,
    until,
)
from .dialog import Dialog, open_call_defaults, open_reauth, open_reconfigure, open_user
from .toy import Toys

ADDRESS = (CONF_WEBHOOK_ID, CONF_EVENT_USERNAME, CONF_EVENT_PASSWORD)
# Seconds, in which the PBX is pinged.
A_PING = 62
DEFAULTS = {CONF_CONTEXT: "main_routing", CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}


@pytest.fixture
def form(entry_data: dict[str, Any]) -> dict[str, Any]:
    """Return what a person types to connect the sandbox."""
    data = {name: value for name, value in entry_data.items() if name != CONF_KIND}
    return {CONF_NAME: "Simotel", **data}


@pytest.fixture
def _hurried_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce the timeout of the directory below that of the client."""
    monkeypatch.setattr(call_defaults, "_DIRECTORY_TIMEOUT", 1)


OPEN_CHANGE = {"reauth_simotel": open_reauth, "reconfigure_simotel": open_reconfigure}


# --- Adding a PBX ---


def without_address(entry: ConfigEntry) -> dict[str, Any]:
    """Return an entry's data but for the address of its events, which is random."""
    return {name: value for name, value in entry.data.items() if name not in ADDRESS}


async def test_user(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any], entry_data: object
) -> None:
    """A PBX is added: tested first, with a name and with call defaults."""
    dialog = await open_user(hass, "simotel")
    dialog.expect_form("simotel")
    assert dialog.values == {CONF_NAME: "Simotel"}
    assert next(iter(dialog.fields)) == CONF_NAME
    for name in (CONF_PASSWORD, CONF_API_KEY):
        assert dialog.fields[name].config["type"] == "password"

    await dialog.submit(form)
    dialog.expect_form("defaults")
    assert dialog.values == DEFAULTS
    assert [request.path for request in sandbox.requests] == [PING, USERS, TRUNKS]

    await dialog.submit({**DEFAULTS, CONF_CALLER: "101"})
    dialog.expect_form("import_extensions")
    await dialog.submit(dialog.defaults)
    dialog.expect_form("ring_phone")
    assert dialog.defaults == {CONF_RING: False}
    await dialog.submit(dialog.defaults)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.title, entry.unique_id) == ("Simotel", None)
    assert hass.states.is_state("binary_sensor.simotel_connected", "on")
    assert without_address(entry) == entry_data
    assert len({entry.data[name] for name in ADDRESS}) == len(ADDRESS)
    assert entry.options == {**DEFAULTS, CONF_CALLER: "101"}


@pytest.mark.parametrize(
    "address",
    [
        "{host}",
        " {host}/ ",
        "HTTP://{host}",
        "http://{host}/api/v4",
        "{host}/api/v4/",
    ],
)
async def test_one_form_of_an_address(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any], address: str
) -> None:
    """However the address is written, it is stored in one form."""
    host = sandbox.url.removeprefix("http://")
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: address.format(host=host)})
    await dialog.add(DEFAULTS)

    assert dialog.result["data"][CONF_URL] == sandbox.api_url


async def test_other_base_path(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any]
) -> None:
    """A path that was given is the one that is asked."""
    sandbox.configure(base_path="/tenant/api/v4.1")
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: sandbox.api_url})

    dialog.expect_form("defaults")


@pytest.mark.parametrize(
    ("account", "sent"),
    [
        (
            Account(username="ha", password=" s p ", mode="basic"),
            {"Authorization": "Basic aGE6IHMgcCA="},
        ),
        (Account(api_key="key", mode="key"), {"X-APIKEY": "key"}),
        (
            Account(username="ha", password="é", api_key="key"),
            {"Authorization": "Basic aGE6w6k=", "X-APIKEY": "key"},
        ),
    ],
    ids=["basic", "key", "both"],
)
async def test_credentials(
    hass: HomeAssistant, sandbox: Sandbox, account: Account, sent: dict[str, str]
) -> None:
    """Whichever credentials there are, they are sent, and no others."""
    sandbox.configure(accounts=(account,))
    typed = {
        CONF_USERNAME: account.username,
        CONF_PASSWORD: account.password,
        CONF_API_KEY: account.api_key,
    }
    dialog = await open_user(hass, "simotel")
    await dialog.submit(
        {
            CONF_URL: sandbox.api_url,
            CONF_VERIFY_SSL: True,
            **{name: value for name, value in typed.items() if value},
        }
    )
    await dialog.add(DEFAULTS)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert {**dialog.result["data"], **typed} == dialog.result["data"]
    headers = sandbox.requests[-1].headers
    assert {
        name: headers[name] for name in ("Authorization", "X-APIKEY") if name in headers
    } == sent


async def test_third_kind(
    hass: HomeAssistant, toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind that has a form has all of its steps."""
    monkeypatch.setitem(FORMS, "toy", FORMS["simotel"])
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["menu_options"] == list(KINDS)
    dialog = Dialog(hass, result)
    await dialog.submit({"next_step_id": "toy"})
    assert dialog.values == {CONF_NAME: "Toy"}
    await dialog.submit({CONF_URL: "toy", CONF_API_KEY: "key"})

    dialog.expect_form("defaults")
    assert dialog.offered(CONF_CALLER) == ["101 Kitchen", "102 Workshop"]
    assert toys.made[0].pings == 1
    await dialog.add(DEFAULTS)
    assert dialog.result["result"].title == "Toy"


# --- What is wrong with what was typed ---


TYPED_WRONG = [
    ({CONF_URL: ""}, {CONF_URL: "invalid_url"}),
    ({CONF_URL: "http://user@pbx"}, {CONF_URL: "invalid_url"}),
    ({CONF_URL: "ftp://pbx"}, {CONF_URL: "invalid_url"}),
    ({CONF_USERNAME: ""}, {CONF_USERNAME: "missing_credentials"}),
    ({CONF_PASSWORD: ""}, {CONF_PASSWORD: "missing_credentials"}),
    (
        {CONF_USERNAME: " ", CONF_PASSWORD: "", CONF_API_KEY: " "},
        {"base": "missing_credentials"},
    ),
    ({CONF_USERNAME: "a:b"}, {CONF_USERNAME: "invalid_username"}),
    ({CONF_API_KEY: "کلید"}, {CONF_API_KEY: "invalid_api_key"}),
    ({CONF_API_KEY: "a\r\nb"}, {CONF_API_KEY: "invalid_api_key"}),
    (
        {CONF_URL: "pbx?", CONF_PASSWORD: "", CONF_API_KEY: "\x00"},
        {
            CONF_URL: "invalid_url",
            CONF_PASSWORD: "missing_credentials",
            CONF_API_KEY: "invalid_api_key",
        },
    ),
]


@pytest.mark.parametrize(("typed", "errors"), TYPED_WRONG)
async def test_user_typed_wrong(
    hass: HomeAssistant,
    sandbox: Sandbox,
    form: dict[str, Any],
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """What is wrong stands under its field; nothing is sent, nothing is lost."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, **typed})

    dialog.expect_form("simotel", errors)
    assert dialog.values == {**form, **typed}
    assert sandbox.requests == []

    await dialog.submit(form)
    await dialog.add(DEFAULTS)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


# --- What is wrong at the PBX ---


@dataclass(frozen=True)
class Trouble:
    """Something wrong at the PBX, and what the form says about it."""

    cause: Callable[[Sandbox], None]
    error: str
    words: str


def fault(kind: Any, **details: Any) -> Callable[[Sandbox], None]:  # noqa: ANN401 - a fault's own fields
    """Return what switches a fault on."""
    return lambda sandbox: sandbox.faults.set(PING, Fault(kind, **details))


_NOT_SIMOTEL = "simotel_unexpected_answer"
TROUBLES = {
    "reset": Trouble(fault("reset"), "cannot_connect", "(Connection reset by peer)"),
    "hang": Trouble(fault("hang"), "timeout_connect", "(no response within 1 s)"),
    "password": Trouble(
        lambda sandbox: change_account(sandbox, password="other"),
        "simotel_invalid_auth",
        "Maintenance > API Accounts",
    ),
    "account": Trouble(
        lambda sandbox: change_account(sandbox, permissions=(ORIGINATE,)),
        "simotel_access_denied",
        f"({PING})",
    ),
    "address": Trouble(
        lambda sandbox: sandbox.configure(permitted_addresses=("192.0.2.1",)),
        "simotel_ip_not_permitted",
        "permitted addresses",
    ),
    "path": Trouble(
        lambda sandbox: sandbox.configure(base_path="/api/v5"),
        _NOT_SIMOTEL,
        "(HTTP 404, text/html)",
    ),
    "html": Trouble(fault("html"), _NOT_SIMOTEL, "(HTTP 200, text/html)"),
    "status": Trouble(fault("status_500"), _NOT_SIMOTEL, "(HTTP 500, text/html)"),
    "redirect": Trouble(
        fault("redirect", location="/login"), _NOT_SIMOTEL, "redirects to /login)"
    ),
    "truncated": Trouble(fault("truncated"), _NOT_SIMOTEL, "application/json)"),
    "shape": Trouble(fault("wrong_shape"), _NOT_SIMOTEL, "application/json)"),
    "flood": Trouble(fault("flood", megabytes=2), _NOT_SIMOTEL, "application/json)"),
    "service": Trouble(
        lambda sandbox: sandbox.configure(missing_services=(PING,)),
        "simotel_not_supported",
        f"({PING})",
    ),
    "refused": Trouble(
        fault("refuse", message="Licence has expired"),
        "refused",
        "(Licence has expired)",
    ),
}
any_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())


def repair(sandbox: Sandbox) -> None:
    """End whatever trouble there is."""
    example = Sandbox().config
    sandbox.faults.clear()
    sandbox.configure(
        accounts=example.accounts,
        base_path=example.base_path,
        permitted_addresses=(),
        missing_services=(),
    )


@any_trouble
@pytest.mark.usefixtures("hurried")
async def test_user_trouble(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any], trouble: Trouble
) -> None:
    """The PBX's fault stands in plain words with its own, and can be recovered from."""
    trouble.cause(sandbox)
    dialog = await open_user(hass, "simotel")
    await dialog.submit(form)

    dialog.expect_form("simotel", {"base": trouble.error})
    assert dialog.values == form
    for language in ("en", "fa"):
        assert "{" not in await dialog.error_text(language)
    assert trouble.words in await dialog.error_text()

    repair(sandbox)
    await dialog.submit(form)
    await dialog.add(DEFAULTS)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_nothing_there(
    hass: HomeAssistant, form: dict[str, Any], unused_tcp_port: int
) -> None:
    """Where nothing listens, there is no connection."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: f"127.0.0.1:{unused_tcp_port}"})

    dialog.expect_form("simotel", {"base": "cannot_connect"})
    assert "(Connection refused)" in await dialog.error_text()


async def test_user_unknown_host(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any], known_host: str
) -> None:
    """An unknown host has its own error with its name, and can be corrected."""
    port = URL(sandbox.url).port
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: f"pxb.test:{port}"})

    dialog.expect_form("simotel", {"base": "cannot_connect"})
    assert "(Host not found: pxb.test)" in await dialog.error_text()

    await dialog.submit({**form, CONF_URL: f"{known_host}:{port}"})
    dialog.expect_form("defaults")


async def test_user_untrusted_certificate(
    hass: HomeAssistant, form: dict[str, Any], tmp_path: Path
) -> None:
    """A self-signed certificate is refused, unless verification is off."""
    # To the sandbox, on the same loop, a client that hangs up is an error.
    hass.loop.set_exception_handler(None)
    async with Sandbox(ssl_context=self_signed_context(tmp_path)) as sandbox:
        form[CONF_URL] = sandbox.api_url
        dialog = await open_user(hass, "simotel")
        await dialog.submit(form)

        dialog.expect_form("simotel", {"base": "ssl_error"})
        assert "(self-signed certificate)" in await dialog.error_text()
        assert sandbox.requests == []

        await dialog.submit({**form, CONF_VERIFY_SSL: False})
        await dialog.add(DEFAULTS)
        assert dialog.result["result"].state is ConfigEntryState.LOADED
        assert dialog.result["data"][CONF_VERIFY_SSL] is False


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({}, ""),
        ({"days": -1}, "(certificate has expired)"),
        ({"address": "127.0.0.2"}, "(IP address mismatch, certificate is not valid"),
    ],
)
async def test_user_signed_certificate(
    hass: HomeAssistant,
    form: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flaw: dict[str, Any],
    words: str,
) -> None:
    """A certificate of a trusted authority has to be valid, too."""
    hass.loop.set_exception_handler(None)
    authority = Authority()
    trusting = ssl.create_default_context(cadata=authority.pem)
    monkeypatch.setattr(ssl_util, "client_context", lambda *_: trusting)
    context = authority.context(tmp_path, **flaw)
    async with Sandbox(ssl_context=context) as sandbox:
        form[CONF_URL] = sandbox.api_url
        dialog = await open_user(hass, "simotel")
        await dialog.submit(form)
        if words:
            dialog.expect_form("simotel", {"base": "ssl_error"})
            assert words in await dialog.error_text()
            assert sandbox.requests == []
            await dialog.submit({**form, CONF_VERIFY_SSL: False})
        await dialog.add(DEFAULTS)

        assert dialog.result["result"].state is ConfigEntryState.LOADED
        assert dialog.result["data"][CONF_VERIFY_SSL] is not bool(words)


async def test_user_no_tls(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any]
) -> None:
    """A PBX without TLS has a different error than an unreachable one."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: sandbox.api_url.replace("http", "https")})

    dialog.expect_form("simotel", {"base": "ssl_error"})


# --- The same PBX twice ---


@pytest.mark.usefixtures("entry")
async def test_user_duplicate(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any]
) -> None:
    """A PBX that is there already is not asked again, nor added."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: sandbox.url.upper()})

    dialog.expect_abort("already_configured")
    assert sandbox.requests == []


async def test_two_dialogs(hass: HomeAssistant, form: dict[str, Any]) -> None:
    """A dialog that was left open blocks no other, but cannot add the PBX again."""
    first, second = [await open_user(hass, "simotel") for _ in range(2)]
    for dialog in (first, second):
        await dialog.submit(form)
        dialog.expect_form("defaults")

    await second.add(DEFAULTS)
    assert second.result["type"] is FlowResultType.CREATE_ENTRY
    await first.add(DEFAULTS)
    first.expect_abort("already_configured")
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_two_dialogs_at_once(hass: HomeAssistant, form: dict[str, Any]) -> None:
    """Of two that are sent in the same moment, one adds the PBX."""
    dialogs = [await open_user(hass, "simotel") for _ in range(2)]
    for dialog in dialogs:
        await dialog.submit(form)
    await asyncio.gather(*(dialog.add(DEFAULTS) for dialog in dialogs))

    ends = [dialog.result["type"] for dialog in dialogs]
    assert sorted(ends) == [FlowResultType.ABORT, FlowResultType.CREATE_ENTRY]
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


def place_at(hass: HomeAssistant, entry: ConfigEntry, url: str) -> None:
    """Let a PBX be at another address."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_URL: url})


async def test_entry_moved_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, form: dict[str, Any]
) -> None:
    """An entry that has moved to the address is not joined by a new one."""
    place_at(hass, entry, "http://old.test/api/v4")
    dialog = await open_user(hass, "simotel")
    await dialog.submit(form)
    await (change := await open_reconfigure(hass, entry)).submit(form)
    change.expect_abort("reconfigure_successful")

    await dialog.add(DEFAULTS)
    dialog.expect_abort("already_configured")
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


async def test_reconfigure_duplicate(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    form: dict[str, Any],
) -> None:
    """An entry cannot be moved to another entry's address."""
    other = MockConfigEntry(domain=DOMAIN, data={CONF_URL: "http://other.test/api/v4"})
    other.add_to_hass(hass)
    before = pings(sandbox)
    dialog = await open_reconfigure(hass, loaded_entry)
    await dialog.submit({**form, CONF_URL: "OTHER.test/"})

    dialog.expect_abort("already_configured")
    assert loaded_entry.data[CONF_URL] == sandbox.api_url
    assert pings(sandbox) == before


async def test_reconfigure_overtaken(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    loaded_entry: MockConfigEntry,
    form: dict[str, Any],
) -> None:
    """Nor to one that another entry has come to while it was tested."""
    other = MockConfigEntry(domain=DOMAIN, data={CONF_URL: "http://old.test/api/v4"})
    other.add_to_hass(hass)

    async with Sandbox(clock=clock) as free:
        free.faults.set(PING, Fault("slow", seconds=1, times=1))
        dialog = await open_reconfigure(hass, loaded_entry)
        sent = asyncio.create_task(dialog.submit({**form, CONF_URL: free.url}))
        await until(lambda: free.requests)
        place_at(hass, other, free.api_url)
        await clock.advance(1)
        await sent

    dialog.expect_abort("already_configured")
    assert loaded_entry.data[CONF_URL] == sandbox.api_url


# --- The name ---


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ({}, "Simotel"),
        ({CONF_NAME: " "}, "Simotel"),
        ({CONF_NAME: " The\noffice "}, "The office"),
    ],
)
async def test_name(
    hass: HomeAssistant, form: dict[str, Any], typed: dict[str, str], title: str
) -> None:
    """A PBX is called as the person wants it, or by its kind; never by its host."""
    del form[CONF_NAME]
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, **typed})
    await dialog.add(DEFAULTS)

    assert dialog.result["result"].title == title
    assert CONF_NAME not in dialog.result["data"]


async def test_name_taken(
    hass: HomeAssistant, entry: MockConfigEntry, form: dict[str, Any]
) -> None:
    """A name that another PBX has gets a number."""
    place_at(hass, entry, "http://old.test/api/v4")
    titles = ["Simotel", "Simotel 2"]
    for title in titles:
        other = MockConfigEntry(domain=DOMAIN, data=dict(entry.data), title=title)
        other.add_to_hass(hass)
    dialog = await open_user(hass, "simotel")
    assert dialog.values == {CONF_NAME: "Simotel 3"}
    await dialog.submit({**form, CONF_NAME: ""})
    await dialog.add(DEFAULTS)

    assert dialog.result["result"].title == "Simotel 3"


async def test_name_in_log(
    hass: HomeAssistant,
    sandbox: Sandbox,
    form: dict[str, Any],
    known_host: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log never contains the host of a PBX that is not set up."""
    address = str(URL(sandbox.url).with_host(known_host))
    dialog = await open_user(hass, "simotel")
    await dialog.submit({**form, CONF_URL: address})
    await dialog.add(DEFAULTS)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    for trouble in ("redirect", "reset"):
        fault = Fault(trouble, location=f"{address}/login")
        sandbox.faults.set("*", fault)
        await let_time_pass(hass, A_PING)
        sandbox.faults.clear()
        await let_time_pass(hass, A_PING)
    await sandbox.__aexit__(None, None, None)
    await let_time_pass(hass, A_PING)
    place_at(hass, entry, "http://gone.test/api/v4")
    await hass.async_block_till_done()

    formatter = logging.Formatter("%(message)s")
    output = "\n".join(
        formatter.format(record)
        for record in caplog.records
        if record.name.startswith(("custom_components", "homeassistant.config_entries"))
    )
    assert "Simotel" in output
    assert "Full error" in output
    for host in (known_host, "gone.test", "127.0.0.1"):
        assert host not in output


# --- New credentials, another address ---


@pytest.mark.parametrize(
    ("step_id", "shown"),
    [
        ("reauth_simotel", {CONF_USERNAME}),
        ("reconfigure_simotel", {CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL}),
    ],
)
async def test_no_secret_shown(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, step_id: str, shown: set[str]
) -> None:
    """What is stored stands in the form, but for the secrets."""
    dialog = await OPEN_CHANGE[step_id](hass, loaded_entry)

    dialog.expect_form(step_id)
    name = {CONF_NAME: "Sandbox"} if CONF_URL in shown else {}
    assert dialog.values == {name: loaded_entry.data[name] for name in shown} | name


@pytest.fixture(params=["loaded", "refused", "off"])
async def entry_in_any_state(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
) -> MockConfigEntry:
    """Return an entry in one of the states in which it may be changed."""
    match request.param:
        case "refused":
            change_account(sandbox, password="other")
        case "off":
            sandbox.faults.set(PING, Fault("reset"))
    is_loaded = await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert is_loaded is (request.param == "loaded")
    repair(sandbox)
    return entry


@pytest.mark.parametrize("step_id", OPEN_CHANGE)
async def test_new_credentials(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry_in_any_state: MockConfigEntry,
    step_id: str,
) -> None:
    """New credentials are tested, stored, and the PBX is started with them once."""
    entry = entry_in_any_state
    sandbox.configure(
        accounts=(Account(username="new", password="pass", mode="basic"),)
    )
    dialog = await OPEN_CHANGE[step_id](hass, entry)
    before = pings(sandbox)
    await dialog.submit(
        {**dialog.values, CONF_USERNAME: "new", CONF_PASSWORD: "pass", CONF_API_KEY: ""}
    )

    dialog.expect_abort(step_id.removesuffix("_simotel") + "_successful")
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data == {
        **entry.data,
        CONF_URL: sandbox.api_url,
        CONF_USERNAME: "new",
        CONF_PASSWORD: "pass",
        CONF_API_KEY: "",
    }
    assert pings(sandbox) == before + 2  # the test, and the start
    assert not reauth_flows(hass)


@pytest.mark.parametrize("step_id", OPEN_CHANGE)
async def test_kept_credentials(
    hass: HomeAssistant,
    entry_in_any_state: MockConfigEntry,
    entry_data: dict[str, Any],
    step_id: str,
) -> None:
    """A form that is sent as it was shown tries the stored credentials again."""
    entry = entry_in_any_state
    dialog = await OPEN_CHANGE[step_id](hass, entry)
    await dialog.submit(dialog.values)

    dialog.expect_abort(step_id.removesuffix("_simotel") + "_successful")
    assert without_address(entry) == entry_data
    assert entry.state is ConfigEntryState.LOADED


@pytest.fixture(params=OPEN_CHANGE)
async def change(
    request: pytest.FixtureRequest, hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> Dialog:
    """Return a dialog that changes a loaded entry."""
    return await OPEN_CHANGE[request.param](hass, loaded_entry)


@pytest.mark.parametrize(
    ("typed", "errors"), [case for case in TYPED_WRONG if CONF_URL not in case[0]]
)
async def test_change_typed_wrong(
    sandbox: Sandbox,
    change: Dialog,
    form: dict[str, Any],
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """What is wrong stands under its field, what was typed stays, nothing is sent."""
    known = {name: value for name, value in form.items() if name in change.fields}
    before = len(sandbox.requests)
    await change.submit({**known, **typed})

    change.expect_form(change.result["step_id"], errors)
    assert change.values == {**known, **typed}
    assert len(sandbox.requests) == before


@any_trouble
@pytest.mark.usefixtures("hurried")
async def test_change_trouble(
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    change: Dialog,
    form: dict[str, Any],
    trouble: Trouble,
) -> None:
    """Nothing is stored that did not work; once it works, it is."""
    stored = dict(loaded_entry.data)
    typed = {name: value for name, value in form.items() if name in change.fields}
    typed[CONF_PASSWORD] = "new"
    change_account(sandbox, password="new")
    trouble.cause(sandbox)
    await change.submit(typed)

    change.expect_form(change.result["step_id"], {"base": trouble.error})
    assert trouble.words in await change.error_text()
    assert change.values == typed
    assert loaded_entry.data == stored

    repair(sandbox)
    change_account(sandbox, password="new")
    await change.submit(typed)
    assert change.result["type"] is FlowResultType.ABORT
    assert loaded_entry.data == {**stored, CONF_PASSWORD: "new"}


@pytest.mark.parametrize(
    ("name", "title"),
    [("Reception", "Reception"), ("Simotel", "Simotel"), (" ", "Home")],
)
async def test_another_address(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    form: dict[str, Any],
    name: str,
    title: str,
) -> None:
    """The entry moves with its address; its name is kept, or changed by the form."""
    hass.config_entries.async_update_entry(loaded_entry, title="Home")
    await hass.async_block_till_done()
    async with Sandbox() as other:
        dialog = await open_reconfigure(hass, loaded_entry)
        assert dialog.values[CONF_NAME] == "Home"
        await dialog.submit({**form, CONF_URL: other.url, CONF_NAME: name})

        dialog.expect_abort("reconfigure_successful")
        assert loaded_entry.data[CONF_URL] == other.api_url
        assert CONF_NAME not in loaded_entry.data
        assert loaded_entry.state is ConfigEntryState.LOADED
        assert pings(other) == 2
        assert loaded_entry.title == title


async def test_reauth_keeps_name(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, form: dict[str, Any]
) -> None:
    """New credentials are no new name."""
    hass.config_entries.async_update_entry(loaded_entry, title="Home")
    dialog = await open_reauth(hass, loaded_entry)
    await dialog.submit({**dialog.values, CONF_API_KEY: form[CONF_API_KEY]})

    assert loaded_entry.title == "Home"


async def test_reconfigure_ends_reauth(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """After reconfiguring, the reauthentication flow is gone."""
    change_account(sandbox, password="new")
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert reauth_flows(hass) == ["reauth_simotel"]

    dialog = await open_reconfigure(hass, entry)
    await dialog.submit(
        {**dialog.values, CONF_PASSWORD: "new", CONF_API_KEY: entry.data[CONF_API_KEY]}
    )
    assert entry.state is ConfigEntryState.LOADED
    assert not reauth_flows(hass)


# --- The call defaults ---


DEFAULTS_WRONG = [
    ({CONF_CALLER: "1" * 33}, {CONF_CALLER: "number_too_long"}),
    ({CONF_CALLER_ID: "()"}, {CONF_CALLER_ID: "number_empty"}),
    ({CONF_CONTEXT: "a\nb"}, {CONF_CONTEXT: "not_printable"}),
    ({CONF_CALLER: "09121234567"}, {CONF_TRUNK_NAME: "trunk_required"}),
    (
        {CONF_CALLER: "+", CONF_CALLER_ID: "a\nb", CONF_TRUNK_NAME: "a\tb"},
        {
            CONF_CALLER: "number_empty",
            CONF_CALLER_ID: "not_printable",
            CONF_TRUNK_NAME: "not_printable",
        },
    ),
]


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        *DEFAULTS_WRONG,
        # There are no contacts yet.
        ({CONF_CALLER: "Kitchen"}, {CONF_CALLER: "unknown_contact"}),
    ],
)
async def test_defaults_wrong(
    hass: HomeAssistant,
    sandbox: Sandbox,
    form: dict[str, Any],
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """What is wrong stands under its field, what was typed stays."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit(form)
    before = len(sandbox.requests)
    await dialog.submit({**DEFAULTS, **typed})

    dialog.expect_form("defaults", errors)
    assert dialog.values == {**DEFAULTS, **typed}
    assert len(sandbox.requests) == before  # the directory is read once

    await dialog.add(DEFAULTS)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("typed", "errors"),
    [*DEFAULTS_WRONG, ({CONF_CALLER: "Kitchen"}, {CONF_CALLER: "unknown_contact"})],
)
async def test_options_wrong(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """What is wrong stands under its field, what was typed stays."""
    dialog = await open_call_defaults(hass, loaded_entry)
    await dialog.submit({**DEFAULTS, **typed})

    dialog.expect_form("call_defaults", errors)
    assert dialog.values == {**DEFAULTS, **typed}
    assert loaded_entry.options == DEFAULTS

    await dialog.submit({**DEFAULTS, CONF_CALLER: "101"})
    assert loaded_entry.options == {**DEFAULTS, CONF_CALLER: "101"}


async def test_options(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Options are changed, emptied and taken into use."""
    options = {
        CONF_CONTEXT: "main_routing",
        CONF_CALLER: "۰۹۱۲ 123 4567",
        CONF_CALLER_ID: "(557)",
        CONF_TRUNK_NAME: " main_trunk ",
        CONF_TIMEOUT: 45.0,
        CONF_CALL_LIMIT: 300.0,
        CONF_INTERNAL_DIGITS: 4.0,
    }
    dialog = await open_call_defaults(hass, loaded_entry)
    dialog.expect_form("call_defaults")
    assert dialog.values == DEFAULTS
    await dialog.submit(options)

    stored = {
        CONF_CONTEXT: "main_routing",
        CONF_CALLER: "09121234567",
        CONF_CALLER_ID: "557",
        CONF_TRUNK_NAME: "main_trunk",
        CONF_TIMEOUT: 45,
        CONF_CALL_LIMIT: 300,
        CONF_INTERNAL_DIGITS: 4,
    }
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded_entry.options == stored
    assert all(type(value) in (int, str) for value in loaded_entry.options.values())
    assert loaded_entry.state is ConfigEntryState.LOADED
    await hass.services.async_call(
        DOMAIN, "originate", {"callee": "200"}, blocking=True
    )
    assert sandbox.calls[0].caller == "09121234567"

    dialog = await open_call_defaults(hass, loaded_entry)
    assert dialog.values == stored
    await dialog.submit({CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5, CONF_CALLER: " "})
    assert loaded_entry.options == {CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}


async def test_options_ask_for_credentials(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A 401 asks for new credentials, also when it is the directory's."""
    change_account(sandbox, password="changed")
    dialog = await open_call_defaults(hass, loaded_entry)

    assert dialog.offered(CONF_CALLER) is None
    assert len(reauth_flows(hass)) == 1


@pytest.mark.parametrize(
    "typed",
    [
        {CONF_TIMEOUT: 0},
        {CONF_TIMEOUT: 601},
        {CONF_TIMEOUT: 30.7},
        {CONF_CALL_LIMIT: 0},
        {CONF_CALL_LIMIT: 86_401},
        {CONF_INTERNAL_DIGITS: 33},
        {CONF_TIMEOUT: None},
        {"unknown": "field"},
    ],
    ids=str,
)
async def test_options_out_of_range(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, typed: dict[str, Any]
) -> None:
    """The form itself refuses what no field of it can give."""
    dialog = await open_call_defaults(hass, loaded_entry)

    with pytest.raises(InvalidData):
        await dialog.submit({**DEFAULTS, **typed})
    assert loaded_entry.options == DEFAULTS


# --- What the PBX offers to choose from ---


async def test_directory(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """The PBX's active phones and trunks are offered; any text is taken."""
    sandbox.configure(
        phones=(*sandbox.config.phones[:2], sandbox.config.phones[-1]),
        trunks=(Trunk("main_trunk"), Trunk("b"), Trunk("off", active=False)),
    )
    dialog = await open_call_defaults(hass, loaded_entry)

    assert dialog.offered(CONF_CALLER) == [
        "101 Kitchen",
        "102 Living room",
        "200 Announcement",
    ]
    assert dialog.offered(CONF_TRUNK_NAME) == ["b", "main_trunk"]
    await dialog.submit({**DEFAULTS, CONF_CALLER: "555", CONF_TRUNK_NAME: "other"})
    assert loaded_entry.options[CONF_CALLER] == "555"


def hang_directory(sandbox: Sandbox) -> None:
    """Make only the directory fail."""
    for path in (USERS, TRUNKS):
        sandbox.faults.set(path, Fault("hang"))


NO_DIRECTORY: dict[str, Callable[[Sandbox], None]] = {
    "not readable": lambda sandbox: change_account(sandbox, permissions=(PING,)),
    "missing": lambda sandbox: sandbox.configure(missing_services=(USERS, TRUNKS)),
    "hanging": hang_directory,
    "down": lambda sandbox: sandbox.faults.set("*", Fault("reset")),
    "strange": lambda sandbox: sandbox.faults.set("*", Fault("wrong_shape")),
    "empty": lambda sandbox: sandbox.configure(phones=(), trunks=()),
}


@pytest.mark.parametrize("cause", NO_DIRECTORY.values(), ids=NO_DIRECTORY.keys())
@pytest.mark.usefixtures("_hurried_directory")
async def test_options_without_directory(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    cause: Callable[[Sandbox], None],
) -> None:
    """Without a directory to read, the options can be changed all the same."""
    cause(sandbox)
    async with asyncio.timeout(9):
        dialog = await open_call_defaults(hass, loaded_entry)
    dialog.expect_form("call_defaults")
    assert dialog.offered(CONF_CALLER) is None
    assert dialog.offered(CONF_TRUNK_NAME) is None

    await dialog.submit({**DEFAULTS, CONF_CALLER: "102"})
    assert loaded_entry.options == {**DEFAULTS, CONF_CALLER: "102"}


async def test_half_a_directory(
    hass: HomeAssistant, sandbox: Sandbox, form: dict[str, Any]
) -> None:
    """One list that cannot be read does not keep the other from being offered."""
    sandbox.faults.set(USERS, Fault("reset"))
    dialog = await open_user(hass, "simotel")
    await dialog.submit(form)

    dialog.expect_form("defaults")
    assert dialog.offered(CONF_CALLER) is None
    assert dialog.offered(CONF_TRUNK_NAME) == ["main_trunk"]


# --- The texts ---


async def test_placeholders(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    form: dict[str, Any],
) -> None:
    """Every text of every step has all its placeholders filled."""
    user, defaults = [await open_user(hass, "simotel") for _ in range(2)]
    sandbox.configure(base_path="/other")
    await defaults.submit({**form, CONF_URL: sandbox.api_url})
    defaults.expect_form("defaults")
    for dialog in (
        user,
        defaults,
        await open_reauth(hass, loaded_entry),
        await open_reconfigure(hass, loaded_entry),
        await open_call_defaults(hass, loaded_entry),
    ):
        texts = await dialog.step_texts()
        assert texts
        assert not any("{" in text for text in texts)

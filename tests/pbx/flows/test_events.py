"""Tests of the options pages for events: address, options, test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.const import (
    CONF_ALLOW_REMOTE_EVENTS,
    CONF_CALLER,
    CONF_CONTEXT,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_INTERNAL_DIGITS,
    CONF_MAX_TALK_TIME,
    CONF_REQUIRE_EVENT_LOGIN,
    CONF_TIMEOUT,
)
from custom_components.pbx.flows import events as event_settings
from sandbox import EventPush, Fault, ManualClock, Sandbox

from ..common import PING, expect_state, run_pending, sentences
from ..dialog import Dialog, open_options, open_user

DEFAULTS = {
    CONF_REQUIRE_EVENT_LOGIN: False,
    CONF_ALLOW_REMOTE_EVENTS: False,
    CONF_MAX_TALK_TIME: 3600,
}
REMOTE = DEFAULTS | {CONF_ALLOW_REMOTE_EVENTS: True}
CALL_DEFAULTS = {CONF_CONTEXT: "main_routing", CONF_TIMEOUT: 30}
CALL_DEFAULTS |= {CONF_INTERNAL_DIGITS: 5}

HOME = "http://192.0.2.10:8123"
OUTSIDE = "https://home.example.com"


type Client = TestClient[Request, Application]


@pytest.fixture(autouse=True)
async def _urls(hass: HomeAssistant) -> None:
    """Set the URLs of Home Assistant."""
    hass.config.internal_url = HOME
    hass.config.external_url = OUTSIDE


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Reduce the timeout of the test."""
    with monkeypatch.context() as patch:
        patch.setattr(event_settings, "ECHO_TIMEOUT", 0.1)
        yield patch


async def open_page(hass: HomeAssistant, entry: MockConfigEntry, page: str) -> Dialog:
    """Open the options, and choose a page."""
    dialog = await open_options(hass, entry)
    assert dialog.result["type"] is FlowResultType.MENU
    await dialog.submit({"next_step_id": page})
    return dialog


def expect_saved(entry: MockConfigEntry, options: dict[str, Any]) -> None:
    """Check the options of a PBX."""
    assert entry.options == options
    expect_state(entry, ConfigEntryState.LOADED)


def path_of(entry: MockConfigEntry) -> str:
    """Return the path of the webhook."""
    return webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID])


# --- The pages ---


async def test_new_entry(hass: HomeAssistant, entry_data: dict[str, Any]) -> None:
    """A new PBX has its own webhook."""
    dialog = await open_user(hass, "simotel")
    form = {name: value for name, value in entry_data.items() if name != "kind"}
    await dialog.submit(form)
    await dialog.add(CALL_DEFAULTS)

    (entry,) = hass.config_entries.async_entries("pbx")
    assert entry.data.items() > entry_data.items()
    assert len(entry.data[CONF_WEBHOOK_ID]) == 64
    assert len(entry.data[CONF_EVENT_PASSWORD]) == 32
    assert entry.state is ConfigEntryState.LOADED


async def test_menu(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """The pages of the options have names."""
    dialog = await open_options(hass, loaded_entry)
    assert dialog.result["step_id"] == "init"
    texts = await sentences(hass, "options")
    for page in ("call_defaults", "events", "test_events"):
        assert page in dialog.result["menu_options"]
        assert texts[f"step.init.menu_options.{page}"]
        assert texts[f"step.init.menu_option_descriptions.{page}"]


async def test_pages_leave_each_other_alone(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Saving a page keeps the options of the others, and unknown options."""
    hass.config_entries.async_update_entry(
        loaded_entry, options={**CALL_DEFAULTS, CONF_CALLER: "101", "other": "kept"}
    )
    await hass.async_block_till_done()
    events = DEFAULTS | {CONF_REQUIRE_EVENT_LOGIN: True, CONF_MAX_TALK_TIME: 600}
    dialog = await open_page(hass, loaded_entry, "events")
    dialog.expect_form("events")
    await dialog.submit(events)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    before = {**CALL_DEFAULTS, CONF_CALLER: "101", "other": "kept", **events}
    expect_saved(loaded_entry, before)

    dialog = await open_page(hass, loaded_entry, "call_defaults")
    dialog.expect_form("call_defaults")
    assert dialog.values[CONF_CALLER] == "101"
    await dialog.submit({**CALL_DEFAULTS, CONF_TIMEOUT: 40})
    # The caller was emptied.
    expect_saved(
        loaded_entry, {**CALL_DEFAULTS, CONF_TIMEOUT: 40, "other": "kept", **events}
    )

    dialog = await open_page(hass, loaded_entry, "events")
    assert dialog.values == events


async def test_call_defaults_error(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """The input is kept if it has errors."""
    dialog = await open_page(hass, loaded_entry, "call_defaults")
    await dialog.submit({**CALL_DEFAULTS, CONF_CALLER: "1" * 33})
    dialog.expect_form("call_defaults", {CONF_CALLER: "number_too_long"})
    assert dialog.values[CONF_CALLER] == "1" * 33


@pytest.mark.parametrize("talk_time", [59, 86_401, "long"])
async def test_talk_time_range(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, talk_time: object
) -> None:
    """The maximum talk time is between a minute and a day."""
    dialog = await open_page(hass, loaded_entry, "events")
    with pytest.raises(InvalidData):
        await dialog.submit({**DEFAULTS, CONF_MAX_TALK_TIME: talk_time})


async def test_what_to_type(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """The instructions of the page have all placeholders filled in."""
    dialog = await open_page(hass, loaded_entry, "events")
    data = loaded_entry.data
    assert dialog.placeholders == {
        "address": f"{HOME}{path_of(loaded_entry)}",
        "username": data[CONF_EVENT_USERNAME],
        "password": data[CONF_EVENT_PASSWORD],
    }
    text = "\n".join(await dialog.step_texts())
    for word in (*dialog.placeholders.values(), "Event API", "G4", "Ping", "Cdr"):
        assert word in text


async def test_no_address(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """If Home Assistant does not know its URL, only the path is shown."""
    hass.config.internal_url = hass.config.external_url = hass.config.api = None
    dialog = await open_page(hass, loaded_entry, "events")
    assert dialog.placeholders["address"] == path_of(loaded_entry)


async def test_external_address(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """The external URL is shown if remote events are allowed."""
    dialog = await open_page(hass, loaded_entry, "events")
    await dialog.submit(REMOTE)
    expect_saved(loaded_entry, CALL_DEFAULTS | REMOTE)

    dialog = await open_page(hass, loaded_entry, "events")
    assert dialog.placeholders["address"] == f"{OUTSIDE}{path_of(loaded_entry)}"


# --- The test ---


@pytest.fixture
async def http(
    loaded_entry: MockConfigEntry,  # noqa: ARG001 - sets the server up
    hass_client_no_auth: ClientSessionGenerator,
) -> Client:
    """Return a client of Home Assistant's HTTP server that is not logged in."""
    return await hass_client_no_auth()


def listen(
    sandbox: Sandbox,
    http: Client,
    entry: MockConfigEntry,
    **changes: Any,  # noqa: ANN401 - any field of it
) -> None:
    """Configure the sandbox to send its events to the webhook."""
    url = str(http.make_url(path_of(entry)))
    sandbox.configure(events=EventPush(url=url, **changes))


async def run_test(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Run the test, and wait for its result."""
    dialog = await open_page(hass, entry, "test_events")
    await show_outcome(dialog)
    return dialog


@asynccontextmanager
async def during_test(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, clock: ManualClock
) -> AsyncIterator[Dialog]:
    """Run the test, and send something during it."""
    # The event is sent at once, the answer of the ping in a second of that clock.
    sandbox.faults.set(PING, Fault("slow", seconds=1, placed=True, times=1))
    before = len(sandbox.requests)
    # Nothing waits here for what has begun.
    dialog = await open_options(hass, entry)
    dialog.result = await hass.config_entries.options.async_configure(
        dialog.result["flow_id"], {"next_step_id": "test_events"}
    )
    while len(sandbox.requests) == before:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(0)
    yield dialog
    await clock.advance(1)
    await show_outcome(dialog)


async def show_outcome(dialog: Dialog) -> None:
    """Wait for the progress step like the browser."""
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    texts = await sentences(dialog.hass, "options")
    assert texts[f"progress.{dialog.result['progress_action']}"]
    await dialog.hass.async_block_till_done()
    dialog.result = await dialog.hass.config_entries.options.async_configure(
        dialog.result["flow_id"]
    )


async def expect_failure(dialog: Dialog, error: str, words: str) -> None:
    """Check the error of the test in two languages."""
    dialog.expect_form("test_failed", {"base": error})
    assert words in await dialog.error_text()
    assert await dialog.error_text("fa") != await dialog.error_text()


async def test_passed(
    hass: HomeAssistant,
    sandbox: Sandbox,
    http: Client,
    loaded_entry: MockConfigEntry,
) -> None:
    """The event is received, and the options are not changed."""
    listen(sandbox, http, loaded_entry)
    dialog = await run_test(hass, loaded_entry)
    dialog.expect_form("test_passed")
    assert len(await dialog.step_texts()) == 2
    await dialog.submit({})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    expect_saved(loaded_entry, CALL_DEFAULTS)


async def test_slow_echo(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    http: Client,
    loaded_entry: MockConfigEntry,
) -> None:
    """A late event is waited for."""
    listen(sandbox, http, loaded_entry, delay=28)
    async with during_test(hass, loaded_entry, sandbox, clock) as dialog:
        await clock.advance(1)
        connector = async_get_clientsession(hass).connector
        assert connector is not None
        # The answer is there; what is waited for now is the event.
        while connector._acquired:  # noqa: ASYNC110, SLF001 - no public access
            await asyncio.sleep(0)
        await run_pending()
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=28))
        await clock.advance(27)
    dialog.expect_form("test_passed")


@pytest.mark.parametrize("is_right", [True, False])
@pytest.mark.usefixtures("impatient")
async def test_login(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    http: Client,
    loaded_entry: MockConfigEntry,
    is_right: bool,
) -> None:
    """A wrong login has a different error than missing events."""
    hass.config_entries.async_update_entry(
        loaded_entry,
        options={**loaded_entry.options, CONF_REQUIRE_EVENT_LOGIN: True},
    )
    await hass.async_block_till_done()
    data = loaded_entry.data
    password = data[CONF_EVENT_PASSWORD] if is_right else "wrong"
    username = data[CONF_EVENT_USERNAME]
    listen(sandbox, http, loaded_entry, username=username, password=password)

    async with during_test(hass, loaded_entry, sandbox, clock) as dialog:
        pass
    if is_right:
        dialog.expect_form("test_passed")
    else:
        await expect_failure(dialog, "event_login_refused", "API Password")


@pytest.mark.parametrize(
    "changes", [None, {"enabled": ()}, {"style": "rest4"}, {"drop": ("Ping",)}]
)
async def test_nothing_comes(
    hass: HomeAssistant,
    sandbox: Sandbox,
    http: Client,
    loaded_entry: MockConfigEntry,
    impatient: pytest.MonkeyPatch,
    changes: dict[str, Any] | None,
) -> None:
    """Without any event, the error lists the possible reasons, and the test repeats."""
    if changes is not None:
        listen(sandbox, http, loaded_entry, **changes)
    dialog = await run_test(hass, loaded_entry)
    await expect_failure(dialog, "no_event", "G4")

    impatient.undo()
    listen(sandbox, http, loaded_entry)
    await dialog.submit({})
    await show_outcome(dialog)
    dialog.expect_form("test_passed")


@pytest.mark.usefixtures("impatient")
async def test_only_others_come(
    hass: HomeAssistant, http: Client, loaded_entry: MockConfigEntry
) -> None:
    """If other events arrive, only the ping event is not enabled on the PBX."""
    await http.post(path_of(loaded_entry), json={"event_name": "IncomingCall"})
    dialog = await run_test(hass, loaded_entry)
    await expect_failure(dialog, "no_ping_event", "list of events")


@pytest.mark.parametrize("body", [b"<event/>", b"[]", b'{"event_name": "News"}'])
@pytest.mark.usefixtures("impatient")
async def test_nonsense_comes(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    http: Client,
    loaded_entry: MockConfigEntry,
    body: bytes,
) -> None:
    """Events that are not understood are an error if they arrive during the test."""
    path = path_of(loaded_entry)
    await http.post(path, data=body)
    await expect_failure(await run_test(hass, loaded_entry), "no_event", "address")

    async with during_test(hass, loaded_entry, sandbox, clock) as dialog:
        await http.post(path, data=body)
    await expect_failure(dialog, "event_not_understood", "G4")


async def test_ping_fails(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """The test of an unreachable PBX fails immediately."""
    sandbox.faults.set(PING, Fault("refuse", message="Licence has expired"))
    dialog = await run_test(hass, loaded_entry)
    await expect_failure(dialog, "refused", "Licence has expired")


async def test_not_loaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A PBX that is not loaded has its own error."""
    dialog = await open_options(hass, entry)
    await dialog.submit({"next_step_id": "test_events"})
    await show_outcome(dialog)
    await expect_failure(dialog, "not_loaded", "Devices & services")


async def test_closed_in_between(
    hass: HomeAssistant, http: Client, loaded_entry: MockConfigEntry
) -> None:
    """The test is canceled with its flow."""
    flows = hass.config_entries.options
    dialog = await open_options(hass, loaded_entry)
    await flows.async_configure(
        dialog.result["flow_id"], {"next_step_id": "test_events"}
    )
    await asyncio.sleep(0.05)
    flows.async_abort(dialog.result["flow_id"])
    # It would take longer, if it went on.
    async with asyncio.timeout(event_settings.ECHO_TIMEOUT - 1):
        await hass.async_block_till_done()
    # The event comes after all.
    response = await http.post(path_of(loaded_entry), json={"event_name": "Ping"})
    assert response.status == 200

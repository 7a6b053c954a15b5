"""Boxes of a Simotel that ask the webhook: whoever else is busy, they are answered."""

from http import HTTPStatus
import json
import time
from typing import Any

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Message,
    Played,
    Sound,
)
from custom_components.pbx.backends.base import CallRequest, Feature
from custom_components.pbx.backends.simotel.client import ORIGINATE
from custom_components.pbx.backends.simotel.sound_api import REMOVE
from custom_components.pbx.backends.updates import CallResult, CallState, Direction
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.changes import Change, SpeechFailed
from custom_components.pbx.calls.manager import DATA_MANAGERS, CallManager
from custom_components.pbx.calls.rules import CallOrigin
from custom_components.pbx.const import CONF_REQUIRE_EVENT_LOGIN
from custom_components.pbx.webhook import DATA_INBOXES
from sandbox import Fault, Sandbox

from .common import PING

type Client = TestClient[Request, Application]

SPEECH = "8801"
PERSON = "104"
ID = "64b7f58b7a302f4de51ae494"
NOTHING = {"ok": "1", "commands": "Exit('done');"}
HEARD = f"GetData('id:{ID}', 10, 1);Exit('next');"


@pytest.fixture
def options(entry: MockConfigEntry) -> dict[str, Any]:
    """Return options with what is drawn for speech."""
    return {**entry.options, "speech_number": SPEECH}


@pytest.fixture
async def pbx(
    hass: HomeAssistant, entry: MockConfigEntry, options: dict[str, Any]
) -> CallManager:
    """Return the manager of a PBX that speaks."""
    # The test's server accepts no more routes later.
    assert await async_setup_component(hass, "diagnostics", {})
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return hass.data[DATA_MANAGERS][entry.entry_id]


@pytest.fixture
async def http(
    pbx: CallManager,  # noqa: ARG001 - sets the server up
    hass_client_no_auth: ClientSessionGenerator,
) -> Client:
    """Return a client that is not logged in."""
    return await hass_client_no_auth()


@pytest.fixture
def path(entry: MockConfigEntry) -> str:
    """Return the path of the webhook."""
    return webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID])


def _request(**announcement: Any) -> CallRequest:  # noqa: ANN401 - any field
    audio = Audio(b"", (f"id:{ID}",), 3)
    fields = {"audio": audio, "repeat": 1, "confirm_key": "1", **announcement}
    return CallRequest(
        call_id="ha-1",
        caller=PERSON,
        callee=PERSON,
        context="main_routing",
        timeout=30,
        announcement=Announcement(**fields),
    )


async def _announce(pbx: CallManager) -> Call:
    origin = CallOrigin()
    return await pbx.place(_request(), origin)


def _ask(call: Call, name: str = "say", data: str = "") -> dict[str, str]:
    return {
        "src": PERSON,
        "dst": SPEECH,
        "data": data,
        "unique_id": "1703145060.41",
        "app_name": name,
        "originated_call_id": call.originated_call_id,
    }


@pytest.mark.parametrize("method", ["GET", "POST", "parameters"])
async def test_answer(pbx: CallManager, http: Client, path: str, method: str) -> None:
    """A box is answered in any form of its request, as JSON."""
    call = await _announce(pbx)
    fields = _ask(call)
    given: dict[str, Any] = {"json": fields} if method == "POST" else {"params": fields}
    response = await http.request("GET" if method == "GET" else "POST", path, **given)
    assert response.status == HTTPStatus.OK
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert await response.json() == {"ok": "1", "commands": HEARD}
    assert call.state is CallState.CONNECTED
    assert pbx.hass.data[DATA_INBOXES][pbx.entry.entry_id].as_dict()["received"] == {}


async def test_keys(pbx: CallManager, http: Client, path: str) -> None:
    """The second box brings the key."""
    call = await _announce(pbx)
    await http.post(path, json=_ask(call))
    response = await http.post(path, json=_ask(call, "key", "1"))
    assert await response.json() == NOTHING
    assert call.announced is not None
    assert call.announced.confirmed is True


@pytest.mark.parametrize(
    "options", [{"speech_number": SPEECH, CONF_REQUIRE_EVENT_LOGIN: True}]
)
async def test_login(pbx: CallManager, http: Client, path: str) -> None:
    """The login is asked of events only."""
    response = await http.post(path, json={"event_name": "Ping"})
    assert response.status == HTTPStatus.UNAUTHORIZED
    response = await http.post(path, data=b"no json")
    assert response.status == HTTPStatus.UNAUTHORIZED
    call = await _announce(pbx)
    response = await http.post(path, json=_ask(call))
    assert (await response.json())["commands"] == HEARD
    response = await http.post(path, json={"app_name": "say"})
    assert await response.json() == NOTHING


async def test_busy_pbx(
    pbx: CallManager, sandbox: Sandbox, http: Client, path: str
) -> None:
    """The answer does not wait for the PBX."""
    call = await _announce(pbx)
    sandbox.faults.set("*", Fault("hang"))
    began = time.monotonic()
    response = await http.post(path, json=_ask(call))
    assert (await response.json())["commands"] == HEARD
    # Far less than a box waits, and than the PBX would take.
    assert time.monotonic() - began < 0.7


async def test_disabled(
    hass: HomeAssistant, pbx: CallManager, http: Client, path: str
) -> None:
    """A call goes on while its PBX is disabled; nothing else is taken."""
    call = await _announce(pbx)
    await hass.config_entries.async_set_disabled_by(
        pbx.entry.entry_id, ConfigEntryDisabler.USER
    )
    response = await http.post(path, json=_ask(call))
    assert (await response.json())["commands"] == HEARD
    response = await http.post(path, json={"event_name": "Ping"})
    assert await response.text() == ""
    response = await http.post(path, data=b"no json")
    assert (response.status, await response.text()) == (HTTPStatus.OK, "")


async def test_reload(
    hass: HomeAssistant,
    pbx: CallManager,
    sandbox: Sandbox,
    http: Client,
    path: str,
) -> None:
    """A call goes on while the PBX is not loaded, and after it is loaded again."""
    call = await _announce(pbx)
    assert await hass.config_entries.async_unload(pbx.entry.entry_id)
    response = await http.post(path, json=_ask(call))
    assert (await response.json())["commands"] == HEARD
    sandbox.faults.set(PING, Fault("reset"))
    await hass.config_entries.async_setup(pbx.entry.entry_id)
    assert pbx.entry.state is ConfigEntryState.SETUP_RETRY
    response = await http.post(path, json=_ask(call, "key", "1"))
    assert await response.json() == NOTHING
    assert call.announced is not None
    assert call.announced.confirmed is True


async def test_options(hass: HomeAssistant, pbx: CallManager) -> None:
    """What is drawn decides what the PBX can do, at once."""
    assert pbx.link.supports(Feature.SPEECH_KEYS)
    before = pbx.link.backend
    options = {**pbx.entry.options, "timeout": 9}
    hass.config_entries.async_update_entry(pbx.entry, options=options)
    await hass.async_block_till_done()
    assert pbx.link.backend is before
    for changes, features in (
        ({"speech_boxes": "say"}, {Feature.SPEECH}),
        (
            {"speech_boxes": "say_key_connect"},
            {Feature.SPEECH, Feature.SPEECH_KEYS, Feature.SPEECH_CONNECT},
        ),
        ({"speech_number": ""}, set()),
    ):
        options = {**options, **changes}
        hass.config_entries.async_update_entry(pbx.entry, options=options)
        await hass.async_block_till_done()
        assert pbx.entry.state is ConfigEntryState.LOADED
        speech = {Feature.SPEECH, Feature.SPEECH_KEYS, Feature.SPEECH_CONNECT}
        assert {each for each in speech if pbx.link.supports(each)} == features
    assert pbx.link.backend is not before


async def test_failed(pbx: CallManager, http: Client, path: str) -> None:
    """A message that could not be played is told."""
    changes: list[Change] = []
    pbx.subscribe(changes.append)
    call = await _announce(pbx)
    await http.post(path, json=_ask(call))
    await http.post(path, json=_ask(call, "key"))
    assert call.announced == Announced(played=Played.NONE, confirmed=False)
    assert changes.count(SpeechFailed()) == 1


async def test_failed_after_a_reload(hass: HomeAssistant, pbx: CallManager) -> None:
    """A backend that was replaced tells nothing."""
    first = pbx.link.backend
    call = await _announce(pbx)
    await hass.config_entries.async_reload(pbx.entry.entry_id)
    changes: list[Change] = []
    pbx.subscribe(changes.append)
    assert first is not None
    await first.receive(_ask(call))
    await first.receive(_ask(call, "key"))
    assert SpeechFailed() not in changes


async def _stored(hass: HomeAssistant, pbx: CallManager, sandbox: Sandbox) -> None:
    async def make() -> Audio:
        return Audio(bytes(32_000))

    backend = pbx.link.backend
    assert backend is not None
    message = Message(parts=(Sound(b"text", make),))
    await backend.prepare_audio(_request(), message)
    await hass.async_block_till_done()
    assert len(sandbox.announcements) == 1


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_remove(
    hass: HomeAssistant, pbx: CallManager, sandbox: Sandbox, *, is_loaded: bool
) -> None:
    """The sounds go with the entry."""
    await _stored(hass, pbx, sandbox)
    if not is_loaded:
        assert await hass.config_entries.async_unload(pbx.entry.entry_id)
    await hass.config_entries.async_remove(pbx.entry.entry_id)
    assert len(sandbox.announcements) == 0


async def test_remove_unreachable(
    hass: HomeAssistant,
    pbx: CallManager,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The entry goes even if the sounds stay."""
    await _stored(hass, pbx, sandbox)
    monkeypatch.setattr("custom_components.pbx.calls.link._REMOVAL_TIMEOUT", 0.1)
    sandbox.faults.set(REMOVE, Fault("hang"))
    await hass.config_entries.async_remove(pbx.entry.entry_id)
    assert pbx.entry.entry_id not in hass.data[DATA_MANAGERS]


async def test_privacy(
    hass: HomeAssistant,
    pbx: CallManager,
    http: Client,
    path: str,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No key is in the logs or the diagnostics."""
    origin = CallOrigin()
    call = await pbx.place(_request(confirm_key=None, digits=4), origin)
    await http.post(path, json=_ask(call))
    await http.post(path, json=_ask(call, "key", "4711"))
    assert call.announced is not None
    assert call.announced.digits == "4711"
    shown = await get_diagnostics_for_config_entry(hass, hass_client, pbx.entry)
    assert "4711" not in json.dumps(shown)
    ours = [each.getMessage() for each in caplog.records if "pbx" in each.name]
    assert "4711" not in "\n".join(ours)


async def test_request_of_the_call(pbx: CallManager, sandbox: Sandbox) -> None:
    """The person calls the number, and the rules are about the person."""
    call = await _announce(pbx)
    (request,) = [each for each in sandbox.requests if each.path == ORIGINATE]
    body: Any = request.json
    assert (body["caller"], body["callee"]) == (PERSON, SPEECH)
    assert body["caller_id"] == SPEECH
    assert (call.caller, call.callee) == ("", PERSON)


@pytest.mark.parametrize("disposition", ["ANSWERED", "NO ANSWER"])
async def test_call_log(
    pbx: CallManager, http: Client, path: str, disposition: str
) -> None:
    """The call log has one row, about the person."""
    call = await _announce(pbx)
    outgoing = {"event_name": "OutgoingCall", "number": SPEECH, "unique_id": "1.1"}
    await http.post(path, json=outgoing)
    await http.post(path, json=_ask(call))
    await http.post(path, json=_ask(call, "key", "1"))
    cdr = {
        "event_name": "Cdr",
        "src": PERSON,
        "dst": SPEECH,
        "type": "outgoing",
        "disposition": disposition,
        "billsec": "0" if disposition == "NO ANSWER" else "7",
        "outgoing_point": "speech",
        "unique_id": "1.1",
        "originated_call_id": call.originated_call_id,
    }
    await http.post(path, json=cdr)
    await http.post(path, json=cdr)
    assert call.result is CallResult.ANSWERED
    (row,) = pbx.log
    assert (row.caller, row.callee, call.trunk) == ("", PERSON, "")
    assert row.result is CallResult.ANSWERED
    assert row.direction is Direction.INTERNAL
    assert SPEECH not in str(row)

"""Tests of the config flow and of the options of an Asterisk, over HTTP to a stub."""

from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_NAME, CONF_PASSWORD, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.asterisk.access import Timeouts
from custom_components.pbx.backends.asterisk.client import AsteriskClient
from custom_components.pbx.const import (
    CONF_APPLICATION,
    CONF_CALLER,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_INTERNAL_CHANNEL,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DOMAIN,
)

from .ari import Reply, StubAri
from .common import place_call, reauth_flows, settle
from .dialog import (
    open_call_defaults,
    open_options,
    open_reauth,
    open_reconfigure,
    open_user,
)

DEFAULTS = {CONF_CONTEXT: "from-internal", CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}
OPEN_CHANGE = {
    "reauth_asterisk": open_reauth,
    "reconfigure_asterisk": open_reconfigure,
}


@pytest.fixture
def form(asterisk_data: dict[str, Any]) -> dict[str, Any]:
    """Return what a person types to connect the Asterisk."""
    untyped = CONF_KIND, CONF_APPLICATION
    data = {name: asterisk_data[name] for name in asterisk_data if name not in untyped}
    return {CONF_NAME: "Asterisk", **data}


async def test_user(
    hass: HomeAssistant,
    ari: StubAri,
    form: dict[str, Any],
    asterisk_data: dict[str, Any],
) -> None:
    """An Asterisk is added: tested first, with its phones to choose from."""
    dialog = await open_user(hass, "asterisk")
    dialog.expect_form("asterisk")
    assert next(iter(dialog.fields)) == CONF_NAME
    assert dialog.values == {CONF_NAME: "Asterisk"}
    assert dialog.fields[CONF_PASSWORD].config["type"] == "password"
    for text in await dialog.step_texts():
        assert "{" not in text.replace("{number}", "").replace("{trunk}", "")

    await dialog.submit({**form, CONF_URL: f"127.0.0.1:{ari.port}"})
    dialog.expect_form("defaults")
    assert dialog.values == DEFAULTS
    assert dialog.offered(CONF_CALLER) == ["552", "557"]
    assert dialog.offered(CONF_TRUNK_NAME) == ["provider"]
    assert ari.originated == []

    await dialog.submit({**DEFAULTS, CONF_CALLER_NAME: " Front door "})
    dialog.expect_form("import_extensions")
    await dialog.submit({"extensions": ["557"]})
    # There is no default caller to ring.
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.title, entry.unique_id) == ("Asterisk", None)
    assert hass.states.is_state("binary_sensor.asterisk_connected", "on")
    # There is no webhook: Asterisk does not push events.
    application = entry.data[CONF_APPLICATION]
    assert application.startswith("home-assistant-")
    assert entry.data == {**asterisk_data, CONF_APPLICATION: application}
    assert entry.options == {**DEFAULTS, CONF_CALLER_NAME: "Front door"}


async def test_name_is_shown(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """The name of the action, or the default's, goes with the call."""
    dialog = await open_call_defaults(hass, asterisk_entry)
    await dialog.submit({**DEFAULTS, CONF_CALLER_NAME: "Front door"})
    await hass.async_block_till_done()
    names: list[dict[str, str]] = [{}, {"caller_name": "Alarm"}, {"caller_name": ""}]
    for number, data in enumerate(names, 551):
        await place_call(hass, caller="557", callee=str(number), **data)

    assert [body["callerId"] for body in ari.originated] == [
        '"Front door" <557>',
        '"Alarm" <557>',
        "<557>",
    ]


@pytest.mark.parametrize(
    ("method", "path", "reply", "error", "words"),
    [
        ("GET", "asterisk", Reply(401, {}), "asterisk_invalid_auth", "ari.conf"),
        ("DELETE", "channels", Reply(403, {}), "asterisk_access_denied", "read_only"),
        (
            "GET",
            "asterisk",
            Reply(404, text="<html>"),
            "asterisk_not_supported",
            "(HTTP 404)",
        ),
        (
            "GET",
            "asterisk",
            Reply(200, text="<html>", media_type="text/html"),
            "asterisk_unexpected_answer",
            "(HTTP 200, text/html)",
        ),
        ("GET", "asterisk", Reply(fault="reset"), "cannot_connect", "("),
        ("GET", "asterisk", Reply(500, {"error": "No"}), "refused", "(No)"),
    ],
)
async def test_trouble(
    hass: HomeAssistant,
    ari: StubAri,
    form: dict[str, Any],
    method: str,
    path: str,
    reply: Reply,
    error: str,
    words: str,
) -> None:
    """What is wrong at the PBX has its own words, and can be recovered from."""
    ari.reply(method, path, reply)
    dialog = await open_user(hass, "asterisk")
    await dialog.submit(form)

    dialog.expect_form("asterisk", {"base": error})
    assert dialog.values == form
    for language in ("en", "fa"):
        assert "{" not in await dialog.error_text(language)
    assert words in await dialog.error_text()

    ari.replies.clear()
    await dialog.submit(form)
    dialog.expect_form("defaults")


@pytest.mark.usefixtures("known_host")
@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("https://127.0.0.1:{port}", "ssl_error", "certificate"),
        ("http://nowhere.test:{port}", "cannot_connect", "Host not found"),
    ],
)
async def test_no_connection(
    hass: HomeAssistant,
    ari: StubAri,
    form: dict[str, Any],
    address: str,
    error: str,
    words: str,
) -> None:
    """The error explains why a connection fails, for each kind of server."""
    dialog = await open_user(hass, "asterisk")
    await dialog.submit({**form, CONF_URL: address.format(port=ari.port)})

    dialog.expect_form("asterisk", {"base": error})
    assert words in await dialog.error_text()
    assert ari.requests == []


async def test_no_answer(
    hass: HomeAssistant,
    ari: StubAri,
    form: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A timeout has a different error than an unreachable host."""
    monkeypatch.setattr(
        "custom_components.pbx.backends.asterisk.AsteriskClient",
        partial(AsteriskClient, timeouts=Timeouts(request=1)),
    )
    ari.reply("GET", "asterisk", Reply(fault="hang"))
    dialog = await open_user(hass, "asterisk")
    await dialog.submit(form)

    dialog.expect_form("asterisk", {"base": "timeout_connect"})
    assert "(no response within 1 s)" in await dialog.error_text()


async def test_typed_wrong(
    hass: HomeAssistant, ari: StubAri, form: dict[str, Any]
) -> None:
    """What is wrong stands under its field, and nothing is sent."""
    dialog = await open_user(hass, "asterisk")
    await dialog.submit({**form, "internal_channel": "557"})

    dialog.expect_form("asterisk", {"internal_channel": "invalid_internal_channel"})
    assert "PJSIP/{number}" in await dialog.error_text()
    assert ari.requests == []


async def test_twice(
    hass: HomeAssistant, asterisk_entry: MockConfigEntry, form: dict[str, Any]
) -> None:
    """The same Asterisk is not added twice."""
    dialog = await open_user(hass, "asterisk")
    await dialog.submit(form)

    dialog.expect_abort("already_configured")
    assert asterisk_entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("step_id", OPEN_CHANGE)
async def test_change(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    asterisk_data: dict[str, Any],
    step_id: str,
) -> None:
    """No secret is shown; what is sent as it was shown is tested and kept."""
    dialog = await OPEN_CHANGE[step_id](hass, asterisk_entry)
    dialog.expect_form(step_id)
    assert CONF_PASSWORD not in dialog.values
    await dialog.submit({**dialog.values, CONF_PASSWORD: "wrong"})
    dialog.expect_form(step_id, {"base": "asterisk_invalid_auth"})
    assert asterisk_entry.data == asterisk_data

    await dialog.submit({**dialog.values, CONF_PASSWORD: ""})
    dialog.expect_abort(step_id.removesuffix("_asterisk") + "_successful")
    assert asterisk_entry.data == asterisk_data
    assert asterisk_entry.state is ConfigEntryState.LOADED
    assert ari.originated == []


async def test_moved(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    asterisk_data: dict[str, Any],
) -> None:
    """Another address and other channels are tested, taken, and rung by at once."""
    async with StubAri() as other:
        dialog = await open_reconfigure(hass, asterisk_entry)
        typed = {
            **dialog.values,
            CONF_URL: f"127.0.0.1:{other.port}",
            CONF_INTERNAL_CHANNEL: "PJSIP/p{number}",
            CONF_PASSWORD: "",
        }
        await dialog.submit({**typed, CONF_INTERNAL_CHANNEL: "557"})
        dialog.expect_form(
            "reconfigure_asterisk", {CONF_INTERNAL_CHANNEL: "invalid_internal_channel"}
        )
        assert other.requests == []

        await dialog.submit(typed)
        dialog.expect_abort("reconfigure_successful")
        await place_call(hass, caller="557", callee="552")
        assert [body["endpoint"] for body in other.originated] == ["PJSIP/p557"]
        assert ari.originated == []
        assert asterisk_entry.title == "Stub"
        assert asterisk_entry.data == {
            **asterisk_data,
            CONF_URL: other.url,
            CONF_INTERNAL_CHANNEL: "PJSIP/p{number}",
        }
        assert await hass.config_entries.async_unload(asterisk_entry.entry_id)


async def test_asked_for_new_credentials(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """A call that is refused for its credentials asks for new ones."""
    ari.reply("POST", "", Reply(401, {"message": "Authentication required"}))
    with pytest.raises(HomeAssistantError, match="credentials"):
        await place_call(hass, caller="557", callee="552")
    await hass.async_block_till_done()

    assert reauth_flows(hass) == ["reauth_asterisk"]
    assert asterisk_entry.state is ConfigEntryState.LOADED


async def test_options(hass: HomeAssistant, asterisk_entry: MockConfigEntry) -> None:
    """There is nothing to type into the PBX: the pages of events are not there."""
    dialog = await open_options(hass, asterisk_entry)

    assert dialog.result["menu_options"] == [
        "call_defaults",
        "dialing_rules",
        "call_log",
        "voice",
        "import_extensions",
        "ring_phone",
    ]


@pytest.mark.usefixtures("asterisk_entry")
async def test_a_phone_that_is_not_there(hass: HomeAssistant, ari: StubAri) -> None:
    """A call to a phone that is not registered is one that has ended."""
    ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))
    response = await hass.services.async_call(
        DOMAIN,
        "originate",
        {"caller": "557", "callee": "552", "wait_until": "ended"},
        blocking=True,
        return_response=True,
    )

    assert response is not None
    assert response["result"] == "caller_unreachable"
    assert response["originated_call_id"] == ari.originated[0]["channelId"]
    assert hass.states.is_state("sensor.stub_active_calls", "0")


@pytest.mark.usefixtures("asterisk_entry")
async def test_lost_answer(hass: HomeAssistant, ari: StubAri) -> None:
    """A call whose answer was lost is followed by the id that was chosen for it."""
    ari.reply("POST", "channels", Reply(fault="reset"))
    with pytest.raises(HomeAssistantError, match="did not confirm the call"):
        await place_call(hass, caller="557", callee="552")
    await settle(hass)

    assert hass.states.is_state("sensor.stub_active_calls", "1")

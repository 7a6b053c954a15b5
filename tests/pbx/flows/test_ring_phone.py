"""Tests of the pages that ring a phone, with a toy PBX, the stub and the sandbox."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Directory, Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.ring_result import RingOutcome, RingResult
from custom_components.pbx.const import (
    CONF_API_KEY,
    CONF_CALLEE,
    CONF_CALLER,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.pbx.flows.ring_phone import CONF_RING
from sandbox import ManualClock, Sandbox

from ..ari import StubAri
from ..common import sentences, set_options, settle, until
from ..dialog import Dialog, open_options, open_user
from ..people import contact, phone, set_up
from ..toy import ToyBackend, Toys

ALONE = pytest.mark.parametrize("toy_features", [(Feature.RING_ALONE,)])
DEFAULTS = {
    CONF_CONTEXT: "main",
    CONF_CALLER: "101",
    CONF_TIMEOUT: 20,
    CONF_INTERNAL_DIGITS: 5,
}


async def open_offer(hass: HomeAssistant, **defaults: Any) -> Dialog:  # noqa: ANN401 - any call default
    """Add a toy PBX, up to the page that offers to ring the default caller."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    dialog = Dialog(hass, result)
    await dialog.submit({"next_step_id": "toy"})
    await dialog.submit({CONF_URL: "toy", CONF_API_KEY: "key"})
    await dialog.submit(DEFAULTS | defaults)
    dialog.expect_form("import_extensions")
    await dialog.submit(dialog.defaults)
    dialog.expect_form("ring_phone")
    return dialog


async def open_page(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the page of the options."""
    dialog = await open_options(hass, entry)
    await dialog.submit({"next_step_id": "ring_phone"})
    dialog.expect_form("ring_phone")
    return dialog


async def ring(dialog: Dialog, user_input: dict[str, Any]) -> None:
    """Submit the page, and wait until the phone has been rung, like the browser."""
    await dialog.submit(user_input)
    await show_result(dialog)


async def show_result(dialog: Dialog) -> None:
    """Wait until the phone has been rung, like the browser."""
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    texts = await sentences(dialog.hass, dialog.category)
    progress = texts[f"progress.{dialog.result['progress_action']}"]
    assert "{" not in progress.format(**dialog.placeholders)
    await settle(dialog.hass)
    entries = dialog.hass.config_entries
    flows = entries.flow if dialog.category == "config" else entries.options
    dialog.result = await flows.async_configure(dialog.result["flow_id"])


# --- When a PBX is added ---


@ALONE
async def test_offer(hass: HomeAssistant, toys: Toys) -> None:
    """The last page rings the default caller, and says that it works."""
    dialog = await open_offer(hass)
    assert list(dialog.fields) == [CONF_RING]
    assert dialog.defaults == {CONF_RING: False}
    assert "101 Kitchen" in " ".join(await dialog.step_texts())
    await ring(dialog, {CONF_RING: True})

    dialog.expect_form("phone_rang")
    assert "101 Kitchen" in " ".join(await dialog.step_texts())
    (request,) = toys.latest.requests
    assert (request.caller, request.callee) == ("101", "101")
    assert (request.context, request.timeout) == ("main", 20)
    assert hass.config_entries.async_entries(DOMAIN) == []

    await dialog.submit({})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    entry = dialog.result["result"]
    assert entry.options == DEFAULTS
    assert [each.title for each in entry.subentries.values()] == ["Kitchen", "Workshop"]
    assert entry.state is ConfigEntryState.LOADED


@ALONE
async def test_offer_declined(hass: HomeAssistant, toys: Toys) -> None:
    """Without a tick, the page is the end."""
    dialog = await open_offer(hass)
    await dialog.submit(dialog.defaults)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert not any(toy.requests for toy in toys.made)


OUTCOMES = {
    RingOutcome.NO_ANSWER: ("PJSIP/101", "20 seconds"),
    RingOutcome.BUSY: ("PJSIP/101", "is busy"),
    RingOutcome.DECLINED: ("PJSIP/101", "declined"),
    RingOutcome.UNREACHABLE: ("PJSIP/101", "registered"),
    RingOutcome.NO_ENDPOINT: ("PJSIP/101", "Reconfigure"),
    RingOutcome.NO_EXTENSION: ("", "“main”"),
    RingOutcome.FAILED: ("congestion", "(congestion)"),
    RingOutcome.FIRST_NOT_ANSWERED: ("", "101 Kitchen was not answered"),
    RingOutcome.SECOND_NOT_ANSWERED: ("", "101 Kitchen was answered"),
    RingOutcome.UNDETERMINED: ("", "If 101 Kitchen rang"),
}


def test_all_outcomes() -> None:
    """Each outcome but the success is an error of the form."""
    assert set(OUTCOMES) == set(RingOutcome) - {RingOutcome.WORKS}


@ALONE
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_outcomes(hass: HomeAssistant, toys: Toys, outcome: RingOutcome) -> None:
    """The page says what is wrong, in words; one can try again, or finish."""
    detail, words = OUTCOMES[outcome]
    dialog = await open_offer(hass)

    def prepare(toy: ToyBackend) -> None:
        toy.ring_result = RingResult(outcome, detail)

    toys.prepare = prepare
    await ring(dialog, {CONF_RING: True})
    dialog.expect_form("ring_phone", {"base": str(outcome)})
    assert words in await dialog.error_text()
    assert "{" not in await dialog.error_text("fa")
    assert dialog.defaults == {CONF_RING: False}

    toys.prepare = id
    await ring(dialog, {CONF_RING: True})
    dialog.expect_form("phone_rang")
    await dialog.submit({})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


@ALONE
async def test_error(hass: HomeAssistant, toys: Toys) -> None:
    """What the PBX refuses has the words of all forms; then one can finish."""
    dialog = await open_offer(hass)

    def prepare(toy: ToyBackend) -> None:
        toy.error = PbxError(PbxErrorCode.REFUSED, "Licence has expired")

    toys.prepare = prepare
    await ring(dialog, {CONF_RING: True})
    dialog.expect_form("ring_phone", {"base": "refused"})
    assert "Licence has expired" in await dialog.error_text()

    toys.prepare = id
    await dialog.submit({CONF_RING: False})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


@ALONE
async def test_no_default_caller(hass: HomeAssistant, toys: Toys) -> None:
    """Without a default caller, there is no phone to ring."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    dialog = Dialog(hass, result)
    await dialog.submit({"next_step_id": "toy"})
    await dialog.submit({CONF_URL: "toy", CONF_API_KEY: "key"})
    await dialog.submit({k: v for k, v in DEFAULTS.items() if k != CONF_CALLER})
    await dialog.submit(dialog.defaults)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert not any(toy.requests for toy in toys.made)


@ALONE
async def test_nothing_to_import(hass: HomeAssistant, toys: Toys) -> None:
    """Where no extension is listed, the page follows the call defaults."""

    def prepare(toy: ToyBackend) -> None:
        async def no_directory() -> Directory:
            return Directory()

        toy.directory = no_directory  # type: ignore[method-assign]

    toys.prepare = prepare
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    dialog = Dialog(hass, result)
    await dialog.submit({"next_step_id": "toy"})
    await dialog.submit({CONF_URL: "toy", CONF_API_KEY: "key"})
    await dialog.submit(DEFAULTS)

    dialog.expect_form("ring_phone")
    assert "the default caller, 101." in " ".join(await dialog.step_texts())


@ALONE
@pytest.mark.parametrize(
    ("defaults", "error"),
    [
        ({CONF_CONTEXT: ""}, "ring_no_context"),
        # Which the rules of a new PBX block.
        ({CONF_CALLER: "112"}, "emergency_number"),
    ],
)
async def test_defaults_that_cannot_ring(
    hass: HomeAssistant, toys: Toys, defaults: dict[str, Any], error: str
) -> None:
    """What is wrong with the call defaults is said before anything rings."""
    dialog = await open_offer(hass, **defaults)
    await dialog.submit({CONF_RING: True})

    dialog.expect_form("ring_phone", {"base": error})
    assert await dialog.error_text()
    assert not any(toy.requests for toy in toys.made)


@pytest.mark.parametrize("toy_features", [()])
async def test_second_phone(hass: HomeAssistant, toys: Toys) -> None:
    """A PBX that cannot ring a phone alone connects it to a second one."""
    dialog = await open_offer(hass)
    assert list(dialog.fields) == [CONF_RING, CONF_CALLEE]
    assert dialog.offered(CONF_CALLEE) == ["101 Kitchen", "102 Workshop"]
    await dialog.submit({CONF_RING: True})
    dialog.expect_form("ring_phone", {CONF_CALLEE: "number_empty"})
    await ring(dialog, {CONF_RING: True, CONF_CALLEE: "102"})

    dialog.expect_form("phone_rang")
    (request,) = toys.latest.requests
    assert (request.caller, request.callee) == ("101", "102")


@ALONE
async def test_closed(hass: HomeAssistant, toys: Toys) -> None:
    """The phone stops ringing when the dialog is closed."""
    dialog = await open_offer(hass)
    toys.prepare = lambda toy: toy.answers.clear()
    flows = hass.config_entries.flow
    flow_id = dialog.result["flow_id"]
    result = await flows.async_configure(flow_id, {CONF_RING: True})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    # The browser asks for the progress again.
    result = await flows.async_configure(flow_id)
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    await until(lambda: toys.latest.requests)
    flows.async_abort(flow_id)
    await settle(hass)

    assert toys.latest.is_ring_canceled
    assert hass.config_entries.async_entries(DOMAIN) == []


# --- In the options ---


@ALONE
async def test_options(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Any phone is rung, by number or name; options and the connection stay."""
    entry = await set_up(
        hass, new_toy, phone("Hall", "101"), contact("Mum", "0301234567", "Mother")
    )
    before = dict(entry.options)
    running = toys.latest
    dialog = await open_page(hass, entry)
    assert dialog.values == {CONF_CALLER: "101"}
    assert dialog.offered(CONF_CALLER) == [
        "101 Hall",
        "0301234567 Mum",
        "102 Workshop",
    ]
    await ring(dialog, {CONF_CALLER: "102"})

    dialog.expect_form("phone_rang")
    assert "102 Workshop" in " ".join(await dialog.step_texts())
    assert toys.latest is not running
    assert [request.caller for request in toys.latest.requests] == ["102"]
    await dialog.submit({})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == before
    assert running.is_running
    assert running.requests == []


@ALONE
async def test_no_phone_selected(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Without a default caller, no phone is selected beforehand: it would ring."""
    entry = await set_up(hass, new_toy, phone("Hall", "101"), caller="")
    dialog = await open_page(hass, entry)
    assert dialog.offered(CONF_CALLER) == ["101 Hall", "102 Workshop"]
    assert dialog.values == {}
    assert dialog.defaults == {CONF_CALLER: ""}
    await dialog.submit(dialog.defaults)

    dialog.expect_form("ring_phone", {CONF_CALLER: "number_empty"})
    assert not any(toy.requests for toy in toys.made)


@pytest.mark.parametrize("toy_features", [(Feature.RING_ALONE, Feature.OPTIONAL_TRUNK)])
async def test_name(hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry) -> None:
    """A contact is rung as it would be for a call."""
    mum = contact("Mum", "0301234567", "Mother", trunk_name="a", caller_id="0309999")
    entry = await set_up(hass, new_toy, mum)
    dialog = await open_page(hass, entry)
    await ring(dialog, {CONF_CALLER: " mother "})

    dialog.expect_form("phone_rang")
    (request,) = toys.latest.requests
    assert (request.caller, request.trunk_name) == ("0301234567", "a")
    assert request.caller_id == "0309999"


@pytest.mark.parametrize("toy_features", [()])
@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        (
            {CONF_CALLER: "Nobody", CONF_CALLEE: "102"},
            {CONF_CALLER: "unknown_contact"},
        ),
        # Two contacts have this name.
        ({CONF_CALLER: "Twin", CONF_CALLEE: "1"}, {CONF_CALLER: "ambiguous_contact"}),
        ({CONF_CALLER: "1" * 33, CONF_CALLEE: "1"}, {CONF_CALLER: "number_too_long"}),
        ({CONF_CALLER: "112", CONF_CALLEE: "1"}, {CONF_CALLER: "emergency_number"}),
        ({CONF_CALLER: "101", CONF_CALLEE: "666"}, {CONF_CALLEE: "number_forbidden"}),
        ({CONF_CALLER: "101", CONF_CALLEE: "555"}, {CONF_CALLEE: "number_not_allowed"}),
        ({CONF_CALLER: "101"}, {CONF_CALLEE: "number_empty"}),
        # A phone cannot be connected to itself.
        ({CONF_CALLER: "102", CONF_CALLEE: "۱۰۲"}, {CONF_CALLEE: "ring_same_phone"}),
        ({CONF_CALLER: "102", CONF_CALLEE: "Hall"}, {CONF_CALLEE: "ring_same_phone"}),
        ({CONF_CALLER: "100000", CONF_CALLEE: "101"}, {"base": "trunk_required"}),
        (
            {CONF_CALLER: "", CONF_CALLEE: "Nobody"},
            {CONF_CALLER: "number_empty", CONF_CALLEE: "unknown_contact"},
        ),
    ],
)
async def test_typed_wrong(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """What is wrong stands under its field; what was typed stays; nothing rings."""
    entry = await set_up(
        hass,
        new_toy,
        contact("Hall", "102"),
        contact("Twin", "2"),
        contact("Twin", "3"),
    )
    await set_options(
        hass, entry, allowed_numbers=["1*", "2", "666"], forbidden_numbers=["666"]
    )
    dialog = await open_page(hass, entry)
    await dialog.submit(typed)

    dialog.expect_form("ring_phone", errors)
    texts = await sentences(hass, "options")
    assert all(texts[f"error.{error}"] for error in errors.values())
    assert {name: dialog.values[name] for name in typed} == typed
    assert not any(toy.requests for toy in toys.made)

    await ring(dialog, {CONF_CALLER: "101", CONF_CALLEE: "Hall"})
    (request,) = toys.latest.requests
    assert request.callee == "102"


# --- The kinds ---


async def test_asterisk(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """The stream of the PBX that is set up stays while one of its phones rings."""
    dialog = await open_page(hass, asterisk_entry)
    assert dialog.offered(CONF_CALLER) == ["552", "557"]
    result = await hass.config_entries.options.async_configure(
        dialog.result["flow_id"], {CONF_CALLER: "557"}
    )
    dialog.result = result
    await until(lambda: ari.originated)
    call_id = ari.originated[0]["channelId"]
    assert call_id.startswith("ha-")
    channel = {"id": call_id}
    await ari.send_event({"type": "StasisStart", "channel": channel})
    await until(lambda: ari.played)
    await ari.send_event({"type": "ChannelDestroyed", "cause": 16, "channel": channel})
    await show_result(dialog)

    dialog.expect_form("phone_rang")
    first, second = ari.queries
    assert second["app"].startswith(f"{first['app']}-ring-")
    assert not ari.sockets[0].closed
    assert hass.states.is_state("binary_sensor.stub_connected", "on")
    assert hass.states.is_state("sensor.stub_active_calls", "0")


async def test_simotel(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    entry_data: dict[str, Any],
) -> None:
    """Two phones are connected; the result is unknown without the report."""
    sandbox.configure(missing_services=("/reports/cdr/ordered/id",))
    dialog = await open_user(hass, "simotel")
    await dialog.submit({k: v for k, v in entry_data.items() if k != "kind"})
    await dialog.submit(DEFAULTS | {CONF_CONTEXT: "main_routing"})
    await dialog.submit(dialog.defaults)
    assert dialog.offered(CONF_CALLEE)
    await ring(dialog, {CONF_RING: True, CONF_CALLEE: "106"})

    dialog.expect_form("ring_phone", {"base": "ring_undetermined"})
    (call,) = sandbox.calls
    assert (call.caller, call.callee) == ("101", "106")
    await clock.advance(60)

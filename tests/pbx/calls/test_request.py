"""Tests of how an action's data become one complete request."""

import asyncio
from logging import ERROR, WARNING
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    flush_store,
)

from custom_components.pbx.backends.base import CallRequest, PbxClient
from custom_components.pbx.backends.names import is_name
from custom_components.pbx.backends.updates import CallResult
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.number import is_external
from custom_components.pbx.calls.request import async_dial, build_request
from custom_components.pbx.const import DEFAULT_INTERNAL_DIGITS
from sandbox import Account, Fault, ManualClock, Sandbox

from ..common import ASTERISK, SIMOTEL

ORIGINATE = "/call/originate/act"


async def dial(hass: HomeAssistant, entry: MockConfigEntry) -> Call:
    """Place a call that is answered."""
    data = {"caller": "101", "callee": "200"}
    request = build_request(data, entry.options, entry.runtime_data.client)
    return await async_dial(hass, entry, request)


DEFAULTS = {
    "caller": "101",
    "context": "main_routing",
    "caller_id": "02112345678",
    "trunk_name": "cisco",
    "timeout": 20,
    "call_limit": 600,
    "internal_digits": 3,
}


def test_defaults() -> None:
    """Where the action says nothing, the defaults of the PBX count."""
    assert build_request({"callee": "102"}, DEFAULTS, SIMOTEL) == CallRequest(
        caller="101",
        callee="102",
        context="main_routing",
        caller_id="02112345678",
        trunk_name=None,
        timeout=20,
        call_limit=600,
    )


def test_action_over_defaults() -> None:
    """What the action says counts more than any default."""
    data: dict[str, Any] = {
        "caller": "1 0 3",
        "callee": "۰۹۱۲",
        "context": " night ",
        "caller_id": "7",
        "trunk_name": "other",
        "timeout": 5,
        "call_limit": 60,
    }
    assert build_request(data, DEFAULTS, SIMOTEL) == CallRequest(
        caller="103",
        callee="0912",
        context="night",
        caller_id="7",
        trunk_name="other",
        timeout=5,
        call_limit=60,
    )


def test_nothing_said() -> None:
    """Without a word about them there are 30 seconds, no limit and no trunk."""
    request = build_request(
        {"caller": "101", "callee": "102", "context": "c"}, {}, SIMOTEL
    )

    assert request.caller_id == "101"
    assert request.timeout == 30
    assert request.call_limit is None
    assert request.trunk_name is None


def test_empty_trunk_and_caller_id_take_the_defaults_back() -> None:
    """An empty text in the action is an answer too: none."""
    data = {"callee": "102", "trunk_name": "", "caller_id": " "}
    request = build_request(data, DEFAULTS, SIMOTEL)

    assert request.trunk_name is None
    assert request.caller_id == "101"


@pytest.mark.parametrize(
    ("data", "options", "fields"),
    [
        ({}, {}, "caller, context"),
        ({"caller": "101"}, {}, "context"),
        ({"context": "c"}, {}, "caller"),
        # A template that found no number must not ring the default phone.
        ({"caller": " "}, DEFAULTS, "caller"),
        ({"context": ""}, DEFAULTS, "context"),
    ],
)
def test_missing(data: dict[str, str], options: dict[str, Any], fields: str) -> None:
    """All that is missing is named in one error."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", **data}, options, SIMOTEL)

    assert caught.value.translation_key == "missing_fields"
    assert caught.value.translation_placeholders == {"fields": fields}


@pytest.mark.parametrize("field", ["caller", "callee", "caller_id"])
@pytest.mark.parametrize(
    ("value", "key", "character"),
    [
        ("55x", "number_invalid_character", "x"),
        ("5\n6", "number_invalid_character", "U+000A"),
        ("-5;", "number_invalid_character", ";"),
        ("5" * 33, "number_too_long", ""),
        ("-", "number_empty", ""),
    ],
)
def test_no_number(field: str, value: str, key: str, character: str) -> None:
    """What is no number is refused, by field, and is not repeated."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", field: value}, DEFAULTS, ASTERISK)

    assert caught.value.translation_key == key
    assert caught.value.translation_placeholders == {
        "field": field,
        "character": character,
    }


@pytest.mark.parametrize("field", ["context", "trunk_name", "caller_id"])
def test_not_printable(field: str) -> None:
    """A name in the PBX has no line breaks."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", field: "a\nb"}, DEFAULTS, SIMOTEL)

    assert caught.value.translation_key == "not_printable"
    assert caught.value.translation_placeholders == {"field": field}


@pytest.mark.parametrize("trunk", [{}, {"trunk_name": ""}, {"trunk_name": "  "}])
def test_outside_caller_needs_a_trunk(trunk: dict[str, str]) -> None:
    """An outside number cannot be rung without a trunk, and is not shown whole."""
    data = {"caller": "0912 123 4567", "callee": "102", "context": "c", **trunk}
    with pytest.raises(ServiceValidationError) as caught:
        build_request(data, {"internal_digits": 4}, SIMOTEL)

    assert caught.value.translation_key == "trunk_required"
    assert caught.value.translation_placeholders == {
        "caller": "*********67",
        "internal_digits": "4",
    }


@pytest.mark.parametrize("client", [SIMOTEL, ASTERISK])
@pytest.mark.parametrize(
    ("caller", "trunk"), [("101", None), ("1012", "cisco"), ("+98", "cisco")]
)
def test_default_trunk(client: PbxClient, caller: str, trunk: str | None) -> None:
    """A default trunk goes along for external callers only, whatever PBX it is."""
    request = build_request({"caller": caller, "callee": "102"}, DEFAULTS, client)

    assert request.trunk_name == trunk


@pytest.mark.parametrize(("client", "trunk"), [(SIMOTEL, "t"), (ASTERISK, None)])
def test_trunk_of_the_action(client: PbxClient, trunk: str | None) -> None:
    """For an internal caller it is for a PBX that rings them inside all the same."""
    data = {"callee": "102", "trunk_name": "t"}

    assert build_request(data, DEFAULTS, client).trunk_name == trunk
    outside = {**data, "caller": "0912"}
    assert build_request(outside, DEFAULTS, client).trunk_name == "t"


@pytest.mark.parametrize("client", [SIMOTEL, ASTERISK])
@pytest.mark.parametrize(
    ("data", "options", "caller_id"),
    [
        ({"caller_id": "7"}, {"caller_id": "8"}, "7"),
        ({}, {"caller_id": "8"}, "8"),
        ({}, {}, None),
        ({"caller_id": ""}, {"caller_id": "8"}, None),
        ({"caller": "101"}, {}, "101"),
        ({"caller": "101"}, {"caller_id": "8"}, "8"),
    ],
)
def test_caller_id(
    client: PbxClient,
    data: dict[str, str],
    options: dict[str, str],
    caller_id: str | None,
) -> None:
    """An external caller is never rung from its own number."""
    data = {"caller": "09121234567", "callee": "102", **data}
    options = {"context": "c", "trunk_name": "t", **options}

    assert build_request(data, options, client).caller_id == caller_id


def test_caller_id_is_a_name() -> None:
    """Where the PBX takes one, in one line; else it is a number like any other."""
    data = {"callee": "102", "caller_id": " Front door "}
    assert build_request(data, DEFAULTS, SIMOTEL).caller_id == "Front door"

    with pytest.raises(ServiceValidationError) as caught:
        build_request(data, DEFAULTS, ASTERISK)
    assert caught.value.translation_key == "number_invalid_character"


@pytest.mark.parametrize("caller_id", ["5" * 33, "()"])
def test_caller_id_is_no_name(caller_id: str) -> None:
    """What is a number but for its length is no name."""
    with pytest.raises(ServiceValidationError) as caught:
        build_request({"callee": "102", "caller_id": caller_id}, DEFAULTS, SIMOTEL)

    assert caught.value.translation_key in {"number_too_long", "number_empty"}


def test_outside_callee_needs_no_trunk() -> None:
    """The callee is routed by the context."""
    data = {"caller": "101", "callee": "+98 912 123 4567", "context": "c"}

    assert build_request(data, {}, SIMOTEL).callee == "+989121234567"


@given(
    st.dictionaries(
        st.sampled_from(["caller", "callee", "context", "caller_id", "trunk_name"]),
        st.text() | st.text("0123456789+ ", max_size=12),
    )
)
def test_any_text(data: dict[str, str]) -> None:
    """Any text is refused, or is a complete request."""
    try:
        request = build_request({"callee": "", **data}, DEFAULTS, SIMOTEL)
    except ServiceValidationError:
        return
    assert request.caller
    assert request.callee
    # An external caller without any is left to the PBX.
    assert request.caller_id or is_external(request.caller, DEFAULT_INTERNAL_DIGITS)
    assert is_name(request.context)


async def test_stopped_script_takes_the_answer(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A script that is stopped in the middle does not tear the request."""
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await asyncio.sleep(0)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await hass.async_block_till_done()

    (call,) = loaded_entry.runtime_data.tracking.tracker.outstanding
    assert len(sandbox.requests) == 2
    assert call.originated_call_id == sandbox.calls[0].id


async def test_stopped_script_is_told_of_a_fault(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What nobody waits for any longer is logged, once and without a traceback."""
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="No line for 09121234567"))
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await asyncio.sleep(0)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await hass.async_block_till_done()

    (record,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert "Refused: No line for *********67" in record.getMessage()
    assert record.exc_info is None


async def test_unload_in_the_middle(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A PBX that is taken down in the middle of a request does not tear it."""
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await asyncio.sleep(0)
    assert await hass.config_entries.async_unload(loaded_entry.entry_id)

    assert (await dialling).originated_call_id == sandbox.calls[0].id


async def test_tracked(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Each request is tracked: as a call, as one in doubt, or as none."""
    tracker = loaded_entry.runtime_data.tracking.tracker
    call = await dial(hass, loaded_entry)
    assert tracker.outstanding == (call,)
    assert call.originated_call_id == sandbox.calls[0].id

    sandbox.faults.set(ORIGINATE, Fault("html", times=1, placed=True))
    with pytest.raises(HomeAssistantError, match="did not confirm"):
        await dial(hass, loaded_entry)
    doubted = tracker.outstanding[1]
    assert doubted.originated_call_id == ""
    assert doubted.error.startswith("The call may have been placed")

    sandbox.faults.set(ORIGINATE, Fault("refuse", times=1, message="No line"))
    with pytest.raises(HomeAssistantError, match="No line"):
        await dial(hass, loaded_entry)
    assert tracker.active == 2
    assert tracker.recent[-1].result is CallResult.FAILED
    assert tracker.recent[-1].error == "Refused: No line"


async def test_wrong_credentials(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A request that the PBX does not let in is no call."""
    sandbox.configure(accounts=(Account(api_key="other", mode="key"),))
    with pytest.raises(HomeAssistantError, match="refused the stored credentials"):
        await dial(hass, loaded_entry)

    assert loaded_entry.runtime_data.tracking.tracker.active == 0


async def test_refused_call_is_not_stored(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    hass_storage: dict[str, Any],
) -> None:
    """A refusal that took its time is no call after a restart."""
    sandbox.faults.set(ORIGINATE, Fault("slow", seconds=5))
    sandbox.configure(missing_services=(ORIGINATE,))
    store = loaded_entry.runtime_data.tracking._store  # noqa: SLF001
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await clock.settle()
    await flush_store(store)
    assert len(hass_storage[store.key]["data"]["calls"]) == 1

    await clock.advance(5)
    with pytest.raises(HomeAssistantError, match="does not have the request"):
        await dialling
    await flush_store(store)
    assert hass_storage[store.key]["data"]["calls"] == []


@pytest.mark.parametrize("change", ["async_remove", "async_unload"])
async def test_late_refusal_of_credentials(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    """A late 401 asks nobody about a PBX that is not what it was."""
    sandbox.faults.set(ORIGINATE, Fault("slow", seconds=5))
    sandbox.configure(accounts=(Account(api_key="other", mode="key"),))
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await clock.settle()
    await getattr(hass.config_entries, change)(loaded_entry.entry_id)
    await clock.advance(5)
    with pytest.raises(HomeAssistantError, match="refused the stored credentials"):
        await dialling
    await hass.async_block_till_done()

    assert not hass.config_entries.flow.async_progress()
    assert not [record for record in caplog.records if record.levelno >= ERROR]


async def test_our_own_fault(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody has thought of reaches whoever asked, and nobody waits for ever."""

    async def fail(_request: CallRequest) -> str:
        await asyncio.sleep(0)
        raise LookupError("Nobody has thought of it")

    monkeypatch.setattr(loaded_entry.runtime_data.client, "originate", fail)
    with pytest.raises(LookupError, match="Nobody has thought of it"):
        await dial(hass, loaded_entry)

    (call,) = loaded_entry.runtime_data.tracking.tracker.outstanding
    assert call.error == "The request was interrupted"


async def test_stopped_home_assistant(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request that Home Assistant's own end cancels leaves no word behind."""
    dialling = asyncio.ensure_future(dial(hass, loaded_entry))
    await asyncio.sleep(0)
    dialling.cancel()
    (placing,) = [
        task for task in asyncio.all_tasks() if "originate" in task.get_name()
    ]
    with pytest.raises(asyncio.CancelledError):
        await dialling
    placing.cancel()
    await hass.async_block_till_done()

    assert placing.cancelled()
    # After a restart the report may still tell what became of it.
    (call,) = loaded_entry.runtime_data.tracking.tracker.outstanding
    assert call.error == "The request was interrupted"
    assert not [record for record in caplog.records if record.levelno >= WARNING]

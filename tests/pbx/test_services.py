"""Tests of the actions, through Home Assistant to a PBX that lives in the tests."""

import asyncio
from dataclasses import asdict
import json
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.script import Script
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
import voluptuous as vol

from custom_components.pbx.backends.base import Feature, Placed
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN
from sandbox import Account, Sandbox

from .common import (
    lift_limits,
    pass_time,
    reauth_flows,
    set_options,
    settle,
    until,
)
from .people import contact, entity_of, phone, set_up
from .reporting import add_other_pbx, attributes, enable, end_call, state_of
from .toy import ToyBackend, Toys

MUM = contact("Mum", "09121234567", "Mama")
KITCHEN = phone("Kitchen", "101")
PARTIES = ("caller", "callee", "caller_contact", "callee_contact")


async def originate(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action with a response."""
    response = await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def begin(hass: HomeAssistant, **data: object) -> asyncio.Task[dict[str, Any]]:
    """Run the action until it waits, and return it."""
    parties = {"caller": "101", "callee": "200"}
    running = asyncio.create_task(originate(hass, **parties | data))
    await settle(hass)
    return running


def request_of(toy: ToyBackend) -> dict[str, Any]:
    """Return the request that the PBX got last, but for what is not set in it."""
    fields = asdict(toy.requests[-1])
    unset = {"auto_answer", "is_signal", "takes_keys"}
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not (name in unset and value is False)
    }


async def test_originate(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The request is complete, and the id of the call comes back."""
    response = await originate(
        hass, caller="101", callee="200", context="main_routing", timeout=30
    )

    request = toy.requests[0]
    assert request_of(toy) == {
        "call_id": request.call_id,
        "caller": "101",
        "callee": "200",
        "context": "main_routing",
        "is_external": False,
        "caller_id": "101",
        "timeout": 30,
    }
    assert response == {
        "originated_call_id": request.call_id,
        "caller": "101",
        "callee": "200",
        "caller_contact": None,
        "callee_contact": None,
    }


async def test_originate_with_all_fields(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Everything that the action says reaches the PBX, normalized."""
    await originate(
        hass,
        config_entry_id=hass.config_entries.async_entries(DOMAIN)[0].entry_id,
        caller="0912 123 4567",
        callee=200,
        context="main_routing",
        caller_id=557,
        caller_name="Door",
        trunk_name="main_trunk",
        timeout="45",
        call_limit=300.0,
    )

    assert request_of(toy) == {
        "call_id": toy.requests[0].call_id,
        "caller": "09121234567",
        "callee": "200",
        "context": "main_routing",
        "is_external": True,
        "caller_id": "557",
        "caller_name": "Door",
        "trunk_name": "main_trunk",
        "timeout": 45,
        "call_limit": 300,
    }


async def test_originate_without_response(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The response is optional."""
    await hass.services.async_call(
        DOMAIN, "originate", {"caller": "101", "callee": "200"}, blocking=True
    )

    assert len(toy.requests) == 1


async def test_no_id(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A placed call without an id is a placed call."""
    toy.placed = Placed(None)

    response = await originate(hass, caller="101", callee="200")

    assert response["originated_call_id"] is None


@pytest.mark.parametrize("field", ["number", "wait_for_result", "callees"])
async def test_schema(hass: HomeAssistant, toy: ToyBackend, field: str) -> None:
    """A field that there is not is a mistake in the automation, and ends it."""
    with pytest.raises(vol.Invalid):
        await originate(hass, callee="200", **{field: "101"})

    assert toy.requests == []


# --- What templates give ---

LISTS = ("callers", "callees")
SECONDS = ("timeout", "call_limit", "cooldown", "pause")
PHONE = ("auto_answer", "ring_tone")
FIELDS = {
    "originate": (
        *("config_entry_id", "callee", "callee_contact", "caller", "caller_contact"),
        *("context", "caller_id", "caller_name", "trunk_name", *PHONE),
        *("timeout", "call_limit", "cooldown", "wait_until"),
    ),
    "escalate": (
        *("config_entry_id", "callee", "callee_contact", "caller", "caller_contact"),
        *("context", "caller_id", "caller_name", "trunk_name", *PHONE),
        *(*SECONDS, "rounds", "mode", "until", *LISTS),
    ),
    "ring": ("config_entry_id", "callers", "caller_name", "ring_tone", "timeout"),
    "hang_up": (
        *("config_entry_id", "originated_call_id", "caller", "callee"),
        "ringing_only",
    ),
}
GIVEN = {
    "none": None,
    "empty": "",
    "empty list": [],
    "zero": 0,
    "unknown": "unknown",
    "unavailable": "unavailable",
    "text": "so\non",
    "nested": [["101"]],
    "true": True,
    "mapping": {"101": "102"},
    "fraction": 1.5,
}
# An empty text takes the default back; a cooldown of nothing is none.
MEANT = {
    *(("empty", field) for field in ("caller_id", "caller_name", "trunk_name")),
    ("empty", "ring_tone"),
    *(("zero", field) for field in ("cooldown", "pause", "callee", "caller")),
    *(("zero", field) for field in ("callers", "callees", "caller_id", "context")),
    *(("zero", field) for field in ("caller_name", "trunk_name", "ring_tone")),
    *(("fraction", field) for field in ("context", "caller_name", "trunk_name")),
    ("fraction", "ring_tone"),
    *((kind, "auto_answer") for kind in ("zero", "true", "fraction")),
    *((kind, "ringing_only") for kind in ("zero", "true", "fraction")),
    # No trunk goes along with a phone of the house.
    ("text", "trunk_name"),
    *(("empty list", field) for field in (*LISTS, "until")),
    # A template in a list may make a list.
    *(("nested", field) for field in LISTS),
}

# It names something, which there is not.
NOT_THERE = {
    (kind, field)
    for kind in ("zero", "text", "fraction")
    for field in ("config_entry_id", "callee_contact", "caller_contact")
} | {("text", field) for field in ("callee", "caller", "callees", "callers")}
# No call has this ID.
MEANT |= {(kind, "originated_call_id") for kind in ("zero", "text", "fraction")}
ALL_FEATURES = (Feature.HANG_UP, Feature.GROUPS, Feature.RING_TONE)


def data_of(action: str, field: str) -> dict[str, Any]:
    """Return the data of an action that is complete but for a field."""
    if action == "hang_up":
        return {}
    data: dict[str, Any]
    if action == "originate":
        data = {"caller": "101", "callee": "200"}
    elif field in {"callees", "caller"}:
        data = {"callees": ["200"], "caller": "101"}
    else:
        data = {"callers": ["101"], "callee": "200"}
    if action == "ring":
        data = {"callers": ["101"]}
    # A contact stands in the place of a number.
    return {name: value for name, value in data.items() if name != field}


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
@pytest.mark.parametrize(
    ("action", "field"),
    [(action, field) for action, fields in FIELDS.items() for field in fields],
)
async def test_goes_on(
    hass: HomeAssistant, toy: ToyBackend, action: str, field: str
) -> None:
    """A script that is to go on after errors does, whatever a template has given.

    The error names the field.
    """
    notices = async_capture_events(hass, "fallback")
    for kind, value in GIVEN.items():
        if (kind, field) in MEANT:
            continue
        data = data_of(action, field.replace("_contact", "")) | {field: value}
        step = {"action": f"pbx.{action}", "data": data, "continue_on_error": True}
        sequence = cv.SCRIPT_SCHEMA([step, {"event": "fallback"}])
        script = Script(hass, sequence, "Alarm", "test")
        await script.async_run(context=Context())
        with pytest.raises(HomeAssistantError) as caught:
            await hass.services.async_call(DOMAIN, action, data, blocking=True)
        words = str(caught.value)
        # Of what stands in a list, the field in whose place it is; what there is not
        # is named itself.
        named = field.removesuffix("s")
        assert named in words or (kind, field) in NOT_THERE, (kind, words)
        assert "{" not in words
        notices.pop()

    assert toy.requests == []
    assert toy.hung_up == []


@pytest.mark.parametrize("seconds", [1, 600, "30", 30.0])
async def test_timeout_range(
    hass: HomeAssistant, toy: ToyBackend, seconds: object
) -> None:
    """The ends of the range are in it, and a template's text is a number."""
    await originate(hass, caller="101", callee="200", timeout=seconds)

    assert toy.requests[0].timeout == int(float(str(seconds)))


@pytest.mark.parametrize(
    ("data", "key", "named"),
    [
        ({"callee": "200"}, "missing_fields", ["caller"]),
        ({"caller": "101", "callee": ()}, "given_nothing", ["callee"]),
        ({"caller": 5, "callee": "2x"}, "no_contacts", ["2x"]),
        ({"caller": "101", "callee": ""}, "number_empty", ["callee"]),
        ({"caller": "1" * 33, "callee": "1"}, "number_too_long", ["caller"]),
        (
            {"caller": "09121234567", "callee": "200"},
            "trunk_required",
            ["*********67"],
        ),
    ],
)
async def test_users_fault(
    hass: HomeAssistant,
    toy: ToyBackend,
    data: dict[str, Any],
    key: str,
    named: list[str],
) -> None:
    """Errors that the user can fix are raised before anything is sent."""
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, **data)

    assert caught.value.translation_key == key
    assert all(word in str(caught.value) for word in named)
    assert "{" not in str(caught.value)
    assert toy.requests == []


@pytest.mark.parametrize("value", [4917012345678, 4917012345678.0, 100000])
@pytest.mark.parametrize(
    ("action", "field", "as_list"),
    [
        ("originate", "callee", False),
        ("originate", "caller", False),
        ("originate", "caller_id", False),
        ("escalate", "callees", True),
        ("escalate", "callers", True),
    ],
)
async def test_unquoted(
    hass: HomeAssistant,
    toy: ToyBackend,
    value: float,
    action: str,
    field: str,
    as_list: bool,
) -> None:
    """An integer that is longer than an extension may have lost its front."""
    parties = {"callers": {"callee": "200"}, "callees": {"caller": "101"}}
    data = parties.get(field, {"caller": "101", "callee": "200"})
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(
            DOMAIN,
            action,
            {**data, field: [value, value] if as_list else value},
            blocking=True,
        )

    assert caught.value.translation_key == "number_unquoted"
    assert str(int(value)) not in str(caught.value)
    assert toy.requests == []


@pytest.mark.parametrize("callee", [200, 200.0, 12345])
async def test_integer(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    callee: float,
) -> None:
    """An extension has nothing to lose, however long extensions are at this PBX."""
    await originate(hass, caller=101, callee=callee)
    assert toy.requests[-1].callee == str(int(callee))

    await set_options(hass, toy_entry, internal_digits=2)
    with pytest.raises(ServiceValidationError, match="quotes"):
        await originate(hass, caller="11", callee=callee)


@pytest.mark.parametrize("state", ["unavailable", "(unknown)", "None", None])
@pytest.mark.parametrize("field", ["caller", "callee", "caller_id"])
async def test_no_state(
    hass: HomeAssistant, toy: ToyBackend, field: str, state: str | None
) -> None:
    """A template that renders a missing state has a clear error."""
    with pytest.raises(ServiceValidationError, match="the entity had no state") as err:
        await originate(hass, **{"caller": "101", "callee": "200", field: state})

    assert err.value.translation_key == "number_no_state"
    assert toy.requests == []


@pytest.mark.parametrize(
    ("written", "dialed"),
    [
        ("+49 (0)30 1234567", "+49301234567"),
        ("tel:+49-30-1234567", "+49301234567"),
        ("030/1234567", "0301234567"),
    ],
)
async def test_written(
    hass: HomeAssistant, toy: ToyBackend, written: str, dialed: str
) -> None:
    """A number is taken as people write it."""
    await originate(hass, caller="101", callee=written)

    assert toy.requests[-1].callee == dialed


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("(552.0)", "number_decimal"),
        ("+", "number_empty"),
        ("++49", "number_misplaced_plus"),
        ("49+30", "number_misplaced_plus"),
        ("1-800-FLOWERS", "no_contacts"),
        ("030 1234567 ext. 5", "no_contacts"),
    ],
)
async def test_not_written(
    hass: HomeAssistant, toy: ToyBackend, written: str, key: str
) -> None:
    """What would be another number, or none, is refused before it is sent."""
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, caller="101", callee=written)

    assert caught.value.translation_key == key
    assert "{" not in str(caught.value)
    assert "1234567" not in str(caught.value)
    assert toy.requests == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PbxError(PbxErrorCode.REFUSED, "All lines busy"),
            "All lines busy",
        ),
        (PbxError(PbxErrorCode.UNEXPECTED_ANSWER, "HTTP 302"), "(HTTP 302)"),
        (CallUncertainError("reset"), "(reset)"),
    ],
)
async def test_pbx_fault(
    hass: HomeAssistant, toy: ToyBackend, error: PbxError, words: str
) -> None:
    """What went wrong at the PBX is said with its name and words; nothing is resent."""
    toy.error = error

    with pytest.raises(HomeAssistantError) as caught:
        await originate(hass, caller="101", callee="200")

    assert not isinstance(caught.value, ServiceValidationError)
    assert caught.value.translation_key == error.code
    assert "Toy" in str(caught.value)
    assert words in str(caught.value)
    assert "{" not in str(caught.value)
    assert len(toy.requests) == 1


@pytest.mark.usefixtures("loaded_entry")
async def test_wrong_credentials_start_reauth_once(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Wrong credentials ask for new ones, however often they are refused."""
    sandbox.configure(accounts=(Account(api_key="changed", mode="key"),))

    for _ in range(2):
        with pytest.raises(HomeAssistantError, match="credentials"):
            await originate(hass, caller="101", callee="200")
    await settle(hass)

    assert reauth_flows(hass) == ["reauth_simotel"]


async def test_not_loaded(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """The action stays, and explains itself, while its PBX is not loaded."""
    await hass.config_entries.async_unload(toy_entry.entry_id)

    with pytest.raises(HomeAssistantError, match="not loaded"):
        await originate(hass, caller="101", callee="200")


async def test_no_pbx(hass: HomeAssistant) -> None:
    """The action explains itself where there is no PBX at all."""
    assert await async_setup_component(hass, DOMAIN, {})

    with pytest.raises(ServiceValidationError, match="integration pbx"):
        await originate(hass, caller="101", callee="200")


async def test_several_pbxs(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A number is called through the oldest PBX, if the action names no other."""
    other = await add_other_pbx(hass, toy_entry)
    first, second = toys.made

    await originate(hass, caller="101", callee="200")
    await originate(hass, config_entry_id=other.entry_id, caller="101", callee="201")

    assert [request.callee for request in first.requests] == ["200"]
    assert [request.callee for request in second.requests] == ["201"]


async def test_names_of_the_contacts(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The response has the names of contacts, however they were named."""
    await set_up(hass, new_toy, MUM, KITCHEN, cooldown=0)

    for data in (
        {"caller": "kitchen", "callee": " MAMA "},
        {"caller_contact": "Kitchen", "callee": "0912 123 4567"},
        {"callee": "Mum"},
    ):
        response = await originate(hass, **data)
        toys.latest.end()
        assert {name: response[name] for name in PARTIES} == {
            "caller": "101",
            "callee": "09121234567",
            "caller_contact": "Kitchen",
            "callee_contact": "Mum",
        }
    assert json.loads(json.dumps(response)) == response


@pytest.mark.parametrize("until", ["answered", "ended"])
async def test_names_after_a_wait(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, until: str
) -> None:
    """A response with a result has the same names; of a number, it is null."""
    await set_up(hass, new_toy, KITCHEN)
    running = await begin(hass, caller="Kitchen", wait_until=until)
    toys.latest.end()

    response = await running
    assert response["result"] == "answered"
    assert {name: response[name] for name in PARTIES} == {
        "caller": "101",
        "callee": "200",
        "caller_contact": "Kitchen",
        "callee_contact": None,
    }
    assert "caller_name" not in response


async def test_refused_by_a_rule(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A call that the rules refuse leaves nothing but its error."""
    entry = await set_up(hass, new_toy, MUM, KITCHEN, forbidden_numbers=["09*"])
    await enable(hass, "event.toy_calls")
    lines = async_capture_events(hass, "pbx_call_ended")
    button = entity_of(hass, entry, "Mum", "call")

    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, caller="Kitchen", callee="Mum", wait_until="ended")
    assert caught.value.translation_key == "number_forbidden"
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True
        )
    await settle(hass)

    assert toys.latest.requests == []
    assert lines == []
    assert attributes(hass, button) == {
        "last_result": None,
        "last_direction": None,
        "last_call_at": None,
    }
    assert state_of(hass, "event.toy_calls") == "unknown"
    assert state_of(hass, "sensor.toy_active_calls") == "0"


async def test_incomplete(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """What neither the action nor the defaults say is named."""
    await set_options(hass, toy_entry, context="")

    with pytest.raises(ServiceValidationError, match="Missing: context"):
        await originate(hass, caller="101", callee="200")


async def test_100_calls_at_once(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A hundred actions at once all arrive, each once, where no rule is against it."""
    await lift_limits(hass, toy_entry)
    callees = [str(number) for number in range(1000, 1100)]

    responses = await asyncio.gather(
        *(originate(hass, caller="101", callee=callee) for callee in callees)
    )

    requests = toy.requests
    assert sorted(request.callee for request in requests) == callees
    assert {response["originated_call_id"] for response in responses} == {
        request.call_id for request in requests
    }


# --- Waiting for the result ---


@pytest.mark.parametrize("result", CallResult)
@pytest.mark.parametrize("until", ["answered", "ended"])
async def test_wait(
    hass: HomeAssistant, toy: ToyBackend, until: str, result: CallResult
) -> None:
    """The action returns when the call has ended, with the result."""
    running = await begin(hass, wait_until=until)
    assert not running.done()
    toy.end(result, ring_time=3, talk_time=5, cause="normal_clearing")

    response = await running
    assert response == {
        "originated_call_id": toy.requests[0].call_id,
        "result": result.value,
        "caller_answered": response["caller_answered"],
        "ring_time": 3,
        "talk_time": 5,
        "cause": "normal_clearing",
        "caller": "101",
        "callee": "200",
        "caller_contact": None,
        "callee_contact": None,
    }


@pytest.mark.parametrize(
    ("data", "waits_for"),
    [
        ({}, CallState.PLACED),
        ({"wait_until": "answered"}, CallState.CONNECTED),
        ({"wait_until": "ended"}, CallState.ENDED),
    ],
)
async def test_wait_until(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any], waits_for: CallState
) -> None:
    """It waits for the given state, and by default not at all."""
    running = await begin(hass, **data)
    for state in CallState:
        if state is not CallState.PLACED:
            result = CallResult.ANSWERED if state is CallState.ENDED else None
            toy.report(state, result=result)
            await settle(hass)
        assert running.done() is not waits_for.is_after(state)

    response = await running
    is_ended = waits_for is CallState.ENDED
    assert response.get("result") == ("answered" if is_ended else None)
    assert response.get("caller_answered") is (True if data else None)
    assert response["originated_call_id"] == toy.requests[0].call_id


@pytest.mark.parametrize(("limit", "deadline"), [({}, 3670), ({"call_limit": 20}, 90)])
async def test_wait_without_news(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    limit: dict[str, int],
    deadline: int,
) -> None:
    """When no further update can arrive, the result is undetermined."""
    await set_options(hass, toy_entry, max_talk_time=3600)
    running = await begin(hass, wait_until="ended", timeout=30, **limit)
    await pass_time(hass, freezer, deadline - 1)
    assert not running.done()
    # It is a whole second at which calls are looked through.
    await pass_time(hass, freezer, 2)

    assert await running == {
        "originated_call_id": toy.requests[0].call_id,
        "result": "undetermined",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "cause": None,
        "caller": "101",
        "callee": "200",
        "caller_contact": None,
        "callee_contact": None,
    }


@pytest.mark.parametrize(
    "error", [PbxError(PbxErrorCode.REFUSED), CallUncertainError("reset")]
)
async def test_wait_for_what_is_not_placed(
    hass: HomeAssistant, toy: ToyBackend, error: PbxError
) -> None:
    """A refused or uncertain call is an error, also with wait_until."""
    toy.error = error
    with pytest.raises(HomeAssistantError):
        await originate(hass, caller="200", callee="101", wait_until="ended")


async def test_stopped_while_waiting(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A script that is stopped stops waiting; the call goes on."""
    running = await begin(hass, wait_until="ended")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    (call,) = toy.sink.open_calls()
    assert call.call_id == toy.requests[0].call_id


async def test_reloaded_while_waiting(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A reload of the entry ends no waiting."""
    running = await begin(hass, wait_until="ended")
    call_id = toys.latest.requests[0].call_id
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    assert not running.done()
    await end_call(hass, toys.latest, call_id)

    assert (await running)["result"] == "answered"
    assert toys.latest.requests == []


async def test_unloaded_in_the_request(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Nor does it matter that the entry is gone before the PBX has answered."""
    toy.answers.clear()
    running = asyncio.create_task(
        originate(hass, caller="101", callee="200", wait_until="ended")
    )
    await asyncio.sleep(0)
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    toy.answers.set()
    await hass.async_block_till_done()
    toy.end()

    assert (await running)["result"] == "answered"


async def test_called_in_a_reload(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A call that is asked for during a reload is placed after it."""
    reload = asyncio.create_task(hass.config_entries.async_reload(toy_entry.entry_id))
    await until(lambda: toy_entry.state is not ConfigEntryState.LOADED)
    await originate(hass, caller="101", callee="200")

    assert await reload
    old, new = toys.made
    assert (len(old.requests), len(new.requests)) == (0, 1)


async def test_removed_while_waiting(
    hass: HomeAssistant, toy_entry: MockConfigEntry
) -> None:
    """Removing the PBX ends the wait with an error."""
    running = await begin(hass, wait_until="ended")
    await hass.config_entries.async_remove(toy_entry.entry_id)

    with pytest.raises(HomeAssistantError, match="was removed") as caught:
        await running
    assert caught.value.translation_key == "pbx_removed"


async def test_home_assistant_stops_while_waiting(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """It is not held up; the call is there again after the start."""
    running = await begin(hass, wait_until="ended")
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    with pytest.raises(HomeAssistantError, match="is stopping"):
        await running
    hass.set_state(CoreState.running)

    assert len(toy.sink.open_calls()) == 1


async def test_end_before_the_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An end that is faster than the PBX's answer ends the waiting at once."""
    toy.answers.clear()
    running = asyncio.create_task(
        originate(hass, caller="101", callee="200", wait_until="ended")
    )
    await until(lambda: toy.requests)
    toy.end(CallResult.BUSY)
    assert not running.done()
    toy.answers.set()

    assert (await running)["result"] == "busy"


# --- The data of the escalation; its results are in test_escalation ---


@pytest.mark.parametrize("field", ["number", "wait_until"])
async def test_escalate_schema(
    hass: HomeAssistant, toy: ToyBackend, field: str
) -> None:
    """A field that there is not is a mistake in the automation, and ends it."""
    with pytest.raises(vol.Invalid):
        await hass.services.async_call(
            DOMAIN, "escalate", {"callees": ["101"], field: "ended"}, blocking=True
        )

    assert toy.requests == []


@pytest.mark.parametrize(
    ("given", "dialed"),
    [
        ("101", ["101"]),
        (101, ["101"]),
        ([101.0, "0912 123"], ["101", "0912123"]),
        (("101", 102), ["101", "102"]),
    ],
)
async def test_list_given(
    hass: HomeAssistant, toy: ToyBackend, given: object, dialed: list[str]
) -> None:
    """What a template and the editor give is taken; rounds and pause, too."""
    toy.error = PbxError(PbxErrorCode.REFUSED)
    data = {"caller": "200", "callees": given, "rounds": "2", "pause": 0.0}
    await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    assert [request.callee for request in toy.requests] == dialed * 2


@pytest.mark.parametrize(
    ("data", "key", "named"),
    [
        ({"timeout": 0}, "given_out_of_range", ["0", "1", "600"]),
        ({"timeout": 601}, "given_out_of_range", ["601", "1", "600"]),
        ({"timeout": "soon"}, "given_no_seconds", ["soon"]),
        ({"timeout": 1.5}, "given_no_seconds", ["1.5"]),
        ({"timeout": float("nan")}, "given_no_seconds", ["nan"]),
        ({"timeout": float("inf")}, "given_no_seconds", ["inf"]),
        ({"timeout": "unknown"}, "given_no_state", ["unknown"]),
        ({"timeout": None}, "given_nothing", []),
        ({"timeout": True}, "given_boolean", []),
        ({"call_limit": 86_401}, "given_out_of_range", ["86401", "1", "86400"]),
        ({"timeout": 9121234567}, "given_out_of_range", ["********67", "1", "600"]),
        ({"cooldown": -1}, "given_out_of_range", ["-1", "0", "86400"]),
        ({"callee": ["200"]}, "given_list", []),
        ({"callee": -200}, "given_quantity", []),
        ({"callee": {"a": 1}}, "given_mapping", []),
        ({"context": None}, "given_nothing", []),
        ({"wait_until": "connected"}, "given_no_choice", ["connected", "answered"]),
    ],
)
async def test_given(
    hass: HomeAssistant,
    toy: ToyBackend,
    data: dict[str, Any],
    key: str,
    named: list[str],
) -> None:
    """What a field was given is told in words, with what it may be."""
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, **{"caller": "101", "callee": "200"} | data)

    assert caught.value.translation_key == key
    words = re.split(r"[\s,]+", re.sub(r"[.:,](?=\s|$)", "", str(caught.value)))
    assert {*data, *named} <= set(words)

    assert toy.requests == []


@pytest.mark.parametrize("data", [{}, {"caller": "101"}])
async def test_no_callee(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any]
) -> None:
    """A callee is required: a number or a contact."""
    with pytest.raises(ServiceValidationError, match="Missing: callee"):
        await originate(hass, **data)

    assert toy.requests == []


# --- Seconds, through a script ---


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (30, 30),
        ("00:05:00", 300),
        ({"hours": 0, "minutes": 1, "seconds": 30}, 90),
        ("{{ 15 * 2 }}", 30),
        ("{{ '00:05:00' }}", 300),
        ({"minutes": "{{ 2 }}"}, 120),
    ],
)
async def test_seconds(
    hass: HomeAssistant, toy: ToyBackend, written: object, seconds: int
) -> None:
    """YAML, templates and the editor write durations in forms of their own."""
    data = {"caller": "101", "callee": "200", "timeout": written, "call_limit": written}
    await run_script(hass, "originate", data)

    assert toy.requests[0].timeout == toy.requests[0].call_limit == seconds


async def test_short_clock(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The words say how to write it, so that no phone rings for half an hour."""
    with pytest.raises(ServiceValidationError, match="Write 00:00:30 or 00:30:00"):
        await originate(hass, caller="101", callee="200", timeout="00:30")

    assert toy.requests == []


async def run_script(
    hass: HomeAssistant, action: str, data: dict[str, object]
) -> dict[str, Any]:
    """Run an action in a script, which renders templates, and return its response."""
    step = {"action": f"pbx.{action}", "data": data, "response_variable": "response"}
    stop = {"stop": "", "response_variable": "response"}
    script = Script(hass, cv.SCRIPT_SCHEMA([step, stop]), "Test", "test")
    result = await script.async_run(context=Context())
    assert result is not None
    response = result.service_response
    assert isinstance(response, dict)
    return response


# --- How the phone rings that rings first ---


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("originate", {"caller": "101", "callee": "200"}),
        ("escalate", {"callers": ["101"], "callee": "200"}),
    ],
)
async def test_phone(
    hass: HomeAssistant, toy: ToyBackend, action: str, data: dict[str, Any]
) -> None:
    """The phone can answer by itself, and have a ring tone of its own."""
    data |= {"auto_answer": True, "ring_tone": " Bellcore-dr2 "}
    running = asyncio.create_task(
        hass.services.async_call(DOMAIN, action, data, blocking=True)
    )
    await until(lambda: toy.requests)
    toy.end()
    await running

    request = toy.requests[0]
    assert (request.auto_answer, request.ring_tone) == (True, "Bellcore-dr2")


@pytest.mark.parametrize("data", [{"auto_answer": True}, {"ring_tone": "Bellcore-dr2"}])
async def test_phone_not_supported(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, object]
) -> None:
    """A kind of PBX that cannot refuses it in words; what is off is no matter."""
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, caller="101", callee="200", **data)
    assert caught.value.translation_key == "field_not_supported"
    assert (
        str(caught.value)
        == f"Toy does not support the field {next(iter(data))}. Remove it"
    )
    assert toy.requests == []

    off = {"auto_answer": False, "ring_tone": ""}
    await originate(hass, caller="101", callee="200", **off)
    assert len(toy.requests) == 1


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
@pytest.mark.parametrize(
    "ring_tone",
    ["a\r\nX-Evil: 1", "a\nb", "a\tb", "Glocke\u00fc", "\u200eBell", "a\x00"],
)
@pytest.mark.parametrize("action", ["originate", "escalate", "ring"])
async def test_ring_tone_of_ascii(
    hass: HomeAssistant, toy: ToyBackend, action: str, ring_tone: str
) -> None:
    """A line break in a header would begin another one."""
    data = data_of(action, "") | {"ring_tone": ring_tone}
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(DOMAIN, action, data, blocking=True)

    assert caught.value.translation_key == "not_printable_ascii"
    assert "ring_tone" in str(caught.value)
    assert toy.requests == []


# --- Lists, and phones that ring as a sign; more in test_escalation ---


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
@pytest.mark.parametrize(
    ("callers", "ringing"),
    [
        (["Kitchen", 102, "0912 123 4567"], ["101", "102", "09121234567"]),
        ("Kitchen, 102; 0912 123 4567", ["101", "102", "09121234567"]),
        ("{{ '101, 102' }}", ["101", "102"]),
        ("{{ ['Mum', '102'] }}", ["09121234567", "102"]),
        ({"contact": "Kitchen", "timeout": 45}, ["101"]),
    ],
)
@pytest.mark.parametrize("action", ["ring", "escalate"])
async def test_list_in_a_script(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    action: str,
    callers: object,
    ringing: list[str],
) -> None:
    """A list holds numbers, contacts and mappings, however it is written."""
    await set_up(hass, new_toy, MUM, KITCHEN, trunk_name="main")
    toys.latest.error = PbxError(PbxErrorCode.REFUSED)
    callee = {} if action == "ring" else {"callee": "200"}
    response = await run_script(hass, action, {"callers": callers, **callee})

    requests = toys.latest.requests
    assert [each.caller for each in requests] == ringing
    assert [each["number"] for each in response["attempts"]] == ringing
    assert {each.is_signal for each in requests} == {action == "ring"}


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
async def test_ring(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Phones ring at the same time as a sign, each with its own result."""
    running = asyncio.create_task(
        run_script(
            hass,
            "ring",
            {
                "callers": ["101", "102", "101"],
                "caller_name": "Washing machine",
                "ring_tone": "Bellcore-dr3",
                "timeout": {"seconds": 20},
            },
        )
    )
    await until(lambda: len(toy.requests) == 2)
    first, second = toy.requests
    assert {(each.caller, each.is_signal, each.timeout) for each in toy.requests} == {
        ("101", True, 20),
        ("102", True, 20),
    }
    assert {(each.caller_name, each.ring_tone) for each in toy.requests} == {
        ("Washing machine", "Bellcore-dr3")
    }
    toy.report(CallState.RINGING_CALLEE, originated_call_id=first.call_id)
    toy.end(originated_call_id=first.call_id)
    toy.end(CallResult.CALLER_UNREACHABLE, originated_call_id=second.call_id)

    response = await running
    assert (response["ended_by"], response["answered_by"]) == ("answered", "101")
    assert response["answered"] == [{"number": "101", "contact": None}]
    assert [each["result"] for each in response["attempts"]] == [
        "answered",
        "caller_unreachable",
    ]


async def test_ring_not_supported(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A kind of PBX that cannot ring a phone alone names the recipe."""
    with pytest.raises(ServiceValidationError, match="recipe") as caught:
        await hass.services.async_call(
            DOMAIN, "ring", {"callers": ["101"]}, blocking=True
        )

    assert caught.value.translation_key == "ring_not_supported"
    assert toy.requests == []


@pytest.mark.parametrize("toy_features", [ALL_FEATURES])
async def test_ring_nothing(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An empty list rings no phone; without a list, the action is incomplete."""
    response = await run_script(hass, "ring", {"callers": []})
    assert response == {
        "ended_by": "nobody",
        "answered_by": None,
        "answered_by_contact": None,
        "answered": [],
        "attempts": [],
    }
    with pytest.raises(ServiceValidationError, match="Missing: callers"):
        await hass.services.async_call(DOMAIN, "ring", {}, blocking=True)

    assert toy.requests == []


async def test_until(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Conditions of the editor end an escalation, here before anybody rings."""
    hass.states.async_set("alarm_control_panel.house", "disarmed")
    condition = {
        "condition": "state",
        "entity_id": "alarm_control_panel.house",
        "state": "disarmed",
    }
    data: dict[str, object] = {"callers": ["101"], "callee": "200"}
    response = await run_script(hass, "escalate", data | {"until": [condition]})

    assert response["ended_by"] == "until"
    assert response["attempts"] == []
    assert toy.requests == []

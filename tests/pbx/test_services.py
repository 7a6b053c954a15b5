"""Tests of the actions, through Home Assistant and over HTTP to the sandbox."""

import asyncio
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.services import ESCALATE_SCHEMA
from sandbox import Account, Fault, ManualClock, Sandbox
from sandbox.faults import FaultKind

from .common import lift_limits, set_options
from .scene import Scene

ORIGINATE = "/call/originate/act"


async def originate(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action with a response."""
    response = await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


@pytest.mark.usefixtures("loaded_entry")
async def test_originate(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The request is sent as documented, and the id of the call comes back."""
    response = await originate(hass, caller="101", callee="200")

    assert sandbox.requests[-1].json == {
        "caller": "101",
        "callee": "200",
        "context": "main_routing",
        "caller_id": "101",
        "timeout": "30",
    }
    assert response == {"originated_call_id": sandbox.calls[0].id}
    await clock.advance(60)
    assert sandbox.calls[0].result == "answered"


@pytest.mark.usefixtures("loaded_entry")
async def test_originate_with_all_fields(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Everything that the action says reaches the PBX, normalised."""
    await originate(
        hass,
        config_entry_id=hass.config_entries.async_entries(DOMAIN)[0].entry_id,
        caller="0912 123 4567",
        callee=200,
        context="main_routing",
        caller_id=557,
        trunk_name="main_trunk",
        timeout="45",
        call_limit=300.0,
    )

    assert sandbox.requests[-1].json == {
        "caller": "09121234567",
        "callee": "200",
        "context": "main_routing",
        "caller_id": "557",
        "trunk_name": "main_trunk",
        "timeout": "45",
        "call_limit": "300",
    }


@pytest.mark.usefixtures("loaded_entry")
async def test_originate_without_response(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """The response is there for whom it interests."""
    await hass.services.async_call(
        DOMAIN, "originate", {"caller": "101", "callee": "200"}, blocking=True
    )

    assert len(sandbox.calls) == 1


@pytest.mark.usefixtures("loaded_entry")
async def test_no_id(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """A placed call without an id is a placed call."""
    sandbox.faults.set(ORIGINATE, Fault("no_id", placed=True))

    response = await originate(hass, caller="101", callee="200")

    assert response == {"originated_call_id": None}


@pytest.mark.parametrize(
    "data",
    [
        {"callee_contact": None},
        {"callee_contact": ["Mum"]},
        {"callee": ["200"]},
        {"callee": True},
        {"callee": -200},
        {"callee": 20.5},
        {"callee": "200", "number": "101"},
        {"callee": "200", "timeout": 0},
        {"callee": "200", "timeout": 601},
        {"callee": "200", "timeout": 1.5},
        {"callee": "200", "timeout": "soon"},
        {"callee": "200", "timeout": float("nan")},
        {"callee": "200", "timeout": float("inf")},
        {"callee": "200", "timeout": True},
        {"callee": "200", "timeout": None},
        {"callee": "200", "call_limit": 0},
        {"callee": "200", "call_limit": 86_401},
        {"callee": "200", "context": None},
        {"callee": "200", "context": ["main_routing"]},
        {"callee": "200", "cooldown": -1},
        {"callee": "200", "cooldown": 86_401},
        {"callee": "200", "wait_for_result": "perhaps"},
        {"callee": "200", "wait_until": "connected"},
        {"callee": "200", "wait_until": None},
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_schema(
    hass: HomeAssistant, sandbox: Sandbox, data: dict[str, Any]
) -> None:
    """Unknown fields, wrong types and ranges are refused; nothing is sent."""
    before = len(sandbox.requests)
    with pytest.raises(vol.Invalid):
        await originate(hass, **data)

    assert len(sandbox.requests) == before


@pytest.mark.parametrize("seconds", [1, 600, "30", 30.0])
@pytest.mark.usefixtures("loaded_entry")
async def test_timeout_range(
    hass: HomeAssistant, sandbox: Sandbox, seconds: object
) -> None:
    """The ends of the range are in it, and a template's text is a number."""
    await originate(hass, caller="101", callee="200", timeout=seconds)

    assert sandbox.calls[0].timeout == int(float(str(seconds)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"callee": "200"}, "The call is not complete. Missing: caller. "),
        ({"caller": 5, "callee": "2x"}, "callee contains the character x, "),
        ({"caller": "101", "callee": "2\n0"}, "callee contains the character U+000A, "),
        ({"caller": "101", "callee": ""}, "There is no number in callee"),
        ({"caller": "1" * 33, "callee": "1"}, "The number in caller has more than 32"),
        ({"caller": "09121234567", "callee": "200"}, "The caller *********67 is an "),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_users_fault(
    hass: HomeAssistant, sandbox: Sandbox, data: dict[str, Any], words: str
) -> None:
    """What the user can put right is told in words, before anything is sent."""
    before = len(sandbox.requests)
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, **data)

    assert str(caught.value).startswith(words)
    assert "{" not in str(caught.value)
    assert len(sandbox.requests) == before


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
@pytest.mark.usefixtures("loaded_entry")
async def test_unquoted(
    hass: HomeAssistant,
    sandbox: Sandbox,
    value: float,
    action: str,
    field: str,
    as_list: bool,
) -> None:
    """An integer that is longer than an extension may have lost its front."""
    parties = {"callers": {"callee": "200"}, "callees": {"caller": "101"}}
    data = parties.get(field, {"caller": "101", "callee": "200"})
    before = len(sandbox.requests)
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(
            DOMAIN,
            action,
            {**data, field: [200, value] if as_list else value},
            blocking=True,
        )

    assert caught.value.translation_key == "number_unquoted"
    assert "Put the number in quotes" in str(caught.value)
    assert str(int(value)) not in str(caught.value)
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("callee", [200, 200.0, 12345])
async def test_integer(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    callee: float,
) -> None:
    """An extension has nothing to lose, however long extensions are at this PBX."""
    await originate(hass, caller=101, callee=callee)
    assert sandbox.calls[-1].callee == str(int(callee))

    await set_options(hass, loaded_entry, internal_digits=2)
    with pytest.raises(ServiceValidationError, match="quotes"):
        await originate(hass, caller="11", callee=callee)


@pytest.mark.parametrize("state", ["unavailable", "(unknown)", "None", None])
@pytest.mark.parametrize("field", ["caller", "callee", "caller_id"])
@pytest.mark.usefixtures("loaded_entry")
async def test_no_state(
    hass: HomeAssistant, sandbox: Sandbox, field: str, state: str | None
) -> None:
    """A template that read an entity without a state is told so."""
    before = len(sandbox.requests)
    with pytest.raises(ServiceValidationError, match="the entity had no state") as err:
        await originate(hass, **{"caller": "101", "callee": "200", field: state})

    assert err.value.translation_key == "number_no_state"
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("written", "dialed"),
    [
        ("+49 (0)30 1234567", "+49301234567"),
        ("tel:+49-30-1234567", "+49301234567"),
        ("030/1234567", "0301234567"),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_written(
    hass: HomeAssistant, sandbox: Sandbox, written: str, dialed: str
) -> None:
    """A number is taken as people write it."""
    await originate(hass, caller="101", callee=written)

    assert sandbox.calls[-1].callee == dialed


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("(552.0)", "number_decimal"),
        ("+", "number_empty"),
        ("++49", "number_misplaced_plus"),
        ("49+30", "number_misplaced_plus"),
        ("1-800-FLOWERS", "number_invalid_character"),
        ("030 1234567 ext. 5", "number_invalid_character"),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_not_written(
    hass: HomeAssistant, sandbox: Sandbox, written: str, key: str
) -> None:
    """What would be another number, or none, is refused before it is sent."""
    before = len(sandbox.requests)
    with pytest.raises(ServiceValidationError) as caught:
        await originate(hass, caller="101", callee=written)

    assert caught.value.translation_key == key
    assert "{" not in str(caught.value)
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("refuse", message="All lines busy"), "Sandbox refused: All lines busy"),
        (Fault("redirect"), "Sandbox did not answer as a Simotel (HTTP 302"),
        (Fault("reset", placed=True), "Sandbox did not confirm the call"),
        (Fault("status_500"), "Sandbox did not confirm the call"),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_pbx_fault(
    hass: HomeAssistant, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    """What went wrong at the PBX is told with its name and words; nothing is resent."""
    sandbox.faults.set(ORIGINATE, fault)
    before = len(sandbox.requests)

    with pytest.raises(HomeAssistantError) as caught:
        await originate(hass, caller="101", callee="200")

    assert not isinstance(caught.value, ServiceValidationError)
    assert words in str(caught.value)
    assert "{" not in str(caught.value)
    assert len(sandbox.requests) == before + 1


@pytest.mark.usefixtures("loaded_entry")
async def test_wrong_credentials_start_reauth_once(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """A 401 asks for new credentials, however often it comes."""
    sandbox.configure(accounts=(Account(api_key="changed", mode="key"),))

    for _ in range(2):
        with pytest.raises(HomeAssistantError, match="refused the stored credentials"):
            await originate(hass, caller="101", callee="200")
    await hass.async_block_till_done()

    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH


async def test_not_loaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The action stays, and explains itself, while its PBX is not loaded."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(ServiceValidationError, match="not loaded"):
        await originate(hass, caller="101", callee="200")


async def test_no_pbx(hass: HomeAssistant) -> None:
    """The action explains itself where there is no PBX at all."""
    assert await async_setup_component(hass, DOMAIN, {})

    with pytest.raises(ServiceValidationError, match="integration pbx"):
        await originate(hass, caller="101", callee="200")


async def test_several_pbxs(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    entry_data: dict[str, Any],
    sandbox: Sandbox,
) -> None:
    """With several PBXs the action has to say which one."""
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Other",
        unique_id="other",
        data={**entry_data, "webhook_id": "other"},
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)

    with pytest.raises(ServiceValidationError, match="ultiple"):
        await originate(hass, caller="101", callee="200")
    assert not sandbox.calls

    await originate(
        hass,
        **{ATTR_CONFIG_ENTRY_ID: loaded_entry.entry_id},
        caller="101",
        callee="200",
    )
    assert len(sandbox.calls) == 1
    # The other one has no context yet.
    with pytest.raises(ServiceValidationError, match="Missing: context"):
        await originate(
            hass,
            **{ATTR_CONFIG_ENTRY_ID: other.entry_id},
            caller="101",
            callee="200",
        )


async def test_100_calls_at_once(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """A hundred actions at once all arrive, each once, where no rule is against it."""
    await lift_limits(hass, loaded_entry)
    callees = [str(number) for number in range(1000, 1100)]

    responses = await asyncio.gather(
        *(originate(hass, caller="101", callee=callee) for callee in callees)
    )

    assert sorted(call.callee for call in sandbox.calls) == callees
    assert {response["originated_call_id"] for response in responses} == {
        call.id for call in sandbox.calls
    }


# --- Waiting for the result ---


@pytest.mark.parametrize(
    ("numbers", "until", "outcome"),
    [
        (("200", "101"), 10, ("answered", True, 2, 8)),
        (("200", "103"), 1, ("busy", True, 1, 0)),
        (("200", "104"), 30, ("no_answer", True, 30, 0)),
        (("200", "105"), 1, ("failed", True, 1, 0)),
        (("104", "200"), 30, ("caller_unreachable", False, 30, 0)),
    ],
)
async def test_wait_for_result(
    scene: Scene,
    numbers: tuple[str, str],
    until: int,
    outcome: tuple[str, bool, int, int],
) -> None:
    """The action returns when the call has ended, with what came of it."""
    caller, callee = numbers
    running = await scene.begin(
        "originate", caller=caller, callee=callee, wait_for_result=True
    )
    await scene.live(until - 1)
    assert not running.done()
    await scene.live(1)

    result, caller_answered, ring_time, talk_time = outcome
    assert running.done()
    assert await running == {
        "originated_call_id": scene.sandbox.calls[0].id,
        "result": result,
        "caller_answered": caller_answered,
        "ring_time": ring_time,
        "talk_time": talk_time,
        "cause": None,
        "evidence": "event",
    }
    assert scene.rung == [numbers]


@pytest.mark.parametrize(
    ("data", "waits_for"),
    [
        ({"wait_for_result": True}, 10),
        ({"wait_until": "ended"}, 10),
        ({"wait_until": "answered"}, 2),
        ({"wait_for_result": True, "wait_until": "answered"}, 2),
        ({"wait_for_result": False}, 0),
        ({"wait_for_result": False, "wait_until": "ended"}, 0),
    ],
)
async def test_wait_until(scene: Scene, data: dict[str, Any], waits_for: int) -> None:
    """It waits as far as it is told; to name how far is to wait."""
    running = await scene.begin("originate", caller="200", callee="101", **data)
    waited = 0
    while not running.done():
        await scene.live(1)
        waited += 1

    assert waited == waits_for
    response = await running
    assert response.get("result") == ("answered" if waits_for == 10 else None)
    assert response.get("caller_answered") is (True if waits_for else None)
    assert response["originated_call_id"] == scene.sandbox.calls[0].id


async def test_wait_until_answered_and_nobody_does(scene: Scene) -> None:
    """Whoever waits for an answer that never comes waits for the end."""
    running = await scene.begin(
        "originate", caller="200", callee="104", wait_until="answered"
    )
    await scene.live(29)
    assert not running.done()
    await scene.live(1)

    assert (await running)["result"] == "no_answer"


@pytest.mark.parametrize(("limit", "deadline"), [({}, 3670), ({"call_limit": 20}, 90)])
async def test_wait_without_evidence(
    scene: Scene, limit: dict[str, int], deadline: int
) -> None:
    """When nothing can come any more, the result is that nobody knows."""
    running = await scene.begin(
        "originate", caller="200", callee="101", wait_for_result=True, **limit
    )
    await scene.pass_time(deadline - 1)
    assert not running.done()
    # It is a whole second at which calls are looked through.
    await scene.pass_time(2)

    assert await running == {
        "originated_call_id": scene.sandbox.calls[0].id,
        "result": "undetermined",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "cause": None,
        "evidence": "deadline",
    }


@pytest.mark.parametrize("kind", ["refuse", "reset"])
async def test_wait_for_what_is_not_placed(scene: Scene, kind: FaultKind) -> None:
    """What is refused, or lost, is an error, also to whoever would wait."""
    scene.sandbox.faults.set(ORIGINATE, Fault(kind))
    with pytest.raises(HomeAssistantError):
        await scene.run("originate", caller="200", callee="101", wait_for_result=True)


async def test_stopped_while_waiting(scene: Scene) -> None:
    """A script that is stopped stops waiting; the call goes on."""
    running = await scene.begin(
        "originate", caller="200", callee="101", wait_for_result=True
    )
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await scene.live(10)

    (call,) = scene.tracker.recent
    assert call.result is CallResult.ANSWERED


async def test_reloaded_while_waiting(scene: Scene) -> None:
    """A reload of the entry ends no waiting."""
    running = await scene.begin(
        "originate", caller="200", callee="101", wait_for_result=True
    )
    assert await scene.hass.config_entries.async_reload(scene.entry.entry_id)
    assert not running.done()
    await scene.live(10)

    assert (await running)["result"] == "answered"
    assert len(scene.asked) == 1


async def test_unloaded_in_the_request(scene: Scene) -> None:
    """Nor does it matter that the entry is gone before the PBX has answered."""
    running = asyncio.create_task(
        scene.run("originate", caller="200", callee="101", wait_for_result=True)
    )
    for _ in range(3):
        await asyncio.sleep(0)
    assert await scene.hass.config_entries.async_unload(scene.entry.entry_id)
    await scene.live(10)

    assert (await running)["result"] == "answered"


async def test_removed_while_waiting(scene: Scene) -> None:
    """A PBX that is removed will never tell: that is an error."""
    running = await scene.begin(
        "originate", caller="200", callee="101", wait_for_result=True
    )
    await scene.hass.config_entries.async_remove(scene.entry.entry_id)

    with pytest.raises(HomeAssistantError, match="was removed") as caught:
        await running
    assert caught.value.translation_key == "pbx_removed"


async def test_home_assistant_stops_while_waiting(scene: Scene) -> None:
    """It is not held up; the call is there again after the start."""
    running = await scene.begin(
        "originate", caller="200", callee="101", wait_for_result=True
    )
    scene.hass.set_state(CoreState.stopping)
    scene.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    with pytest.raises(HomeAssistantError, match="is being stopped"):
        await running
    scene.hass.set_state(CoreState.running)

    assert scene.tracker.active == 1


async def test_told_before_the_answer(scene: Scene) -> None:
    """Evidence that is faster than the PBX's answer ends the waiting at once."""
    scene.sandbox.faults.set(ORIGINATE, Fault("slow", seconds=5, placed=True))
    running = asyncio.create_task(
        scene.run("originate", caller="200", callee="103", wait_for_result=True)
    )
    for _ in range(10):
        await scene.clock.settle()
    assert not scene.tracker.outstanding[0].originated_call_id
    await scene.clock.advance(2)
    scene.observe(scene.sandbox.calls[0], CallState.ENDED, CallResult.BUSY)
    await scene.clock.advance(3)
    await scene.settle()

    assert (await running)["result"] == "busy"


# --- The schema of the escalation; what comes of it is in test_escalation ---


@pytest.mark.parametrize(
    "data",
    [
        {"callers": [], "callee": "200"},
        {"callers": None, "callee": "200"},
        {"callees": [["101"]]},
        {"callees": [True]},
        {"callees": [10.5]},
        {"callees": {"101": "102"}},
        {"callees": ["101"], "number": "101"},
        {"callees": ["101"], "rounds": 0},
        {"callees": ["101"], "rounds": 11},
        {"callees": ["101"], "rounds": 1.5},
        {"callees": ["101"], "rounds": True},
        {"callees": ["101"], "pause": -1},
        {"callees": ["101"], "pause": 3601},
        {"callees": ["101"], "pause": "soon"},
        {"callees": ["101"], "timeout": 0},
        {"callees": ["101"], "call_limit": 86_401},
        {"callees": ["101"], "wait_for_result": True},
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_escalate_schema(
    hass: HomeAssistant, sandbox: Sandbox, data: dict[str, Any]
) -> None:
    """Unknown fields, wrong types and ranges are refused; nobody is rung."""
    before = len(sandbox.requests)
    with pytest.raises(vol.Invalid):
        await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"callees": "101"}, {"callees": ["101"]}),
        ({"callees": 101}, {"callees": [101]}),
        ({"callers": [101.0, "0912 123"]}, {"callers": [101, "0912 123"]}),
        ({"rounds": "10"}, {"rounds": 10}),
        ({"pause": 3600.0}, {"pause": 3600}),
    ],
)
def test_escalate_schema_takes(data: dict[str, Any], expected: dict[str, Any]) -> None:
    """What a template and the editor give is taken, and there are defaults."""
    assert ESCALATE_SCHEMA(data) == {"rounds": 1, "pause": 0, **expected}


async def test_escalate_not_loaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The action stays, and explains itself, while its PBX is not loaded."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.config_entries.async_unload(entry.entry_id)

    data = {"callers": ["101"], "callee": "200"}
    with pytest.raises(ServiceValidationError, match="not loaded"):
        await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)


@pytest.mark.parametrize("data", [{}, {"caller": "101"}])
@pytest.mark.usefixtures("loaded_entry")
async def test_no_callee(
    hass: HomeAssistant, sandbox: Sandbox, data: dict[str, Any]
) -> None:
    """Somebody has to be called: a number or a contact."""
    before = len(sandbox.requests)
    with pytest.raises(ServiceValidationError, match="Missing: callee"):
        await originate(hass, **data)

    assert len(sandbox.requests) == before

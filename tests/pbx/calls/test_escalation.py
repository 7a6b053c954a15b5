"""Tests of ringing people one after another, over HTTP to the sandbox."""

import asyncio
from dataclasses import replace
from typing import Any

from homeassistant.auth.models import User
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.pbx.backends.base import CallRequest, PbxClient
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
)
from custom_components.pbx.calls.escalation import LOAD_TIMEOUT, build_escalation
from custom_components.pbx.calls.manager import async_known_tracking
from custom_components.pbx.const import DOMAIN
from sandbox import Account, Fault

from ..common import ASTERISK, ORIGINATE, PING, SIMOTEL, reauth_flows, set_options
from ..scene import Scene

# How they behave is in the sandbox's example.
ANSWERS, BUSY, SILENT, UNREACHABLE, ANNOUNCEMENT = "101", "103", "104", "105", "200"
TIMEOUT = 30
# Twice the ring time, and 10 s.
PATIENCE = 70

DEFAULTS = {"context": "main_routing", "timeout": 20, "call_limit": 60}
ONCE = {"rounds": 1, "pause": 0}

ALARM = {"entity_id": "script.alarm"}


def column(response: dict[str, Any], name: str) -> list[Any]:
    """Return one thing about every attempt."""
    return [attempt[name] for attempt in response["attempts"]]


# --- callers: each is rung first ---


async def test_callers(scene: Scene) -> None:
    """The first one to answer ends it, long before the end of their talk."""
    running = await scene.begin(
        "escalate", callers=[UNREACHABLE, SILENT, ANSWERS, "102"], callee=ANNOUNCEMENT
    )
    assert scene.rung == [(UNREACHABLE, "200")]
    await scene.live(1)
    assert scene.rung[1:] == [(SILENT, "200")]
    await scene.live(TIMEOUT - 1)
    assert len(scene.rung) == 2
    await scene.live(1)
    assert scene.rung[2:] == [(ANSWERS, "200")]
    await scene.live(2)

    assert running.done()
    response = await running
    first, second, third = scene.sandbox.calls
    assert third.state == "connected"
    assert response == {
        "answered_by": ANSWERS,
        "answered_by_contact": None,
        "attempts": [
            {
                "number": UNREACHABLE,
                "contact": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 1.0,
                "talk_time": 0.0,
                "originated_call_id": first.id,
            },
            {
                "number": SILENT,
                "contact": None,
                "result": "caller_unreachable",
                "caller_answered": False,
                "ring_time": 30.0,
                "talk_time": 0.0,
                "originated_call_id": second.id,
            },
            {
                "number": ANSWERS,
                "contact": None,
                "result": "answered",
                "caller_answered": True,
                "ring_time": None,
                "talk_time": None,
                "originated_call_id": third.id,
            },
        ],
    }
    await scene.live(60)
    assert len(scene.asked) == 3


@pytest.mark.parametrize(
    ("people", "results"),
    [
        (
            {"callers": [UNREACHABLE, ANSWERS, "102"], "callee": BUSY},
            ["caller_unreachable", "answered"],
        ),
        (
            {"caller": "200", "callees": [SILENT, ANSWERS, "102"]},
            ["no_answer", "answered"],
        ),
    ],
)
async def test_by_the_report(
    scene: Scene, people: dict[str, Any], results: list[str]
) -> None:
    """Where the PBX sends no events at all, its report is enough."""
    scene.tells = False
    scene.sandbox.configure(missing_services=())
    running = await scene.begin("escalate", **people)
    await scene.live(90)

    response = await running
    assert response["answered_by"] == ANSWERS
    assert column(response, "result") == results
    assert len(scene.asked) == 2


@pytest.mark.parametrize("callee", [ANNOUNCEMENT, BUSY, SILENT, UNREACHABLE])
@pytest.mark.parametrize("tells_all", [True, False])
async def test_callers_callee_does_not_matter(
    scene: Scene, callee: str, *, tells_all: bool
) -> None:
    """Who picked up has answered, however it went on, and however it is told."""
    scene.tells_all = tells_all
    running = await scene.begin("escalate", callers=[ANSWERS, "102"], callee=callee)
    await scene.live(45)

    response = await running
    assert response["answered_by"] == ANSWERS
    assert column(response, "result") == ["answered"]
    assert column(response, "caller_answered") == [True]
    assert scene.asked == [(ANSWERS, callee)]


# --- callees: the caller is rung first, each time ---


async def test_callees(scene: Scene) -> None:
    """Each is tried in turn; who talks with the caller ends it."""
    running = await scene.begin(
        "escalate",
        caller=ANNOUNCEMENT,
        callees=[BUSY, UNREACHABLE, SILENT, ANSWERS, "102"],
    )
    await scene.live(36)
    assert running.done()

    response = await running
    assert response["answered_by"] == ANSWERS
    assert column(response, "number") == [BUSY, UNREACHABLE, SILENT, ANSWERS]
    assert column(response, "result") == ["busy", "failed", "no_answer", "answered"]
    assert column(response, "caller_answered") == [True] * 4
    assert column(response, "ring_time")[2] == TIMEOUT
    assert scene.rung == [
        (ANNOUNCEMENT, number) for number in (BUSY, UNREACHABLE, SILENT, ANSWERS)
    ]
    assert scene.sandbox.calls[-1].state == "connected"


async def test_callees_end_alone(scene: Scene) -> None:
    """Where the PBX tells nothing in between, the end of the talk tells."""
    scene.tells_all = False
    running = await scene.begin(
        "escalate", caller=ANNOUNCEMENT, callees=[BUSY, ANSWERS, "102"]
    )
    await scene.live(5)
    assert scene.sandbox.calls[-1].state == "connected"
    assert not running.done()
    await scene.live(15)

    response = await running
    assert response["answered_by"] == ANSWERS
    assert column(response, "result") == ["busy", "answered"]
    assert column(response, "talk_time") == [0, 8]
    assert len(scene.asked) == 2


async def test_callees_caller_unreachable(scene: Scene) -> None:
    """A caller who is not there is rung again for the next callee."""
    running = await scene.begin(
        "escalate", caller=UNREACHABLE, callees=[ANSWERS, "102"]
    )
    await scene.live(3)

    response = await running
    assert response["answered_by"] is None
    assert column(response, "result") == ["caller_unreachable"] * 2
    assert column(response, "caller_answered") == [False] * 2
    assert scene.rung == [(UNREACHABLE, ANSWERS), (UNREACHABLE, "102")]


async def test_default_caller(scene: Scene) -> None:
    """The caller may be the PBX's default, and numbers are as people write them."""
    scene.hass.config_entries.async_update_entry(
        scene.entry, options={**scene.entry.options, "caller": "200"}
    )
    await scene.hass.async_block_till_done()
    running = await scene.begin(
        "escalate", callees=["1 0 3", 103, "0912-123 45 67"], call_limit=40
    )
    await scene.live(20)

    response = await running
    assert response["answered_by"] == "09121234567"
    assert scene.rung == [("200", "103"), ("200", "103"), ("200", "09121234567")]
    assert {call.call_limit for call in scene.sandbox.calls} == {40}


# --- Rounds and pauses ---


async def test_rounds_and_pause(scene: Scene) -> None:
    """The list is gone through again; between any two attempts there is a pause."""
    running = await scene.begin(
        "escalate", callers=[UNREACHABLE, BUSY], callee=ANNOUNCEMENT, rounds=2, pause=5
    )
    counts = []
    for _ in range(4):
        await scene.live(1)
        await scene.live(4)
        counts.append(len(scene.asked))
        if not running.done():
            await scene.live(1)
            counts.append(len(scene.asked))

    # Each call ends in a second; no pause after the last one.
    assert counts == [1, 2, 2, 3, 3, 4, 4]
    response = await running
    assert response["answered_by"] is None
    assert column(response, "number") == [UNREACHABLE, BUSY] * 2


async def test_no_pause_after_an_answer(scene: Scene) -> None:
    """Whoever waits for it is told at once that somebody has answered."""
    running = await scene.begin(
        "escalate", callers=[ANSWERS, BUSY], callee="200", rounds=2, pause=600
    )
    await scene.live(3)

    assert running.done()
    assert (await running)["answered_by"] == ANSWERS
    assert len(scene.asked) == 1


async def test_second_round(scene: Scene) -> None:
    """Who did not answer at first may answer later."""
    running = await scene.begin("escalate", callers=[BUSY], callee="200", rounds=10)
    await scene.live(1)
    quiet = tuple(
        replace(phone, behaviour="answer") if phone.number == BUSY else phone
        for phone in scene.sandbox.config.phones
    )
    scene.sandbox.configure(phones=quiet)
    await scene.live(4)

    response = await running
    assert response["answered_by"] == BUSY
    assert column(response, "result")[-1] == "answered"
    assert len(scene.asked) == len(response["attempts"]) < 10


# --- What goes wrong at the PBX ---


async def test_refused(scene: Scene) -> None:
    """A refusal is an attempt, with its reason, and the next one goes on at once."""
    scene.sandbox.faults.set(
        ORIGINATE, Fault("refuse", message="No line for 09121234567", times=1)
    )
    running = await scene.begin("escalate", callers=["102", ANSWERS], callee="200")
    await scene.live(2)

    response = await running
    assert response["answered_by"] == ANSWERS
    refused, answered = response["attempts"]
    assert refused == {
        "number": "102",
        "contact": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "error": "The PBX Sandbox refused: No line for *********67",
    }
    assert "error" not in answered
    assert scene.asked == [("102", "200"), (ANSWERS, "200")]


async def test_uncertain_and_answered(scene: Scene) -> None:
    """A request whose answer was lost may ring: its person is waited for."""
    scene.sandbox.faults.set(ORIGINATE, Fault("reset", placed=True, times=1))
    running = await scene.begin("escalate", callers=[ANSWERS, "102"], callee="200")
    await scene.live(1)
    assert len(scene.asked) == 1
    await scene.live(1)

    response = await running
    (attempt,) = response["attempts"]
    assert response["answered_by"] == ANSWERS
    assert attempt["result"] == "answered"
    assert attempt["originated_call_id"] == scene.sandbox.calls[0].id
    assert "did not confirm the call" in attempt["error"]
    assert "{" not in attempt["error"]


async def test_uncertain_and_nothing_heard(scene: Scene) -> None:
    """No other phone rings before it is sure that this one does not any more."""
    scene.sandbox.faults.set(ORIGINATE, Fault("status_500", times=1))
    running = await scene.begin("escalate", callers=["102", ANSWERS], callee="200")
    await scene.live(PATIENCE - 1)
    assert len(scene.asked) == 1
    await scene.live(1)
    assert scene.asked[1:] == [(ANSWERS, "200")]
    await scene.live(2)

    response = await running
    lost, answered = response["attempts"]
    assert lost["result"] == "undetermined"
    assert lost["caller_answered"] is None
    assert "did not confirm the call" in lost["error"]
    assert answered["result"] == "answered"


@pytest.mark.parametrize(
    ("limits", "patience"),
    [({}, 70), ({"call_limit": 60}, 130), ({"timeout": 5, "call_limit": 100}, 120)],
)
@pytest.mark.parametrize(
    "people",
    [
        {"callers": [ANSWERS, "102"], "callee": "200"},
        {"caller": "200", "callees": [ANSWERS, "102"]},
    ],
)
async def test_no_evidence(
    scene: Scene, people: dict[str, Any], limits: dict[str, int], patience: int
) -> None:
    """An attempt of which nothing is heard is given up when it must be over."""
    scene.tells = False
    running = await scene.begin("escalate", **people, **limits)
    for count in (1, 2):
        await scene.pass_time(patience - 1)
        assert len(scene.asked) == count
        assert not running.done()
        await scene.pass_time(1)

    response = await running
    assert response["answered_by"] is None
    assert column(response, "result") == ["undetermined"] * 2
    assert column(response, "caller_answered") == [None] * 2
    assert column(response, "originated_call_id") == [
        call.id for call in scene.sandbox.calls
    ]
    assert not any("error" in attempt for attempt in response["attempts"])


async def test_late_evidence(scene: Scene) -> None:
    """A talk that lasted longer than anybody waited for is an answer after all."""
    running = await scene.begin(
        "escalate", caller="200", callees=[ANSWERS, "102", "106"]
    )
    await scene.pass_time(PATIENCE)
    assert len(scene.asked) == 2
    first, second = scene.sandbox.calls
    scene.observe(first, CallState.ENDED, CallResult.ANSWERED)
    scene.observe(second, CallState.ENDED, CallResult.BUSY)
    await scene.settle()

    response = await running
    assert response["answered_by"] == ANSWERS
    assert column(response, "result") == ["answered", "busy"]


async def test_wrong_credentials(scene: Scene) -> None:
    """They fail every attempt, and are asked for once."""
    scene.sandbox.configure(accounts=(Account(api_key="changed", mode="key"),))
    response = await scene.run(
        "escalate", callers=[ANSWERS, "102"], callee="200", rounds=2
    )
    await scene.hass.async_block_till_done()

    assert response["answered_by"] is None
    assert column(response, "result") == ["failed"] * 4
    for error in column(response, "error"):
        assert "refused the stored credentials" in error
    assert len(scene.asked) == 4
    assert reauth_flows(scene.hass) == ["reauth_simotel"]


# --- What happens to the script, the entry and Home Assistant meanwhile ---


@pytest.mark.parametrize("in_the_pause", [False, True])
async def test_stopped_script(scene: Scene, *, in_the_pause: bool) -> None:
    """Nobody further is rung; the call that is on goes on."""
    running = await scene.begin(
        "escalate", callers=[BUSY, ANSWERS], callee="200", pause=30
    )
    if in_the_pause:
        await scene.live(2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await scene.live(PATIENCE)

    assert scene.asked == [(BUSY, "200")]
    assert scene.tracker.recent[-1].result is CallResult.CALLER_UNREACHABLE


async def test_turned_off_script(scene: Scene) -> None:
    """So it is with a script that is turned off, in Home Assistant's own way."""
    step = {
        "action": "pbx.escalate",
        "data": {"callers": [BUSY, ANSWERS], "callee": "200"},
    }
    assert await async_setup_component(
        scene.hass, "script", {"script": {"alarm": {"sequence": [step]}}}
    )
    await scene.hass.services.async_call("script", "turn_on", ALARM)
    for _ in range(20):
        await scene.clock.settle()
    assert scene.asked == [(BUSY, "200")]
    await scene.hass.services.async_call("script", "turn_off", ALARM, blocking=True)
    await scene.live(PATIENCE)

    assert len(scene.asked) == 1
    assert scene.tracker.recent[-1].result is CallResult.CALLER_UNREACHABLE


async def test_stopped_script_in_the_request(scene: Scene) -> None:
    """A request that is on its way is not torn, and is the last."""
    running = asyncio.create_task(
        scene.run("escalate", callers=[BUSY, ANSWERS], callee="200")
    )
    for _ in range(3):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await scene.live(PATIENCE)

    assert scene.asked == [(BUSY, "200")]
    assert scene.tracker.recent[-1].result is CallResult.CALLER_UNREACHABLE


@pytest.mark.parametrize("pause", [0, 30])
async def test_reload(scene: Scene, pause: int) -> None:
    """A reload in the middle ends nothing: it goes on with what was changed."""
    running = await scene.begin(
        "escalate", callers=[BUSY, ANSWERS], callee="200", pause=pause
    )
    if pause:
        await scene.live(2)
    before = scene.entry.runtime_data.client
    assert await scene.hass.config_entries.async_reload(scene.entry.entry_id)
    assert scene.entry.runtime_data.client is not before
    await scene.live(35)

    assert (await running)["answered_by"] == ANSWERS
    assert len(scene.asked) == 2


async def test_slow_reload(scene: Scene) -> None:
    """An attempt waits for a reload that is not over yet."""
    running = await scene.begin("escalate", callers=[BUSY, ANSWERS], callee="200")
    assert await scene.hass.config_entries.async_unload(scene.entry.entry_id)
    await scene.live(5)
    assert len(scene.asked) == 1
    assert await scene.hass.config_entries.async_setup(scene.entry.entry_id)
    await scene.settle()
    await scene.live(3)

    response = await running
    assert column(response, "result") == ["caller_unreachable", "answered"]
    assert "error" not in response["attempts"][1]


async def test_not_loaded(scene: Scene) -> None:
    """A PBX that does not come back fails the attempt, and only that."""
    running = await scene.begin(
        "escalate", callers=[BUSY, "102", ANSWERS], callee="200", pause=60
    )
    assert await scene.hass.config_entries.async_unload(scene.entry.entry_id)
    await scene.live(1)
    await scene.pass_time(60)
    await scene.pass_time(LOAD_TIMEOUT)
    assert await scene.hass.config_entries.async_setup(scene.entry.entry_id)
    await scene.live(63)

    response = await running
    assert column(response, "result") == ["caller_unreachable", "failed", "answered"]
    assert response["attempts"][1] == {
        "number": "102",
        "contact": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "error": "The PBX Sandbox is not loaded, so it was not asked. "
        "See why under Settings > Devices & services",
    }
    assert scene.asked == [(BUSY, "200"), (ANSWERS, "200")]


async def test_removed_in_a_long_pause(scene: Scene) -> None:
    """Nobody waits for the end of a pause before a removal is told."""
    running = await scene.begin(
        "escalate", callers=[BUSY, ANSWERS], callee="200", pause=3600
    )
    await scene.live(2)
    await scene.hass.config_entries.async_remove(scene.entry.entry_id)
    await scene.settle()

    with pytest.raises(HomeAssistantError, match="was removed"):
        await running
    assert len(scene.asked) == 1


@pytest.mark.parametrize("when", ["in the call", "in the pause", "while unloaded"])
async def test_removed(scene: Scene, when: str) -> None:
    """A PBX that is removed ends it with an error: this is no "nobody answered"."""
    running = await scene.begin(
        "escalate", callers=[BUSY, ANSWERS], callee="200", pause=5
    )
    if when != "in the call":
        await scene.live(2)
    if when == "while unloaded":
        assert await scene.hass.config_entries.async_unload(scene.entry.entry_id)
        await scene.pass_time(5)
    await scene.hass.config_entries.async_remove(scene.entry.entry_id)
    await scene.pass_time(LOAD_TIMEOUT)

    with pytest.raises(HomeAssistantError, match="was removed") as caught:
        await running
    assert caught.value.translation_key == "pbx_removed"
    assert scene.asked == [(BUSY, "200")]


async def test_removed_while_it_is_checked(
    scene: Scene,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of a PBX is made anew that is removed before the first call."""
    hass, entry_id = scene.hass, scene.entry.entry_id
    await set_options(hass, scene.entry, admins_only=True)
    is_checked, may_go_on = asyncio.Event(), asyncio.Event()
    get_user = hass.auth.async_get_user
    asked: list[str] = []

    async def slow(user_id: str) -> User | None:
        asked.append(user_id)
        # First whether they may dial at all, then whom.
        if len(asked) > 1:
            is_checked.set()
            await may_go_on.wait()
        return await get_user(user_id)

    monkeypatch.setattr(hass.auth, "async_get_user", slow)
    data = {"callers": [BUSY], "callee": "200"}
    running = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            "escalate",
            data,
            blocking=True,
            return_response=True,
            context=Context(user_id=hass_admin_user.id),
        )
    )
    await is_checked.wait()
    await hass.config_entries.async_remove(entry_id)
    may_go_on.set()
    with pytest.raises(HomeAssistantError) as caught:
        await running

    assert caught.value.translation_key == "pbx_removed"
    with pytest.raises(HomeAssistantError):
        async_known_tracking(hass, entry_id)
    assert f"pbx.{entry_id}" not in hass_storage


@pytest.mark.parametrize("in_the_pause", [False, True])
async def test_home_assistant_stops(scene: Scene, *, in_the_pause: bool) -> None:
    """It ends with Home Assistant, and does not say that nobody answered."""
    running = await scene.begin(
        "escalate", callers=[BUSY, ANSWERS], callee="200", pause=30
    )
    if in_the_pause:
        await scene.live(2)
    scene.hass.set_state(CoreState.stopping)
    scene.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    with pytest.raises(HomeAssistantError, match="is being stopped"):
        await running
    with pytest.raises(HomeAssistantError, match="is being stopped"):
        await scene.run("escalate", callers=[BUSY], callee="200")
    scene.hass.set_state(CoreState.running)

    assert scene.asked == [(BUSY, "200")]


async def test_two_at_once(scene: Scene) -> None:
    """Two escalations do not take each other's answers."""
    one = await scene.begin("escalate", callers=[BUSY, ANSWERS], callee="200")
    other = await scene.begin("escalate", callers=[UNREACHABLE, "102"], callee="106")
    await scene.live(6)

    assert (await one)["answered_by"] == ANSWERS
    assert (await other)["answered_by"] == "102"
    assert sorted(scene.asked) == [
        (ANSWERS, "200"),
        ("102", "106"),
        (BUSY, "200"),
        (UNREACHABLE, "106"),
    ]


async def test_without_response(scene: Scene) -> None:
    """The response is there for whom it interests."""
    running = asyncio.create_task(
        scene.hass.services.async_call(
            DOMAIN, "escalate", {"callers": ANSWERS, "callee": "200"}, blocking=True
        )
    )
    await scene.settle()
    await scene.live(2)

    assert await running is None
    assert scene.rung == [(ANSWERS, "200")]


# --- What is asked for ---


def test_build_callers() -> None:
    """Each caller is one complete request, round by round."""
    data = {"callers": ["1 0 1", "102"], "callee": "200", "rounds": 2, "pause": 7}
    escalation = build_escalation(data, DEFAULTS, {}, SIMOTEL)

    assert escalation.pause == 7
    assert escalation.until is CallState.RINGING_CALLEE
    assert [request.caller for request in escalation.requests] == ["101", "102"] * 2
    assert escalation.requests[0] == CallRequest(
        caller="101",
        callee="200",
        context="main_routing",
        caller_id="101",
        trunk_name=None,
        timeout=20,
        call_limit=60,
    )


def test_build_callees() -> None:
    """Each callee is one; the caller's default is a default."""
    callees = ["102", "0912", "09121234567"]
    data = {"callees": callees, "caller_id": "557", "trunk_name": "t", **ONCE}
    escalation = build_escalation(data, {**DEFAULTS, "caller": "101"}, {}, SIMOTEL)

    assert escalation.until is CallState.CONNECTED
    assert [
        (request.caller, request.callee, request.caller_id, request.trunk_name)
        for request in escalation.requests
    ] == [
        # Both are extensions, which no trunk reaches.
        ("101", "102", "557", None),
        ("101", "0912", "557", None),
        ("101", "09121234567", "557", "t"),
    ]


@pytest.mark.parametrize("client", [SIMOTEL, ASTERISK])
@pytest.mark.parametrize("at", ["action", "defaults"])
def test_trunk_in_a_list(client: PbxClient, at: str) -> None:
    """It goes with external callers only, wherever it is named; so do numbers."""
    given = {"trunk_name": "t"}
    data = {"callers": ["557", "0912 123 4567", "+98"], "callee": "200", **ONCE}
    data |= given if at == "action" else {}
    options = {**DEFAULTS, **(given if at == "defaults" else {"trunk_name": "other"})}
    escalation = build_escalation(data, options, {}, client)

    assert [
        (request.caller, request.caller_id, request.trunk_name)
        for request in escalation.requests
    ] == [("557", "557", None), ("09121234567", None, "t"), ("+98", None, "t")]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "one_list"),
        ({"caller": "101", "callee": "102"}, "one_list"),
        ({"callers": ["101"], "callees": ["102"]}, "one_list"),
        ({"callers": ["101"], "callee": "200", "caller": "102"}, "list_and_single"),
        ({"callees": ["101"], "caller": "200", "callee": "102"}, "list_and_single"),
        ({"callers": ["101"]}, "number_empty"),
        ({"callers": ["101"], "callee": ""}, "number_empty"),
        ({"callees": ["101"]}, "missing_fields"),
        ({"callees": ["101", ""], "caller": "200"}, "number_empty"),
        ({"callers": ["101", " "], "callee": "200"}, "missing_fields"),
        ({"callers": ["101", "10x"], "callee": "200"}, "number_invalid_character"),
        ({"callers": ["101,102"], "callee": "200"}, "number_invalid_character"),
        ({"callers": ["101", "09121234567"], "callee": "200"}, "trunk_required"),
    ],
)
def test_incomplete(data: dict[str, Any], key: str) -> None:
    """Whatever is wrong with one of them is wrong with all."""
    with pytest.raises(ServiceValidationError) as caught:
        build_escalation({**ONCE, **data}, DEFAULTS, {}, SIMOTEL)

    assert caught.value.translation_key == key


async def test_incomplete_rings_nobody(scene: Scene) -> None:
    """Not even those before the number that is wrong are rung."""
    with pytest.raises(ServiceValidationError, match="contains the character x"):
        await scene.run("escalate", callers=[ANSWERS, "10x"], callee="200")

    assert {request.path for request in scene.sandbox.requests} == {PING}

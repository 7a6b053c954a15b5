"""Tests that the README's examples work, with the sandbox for the PBX."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
import json
from typing import Any

from homeassistant.components import webhook
from homeassistant.components.logger import CONFIG_SCHEMA as LOGGER_SCHEMA
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, slugify
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import voluptuous as vol
import yaml

from custom_components.pbx.services import (
    ESCALATE_SCHEMA,
    HANGUP_SCHEMA,
    ORIGINATE_SCHEMA,
)
from sandbox import EventPush, Fault, Manner, ManualClock, Phone, Sandbox
from sandbox.config import parse as parse_sandbox
from tests.documents import ROOT, YamlBlock, readme, table, yaml_blocks

from .common import ORIGINATE, let_time_pass, place_call

# The key that only this kind of block has, at its top.
KINDS = {
    "triggers": "automation",
    "sequence": "script",
    "tap_action": "card",
    "sections": "view",
    "action": "action",
    "logger": "logger",
    "phones": "sandbox",
    "events": "sandbox",
}
# What may stand there without quotes, as nobody dials it.
QUANTITIES = {
    "timeout",
    "call_limit",
    "rounds",
    "pause",
    "after",
    "hang_up_after",
    "times",
    "max_columns",
}
SCHEMAS = {
    "pbx.originate": ORIGINATE_SCHEMA,
    "pbx.escalate": ESCALATE_SCHEMA,
    "pbx.hangup": HANGUP_SCHEMA,
}


def kind(block: YamlBlock) -> str:
    """Return what a block is; a block of no kind is a fault of the README."""
    keys = yaml.safe_load(block.text).keys()
    (found,) = (name for key, name in KINDS.items() if key in keys)
    return found


def blocks(wanted: str) -> list[YamlBlock]:
    """Return the blocks of a kind, in order."""
    return [block for block in yaml_blocks() if kind(block) == wanted]


def text_of(heading: str, number: int = 0) -> str:
    """Return a block under a heading, the first one unless told otherwise."""
    found = [block.text for block in yaml_blocks() if block.heading == heading]
    return found[number]


def config_of(text: str) -> dict[str, Any]:
    """Return a block as Home Assistant reads it."""
    config = parse_yaml(text)
    assert isinstance(config, dict)
    return config


def mappings(node: object) -> Iterator[Mapping[str, Any]]:
    """Return every mapping in a configuration."""
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from mappings(value)
    elif isinstance(node, list):
        for value in node:
            yield from mappings(value)


def used_actions(config: object) -> list[tuple[str, dict[str, Any]]]:
    """Return every use of our actions in a configuration, with its data."""
    found = [(_action(each), each) for each in mappings(config)]
    return [(action, each["data"]) for action, each in found if action in SCHEMAS]


def _action(each: Mapping[str, Any]) -> str:
    return str(each.get("action") or each.get("perform_action"))


async def set_up_automation(hass: HomeAssistant, text: str) -> str:
    """Set an automation up, and return its entity's id."""
    config = config_of(text)
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    entity_id = f"automation.{slugify(config['alias'])}"
    state = hass.states.get(entity_id)
    # It would be unavailable if its configuration were wrong.
    assert state is not None
    assert state.state == "on"
    return entity_id


async def set_up_script(hass: HomeAssistant, text: str) -> str:
    """Set a script up, and return its name."""
    config = config_of(text)
    name = slugify(config["alias"])
    assert await async_setup_component(hass, "script", {"script": {name: config}})
    state = hass.states.get(f"script.{name}")
    assert state is not None
    assert state.state == "off"
    return name


async def press(hass: HomeAssistant, card: Mapping[str, Any]) -> None:
    """Do what a tap on a card does."""
    tap = card["tap_action"]
    domain, action = tap["perform_action"].split(".")
    await hass.services.async_call(domain, action, tap["data"], blocking=True)


async def hurry(hass: HomeAssistant, condition: Callable[[], object]) -> None:
    """Let the report be read, and pauses end, until something is so."""
    async with asyncio.timeout(60):
        while not condition():
            # A request has 10 seconds, which must not be over.
            async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
            await asyncio.sleep(0.05)


def notifications(hass: HomeAssistant) -> list[str]:
    """Return the messages that are shown to everybody."""
    shown = hass.data.get("persistent_notification", {})
    return [each["message"] for each in shown.values()]


async def until(condition: Callable[[], object], patience: float = 60) -> None:
    """Wait until something is so; automations that wait are never done."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - what it looks at tells nobody
            await asyncio.sleep(0.01)


async def assert_rings(
    sandbox: Sandbox, clock: ManualClock, caller: str, callee: str
) -> None:
    """Assert that the only call rings these two, in this order."""
    (call,) = sandbox.calls
    assert (call.caller, call.callee) == (caller, callee)
    assert sandbox.phones.state(caller) == "Ringing"
    assert sandbox.phones.state(callee) != "Ringing"
    assert call.second_leg is None
    await clock.advance(6)
    # The caller has answered.
    assert call.second_leg is not None
    assert call.second_leg > call.started


def test_blocks() -> None:
    """There is something to test of every kind, and nothing of no kind."""
    assert {kind(block) for block in yaml_blocks()} == set(KINDS.values())


# Every block


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: block.heading)
def test_numbers_are_in_quotes(block: YamlBlock) -> None:
    """A number is text: YAML would drop or misread some of it."""
    for each in mappings(yaml.safe_load(block.text)):
        for key, value in each.items():
            is_quantity = isinstance(value, int) and not isinstance(value, bool)
            assert not is_quantity or key in QUANTITIES, (key, value)


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: block.heading)
def test_modern_syntax(block: YamlBlock) -> None:
    """The names of today are used: triggers, actions, action."""
    config = yaml.safe_load(block.text)
    if kind(block) == "automation":
        assert not config.keys() & {"trigger", "condition", "action"}
    for each in mappings(config):
        assert not each.keys() & {"service", "platform", "data_template"}


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: block.heading)
def test_action_data(block: YamlBlock) -> None:
    """What is given to an action is what it takes."""
    for action, data in used_actions(config_of(block.text)):
        SCHEMAS[action](data)


@pytest.mark.parametrize("block", blocks("action"), ids=lambda block: block.heading)
def test_action(block: YamlBlock) -> None:
    """An action is one that a script can hold."""
    cv.SCRIPT_SCHEMA([config_of(block.text)])


def test_sandbox_configuration() -> None:
    """The sandbox takes the configuration."""
    block, _ = sorted(blocks("sandbox"), key=lambda block: "phones" not in block.text)

    config = parse_sandbox(yaml.safe_load(block.text), "README.md")

    assert [phone.number for phone in config.phones] == ["11", "12", "13"]
    ((path, fault),) = config.faults
    assert path == ORIGINATE
    assert fault == Fault("hang", times=1, placed=True)


def test_sandbox_events() -> None:
    """The sandbox takes the address of the events."""
    block, _ = sorted(blocks("sandbox"), key=lambda block: "events" not in block.text)

    config = parse_sandbox(yaml.safe_load(block.text), "README.md")

    assert config.events is not None
    assert config.events.username == "ha-01234567"


def test_logger_configuration() -> None:
    """The logger that is to be turned up is the integration's."""
    (block,) = blocks("logger")

    config = LOGGER_SCHEMA(config_of(block.text))

    manifest = (ROOT / "custom_components/pbx/manifest.json").read_text()
    assert list(config["logger"]["logs"]) == json.loads(manifest)["loggers"]


def test_why_numbers_are_in_quotes() -> None:
    """YAML does to numbers without quotes what the README says."""
    assert yaml.safe_load("0101") == 65
    assert yaml.safe_load("+982112345678") == 982112345678


OUTCOMES = {
    "Fails: refused": "refused: ",
    "Fails: uncertain": "did not confirm the call",
    "Fails: not a Simotel": "did not answer as a Simotel",
}


@pytest.mark.parametrize(
    "row",
    # Those that take the client's 10 seconds are tested where it has fewer.
    [row for row in table("The sandbox", "Fault") if "10 seconds" not in str(row)],
    ids=lambda row: row["Fault"],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_faults(
    hass: HomeAssistant, sandbox: Sandbox, row: dict[str, str]
) -> None:
    """The action makes of each fault what the README says."""
    outcome = row["What pbx.originate makes of it"]
    sandbox.faults.set(ORIGINATE, Fault(row["Fault"]))  # type: ignore[arg-type]
    placing = place_call(hass, caller="101", callee="200")

    if outcome.startswith("Succeeds"):
        await placing
    else:
        with pytest.raises(HomeAssistantError, match=OUTCOMES[outcome]):
            await placing


# The examples, at work


@pytest.mark.usefixtures("loaded_entry")
async def test_doorbell(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The kitchen's phone rings first, then the door station, and once only."""
    hass.states.async_set("binary_sensor.doorbell", "off")
    automation = await set_up_automation(hass, text_of("Doorbell"))

    hass.states.async_set("binary_sensor.doorbell", "on")
    await until(lambda: sandbox.calls)

    assert sandbox.calls[0].caller_id == "106"
    assert sandbox.calls[0].timeout == 20
    await assert_rings(sandbox, clock, "101", "106")

    hass.states.async_set("binary_sensor.doorbell", "off")
    hass.states.async_set("binary_sensor.doorbell", "on")
    await asyncio.sleep(0.05)
    assert len(sandbox.calls) == 1

    await let_time_pass(hass, 31)
    state = hass.states.get(automation)
    assert state is not None
    assert state.attributes["current"] == 0
    hass.states.async_set("binary_sensor.doorbell", "off")
    hass.states.async_set("binary_sensor.doorbell", "on")
    await until(lambda: len(sandbox.calls) == 2)
    await let_time_pass(hass, 31)


@pytest.fixture
async def pbx_with_events(
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    hass_client_no_auth: ClientSessionGenerator,
) -> MockConfigEntry:
    """Return a PBX that sends its events to Home Assistant."""
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])
    sandbox.configure(events=EventPush(url=str(http.make_url(path))))
    return loaded_entry


async def go_on(clock: ManualClock, seconds: int) -> None:
    """Let time go by at the phones, with all that comes of it."""
    for _ in range(seconds):
        await clock.advance(1)
        await asyncio.sleep(0.01)


async def sound_the_alarm(hass: HomeAssistant) -> None:
    """Set the example of the alarm up, and let it go off."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Alarm"))
    hass.states.async_set("alarm_control_panel.home", "triggered")


@pytest.mark.usefixtures("pbx_with_events")
async def test_alarm(hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock) -> None:
    """The owner's mobile rings first, and is then connected to the announcement."""
    await sound_the_alarm(hass)
    await until(lambda: sandbox.calls)

    (call,) = sandbox.calls
    assert call.trunk_name == "main_trunk"
    assert (call.timeout, call.call_limit) == (30, 60)
    await assert_rings(sandbox, clock, "09121234567", "200")
    # They still listen: nobody waits for the end, nor for the pause of 5 seconds.
    await until(lambda: notifications(hass), patience=4.5)
    assert call.state == "connected"
    assert notifications(hass) == ["The alarm went off. 09121234567 was told."]


def is_over(hass: HomeAssistant, sandbox: Sandbox, rung: int) -> bool:
    """Tell whether an attempt is over: the next one is on, or all is told."""
    return len(sandbox.calls) > rung or bool(notifications(hass))


async def test_alarm_nobody_answers(
    hass: HomeAssistant,
    pbx_with_events: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
) -> None:
    """Both are rung in turn, twice; then everybody in the house is told."""
    nobody = Manner(behaviour="no_answer")
    sandbox.configure(outside=(Phone("*", as_caller=nobody),))
    tracker = pbx_with_events.runtime_data.tracking.tracker
    await sound_the_alarm(hass)

    for rung in range(1, 5):
        await until(lambda: sandbox.calls and not tracker.outstanding[0].is_requested)
        await clock.advance(30)
        assert sandbox.calls[-1].result == "caller_unreachable"
        # No event tells of it: the report does.
        await hurry(hass, partial(is_over, hass, sandbox, rung))

    numbers = [call.caller for call in sandbox.calls]
    assert numbers == ["09121234567", "09120000000"] * 2
    assert notifications(hass) == ["The alarm went off, and NOBODY ANSWERED the phone."]


@pytest.mark.usefixtures("loaded_entry")
async def test_alarm_goes_on(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Where no call can be placed, the rest of the automation is done."""
    sandbox.faults.set(ORIGINATE, Fault("refuse"))

    await sound_the_alarm(hass)
    await hurry(hass, lambda: bool(notifications(hass)))

    assert not sandbox.calls
    assert notifications(hass) == ["The alarm went off, and NOBODY ANSWERED the phone."]


async def test_alarm_without_a_pbx(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Where the action fails as a whole, the rest is done as well."""
    await hass.config_entries.async_unload(loaded_entry.entry_id)

    await sound_the_alarm(hass)
    await hass.async_block_till_done()

    assert notifications(hass) == ["The alarm went off, and NOBODY ANSWERED the phone."]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("answer", None),
        ("busy", "Nobody could be reached in the workshop: busy."),
        ("no_answer", "Nobody could be reached in the workshop: no_answer."),
        ("unreachable", "The call came to nothing: failed."),
    ],
)
@pytest.mark.usefixtures("pbx_with_events")
async def test_branch_on_the_result(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    behaviour: str,
    message: str | None,
) -> None:
    """The script goes another way for each result."""
    assert await async_setup_component(hass, "persistent_notification", {})
    heading = "Response with `wait_for_result`"
    name = await set_up_script(hass, text_of(heading))
    sandbox.change_phone("103", behaviour=behaviour, hang_up_after=3)

    await hass.services.async_call("script", name)
    await until(lambda: sandbox.calls)
    await go_on(clock, 25)
    state = f"script.{name}"
    await until(lambda: hass.states.get(state).state == "off")  # type: ignore[union-attr]

    assert notifications(hass) == ([message] if message else [])


@pytest.mark.usefixtures("pbx_with_events")
async def test_escalate(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The first to answer ends it, and the response has the keys of the example."""
    data = config_of(text_of("The action `pbx.escalate`"))["data"]
    escalating = hass.async_create_task(
        hass.services.async_call(
            "pbx", "escalate", data, blocking=True, return_response=True
        )
    )
    await until(lambda: sandbox.calls)
    await go_on(clock, 6)

    response: Any = await escalating
    example = (
        readme().partition("answered, and does not wait")[2].partition("```json")[2]
    )
    expected = json.loads(example.partition("```")[0])
    assert response["answered_by"] == "102"
    assert response.keys() == expected.keys()
    assert response["attempts"][0].keys() == expected["attempts"][0].keys()


@pytest.mark.parametrize(
    ("exten", "messages"), [("104", ["09121234567 has called."]), ("101", [])]
)
@pytest.mark.usefixtures("pbx_with_events")
async def test_missed_call(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    exten: str,
    messages: list[str],
) -> None:
    """A call that nobody answered is told, one that was answered is not."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Missed call"))

    sandbox.incoming("09121234567", exten)
    await go_on(clock, 40)

    assert sandbox.calls[0].state == "ended"
    assert notifications(hass) == messages


@pytest.mark.usefixtures("pbx_with_events")
async def test_show_who_calls(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The number is shown, but not while a call from here is on."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Show who calls"))

    sandbox.incoming("09121234567", "104")
    await go_on(clock, 1)
    assert notifications(hass) == ["09121234567 calls."]

    await place_call(hass, caller="101", callee="200")
    sandbox.incoming("09127654321", "102")
    await go_on(clock, 1)
    await hass.async_block_till_done()
    assert len(notifications(hass)) == 1


@pytest.mark.parametrize(
    ("callee", "messages"), [("103", ["101 to 103: busy."]), ("200", [])]
)
@pytest.mark.usefixtures("pbx_with_events")
async def test_call_came_to_nothing(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    callee: str,
    messages: list[str],
) -> None:
    """A call that was not answered is told, one that was answered is not."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Tell when a call came to nothing"))

    await place_call(hass, caller="101", callee=callee)
    await go_on(clock, 15)

    assert sandbox.calls[0].state == "ended"
    # Another phone might still have answered.
    await until(lambda: notifications(hass) == messages, patience=3)


@pytest.mark.parametrize("number", ["103", "+982112345678", "0912 123 4567"])
@pytest.mark.usefixtures("loaded_entry")
async def test_script(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock, number: str
) -> None:
    """The kitchen's phone rings first, then the number, with its plus sign."""
    name = await set_up_script(hass, text_of("A script with a number"))

    response = await hass.services.async_call(
        "script", name, {"number": number}, blocking=True, return_response=True
    )

    assert response == {"originated_call_id": sandbox.calls[0].id}
    await assert_rings(sandbox, clock, "101", number.replace(" ", ""))


@pytest.mark.usefixtures("loaded_entry")
async def test_script_without_a_number(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """A script that is given no number rings nobody."""
    name = await set_up_script(hass, text_of("A script with a number"))

    with pytest.raises(vol.Invalid, match="callee"):
        await hass.services.async_call("script", name, {"number": ""}, blocking=True)

    assert not sandbox.calls


@pytest.mark.usefixtures("loaded_entry")
async def test_dashboard_button(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The living room's phone rings first, then the workshop's, which is busy."""
    await press(hass, config_of(text_of("Dashboard button")))

    await assert_rings(sandbox, clock, "102", "103")
    assert sandbox.calls[0].result == "busy"


@pytest.mark.usefixtures("loaded_entry")
async def test_dashboard_button_of_the_script(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The kitchen's phone rings first, then the living room's."""
    await set_up_script(hass, text_of("A script with a number"))

    await press(hass, config_of(text_of("Dashboard button", 1)))

    await assert_rings(sandbox, clock, "101", "102")


def without_sentence(text: str) -> str:
    """Return the voice example, started by an event that carries the room.

    The trigger by a sentence needs packages that are not in the test environment.
    """
    trigger = (
        "  - trigger: conversation\n    command:\n      - (call|ring) [the] {room}"
    )
    assert trigger in text
    event = "  - trigger: event\n    event_type: said"
    return text.replace(trigger, event).replace(
        "trigger.slots.room", "trigger.event.data.room"
    )


@pytest.mark.parametrize(
    ("room", "calls"), [("Workshop ", [("102", "103")]), ("attic", [])]
)
@pytest.mark.usefixtures("loaded_entry")
async def test_voice(
    hass: HomeAssistant, sandbox: Sandbox, room: str, calls: list[tuple[str, str]]
) -> None:
    """The living room's phone rings first, then the room's, if it has one."""
    await set_up_automation(hass, without_sentence(text_of("Voice assistant")))

    hass.bus.async_fire("said", {"room": room})
    await hass.async_block_till_done()

    assert [(call.caller, call.callee) for call in sandbox.calls] == calls


@pytest.mark.parametrize(
    ("sentence", "answer", "calls"),
    [
        (
            "Call the workshop",
            "The living room's phone rings first, then the workshop.",
            [("102", "103")],
        ),
        ("ring kitchen", "rings first, then the kitchen.", [("102", "101")]),
        ("call the attic", "I know no phone in the attic.", []),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_voice_sentence(
    hass: HomeAssistant,
    sandbox: Sandbox,
    sentence: str,
    answer: str,
    calls: list[tuple[str, str]],
) -> None:
    """Assist understands the sentence, and says what it does."""
    pytest.importorskip("hassil")
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await set_up_automation(hass, text_of("Voice assistant"))

    response = await hass.services.async_call(
        "conversation",
        "process",
        {"text": sentence},
        blocking=True,
        return_response=True,
    )

    assert answer in json.dumps(response, ensure_ascii=False)
    assert [(call.caller, call.callee) for call in sandbox.calls] == calls


@pytest.mark.usefixtures("loaded_entry")
async def test_not_connected(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """The automation tells of a PBX that has been gone for five minutes."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Tell when the PBX is gone"))
    sandbox.faults.set("*", Fault("reset"))

    await let_time_pass(hass, 61)
    assert not notifications(hass)
    await let_time_pass(hass, 61 + 301)

    assert len(notifications(hass)) == 1
    # Unloading makes the sensor unavailable, which is waited for as well.
    everything = {"entity_id": "all"}
    await hass.services.async_call("automation", "turn_off", everything, blocking=True)

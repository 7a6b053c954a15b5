"""Tests that the README's examples work, with the sandbox for the PBX."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
import json
from typing import Any

from homeassistant.components.logger import CONFIG_SCHEMA as LOGGER_SCHEMA
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
from homeassistant.util.yaml import parse_yaml
import pytest
import voluptuous as vol
import yaml

from custom_components.pbx.services import ORIGINATE_SCHEMA
from sandbox import Fault, ManualClock, Sandbox
from sandbox.config import parse as parse_sandbox
from tests.documents import ROOT, YamlBlock, table, yaml_blocks

from .common import ORIGINATE, let_time_pass, place_call

# The key that only this kind of block has, at its top.
KINDS = {
    "triggers": "automation",
    "sequence": "script",
    "tap_action": "card",
    "action": "action",
    "logger": "logger",
    "phones": "sandbox",
}
# What may stand there without quotes, as nobody dials it.
QUANTITIES = {"timeout", "call_limit", "after", "hang_up_after", "times"}


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


def originate_data(config: object) -> list[dict[str, Any]]:
    """Return the data of every use of the action in a configuration."""
    return [
        each["data"]
        for each in mappings(config)
        if "pbx.originate" in (each.get("action"), each.get("perform_action"))
    ]


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


def notifications(hass: HomeAssistant) -> list[str]:
    """Return the messages that are shown to everybody."""
    shown = hass.data.get("persistent_notification", {})
    return [each["message"] for each in shown.values()]


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; automations that wait are never done."""
    async with asyncio.timeout(5):
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
    """What is given to the action is what it takes."""
    for data in originate_data(config_of(block.text)):
        ORIGINATE_SCHEMA(data)


@pytest.mark.parametrize("block", blocks("action"), ids=lambda block: block.heading)
def test_action(block: YamlBlock) -> None:
    """An action is one that a script can hold."""
    cv.SCRIPT_SCHEMA([config_of(block.text)])


def test_sandbox_configuration() -> None:
    """The sandbox takes the configuration."""
    (block,) = blocks("sandbox")

    config = parse_sandbox(yaml.safe_load(block.text), "README.md")

    assert [phone.number for phone in config.phones] == ["11", "12", "13"]
    ((path, fault),) = config.faults
    assert path == ORIGINATE
    assert fault == Fault("hang", times=1, placed=True)


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


@pytest.mark.usefixtures("loaded_entry")
async def test_alarm(hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock) -> None:
    """The owner's mobile rings first, and is then connected to the announcement."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Alarm"))

    hass.states.async_set("alarm_control_panel.home", "triggered")
    await hass.async_block_till_done()

    (call,) = sandbox.calls
    assert call.trunk_name == "main_trunk"
    assert (call.timeout, call.call_limit) == (45, 60)
    await assert_rings(sandbox, clock, "09121234567", "200")
    assert call.state == "connected"
    assert len(notifications(hass)) == 1


@pytest.mark.usefixtures("loaded_entry")
async def test_alarm_goes_on(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Where the call cannot be placed, the rest of the automation is done."""
    assert await async_setup_component(hass, "persistent_notification", {})
    await set_up_automation(hass, text_of("Alarm"))
    sandbox.faults.set(ORIGINATE, Fault("refuse"))

    hass.states.async_set("alarm_control_panel.home", "triggered")
    await hass.async_block_till_done()

    assert not sandbox.calls
    assert len(notifications(hass)) == 1


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

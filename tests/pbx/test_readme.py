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
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, slugify
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import yaml

from custom_components.pbx.const import DOMAIN
from custom_components.pbx.services import (
    ESCALATE_SCHEMA,
    HANG_UP_SCHEMA,
    ORIGINATE_SCHEMA,
)
from sandbox import EventPush, Fault, Manner, ManualClock, Phone, Sandbox
from sandbox.config import parse as parse_sandbox
from tests.documents import ROOT, YamlBlock, readme, table, yaml_blocks

from .common import ORIGINATE, let_time_pass, place_call, until

SCHEMAS = {
    "pbx.originate": ORIGINATE_SCHEMA,
    "pbx.escalate": ESCALATE_SCHEMA,
    "pbx.hang_up": HANG_UP_SCHEMA,
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
OUTCOMES = {
    "Fails: refused": "refused: ",
    "Fails: uncertain": "did not confirm the call",
    "Fails: not a Simotel": "did not answer as a Simotel",
}


def config_of(heading: str, number: int = 0) -> dict[str, Any]:
    """Return a block under a heading, the first one unless told otherwise."""
    found = [block.text for block in yaml_blocks() if block.heading == heading]
    config = parse_yaml(found[number])
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


async def set_up(hass: HomeAssistant, domain: str, config: dict[str, Any]) -> str:
    """Set an automation or a script up, and return its entity's id."""
    assert await async_setup_component(hass, "persistent_notification", {})
    name = slugify(config["alias"])
    configs = [config] if domain == "automation" else {name: config}
    assert await async_setup_component(hass, domain, {domain: configs})
    state = hass.states.get(f"{domain}.{name}")
    # It would be unavailable if its configuration were wrong.
    assert state is not None
    assert state.state == ("on" if domain == "automation" else "off")
    return state.entity_id


async def press(hass: HomeAssistant, card: Mapping[str, Any]) -> None:
    """Do what a tap on a card does."""
    tap = card["tap_action"]
    domain, action = tap["perform_action"].split(".")
    await hass.services.async_call(domain, action, tap["data"], blocking=True)


def notifications(hass: HomeAssistant) -> list[str]:
    """Return the messages that are shown to everybody."""
    shown = hass.data.get("persistent_notification", {})
    return [each["message"] for each in shown.values()]


async def go_on(clock: ManualClock, seconds: int) -> None:
    """Let time go by at the phones, with all that comes of it."""
    for _ in range(seconds):
        await clock.advance(1)
        await asyncio.sleep(0.01)


async def hurry(hass: HomeAssistant, condition: Callable[[], object]) -> None:
    """Let the report be read, and pauses end, until something is so.

    What waits for a call is never done meanwhile, and is not waited for.
    """
    while not condition():
        # A request has 10 seconds, which must not be over.
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
        await asyncio.sleep(0.05)


async def assert_rings(
    sandbox: Sandbox, clock: ManualClock, caller: str, callee: str
) -> None:
    """Assert that the only call rings these two, in this order."""
    (call,) = sandbox.calls
    assert (call.caller, call.callee) == (caller, callee)
    assert sandbox.phones.state(caller) == "Ringing"
    assert call.second_leg is None
    await clock.advance(6)
    # The caller has answered.
    assert call.second_leg is not None


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: block.heading)
def test_block(block: YamlBlock) -> None:
    """What is given to an action is what it takes, and a script holds the action."""
    config = parse_yaml(block.text)
    assert isinstance(config, dict)
    for each in mappings(config):
        action = str(each.get("action") or each.get("perform_action"))
        SCHEMAS.get(action, dict)(each.get("data", {}))
    if "action" in config:
        cv.SCRIPT_SCHEMA([config])
    if config.keys() & {"phones", "events"}:
        parse_sandbox(yaml.safe_load(block.text), "README.md")
    if "logger" in config:
        manifest = (ROOT / "custom_components/pbx/manifest.json").read_text()
        logged = list(LOGGER_SCHEMA(config)["logger"]["logs"])
        assert logged == json.loads(manifest)["loggers"]


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
    for each in mappings(yaml.safe_load(block.text)):
        assert not each.keys() & {"service", "platform", "data_template"}
        assert "triggers" not in each or not each.keys() & {"condition", "action"}


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


@pytest.fixture
async def talkative(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    hass_client_no_auth: ClientSessionGenerator,
) -> MockConfigEntry:
    """Return a PBX that sends its events, and whose entity *Calls* is enabled."""
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])
    sandbox.configure(events=EventPush(url=str(http.make_url(path))))
    registry = er.async_get(hass)
    unique_id = f"{loaded_entry.entry_id}_calls"
    entity_id = registry.async_get_entity_id("event", DOMAIN, unique_id)
    assert entity_id == "event.sandbox_calls"
    registry.async_update_entity(entity_id, disabled_by=None)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await hass.async_block_till_done()
    return loaded_entry


@pytest.mark.usefixtures("loaded_entry")
async def test_doorbell(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The kitchen's phone rings first, then the door station, and once only."""
    hass.states.async_set("binary_sensor.doorbell", "off")
    await set_up(hass, "automation", config_of("Doorbell"))
    for _ in range(2):
        hass.states.async_set("binary_sensor.doorbell", "on")
        await until(lambda: sandbox.calls)
        hass.states.async_set("binary_sensor.doorbell", "off")

    await assert_rings(sandbox, clock, "101", "106")
    assert (sandbox.calls[0].caller_id, sandbox.calls[0].timeout) == ("106", 20)
    await let_time_pass(hass, 31)


async def sound_the_alarm(hass: HomeAssistant) -> None:
    """Set the example of the alarm up, and let it go off."""
    await set_up(hass, "automation", config_of("Alarm"))
    hass.states.async_set("alarm_control_panel.home", "triggered")


@pytest.mark.usefixtures("talkative")
async def test_alarm(hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock) -> None:
    """The owner's mobile rings first, and is then connected to the announcement."""
    await sound_the_alarm(hass)
    await until(lambda: sandbox.calls)

    (call,) = sandbox.calls
    assert (call.trunk_name, call.timeout, call.call_limit) == ("main_trunk", 30, 60)
    await assert_rings(sandbox, clock, "09121234567", "200")
    # They still listen: nobody waits for the end.
    await until(lambda: notifications(hass))
    assert call.state == "connected"
    assert notifications(hass) == ["The alarm went off. 09121234567 was told."]


NOBODY = "The alarm went off, and NOBODY ANSWERED the phone."


def is_over(hass: HomeAssistant, sandbox: Sandbox, rung: int) -> bool:
    """Return whether an attempt is over: the next one is on, or all is said."""
    return len(sandbox.calls) > rung or bool(notifications(hass))


@pytest.mark.usefixtures("talkative")
async def test_alarm_nobody_answers(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """Both are rung in turn, twice; then everybody in the house is told."""
    sandbox.configure(external=(Phone("*", as_caller=Manner(behaviour="no_answer")),))
    await sound_the_alarm(hass)
    await until(lambda: sandbox.calls)

    for rung in range(1, 5):
        await clock.advance(30)
        # No event tells of it: the report does. Then comes the pause.
        await hurry(hass, partial(is_over, hass, sandbox, rung))

    numbers = [call.caller for call in sandbox.calls]
    assert numbers == ["09121234567", "09120000000"] * 2
    assert notifications(hass) == [NOBODY]


@pytest.mark.usefixtures("loaded_entry")
async def test_alarm_goes_on(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Where no call can be placed, the rest of the automation is done."""
    sandbox.faults.set(ORIGINATE, Fault("refuse"))

    await sound_the_alarm(hass)
    await hurry(hass, partial(notifications, hass))

    assert not sandbox.calls
    assert notifications(hass) == [NOBODY]


async def test_alarm_without_a_pbx(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Where the action fails as a whole, the rest is done as well."""
    await hass.config_entries.async_unload(loaded_entry.entry_id)

    await sound_the_alarm(hass)
    await hass.async_block_till_done()

    assert notifications(hass) == [NOBODY]


@pytest.mark.parametrize(
    ("behaviour", "messages"),
    [
        ("answer", []),
        ("busy", ["Nobody could be reached in the workshop: busy."]),
        ("unreachable", ["The call came to nothing: failed."]),
    ],
)
@pytest.mark.usefixtures("talkative")
async def test_branch_on_the_result(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    behaviour: str,
    messages: list[str],
) -> None:
    """The script goes another way for each result."""
    script = await set_up(hass, "script", config_of("Response with `wait_until`"))
    sandbox.change_phone("103", behaviour=behaviour, hang_up_after=3)

    await hass.services.async_call("script", script.removeprefix("script."))
    await until(lambda: sandbox.calls)
    await go_on(clock, 25)
    await hurry(hass, lambda: hass.states.is_state(script, "off"))

    assert notifications(hass) == messages


@pytest.mark.usefixtures("talkative")
async def test_escalate(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The first to answer ends it, and the response has the keys of the example."""
    heading = "The action `pbx.escalate`"
    escalating = hass.async_create_task(
        hass.services.async_call(
            "pbx",
            "escalate",
            config_of(heading)["data"],
            blocking=True,
            return_response=True,
        )
    )
    await until(lambda: sandbox.calls)
    await go_on(clock, 6)

    response: Any = await escalating
    example = readme().partition(f"# {heading}\n")[2].partition("```json")[2]
    expected = json.loads(example.partition("```")[0])
    assert response["answered_by"] == "102"
    assert response.keys() == expected.keys()
    assert response["attempts"][0].keys() == expected["attempts"][0].keys()


@pytest.mark.parametrize(
    ("heading", "extension", "messages"),
    [
        ("Missed call", "104", ["09121234567 has called."]),
        ("Missed call", "101", []),
        ("Show who calls", "104", ["09121234567 calls."]),
    ],
)
@pytest.mark.usefixtures("talkative")
async def test_incoming(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    heading: str,
    extension: str,
    messages: list[str],
) -> None:
    """Somebody calls, and the house is told."""
    await set_up(hass, "automation", config_of(heading))

    sandbox.incoming("09121234567", extension)
    await go_on(clock, 40)
    # Another phone might still have answered.
    await hurry(hass, lambda: len(notifications(hass)) == len(messages))

    assert notifications(hass) == messages


@pytest.mark.parametrize(
    ("callee", "messages"), [("103", ["101 to 103: busy."]), ("200", [])]
)
@pytest.mark.usefixtures("talkative")
async def test_call_came_to_nothing(
    hass: HomeAssistant,
    clock: ManualClock,
    callee: str,
    messages: list[str],
) -> None:
    """A call that was not answered is told, one that was answered is not."""
    await set_up(hass, "automation", config_of("Tell when a call came to nothing"))

    await place_call(hass, caller="101", callee=callee)
    await go_on(clock, 15)
    await hurry(hass, lambda: len(notifications(hass)) == len(messages))

    assert notifications(hass) == messages


@pytest.mark.usefixtures("loaded_entry")
async def test_script_and_buttons(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """A script with a number keeps its plus sign; a tap on a card places its call."""
    script = await set_up(hass, "script", config_of("A script with a number"))
    call = partial(hass.services.async_call, "script", script.removeprefix("script."))

    response = await call(
        {"number": "+98 2112345678"}, blocking=True, return_response=True
    )
    assert response == {"originated_call_id": sandbox.calls[0].id}
    await assert_rings(sandbox, clock, "101", "+982112345678")
    for number in range(2):
        await press(hass, config_of("Dashboard button", number))

    rung = [(call.caller, call.callee) for call in sandbox.calls[1:]]
    assert rung == [("102", "103"), ("101", "102")]
    with pytest.raises(ServiceValidationError, match="callee"):
        await call({"number": ""}, blocking=True)


@pytest.mark.usefixtures("loaded_entry")
async def test_quiet(hass: HomeAssistant) -> None:
    """The radio is muted while the kitchen's phone rings or is in use."""
    muted: list[bool] = []

    @callback
    def mute(call: ServiceCall) -> None:
        muted.append(call.data["is_volume_muted"])

    hass.services.async_register("media_player", "volume_mute", mute)
    await set_up(hass, "automation", config_of("Phones of the house"))
    for state in ("idle", "ringing", "in_use", "idle"):
        hass.states.async_set("sensor.kitchen_state", state)
        await hass.async_block_till_done()

    assert muted == [False, True, True, False]


@pytest.mark.parametrize(
    ("sentence", "answer", "calls"),
    [
        (
            "Call the workshop",
            "The living room's phone rings first, then the workshop.",
            [("102", "103")],
        ),
        ("call the attic", "I know no phone in the attic.", []),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_voice(
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
    await set_up(hass, "automation", config_of("Voice assistant"))

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
    await set_up(hass, "automation", config_of("Tell when the PBX is gone"))
    sandbox.faults.set("*", Fault("reset"))

    await let_time_pass(hass, 61)
    assert not notifications(hass)
    await let_time_pass(hass, 61 + 301)

    assert len(notifications(hass)) == 1
    # Unloading makes the sensor unavailable, which is waited for as well.
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )

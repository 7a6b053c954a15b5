"""Tests that the examples of the documentation work, with the sandbox as the PBX."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.components.logger import CONFIG_SCHEMA as LOGGER_SCHEMA
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, slugify
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import yaml

from custom_components.pbx.const import DOMAIN
from custom_components.pbx.services import (
    ANNOUNCE_SCHEMA,
    ESCALATE_SCHEMA,
    GET_CALLS_SCHEMA,
    HANG_UP_SCHEMA,
    MARK_SEEN_SCHEMA,
    ORIGINATE_SCHEMA,
    RING_SCHEMA,
    SEND_KEYS_SCHEMA,
)
from sandbox import EventPush, Fault, ManualClock, Sandbox
from sandbox.config import parse as parse_sandbox
from tests.documents import PAGES, ROOT, Block, blocks, mappings, table

from .ari import Reply, StubAri
from .common import ORIGINATE, place_call, until
from .people import contact, phone, set_up as set_up_pbx

SCHEMAS = {
    "pbx.originate": ORIGINATE_SCHEMA,
    "pbx.announce": ANNOUNCE_SCHEMA,
    "pbx.escalate": ESCALATE_SCHEMA,
    "pbx.hang_up": HANG_UP_SCHEMA,
    "pbx.ring": RING_SCHEMA,
    "pbx.send_keys": SEND_KEYS_SCHEMA,
    "pbx.get_calls": GET_CALLS_SCHEMA,
    "pbx.mark_missed_calls_seen": MARK_SEEN_SCHEMA,
}
# Fields whose values are quantities, which need no quotes.
QUANTITIES = {
    "timeout",
    "call_limit",
    "digits",
    "key_timeout",
    "repeat",
    "rounds",
    "pause",
    "after",
    "hang_up_after",
    "times",
    "max_columns",
}
MOM = "09121234567"
# The errors that the table of faults names, by their translation keys.
OUTCOMES = {
    "Fails: refused": "refused",
    "Fails: uncertain": "call_uncertain",
    "Fails: not a Simotel": "simotel_unexpected_answer",
}


# The recipes have tests of their own.
EXAMPLES = [
    block
    for page in PAGES
    if not page.startswith("docs/recipes/")
    for block in blocks(page, "yaml")
]
each_example = pytest.mark.parametrize(
    "block", EXAMPLES, ids=lambda block: f"{block.page}: {block.heading}"
)


def config_of(page: str, number: int = 0) -> dict[str, Any]:
    """Return an example of a page, by its position there."""
    config = parse_yaml(blocks(page, "yaml")[number].text)
    assert isinstance(config, dict)
    return config


async def set_up(hass: HomeAssistant, domain: str, config: dict[str, Any]) -> str:
    """Set up an automation or a script, and return its entity ID."""
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
    """Perform the action of a tap on a card."""
    tap = card["tap_action"]
    domain, action = tap["perform_action"].split(".")
    await hass.services.async_call(domain, action, tap["data"], blocking=True)


def notifications(hass: HomeAssistant) -> list[str]:
    """Return the messages of the persistent notifications."""
    shown = hass.data.get("persistent_notification", {})
    return [each["message"] for each in shown.values()]


async def go_on(clock: ManualClock, seconds: int) -> None:
    """Advance the clock of the phones, and let Home Assistant react."""
    for _ in range(seconds):
        await clock.advance(1)
        await asyncio.sleep(0.01)


async def hurry(hass: HomeAssistant, condition: Callable[[], object]) -> None:
    """Advance the time of Home Assistant until a condition is true.

    An action that waits for a call is not done, so it cannot be waited for.
    """
    while not condition():
        # Less than the 10 seconds that a request has.
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
        await asyncio.sleep(0.05)


@each_example
@pytest.mark.usefixtures("hass")
async def test_block(block: Block) -> None:
    """The data of each action matches its schema, and the configuration is valid."""
    config = parse_yaml(block.text)
    assert isinstance(config, dict)
    for each in mappings(config):
        action = str(each.get("action") or each.get("perform_action"))
        SCHEMAS.get(action, dict)(each.get("data", {}))
    if "action" in config:
        cv.SCRIPT_SCHEMA([config])
    if "sequence" in config:
        cv.SCRIPT_SCHEMA(config["sequence"])
    if config.keys() & {"phones", "events"}:
        parse_sandbox(yaml.safe_load(block.text), block.page)
    if "logger" in config:
        manifest = (ROOT / "custom_components/pbx/manifest.json").read_text()
        logged = list(LOGGER_SCHEMA(config)["logger"]["logs"])
        assert logged == json.loads(manifest)["loggers"]


@each_example
def test_numbers_are_in_quotes(block: Block) -> None:
    """A number is text: YAML would misread some numbers."""
    for each in mappings(yaml.safe_load(block.text)):
        for key, value in each.items():
            is_quantity = isinstance(value, int) and not isinstance(value, bool)
            assert not is_quantity or key in QUANTITIES, (key, value)


@each_example
def test_modern_syntax(block: Block) -> None:
    """The current names are used: triggers, actions, action."""
    for each in mappings(yaml.safe_load(block.text)):
        assert not each.keys() & {"service", "platform", "data_template"}
        assert "triggers" not in each or not each.keys() & {"condition", "action"}


@pytest.mark.parametrize(
    "row",
    # Faults that take the client's 10 seconds are tested with a shorter timeout.
    [row for row in table("CONTRIBUTING.md", "Fault") if "10 seconds" not in str(row)],
    ids=lambda row: row["Fault"],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_faults(
    hass: HomeAssistant, sandbox: Sandbox, row: dict[str, str]
) -> None:
    """The action ends as the table of faults says."""
    outcome = row["Result of pbx.originate"]
    sandbox.faults.set(ORIGINATE, Fault(row["Fault"]))  # type: ignore[arg-type]
    placing = place_call(hass, caller="101", callee="200")

    if outcome.startswith("Succeeds"):
        await placing
    else:
        with pytest.raises(HomeAssistantError) as error:
            await placing
        assert error.value.translation_key == OUTCOMES[outcome]


@pytest.fixture
async def phone_book(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX with the contacts of the examples."""
    outside = {"trunk_name": "main_trunk", "caller_id": "02188881234"}
    return await set_up_pbx(
        hass,
        entry,
        contact("Mom", MOM, **outside),
        contact("Neighbor", "09120000000", **outside),
        phone("Kitchen", "101"),
        phone("Living room", "102"),
        phone("Workshop", "103"),
        phone("Announcement", "200"),
        phone("Alarm announcement", "2001"),
    )


@pytest.fixture
async def events(
    phone_book: MockConfigEntry,
    sandbox: Sandbox,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Let the sandbox send its events to Home Assistant."""
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(phone_book.data[CONF_WEBHOOK_ID])
    sandbox.configure(events=EventPush(url=str(http.make_url(path))))


@pytest.mark.parametrize(
    ("behavior", "messages"),
    [
        ("answer", []),
        ("busy", ["Workshop did not answer: busy."]),
        ("unreachable", ["The call failed: failed."]),
    ],
)
@pytest.mark.usefixtures("events")
async def test_branch_on_the_result(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    behavior: str,
    messages: list[str],
) -> None:
    """The script reacts to each result."""
    script = await set_up(hass, "script", config_of("docs/action-originate.md", 1))
    sandbox.change_phone("103", behavior=behavior, hang_up_after=3)

    await hass.services.async_call("script", script.removeprefix("script."))
    await until(lambda: sandbox.calls)
    await go_on(clock, 25)
    await hurry(hass, lambda: hass.states.is_state(script, "off"))

    assert notifications(hass) == messages


async def escalate(hass: HomeAssistant, data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Run an escalation, and return its response."""
    return await hass.services.async_call(
        "pbx", "escalate", dict(data), blocking=True, return_response=True
    )


@pytest.mark.usefixtures("events")
async def test_escalate(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The first to answer ends it, and the response has the keys of the example."""
    page = "docs/action-escalate.md"
    escalating = hass.async_create_task(escalate(hass, config_of(page)["data"]))
    await until(lambda: sandbox.calls)
    await go_on(clock, 6)

    response = await escalating
    expected = json.loads(blocks(page, "json")[0].text)
    assert response["answered_by"] == "102"
    assert response.keys() == expected.keys()
    assert response["attempts"][0].keys() == expected["attempts"][0].keys()


@pytest.mark.usefixtures("phone_book")
async def test_list(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Names, numbers and settings for one person mix, in the order of the list."""
    sandbox.faults.set(ORIGINATE, Fault("refuse"))
    response = await escalate(hass, config_of("docs/action-escalate.md", 1)["data"])

    asked: list[Any] = [
        request.json for request in sandbox.requests if request.path == ORIGINATE
    ]
    numbers = ["101", "102", MOM, "09120000001"]
    assert [each["caller"] for each in asked] == numbers
    usual, mom = asked[0]["timeout"], "45"
    assert [each["timeout"] for each in asked] == [usual, usual, mom, usual]
    assert asked[3]["trunk_name"] == "main_trunk"
    assert response["ended_by"] == "nobody"


@pytest.mark.usefixtures("events")
async def test_until(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Nothing is called when the conditions are met from the beginning."""
    hass.states.async_set("alarm_control_panel.home", "disarmed")
    response = await escalate(hass, config_of("docs/action-escalate.md", 3)["data"])

    assert response["ended_by"] == "until"
    assert not sandbox.calls


@pytest.fixture
async def asterisk(
    hass: HomeAssistant, ari: StubAri, asterisk_data: dict[str, Any]
) -> StubAri:
    """Return the stub of an Asterisk with the contacts of the examples."""
    numbers = {"Kitchen": "101", "Workshop": "103", "Door station": "106"}
    ari.endpoints += [
        {"technology": "PJSIP", "resource": number} for number in numbers.values()
    ]
    made = MockConfigEntry(
        domain=DOMAIN,
        data=asterisk_data,
        options={"context": "from-internal", "timeout": 20, "internal_digits": 5},
        subentries_data=[phone(name, number) for name, number in numbers.items()],
    )
    made.add_to_hass(hass)
    assert await hass.config_entries.async_setup(made.entry_id)
    await until(ari.connected.is_set)
    return ari


async def test_hang_up(hass: HomeAssistant, asterisk: StubAri) -> None:
    """Calls to the door that ring are ended, and no other calls."""
    asterisk.reply("DELETE", "channels/", Reply(204))
    for callee in ("Door station", "Workshop"):
        await place_call(hass, caller="Kitchen", callee=callee)
    door, workshop = (each["channelId"] for each in asterisk.originated)
    config = config_of("docs/action-hang-up.md", 1)
    response = await hass.services.async_call(
        "pbx", "hang_up", config["data"], blocking=True, return_response=True
    )

    assert response == {"hung_up": [door], "failed": []}
    assert f"channels/{door}" in asterisk.paths("DELETE")
    assert f"channels/{workshop}" not in asterisk.paths("DELETE")
    expected = json.loads(blocks("docs/action-hang-up.md", "json")[0].text)
    assert expected.keys() == response.keys()


async def test_ring(hass: HomeAssistant, asterisk: StubAri) -> None:
    """All phones ring, and show what the example says."""
    config = config_of("docs/action-ring.md")
    ringing = hass.async_create_task(
        hass.services.async_call("pbx", "ring", config["data"], blocking=True)
    )
    await until(lambda: len(asterisk.originated) == 2)
    bodies = asterisk.originated
    assert [each["endpoint"] for each in bodies] == ["PJSIP/101", "PJSIP/103"]
    assert all("Washing machine" in each["callerId"] for each in bodies)
    ringing.cancel()


@pytest.fixture
async def fired(hass: HomeAssistant) -> list[Any]:
    """Return what has triggered the automation of the example, one after another."""
    hass.config.country = "IR"
    events: list[Event] = []
    hass.bus.async_listen("fired", events.append)
    config = config_of("docs/triggers-and-conditions.md") | {
        "alias": "Example",
        "mode": "parallel",
        "actions": {"event": "fired", "event_data": {"name": "{{ trigger.name }}"}},
    }
    await set_up(hass, "automation", config)
    return events


def names(fired: list[Any]) -> list[str | None]:
    """Return the names of the other parties."""
    return [event.data["name"] for event in fired]


@pytest.mark.parametrize(
    ("caller", "phone", "expected"),
    [
        # The incoming call that fits the number, then the missed call of the contact.
        ("+989121234567", "104", ["Mom", "Mom"]),
        ("+989120000000", "104", ["Neighbor"]),
        ("02177770000", "104", [None]),
        ("09121111111", "104", []),
        ("+989120000000", "101", []),
    ],
)
@pytest.mark.usefixtures("events")
async def test_incoming(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    fired: list[Any],
    caller: str,
    phone: str,
    expected: list[str | None],
) -> None:
    """The triggers of incoming calls have the effect that their options say."""
    freezer.move_to(datetime.fromtimestamp(clock.time(), UTC))
    sandbox.incoming(caller, phone)
    for _ in range(40):
        await clock.advance(1)
        freezer.tick(1)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    assert names(fired) == expected


@pytest.mark.usefixtures("events")
async def test_call_ended(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock, fired: list[Any]
) -> None:
    """The trigger of ended calls fires, and the condition is false during a call."""
    await place_call(hass, caller="Living room", callee="Workshop")
    await go_on(clock, 15)
    await hurry(hass, lambda: fired)
    assert names(fired) == ["Workshop"]

    await place_call(hass, caller="Kitchen", callee="Announcement")
    await go_on(clock, 4)
    sandbox.incoming(MOM, "104")
    await go_on(clock, 1)
    await hass.async_block_till_done()
    assert len(fired) == 1


@pytest.mark.parametrize(
    ("caller", "said"),
    [(MOM, "Mom is calling."), ("02177770000", "An unknown number is calling.")],
)
@pytest.mark.usefixtures("events")
async def test_say_who_calls(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock, caller: str, said: str
) -> None:
    """The name of the caller is said."""
    spoken = async_mock_service(hass, "notify", "send_message")
    page = "docs/triggers-and-conditions.md"
    await set_up(hass, "automation", config_of(page, 1))
    sandbox.incoming(caller, "104")
    await go_on(clock, 1)
    await hass.async_block_till_done()

    assert [call.data["message"] for call in spoken] == [said]


@pytest.mark.parametrize(
    ("page", "number", "rung"),
    [
        ("README.md", 0, [("101", MOM)]),
        ("docs/action-originate.md", 0, [("101", MOM)]),
        ("docs/announcements.md", 0, [("101", "2001")]),
        # The first one answers, and is connected to the announcement.
        ("docs/contacts.md", 0, [(MOM, "200")]),
    ],
)
@pytest.mark.usefixtures("events")
async def test_names_and_numbers(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    page: str,
    number: int,
    rung: list[tuple[str, str]],
) -> None:
    """Names are called as the numbers of their contacts."""
    config = config_of(page, number)
    domain, action = config["action"].split(".")
    calling = hass.async_create_task(
        hass.services.async_call(domain, action, config["data"], blocking=True)
    )
    await until(lambda: sandbox.calls)
    await go_on(clock, 7)
    await calling

    assert [(call.caller, call.callee) for call in sandbox.calls] == rung


@pytest.mark.usefixtures("phone_book")
async def test_button(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """A tap on the button places its call."""
    await press(hass, config_of("docs/action-originate.md", 2))

    (call,) = sandbox.calls
    assert (call.caller, call.callee) == ("102", "103")

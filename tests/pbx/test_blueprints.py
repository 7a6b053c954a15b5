"""Tests of the blueprints: each loads, and does at the sandbox what it says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.components.blueprint import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from sandbox import EventPush, ManualClock, Sandbox
from tests.documents import PAGES, ROOT, read

from .common import ORIGINATE
from .people import contact, device_of, set_up

FOLDER = ROOT / "blueprints/automation/pbx"
ADDRESS = "https://github.com/seed-39570137/homeassistant-pbx/blob/main"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

BELL = "binary_sensor.bell"
COOK = contact("Cook", "102")
GUARD = contact("Guard", "103")
MOM = contact("Mom", "09121234567", trunk_name="main_trunk")
ANNOUNCEMENT = contact("Announcement", "200")


def sent(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what the PBX was asked for."""
    return [
        request.json  # type: ignore[misc]
        for request in sandbox.requests
        if request.path == ORIGINATE
    ]


@pytest.fixture
async def listening(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    hass_client_no_auth: ClientSessionGenerator,
) -> MockConfigEntry:
    """Return a PBX with contacts, which sends its events to Home Assistant."""
    made = await set_up(hass, entry, COOK, GUARD, MOM, ANNOUNCEMENT)
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(made.data[CONF_WEBHOOK_ID])
    sandbox.configure(events=EventPush(url=str(http.make_url(path))))
    return made


@pytest.fixture
def notifications(hass: HomeAssistant) -> list[ServiceCall]:
    """Return the notifications that were sent."""
    return async_mock_service(hass, "notify", "send_message")


async def use(hass: HomeAssistant, name: str, **inputs: Any) -> None:  # noqa: ANN401 - any input
    """Set an automation up that uses a blueprint."""
    path = Path(hass.config.path(f"blueprints/automation/pbx/{name}.yaml"))
    await hass.async_add_executor_job(_copy, FOLDER / path.name, path)
    config = {
        "alias": name,
        "use_blueprint": {"path": f"pbx/{name}.yaml", "input": inputs},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [config]})
    await hass.async_block_till_done()
    state = hass.states.get(f"automation.{name}")
    assert state is not None
    assert state.state == "on"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture(autouse=True)
def _folder_of_its_own(hass: HomeAssistant, tmp_path: Path) -> None:
    """Let blueprints lie where no other test looks."""
    hass.config.config_dir = str(tmp_path)


async def settle(hass: HomeAssistant) -> None:
    """Let everything go as far as it can; an automation that pauses is not done.

    It is turns of the event loop that count, which a slow machine takes as well.
    """
    for _ in range(20):
        for _ in range(20):
            await asyncio.sleep(0)
        await hass.async_add_executor_job(time.sleep, 0.003)


async def change(hass: HomeAssistant, entity_id: str, *states: str) -> None:
    """Let an entity go through some states."""
    for state in states:
        hass.states.async_set(entity_id, state)
        await settle(hass)


type Calling = Callable[[str, str], Awaitable[None]]


@pytest.fixture
async def be_called(
    hass: HomeAssistant,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> Calling:
    """Return a function that lets a call come in, until its end is settled."""
    freezer.move_to(datetime.fromtimestamp(clock.time(), UTC))

    async def call(caller: str, callee: str) -> None:
        sandbox.incoming(caller, callee)
        for _ in range(40):
            await clock.advance(1)
            freezer.tick(1)
            async_fire_time_changed(hass)
            await hass.async_block_till_done()

    return call


def test_names() -> None:
    """They are those that the documentation offers, each with its badge."""
    pages = "".join(map(read, PAGES))

    assert NAMES == ["alarm", "doorbell", "missed_call"]
    for name in NAMES:
        address = f"{ADDRESS}/blueprints/automation/pbx/{name}.yaml"
        quoted = address.replace(":", "%3A").replace("/", "%2F")
        assert f"blueprint_import/?blueprint_url={quoted}" in pages


@pytest.mark.parametrize("name", NAMES)
def test_loads(name: str) -> None:
    """Each is a blueprint for all versions that are supported."""
    data = load_yaml_dict(str(FOLDER / f"{name}.yaml"))
    blueprint = Blueprint(
        data, path=name, expected_domain=AUTOMATION, schema=BLUEPRINT_SCHEMA
    )

    assert blueprint.validate() is None
    metadata = blueprint.metadata
    assert metadata["source_url"] == f"{ADDRESS}/blueprints/automation/pbx/{name}.yaml"
    assert metadata["homeassistant"]["min_version"] == "2026.9.0"


@pytest.mark.parametrize(
    ("station", "number"), [("Door", "0106"), ("0106", "0106"), ("+98217", "+98217")]
)
async def test_doorbell(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    station: str,
    number: str,
) -> None:
    """A press rings the phone, a second one meanwhile does not."""
    made = await set_up(hass, entry, COOK, contact("Door", "0106"))
    phone = device_of(hass, made, "Cook")
    await use(hass, "doorbell", doorbell=BELL, phone=phone, door_station=station)
    await change(hass, BELL, "off", "on", "off", "on")

    (body,) = sent(sandbox)
    assert (body["caller"], body["callee"]) == ("102", number)
    assert (body["timeout"], body["call_limit"]) == ("20", "300")


PRESS, NEXT_PRESS = "2026-11-24T10:00:00+00:00", "2026-11-24T10:05:00+00:00"


@pytest.mark.parametrize(
    ("bell", "before", "press"),
    [
        ("event.bell", ("unavailable", PRESS, "unavailable", PRESS), NEXT_PRESS),
        ("event.bell", ("unavailable", "unknown"), PRESS),
        ("button.bell", (PRESS, "unavailable", PRESS), NEXT_PRESS),
        ("input_button.bell", ("unknown",), PRESS),
        (BELL, ("off", "unavailable", "off"), "on"),
        (BELL, ("off", "unavailable"), "on"),
        (BELL, ("off", "unknown"), "on"),
        (BELL, ("on", "off"), "on"),
    ],
)
async def test_doorbell_that_comes_back(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    bell: str,
    before: tuple[str, ...],
    press: str,
) -> None:
    """A doorbell that comes back has not been pressed; one that turns on has."""
    made = await set_up(hass, entry, COOK)
    phone = device_of(hass, made, "Cook")
    await use(hass, "doorbell", doorbell=bell, phone=phone, door_station="106")
    await change(hass, bell, *before)
    assert sent(sandbox) == []

    await change(hass, bell, press)
    assert len(sent(sandbox)) == 1


@pytest.mark.parametrize(
    ("quiet", "clock", "rings"),
    [
        (("22:00:00", "07:00:00"), "2026-11-24 23:00:00", 0),
        (("22:00:00", "07:00:00"), "2026-11-24 06:59:59", 0),
        (("22:00:00", "07:00:00"), "2026-11-24 07:00:00", 1),
        (("13:00:00", "15:00:00"), "2026-11-24 14:00:00", 0),
        (("13:00:00", "15:00:00"), "2026-11-24 15:00:00", 1),
        (("00:00:00", "00:00:00"), "2026-11-24 03:00:00", 1),
    ],
)
async def test_quiet_hours(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
    quiet: tuple[str, str],
    clock: str,
    rings: int,
) -> None:
    """No call is placed at night, before or after midnight."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(clock)
    made = await set_up(hass, entry, COOK)
    await use(
        hass,
        "doorbell",
        doorbell=BELL,
        phone=device_of(hass, made, "Cook"),
        door_station="106",
        quiet_from=quiet[0],
        quiet_to=quiet[1],
    )
    await change(hass, BELL, "off", "on")

    assert len(sent(sandbox)) == rings


async def test_alarm_nobody_answers(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    notifications: list[ServiceCall],
) -> None:
    """Everyone is called in each round, then a notification is sent."""
    sandbox.configure(missing_services=(ORIGINATE,))
    made = await set_up(hass, entry, COOK, GUARD)
    done = async_mock_service(hass, "test", "done")
    await use(
        hass,
        "alarm",
        alarm="binary_sensor.smoke",
        people=[device_of(hass, made, name) for name in ("Cook", "Guard")],
        announcement="200",
        answered=[{"action": "test.done"}],
        notifier=["notify.me"],
    )
    await change(hass, "binary_sensor.smoke", "off", "on")
    # Each attempt is a request of its own, and the last one is followed by this.
    async with asyncio.timeout(60):
        while not notifications:
            await settle(hass)

    rung = [(body["caller"], body["callee"]) for body in sent(sandbox)]
    assert rung == [("102", "200"), ("103", "200")] * 2
    (message,) = notifications
    assert message.data["message"] == "No one has answered: smoke."
    assert not done


@pytest.mark.parametrize(("caller_id", "shown"), [("02155", "02155"), ("", "0217")])
async def test_alarm_caller_id(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    notifications: list[ServiceCall],
    caller_id: str,
    shown: str,
) -> None:
    """Mobiles are rung from a number of the house, its default where none is given."""
    sandbox.configure(missing_services=(ORIGINATE,))
    made = await set_up(hass, entry, MOM, COOK, caller_id="0217")
    await use(
        hass,
        "alarm",
        alarm="binary_sensor.smoke",
        people=[device_of(hass, made, name) for name in ("Mom", "Cook")],
        announcement="0200",
        caller_id=caller_id,
        rounds=1,
        notifier=["notify.me"],
    )
    await change(hass, "binary_sensor.smoke", "off", "on")

    bodies = sent(sandbox)
    assert [body["callee"] for body in bodies] == ["0200"] * 2
    assert [body["caller_id"] for body in bodies] == [shown] * 2
    assert [body.get("trunk_name") for body in bodies] == ["main_trunk", None]
    assert len(notifications) == 1


@pytest.mark.parametrize(
    ("alarm", "before", "goes_off"),
    [
        ("binary_sensor.smoke", "unavailable", "on"),
        ("binary_sensor.smoke", "unknown", "on"),
        ("alarm_control_panel.house", "unavailable", "triggered"),
        ("alarm_control_panel.house", "unknown", "triggered"),
        ("alarm_control_panel.house", "disarming", "triggered"),
    ],
)
async def test_alarm_that_comes_back(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    before: str,
    alarm: str,
    goes_off: str,
) -> None:
    """An alarm that was away when it went off calls as any other."""
    made = await set_up(hass, entry, COOK)
    people = [device_of(hass, made, "Cook")]
    await use(hass, "alarm", alarm=alarm, people=people, announcement="200")
    await change(hass, alarm, before)
    assert sent(sandbox) == []

    await change(hass, alarm, goes_off)
    assert len(sent(sandbox)) == 1


async def test_alarm_without_a_pbx(
    hass: HomeAssistant, entry: MockConfigEntry, notifications: list[ServiceCall]
) -> None:
    """A PBX that is not there silences nothing."""
    made = await set_up(hass, entry, COOK)
    people = [device_of(hass, made, "Cook")]
    await hass.config_entries.async_unload(made.entry_id)
    await use(
        hass,
        "alarm",
        alarm="alarm_control_panel.house",
        people=people,
        announcement="200",
        notifier=["notify.me"],
    )
    await change(hass, "alarm_control_panel.house", "armed_away", "triggered")

    assert len(notifications) == 1


@pytest.mark.parametrize(
    ("caller", "callee", "message"),
    [
        ("09121234567", "104", "Call from Mom."),
        ("02177770000", "104", "Call from 02177770000."),
        ("", "104", "Call from an unknown number."),
        ("09121234567", "101", None),
    ],
)
@pytest.mark.usefixtures("listening")
async def test_missed_call(
    hass: HomeAssistant,
    be_called: Calling,
    notifications: list[ServiceCall],
    caller: str,
    callee: str,
    message: str | None,
) -> None:
    """A missed call sends a notification, and an answered one does not."""
    await use(hass, "missed_call", notifier=["notify.me"])
    await be_called(caller, callee)

    messages = [call.data["message"] for call in notifications]
    assert messages == ([message] if message else [])


async def test_missed_call_from_contacts(
    hass: HomeAssistant,
    listening: MockConfigEntry,
    be_called: Calling,
    notifications: list[ServiceCall],
) -> None:
    """Where contacts are selected, others do not count."""
    contacts = [device_of(hass, listening, "Mom")]
    await use(hass, "missed_call", contacts=contacts, notifier=["notify.me"])
    await be_called("02177770000", "104")
    assert not notifications
    await be_called("09121234567", "104")

    assert [call.data["message"] for call in notifications] == ["Call from Mom."]


async def test_alarm_answered(
    hass: HomeAssistant,
    listening: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    notifications: list[ServiceCall],
) -> None:
    """After an answer, no further calls are placed, and the actions run."""
    done = async_mock_service(hass, "test", "done")
    who = "{{ escalation.answered_by_contact }}"
    await use(
        hass,
        "alarm",
        alarm="binary_sensor.smoke",
        people=[device_of(hass, listening, name) for name in ("Cook", "Guard")],
        announcement="Announcement",
        answered=[{"action": "test.done", "data": {"who": who}}],
        notifier=["notify.me"],
    )
    await change(hass, "binary_sensor.smoke", "off", "on")
    # The announcement is called: the caller has answered.
    await clock.advance(6)
    await settle(hass)

    assert [call.data["who"] for call in done] == ["Cook"]
    assert len(sent(sandbox)) == 1
    assert not notifications

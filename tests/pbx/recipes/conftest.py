"""A Home Assistant with the sandbox PBX, and recipes that run there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
import logging
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.template import render_complex
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    async_mock_service,
    mock_integration,
    mock_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import voluptuous as vol

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.const import DOMAIN
from sandbox import EventPush, Fault, Manner, ManualClock, Phone, Sandbox
from tests.documents import ROOT
from tests.pbx.ari import StubAri
from tests.pbx.common import ORIGINATE, until
from tests.pbx.people import contact, device_of, phone, set_up
from tests.pbx.toy import SPEECH, ToyBackend, Toys

from .pages import configs

# In the morning, a minute before people get up.
START = datetime(2026, 11, 24, 6, 59, tzinfo=UTC)

MOBILE, NEIGHBOR = "09121234567", "09120000000"
BEDROOM = "108"
ANNOUNCEMENT, CHECK, DOOR = "200", "201", "106"
GROUP, PAGING, ROOM = "600", "700", "800"
# The number of the house that mobiles show.
CALLER_ID = "02188881234"

# Numbers of the recipes that the sandbox's example does not have.
MORE_PHONES = (
    Phone(BEDROOM, "Bedroom", after=4, hang_up_after=30),
    Phone(CHECK, "Announcement", after=0, hang_up_after=8, lines=50),
    Phone(GROUP, "Ring group", after=3, hang_up_after=20),
    Phone(PAGING, "Paging group", after=0),
    Phone(ROOM, "Conference", after=0, lines=50),
)

_OUTSIDE = {"trunk_name": "main_trunk", "caller_id": CALLER_ID}
# The contacts of the recipes.
PHONE_BOOK = (
    contact("Mom", MOBILE, **_OUTSIDE),
    contact("Neighbor", NEIGHBOR, **_OUTSIDE),
    phone("Kitchen", "101"),
    phone("Living room", "102"),
    phone("Workshop", "103"),
    phone("Door station", DOOR),
    phone("Bedroom", BEDROOM),
    phone("Announcement", ANNOUNCEMENT),
)

# Turns of the event loop without anything to do, until it is taken for idle.
IDLE_TURNS = 5


class QuickClock(ManualClock):
    """A clock whose users wait for Home Assistant with `House.settle`."""

    TURNS = 2


@dataclass
class House:
    """A Home Assistant, its PBX, and the time of both."""

    hass: HomeAssistant
    entry: MockConfigEntry
    sandbox: Sandbox
    clock: ManualClock
    freezer: FrozenDateTimeFactory
    acted: dict[str, list[ServiceCall]] = field(default_factory=dict)
    mobile: str = ""

    async def use(self, name: str, number: int = 0) -> str:
        """Set up an automation or a script of a recipe, and return its entity."""
        config = configs(name)[number]
        domain = "script" if "sequence" in config else "automation"
        key = slugify(config["alias"])
        wanted = {key: config} if domain == "script" else [config]
        assert await async_setup_component(self.hass, domain, {domain: wanted})
        state = self.hass.states.get(f"{domain}.{key}")
        # It is unavailable if its configuration is wrong.
        assert state is not None
        assert state.state == ("off" if domain == "script" else "on")
        return state.entity_id

    async def apply(self, blueprint: str, **inputs: object) -> None:
        """Set up an automation that uses a blueprint."""
        file = f"pbx/{blueprint}.yaml"
        target = Path(self.hass.config.path("blueprints/automation", file))
        source = ROOT / "blueprints/automation" / file
        await self.hass.async_add_executor_job(_copy, source, target)
        config = {
            "alias": blueprint,
            "use_blueprint": {"path": file, "input": inputs},
        }
        assert await async_setup_component(
            self.hass, "automation", {"automation": [config]}
        )
        assert self.hass.states.is_state(f"automation.{blueprint}", "on")

    def devices(self, *names: str) -> list[str]:
        """Return the devices of contacts."""
        return [device_of(self.hass, self.entry, name) for name in names]

    def install_app(self) -> list[dict[str, Any]]:
        """Add a mobile with the app; return its notifications, as they are sent.

        The real integration needs a library for cameras.
        """
        pushed: list[dict[str, Any]] = []

        async def push(
            _hass: HomeAssistant,
            config: dict[str, Any],
            variables: dict[str, Any],
            _context: Context | None,
        ) -> None:
            texts = {name: config[name] for name in ("title", "message", "data")}
            pushed.append(render_complex(texts, variables))

        schema = cv.DEVICE_ACTION_BASE_SCHEMA.extend(
            {
                vol.Required("type"): "notify",
                vol.Required("title"): cv.template,
                vol.Required("message"): cv.template,
                vol.Required("data"): cv.template_complex,
            }
        )
        module = Mock(
            spec=["ACTION_SCHEMA", "async_call_action_from_config"],
            ACTION_SCHEMA=schema,
            async_call_action_from_config=push,
        )
        mock_integration(self.hass, MockModule("mobile_app"))
        mock_platform(self.hass, "mobile_app.device_action", module)
        app = MockConfigEntry(domain="mobile_app")
        app.add_to_hass(self.hass)
        device = dr.async_get(self.hass).async_get_or_create(
            config_entry_id=app.entry_id, identifiers={("mobile_app", "mobile")}
        )
        self.mobile = device.id
        return pushed

    async def run(self, entity_id: str, **data: object) -> None:
        """Run a script, and do not wait for its end."""
        await self.hass.services.async_call("script", entity_id.split(".")[1], data)
        await self.settle()

    async def change(self, entity_id: str, *states: str) -> None:
        """Set the states of an entity, one after another."""
        for state in states:
            self.hass.states.async_set(entity_id, state)
            await self.settle()

    def record(self, *actions: str) -> None:
        """Replace actions with ones that only record their calls."""
        for action in actions:
            domain, service = action.split(".")
            self.acted[action] = async_mock_service(self.hass, domain, service)

    @property
    def done(self) -> list[str]:
        """Return the names of the recorded actions that were called."""
        return [name for name, calls in self.acted.items() if calls]

    def data(self, action: str) -> list[dict[str, Any]]:
        """Return what a recorded action was called with, each time."""
        return [dict(call.data) for call in self.acted[action]]

    @property
    def messages(self) -> list[str]:
        """Return the messages that were sent by a notifier."""
        return [data["message"] for data in self.data("notify.send_message")]

    @property
    def rung(self) -> list[tuple[str, str]]:
        """Return caller and callee of each call that the PBX has placed."""
        return [(call.caller, call.callee) for call in self.sandbox.calls]

    @property
    def asked(self) -> list[Mapping[str, Any]]:
        """Return the requests for calls, in order."""
        return [
            request.json  # type: ignore[misc]
            for request in self.sandbox.requests
            if request.path == ORIGINATE
        ]

    @property
    def notifications(self) -> list[dict[str, Any]]:
        """Return the notifications that are shown in Home Assistant."""
        return self.data("persistent_notification.create")

    def silence_phones(self) -> None:
        """Make no phone answer from now on, neither extensions nor external numbers."""
        silent = Manner(behavior="no_answer")
        phones = [each.number for each in self.sandbox.config.phones]
        for number in set(phones) - {ANNOUNCEMENT, CHECK, DOOR}:
            self.sandbox.change_phone(number, as_caller=silent, as_callee=silent)
        self.sandbox.configure(
            external=(Phone("*", as_caller=silent, as_callee=silent),)
        )

    async def vanish(self) -> None:
        """Make the PBX unreachable."""
        await self.sandbox.__aexit__(None, None, None)

    async def come_back(self) -> None:
        """Make the PBX reachable again, at its address."""
        await self.sandbox.__aenter__()

    async def fail(self, fault: str) -> None:
        """Make calls fail in one of the ways that tests are parametrized with."""
        match fault:
            case "no answer":
                self.silence_phones()
            case "refused":
                self.sandbox.faults.set(ORIGINATE, Fault("refuse"))
            case "gone":
                await self.vanish()
            case "not loaded":
                await self.hass.config_entries.async_unload(self.entry.entry_id)
            case _:
                pytest.fail(f"No such fault: {fault}")

    async def settle(self) -> None:
        """Wait until nothing is left to do without time passing.

        Automations that wait for a call or for a delay are not waited for.
        """
        loop: Any = self.hass.loop
        connector: Any = async_get_clientsession(self.hass).connector
        idle = 0
        while idle < IDLE_TURNS:
            await self.clock.settle()
            # What waits for an answer over HTTP is busy, although nothing runs.
            is_busy = loop._ready or connector._acquired  # noqa: SLF001 - nothing else tells
            idle = 0 if is_busy else idle + 1

    def tick(self, seconds: int = 1) -> None:
        """Advance the time of Home Assistant only."""
        self.freezer.tick(seconds)
        async_fire_time_changed(self.hass)

    async def live(self, seconds: int, step: int = 1) -> None:
        """Advance the time of the PBX and of Home Assistant."""
        for passed in range(0, seconds, step):
            length = min(step, seconds - passed)
            await self.clock.advance(length)
            self.tick(length)
            await self.settle()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the sandbox, which agrees with Home Assistant's."""
    return QuickClock(START.timestamp())


@pytest.fixture
async def house(
    freezer: FrozenDateTimeFactory,
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """Return a house whose PBX sends its events, with the phone book of the recipes."""
    freezer.move_to(START)
    # Each turn would be recorded with its stack, each request with a local time that
    # a frozen clock does not have.
    hass.loop.set_debug(False)
    caplog.set_level(logging.WARNING, "aiohttp.access")
    # Blueprints lie where no other test looks.
    hass.config.config_dir = str(tmp_path)
    await hass.config.async_set_time_zone("UTC")
    phones = (*sandbox.config.phones, *MORE_PHONES)
    sandbox.configure(phones=phones)
    made = await set_up(hass, entry, *PHONE_BOOK, title="PBX")
    http = await hass_client_no_auth()
    path = webhook.async_generate_path(made.data[CONF_WEBHOOK_ID])
    sandbox.configure(events=EventPush(url=str(http.make_url(path))))
    home = House(hass, made, sandbox, clock, freezer)
    home.record("notify.send_message", "persistent_notification.create")
    yield home
    if hass.services.has_service("automation", "turn_off"):
        await hass.services.async_call(
            "automation", "turn_off", {"entity_id": "all"}, blocking=True
        )


async def use_help_button(house: House, button: str) -> None:
    """Set the help button up."""
    await house.apply(
        "help_button",
        button=[button],
        people=house.devices("Mom", "Neighbor"),
        room="Bedroom",
        notifier=["notify.me"],
        rounds=2,
    )


async def answer(ari: StubAri, originated: Mapping[str, Any]) -> None:
    """Answer a phone that an Asterisk rings into the application."""
    await ari.send_event(
        {
            "type": "StasisStart",
            "args": [originated["appArgs"]],
            "channel": {
                "id": originated["channelId"],
                "name": f"{originated['endpoint']}-1",
                "state": "Up",
            },
        }
    )


@pytest.fixture
async def asterisk_house(
    house: House, ari: StubAri, asterisk_data: dict[str, object]
) -> House:
    """Return a house whose PBX is the stub of an Asterisk."""
    hass = house.hass
    await hass.config_entries.async_remove(house.entry.entry_id)
    names = ("101", "102", "103", DOOR, "main_trunk")
    ari.endpoints += [{"technology": "PJSIP", "resource": name} for name in names]
    house.entry = MockConfigEntry(
        domain=DOMAIN,
        data=asterisk_data,
        options={"context": "from-internal", "timeout": 20, "internal_digits": 5},
        subentries_data=PHONE_BOOK,
    )
    house.entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await until(ari.connected.is_set)
    return house


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX that speaks and takes keys."""
    return (Feature.HANG_UP, Feature.GROUPS, *SPEECH, Feature.KEYS)


@pytest.fixture
async def speaking_house(
    engine: object, house: House, new_toy: MockConfigEntry
) -> House:
    """Return a house whose PBX is a toy that speaks, with the same phone book."""
    assert engine
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    house.entry = await set_up(house.hass, new_toy, *PHONE_BOOK, title="Toy")
    return house


@pytest.fixture
def toy(toys: Toys, speaking_house: House) -> ToyBackend:
    """Return the toy of the house."""
    assert speaking_house
    return toys.latest

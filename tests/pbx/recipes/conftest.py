"""A Home Assistant with the sandbox PBX, and recipes that run there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from sandbox import EventPush, Fault, Manner, ManualClock, Phone, Sandbox
from tests.pbx.common import ORIGINATE
from tests.pbx.people import contact, phone, set_up

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

    async def live(self, seconds: int, step: int = 1) -> None:
        """Advance the time of the PBX and of Home Assistant."""
        for passed in range(0, seconds, step):
            length = min(step, seconds - passed)
            await self.clock.advance(length)
            self.freezer.tick(length)
            async_fire_time_changed(self.hass)
            await self.settle()


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
) -> AsyncIterator[House]:
    """Return a house whose PBX sends its events, with the phone book of the recipes."""
    freezer.move_to(START)
    # Each turn would be recorded with its stack, each request with a local time that
    # a frozen clock does not have.
    hass.loop.set_debug(False)
    caplog.set_level(logging.WARNING, "aiohttp.access")
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

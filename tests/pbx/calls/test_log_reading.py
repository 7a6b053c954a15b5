"""Tests of reading the report for the call log, over HTTP to the sandbox."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.simotel.client import REPORT
from custom_components.pbx.calls.log_reading import LogReading
from sandbox import Fault, ManualClock, Sandbox, SandboxCall

from ..common import all_answered, connected, set_options, settle, until
from ..logs import calls


def add_row(sandbox: Sandbox, clock: ManualClock, unique_id: str) -> None:
    """Add a call that came in, and that nobody answered, to the report."""
    call = SandboxCall(
        id="x",
        unique_id=unique_id,
        caller="09121234567",
        callee="101",
        started=clock.time(),
        type="incoming",
    )
    call.state, call.result, call.ended = "ended", "no_answer", clock.time() + 1
    sandbox.report.add(call)


def readings(sandbox: Sandbox) -> int:
    """Return how often the report was read."""
    return sum(request.path == REPORT for request in sandbox.requests)


class House:
    """A PBX in driven time, whose clock is that of Home Assistant."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        sandbox: Sandbox,
        clock: ManualClock,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Have everything that takes part."""
        self.hass, self.entry = hass, entry
        self.sandbox, self.clock, self.freezer = sandbox, clock, freezer

    async def pass_time(self, seconds: float) -> None:
        """Let time pass on both sides, and wait for what is read."""
        self.freezer.tick(seconds)
        await self.clock.advance(seconds)
        async_fire_time_changed(self.hass)
        await settle(self.hass)
        await all_answered(self.hass)

    def call(self, unique_id: str) -> None:
        """Let a call come in and end."""
        add_row(self.sandbox, self.clock, unique_id)


@pytest.fixture
async def house(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> House:
    """Return a PBX that was just set up for the first time."""
    freezer.move_to(datetime.fromtimestamp(clock.time(), UTC))
    add_row(sandbox, clock, "0.1")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    made = House(hass, entry, sandbox, clock, freezer)
    await made.pass_time(10)
    return made


async def ids(house: House) -> int:
    """Return how many calls the log has."""
    return len(await calls(house.hass))


async def test_without_events(house: House) -> None:
    """The report is read every five minutes; the first time nothing older than that."""
    assert readings(house.sandbox) == 0
    house.call("1.1")
    await house.pass_time(289)
    assert readings(house.sandbox) == 0
    await house.pass_time(2)
    assert readings(house.sandbox) == 1
    (call,) = await calls(house.hass)
    assert (call["missed"], call["number"]) == (True, "09121234567")

    house.call("1.2")
    house.call("1.3")
    await house.pass_time(300)
    assert await ids(house) == 3
    await house.pass_time(300)
    assert await ids(house) == 3


async def test_after_a_reload(house: House) -> None:
    """At a start, the report is read at once, from where it was read before."""
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    house.call("1.1")
    await house.pass_time(3000)
    assert readings(house.sandbox) == 0
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await settle(house.hass)
    await all_answered(house.hass)
    assert readings(house.sandbox) == 1
    assert await ids(house) == 1


async def test_with_events(house: House) -> None:
    """Where events come, they are enough."""
    link = house.entry.runtime_data.manager.link
    house.call("1.1")
    for _ in range(3):
        await link.receive({"event_name": "Ping"})
        await house.pass_time(300)
    assert readings(house.sandbox) == 0
    # Two pings of ours without an event of theirs.
    await house.pass_time(300)
    await house.pass_time(300)
    assert await ids(house) == 1


async def test_an_error(house: House) -> None:
    """A reading that fails is tried again later, and is no fault of the PBX."""
    house.sandbox.faults.set(REPORT, Fault("reset", times=2))
    house.call("1.1")
    await house.pass_time(300)
    assert (await ids(house), readings(house.sandbox) > 0) == (0, True)
    await house.pass_time(300)
    await house.pass_time(300)
    assert await ids(house) == 1
    assert connected(house.hass) == "on"


async def test_turned_off_while_it_is_read(house: House) -> None:
    """The file that was deleted is not written again."""
    log = house.entry.runtime_data.manager.log
    log.store.set_cursor("before", house.entry.data[CONF_URL])
    arrived: asyncio.Future[str] = asyncio.Future()
    asked: list[str] = []

    class Reader:
        """A PBX that takes its time."""

        async def catch_up(self, cursor: str) -> str:
            """Return a cursor when the test says so."""
            asked.append(cursor)
            return await arrived

    link: Any = SimpleNamespace(
        backend=Reader(), kind=house.entry.runtime_data.manager.kind
    )
    reading = LogReading(house.hass, house.entry, log, link)
    # Nothing was started, so there is nothing to stop.
    reading.stop()
    reading.async_read()
    reading.async_read()
    await asyncio.sleep(0)
    options = {**house.entry.options, "log_calls": 0}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    # Waiting for all tasks would wait for the reading.
    await until(lambda: not log.is_enabled)
    arrived.set_result("after")
    await settle(house.hass)
    assert asked == ["before"]
    assert log.store.cursor == ""


async def test_no_log(house: House) -> None:
    """Nothing is read where no calls are kept, nor what was in that time."""
    await set_options(house.hass, house.entry, log_calls=0)
    house.call("1.1")
    await house.pass_time(600)
    assert readings(house.sandbox) == 0
    await set_options(house.hass, house.entry, log_calls=9)
    await house.pass_time(300)
    house.call("1.2")
    await house.pass_time(300)
    assert await ids(house) == 1

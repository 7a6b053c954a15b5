"""A thousand calls at once, over HTTP: each one ends, once, and rightly."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import batched

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.updates import CallResult, CallState, EvidenceSource
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.request import async_dial, build_request
from custom_components.pbx.signals import SIGNAL_CALL
from sandbox import EventPush, ManualClock, Phone, Sandbox, SandboxConfig

from .common import lift_limits

# The first digit of a callee says how its phone behaves.
OUTSIDE = (
    Phone("1*", behaviour="answer", after=5, hang_up_after=20),
    Phone("2*", behaviour="busy"),
    Phone("3*", behaviour="no_answer"),
    Phone("4*", behaviour="unreachable"),
)
RESULTS = {
    "1": CallResult.ANSWERED,
    "2": CallResult.BUSY,
    "3": CallResult.NO_ANSWER,
    "4": CallResult.FAILED,
}


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    """Return a sandbox PBX with two phones that take any number of calls."""
    phones = (
        Phone("101", behaviour="answer", lines=2000),
        Phone("104", behaviour="no_answer", lines=2000),
    )
    config = SandboxConfig(phones=phones, outside=OUTSIDE)
    async with Sandbox(config, clock=clock) as running:
        yield running


def expected(call: Call) -> CallResult:
    """Return how a call has to end."""
    if call.request.caller == "104":
        return CallResult.CALLER_UNREACHABLE
    return RESULTS[call.request.callee[0]]


@pytest.fixture
def ends(hass: HomeAssistant) -> Counter[str]:
    """Return how often each call was told to have ended."""
    counted: Counter[str] = Counter()

    @callback
    def count(_entry_id: str, call: Call, state: CallState) -> None:
        counted[call.originated_call_id] += state is CallState.ENDED

    async_dispatcher_connect(hass, SIGNAL_CALL, count)
    return counted


async def place_a_thousand(hass: HomeAssistant, entry: MockConfigEntry) -> list[Call]:
    """Place them, a hundred at a time; every fifth caller is never reached."""
    data = [
        {
            "caller": "104" if number % 5 == 0 else "101",
            "callee": f"{1 + number % 4}00{number:04}",
        }
        for number in range(1000)
    ]
    client = entry.runtime_data.client
    requests = [build_request(each, entry.options, client) for each in data]
    calls: list[Call] = []
    for hundred in batched(requests, 100, strict=True):
        placing = (async_dial(hass, entry, request) for request in hundred)
        calls += await asyncio.gather(*placing)
    return calls


@pytest.mark.timeout(180)
@pytest.mark.parametrize("with_events", [False, True])
async def test_a_thousand_calls(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    ends: Counter[str],
    with_events: bool,
) -> None:
    """Each of a thousand outstanding calls ends once, with its own result."""
    # In debug mode, every step of every call would draw a whole stack.
    hass.loop.set_debug(enabled=False)
    if with_events:
        http = await hass_client_no_auth()
        path = webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])
        told = ("OutgoingCall", "Cdr")
        sandbox.configure(events=EventPush(url=str(http.make_url(path)), enabled=told))
    await lift_limits(hass, loaded_entry)
    calls = await place_a_thousand(hass, loaded_entry)
    assert loaded_entry.runtime_data.tracking.tracker.active == 1000
    assert len(sandbox.calls) == 1000

    await clock.advance(120)
    for _ in range(3):
        freezer.tick(timedelta(seconds=15))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    assert [call.result for call in calls] == [expected(call) for call in calls]
    # No event tells of a caller who was not reached.
    by_event = [call for call in calls if call.evidence is EvidenceSource.EVENT]
    assert len(by_event) == (800 if with_events else 0)
    assert set(ends.values()) == {1}
    assert len(ends) == 1000
    assert loaded_entry.runtime_data.tracking.tracker.active == 0

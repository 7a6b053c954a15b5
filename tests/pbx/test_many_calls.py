"""A thousand calls at once, over HTTP: each one ends, once, and rightly."""

import asyncio
from collections.abc import AsyncIterator
from itertools import batched

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.changes import CallChanged, Change
from custom_components.pbx.calls.manager import SIGNAL_CHANGE, CallManager
from custom_components.pbx.const import DOMAIN
from sandbox import EventPush, ManualClock, Phone, Sandbox, SandboxConfig

from .common import all_answered, lift_limits, pass_time

# The first digit of a callee says how its phone behaves.
EXTERNAL = (
    Phone("1*", behavior="answer", after=5, hang_up_after=20),
    Phone("2*", behavior="busy"),
    Phone("3*", behavior="no_answer"),
    Phone("4*", behavior="unreachable"),
)
RESULTS = {
    "1": "answered",
    "2": "busy",
    "3": "no_answer",
    "4": "failed",
}


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    """Return a sandbox PBX with two phones that take any number of calls."""
    phones = (
        Phone("101", behavior="answer", lines=2000),
        Phone("104", behavior="no_answer", lines=2000),
    )
    config = SandboxConfig(phones=phones, external=EXTERNAL)
    async with Sandbox(config, clock=clock) as running:
        yield running


def expected(call: Call) -> str:
    """Return how a call has to end."""
    return "caller_unreachable" if call.caller == "104" else RESULTS[call.callee[0]]


@pytest.fixture
def ends(hass: HomeAssistant) -> list[Call]:
    """Return each call at its end."""
    ended: list[Call] = []

    @callback
    def note(_manager: CallManager, change: Change) -> None:
        if isinstance(change, CallChanged) and change.state is CallState.ENDED:
            ended.append(change.call)

    async_dispatcher_connect(hass, SIGNAL_CHANGE, note)
    return ended


async def place_a_thousand(hass: HomeAssistant) -> None:
    """Place the calls, a hundred at a time; every fifth caller is unreachable."""
    data = [
        {
            "caller": "104" if number % 5 == 0 else "101",
            "callee": f"{1 + number % 4}00{number:04}",
        }
        for number in range(1000)
    ]
    for hundred in batched(data, 100, strict=True):
        await asyncio.gather(
            *(
                hass.services.async_call(DOMAIN, "originate", each, blocking=True)
                for each in hundred
            )
        )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("with_events", [False, True])
async def test_a_thousand_calls(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    ends: list[Call],
    with_events: bool,
) -> None:
    """Each of a thousand outstanding calls ends once, with its own result."""
    # In debug mode, every step of every call would draw a whole stack.
    hass.loop.set_debug(enabled=False)
    if with_events:
        http = await hass_client_no_auth()
        path = webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])
        names = ("OutgoingCall", "Cdr")
        sandbox.configure(events=EventPush(url=str(http.make_url(path)), enabled=names))
    await lift_limits(hass, loaded_entry)
    await place_a_thousand(hass)
    assert len(sandbox.calls) == 1000

    await clock.advance(120)
    for _ in range(3):
        await pass_time(hass, freezer, 15)
        await all_answered(hass)

    assert len(ends) == len({call.originated_call_id for call in ends}) == 1000
    assert [call.result for call in ends] == [expected(call) for call in ends]
    # There is no event for an unreachable caller.
    by_event = [call for call in ends if call.source == "event"]
    assert len(by_event) == (800 if with_events else 0)

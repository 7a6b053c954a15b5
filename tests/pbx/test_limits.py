"""Tests of the limits of calls, where the PBX does not keep them itself."""

from datetime import timedelta
import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
)
from custom_components.pbx.calls.call import Call

from .ari import NOT_FOUND, Reply, StubAri
from .common import place_call

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED


@pytest.fixture
def limited(asterisk_entry: MockConfigEntry, ari: StubAri) -> MockConfigEntry:
    """Return the entry of a PBX that ends calls when it is asked to."""
    ari.reply("DELETE", "channels/ha-probe", Reply(404, NOT_FOUND))
    ari.reply("DELETE", "channels/", Reply(204, text=""))
    ari.asked.clear()
    return asterisk_entry


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by, and the requests that are due then be answered.

    The connection for events is never done, so nothing can be waited for; and
    the time of asyncio stands still, so it is a thread that sleeps.
    """
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    for _ in range(20):
        await hass.async_block_till_done()
        await hass.async_add_executor_job(time.sleep, 0.003)


async def begin(hass: HomeAssistant, entry: MockConfigEntry, **data: object) -> Call:
    """Place a call."""
    await place_call(hass, caller="557", callee="552", **data)
    call: Call = entry.runtime_data.tracking.tracker.outstanding[-1]
    return call


def tell(
    entry: MockConfigEntry,
    call: Call,
    state: CallState,
    result: CallResult | None = None,
) -> None:
    """Let the PBX tell how far a call has come."""
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=state,
        originated_call_id=call.originated_call_id,
        result=result,
    )
    entry.runtime_data.tracking.tracker.observe(evidence)


def hung_up(ari: StubAri) -> int:
    """Return how often a call was to be ended."""
    return sum("probe" not in path for path in ari.paths("DELETE"))


async def test_call_limit(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The limit counts from the callee's answer, however long they rang before."""
    call = await begin(hass, limited, timeout=20, call_limit=60)
    tell(limited, call, RINGING)
    await pass_time(hass, freezer, 15)
    tell(limited, call, CONNECTED)
    await pass_time(hass, freezer, 59)
    assert hung_up(ari) == 0

    await pass_time(hass, freezer, 2)
    assert ari.paths("DELETE") == [f"channels/{call.originated_call_id}"]


async def test_no_limit(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A talk without a limit goes on."""
    call = await begin(hass, limited)
    tell(limited, call, CONNECTED)
    await pass_time(hass, freezer, 10_000)

    assert hung_up(ari) == 0
    assert call.state is CONNECTED


async def test_ring_time(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A callee rings for the ring time, whatever the dialplan would let it."""
    call = await begin(hass, limited, timeout=20)
    await pass_time(hass, freezer, 19)
    tell(limited, call, RINGING)
    await pass_time(hass, freezer, 19)
    assert hung_up(ari) == 0

    await pass_time(hass, freezer, 2)
    assert hung_up(ari) == 1


async def test_over_in_time(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that has ended is not ended again."""
    call = await begin(hass, limited, call_limit=60)
    tell(limited, call, CONNECTED)
    tell(limited, call, CallState.ENDED, CallResult.ANSWERED)
    await pass_time(hass, freezer, 100)

    assert hung_up(ari) == 0


@pytest.mark.parametrize("waited", [30, 100])
async def test_reload(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
    waited: int,
) -> None:
    """A reload does not lift a limit, whether it is yet to come or past."""
    call = await begin(hass, limited, call_limit=60)
    tell(limited, call, CONNECTED)
    channel = {"id": call.originated_call_id, "state": "Up"}
    ari.channels = [channel]
    await hass.config_entries.async_unload(limited.entry_id)
    await pass_time(hass, freezer, waited)
    assert hung_up(ari) == 0
    await hass.config_entries.async_setup(limited.entry_id)
    await pass_time(hass, freezer, 61 - min(waited, 60))

    assert hung_up(ari) == 1


async def test_tried_again(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A PBX that does not end a call is asked again, and that is said once."""
    call = await begin(hass, limited, call_limit=60)
    tell(limited, call, CONNECTED)
    ari.replies.clear()
    ari.reply("DELETE", "channels/", Reply(500, {"message": "Broken"}))
    await pass_time(hass, freezer, 61)
    for _ in range(3):
        await pass_time(hass, freezer, 6)
    assert hung_up(ari) == 4
    assert caplog.text.count("could not be ended") == 1

    ari.replies.clear()
    ari.reply("DELETE", "channels/", Reply(204, text=""))
    for _ in range(3):
        await pass_time(hass, freezer, 6)
    assert hung_up(ari) == 5


async def test_gone(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A call that the PBX does not have any more needs no ending."""
    call = await begin(hass, limited, call_limit=60)
    tell(limited, call, CONNECTED)
    ari.replies.clear()
    for _ in range(3):
        await pass_time(hass, freezer, 61)

    assert hung_up(ari) == 1
    assert "could not be ended" not in caplog.text


async def test_ends_while_it_is_ended(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    ari: StubAri,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that ends while the PBX fails to end it is not tried again."""
    call = await begin(hass, limited, call_limit=60)
    tell(limited, call, CONNECTED)
    ari.replies.clear()
    ari.reply("DELETE", "channels/", Reply(500, {"message": "Broken"}))
    await pass_time(hass, freezer, 61)
    tell(limited, call, CallState.ENDED, CallResult.ANSWERED)
    await pass_time(hass, freezer, 100)

    assert hung_up(ari) == 1


async def test_simotel_keeps_them_itself(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the PBX keeps the limits, nothing is done about them here."""
    await place_call(hass, caller="101", callee="200", call_limit=60)
    call = loaded_entry.runtime_data.tracking.tracker.outstanding[-1]
    tell(loaded_entry, call, CONNECTED)
    await pass_time(hass, freezer, 65)

    assert "could not be ended" not in caplog.text

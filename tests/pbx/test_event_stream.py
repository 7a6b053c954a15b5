"""Tests of the connection for events, over every loss of it."""

import asyncio
from collections.abc import Callable
import logging

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx import event_stream
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.evidence import CallResult, CallState

from .ari import Reply, StubAri
from .common import place_call, reauth_flows

LOGGER = "custom_components.pbx.event_stream"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for the next attempt."""
    monkeypatch.setattr(event_stream, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(event_stream, "MAX_DELAY", 0.05)


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so; nobody tells when."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)


async def settled(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Wait until the events are heard."""
    await until(lambda: entry.runtime_data.events.is_connected)
    await hass.async_block_till_done()


async def lost(entry: MockConfigEntry) -> None:
    """Wait until the events are not heard any more."""
    await until(lambda: not entry.runtime_data.events.is_connected)


async def until_ended(entry: MockConfigEntry) -> None:
    """Wait until no call is on."""
    await until(lambda: not entry.runtime_data.tracking.tracker.active)


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Place a call, and return its id."""
    await place_call(hass, caller="557", callee="552")
    calls = entry.runtime_data.tracking.tracker.outstanding
    return str(calls[-1].originated_call_id)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the levels of what was logged, in order."""
    return [each.levelname for each in caplog.records if each.name == LOGGER]


async def test_follows_a_call(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Evidence that is no event for people moves a call on, too."""
    await settled(hass, asterisk_entry)
    call_id = await begin(hass, asterisk_entry)
    (call,) = asterisk_entry.runtime_data.tracking.tracker.outstanding
    for status in ("", "ANSWER"):
        dial = {"caller": {"id": call_id}, "peer": {"id": "1"}, "dialstatus": status}
        await ari.tell({"type": "Dial", **dial})
    await until(lambda: call.state is CallState.CONNECTED)
    end = {"type": "ChannelDestroyed", "channel": {"id": call_id}, "cause": 16}
    await ari.tell(end)
    await until_ended(asterisk_entry)

    assert (call.result, call.cause) == (CallResult.ANSWERED, "normal_clearing")
    await hass.async_block_till_done()
    state = hass.states.get("event.stub_originated_call")
    assert state is not None
    assert state.attributes["cause"] == "normal_clearing"


async def test_others_are_told(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Calls of the PBX reach the same entity as a Simotel's."""
    await settled(hass, asterisk_entry)
    channel = {
        "id": "1",
        "name": "PJSIP/provider-00000001",
        "state": "Ring",
        "caller": {"number": "0912"},
    }
    await ari.tell({"type": "ChannelCreated", "channel": channel})
    await until(lambda: asterisk_entry.runtime_data.events.received)
    await hass.async_block_till_done()

    state = hass.states.get("event.stub_pbx_call")
    assert state is not None
    assert state.attributes["event_type"] == "incoming"
    assert state.attributes["number"] == "0912"


async def test_cut_while_a_call_is_on(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What has become of calls in between is asked for; that is said in two lines."""
    caplog.set_level(logging.INFO, LOGGER)
    await settled(hass, asterisk_entry)
    gone = await begin(hass, asterisk_entry)
    on = await begin(hass, asterisk_entry)
    ari.channels = [{"id": on, "state": "Up"}]
    tracker = asterisk_entry.runtime_data.tracking.tracker
    await ari.drop()
    await lost(asterisk_entry)
    await settled(hass, asterisk_entry)

    assert [call.originated_call_id for call in tracker.outstanding] == [on]
    assert tracker.recent[-1].originated_call_id == gone
    assert tracker.recent[-1].result is CallResult.UNDETERMINED
    assert tracker.recent[-1].caller_answered is None
    assert logged(caplog) == ["WARNING", "INFO"]


async def test_comes_and_goes(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A connection that does not hold is told of once, not each time."""
    caplog.set_level(logging.INFO, LOGGER)
    for _ in range(5):
        await settled(hass, asterisk_entry)
        await ari.drop()
        await lost(asterisk_entry)

    assert logged(caplog).count("WARNING") == 1
    assert logged(caplog).count("INFO") == 1


async def test_pbx_is_off(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A PBX that is off is tried until it is back, without a storm of lines."""
    caplog.set_level(logging.INFO, LOGGER)
    await settled(hass, asterisk_entry)
    await ari.stop()
    await lost(asterisk_entry)
    await until(lambda: logged(caplog))
    await asyncio.sleep(0.2)
    assert logged(caplog) == ["WARNING"]

    await ari.start(ari.port)
    await settled(hass, asterisk_entry)
    assert logged(caplog) == ["WARNING", "INFO"]


async def test_holds(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One that held for a while and is lost again is news again."""
    monkeypatch.setattr(event_stream, "STABLE", 0)
    for _ in range(3):
        await settled(hass, asterisk_entry)
        await ari.drop()
        await lost(asterisk_entry)

    assert logged(caplog).count("WARNING") == 3


async def test_cannot_settle(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """As long as nobody tells what became of calls, none is given up."""
    await settled(hass, asterisk_entry)
    await begin(hass, asterisk_entry)
    ari.reply("GET", "channels", Reply(fault="reset"))
    await ari.drop()
    await lost(asterisk_entry)
    await ari.connected.wait()
    await asyncio.sleep(0.05)
    assert asterisk_entry.runtime_data.tracking.tracker.active == 1

    ari.replies.clear()
    await until_ended(asterisk_entry)


async def test_wrong_password(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """A password that was changed at the PBX is asked for."""
    await settled(hass, asterisk_entry)
    ari.handshake_status = 401
    await ari.drop()
    await lost(asterisk_entry)
    await until(lambda: reauth_flows(hass))

    assert reauth_flows(hass) == ["reauth_asterisk"]


async def test_taken_over(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Somebody else with our name is told of, and not fought with."""
    await settled(hass, asterisk_entry)
    connections = len(ari.queries)
    await ari.tell({"type": "ApplicationReplaced", "application": "x"})
    await lost(asterisk_entry)

    registry = ir.async_get(hass)
    issue_id = f"stream_taken_over_{asterisk_entry.entry_id}"
    await until(lambda: registry.async_get_issue(DOMAIN, issue_id))
    await asyncio.sleep(0.1)
    issue = registry.async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.is_fixable
    assert issue.translation_placeholders == {"pbx": "Stub"}
    assert len(ari.queries) == connections

    # Whoever loads it anew takes the events back.
    await hass.config_entries.async_reload(asterisk_entry.entry_id)
    await settled(hass, asterisk_entry)
    assert registry.async_get_issue(DOMAIN, issue_id) is None


async def test_removed(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """With the entry, its issue and its connection go."""
    await settled(hass, asterisk_entry)
    await ari.tell({"type": "ApplicationReplaced"})
    await lost(asterisk_entry)
    await hass.config_entries.async_remove(asterisk_entry.entry_id)

    assert not ir.async_get(hass).issues
    assert asterisk_entry.state is ConfigEntryState.NOT_LOADED


async def test_a_name_of_its_own(ari: StubAri, asterisk_entry: MockConfigEntry) -> None:
    """No other entry hears its events under the same name."""
    application = ari.queries[0]["app"]

    assert application == f"home-assistant-{asterisk_entry.entry_id}"

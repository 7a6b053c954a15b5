"""Tests of the connection for events, over every loss of it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx import event_stream
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.event_stream import PINGS_WITHOUT
from custom_components.pbx.signals import SIGNAL_PING

from .ari import Reply, StubAri
from .common import place_call, reauth_flows, sentences, set_options

NOBODY = Reply(404, {"message": "Application not found"})
NOW = "2026-11-24T02:00:00.000+0000"
LOGGER = "custom_components.pbx.event_stream"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for the next attempt."""
    monkeypatch.setattr(event_stream, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(event_stream, "MAX_DELAY", 0.05)
    monkeypatch.setattr(event_stream, "SECOND_LOOK", 0.01)


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


def ping(hass: HomeAssistant) -> None:
    """Let the minute go by after which the PBX is pinged."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))


def issue(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> Any:  # noqa: ANN401 - an entry of the registry, or None
    """Return the repair issue of a kind."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{entry.entry_id}")


def stream(hass: HomeAssistant) -> tuple[str, object]:
    """Return what the sensor *Connected* says, and of the events."""
    state = hass.states.get("binary_sensor.stub_connected")
    assert state is not None
    return state.state, state.attributes["event_stream"]


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
    await until(lambda: tracker.active == 1)

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
    await settled(hass, asterisk_entry)
    await until(lambda: "channels" in ari.paths("GET"))
    await asyncio.sleep(0.05)
    assert asterisk_entry.runtime_data.tracking.tracker.active == 1

    ari.replies.clear()
    ping(hass)
    await until_ended(asterisk_entry)


async def test_ends_in_that_moment(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end that lies unread while the call is asked for is the one that counts."""
    await settled(hass, asterisk_entry)
    call_id = await begin(hass, asterisk_entry)
    (call,) = asterisk_entry.runtime_data.tracking.tracker.outstanding
    monkeypatch.setattr(event_stream, "SECOND_LOOK", 60)
    await ari.drop()
    await lost(asterisk_entry)
    await ari.connected.wait()
    await until(lambda: "bridges" in ari.paths("GET"))
    assert asterisk_entry.runtime_data.tracking.tracker.active == 1
    end = {"type": "ChannelDestroyed", "channel": {"id": call_id}, "cause": 17}
    await ari.tell(end)
    await until_ended(asterisk_entry)

    assert (call.result, call.cause) == (CallResult.CALLER_UNREACHABLE, "user_busy")


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
    ping(hass)
    await until(lambda: f"applications/{ari.queries[0]['app']}" in ari.paths("GET"))
    await asyncio.sleep(0.1)

    raised = issue(hass, asterisk_entry, "stream_taken_over")
    assert raised.is_fixable
    assert raised.translation_placeholders == {"pbx": "Stub"}
    assert stream(hass) == ("on", "taken_over")
    assert len(ari.queries) == connections

    # Whoever loads it anew takes the events back.
    await hass.config_entries.async_reload(asterisk_entry.entry_id)
    await settled(hass, asterisk_entry)
    assert issue(hass, asterisk_entry, "stream_taken_over") is None
    assert stream(hass) == ("on", "connected")


async def test_taken_over_and_left(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """As soon as nobody else listens any more, the events are heard here again."""
    await settled(hass, asterisk_entry)
    await ari.tell({"type": "ApplicationReplaced", "application": "x"})
    await lost(asterisk_entry)
    ari.reply("GET", "applications/", NOBODY)
    ping(hass)
    await settled(hass, asterisk_entry)

    assert issue(hass, asterisk_entry, "stream_taken_over") is None
    assert stream(hass) == ("on", "connected")


async def test_calls_while_taken_over(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Nobody tells of them: they are placed at once, asked for, and end."""
    await set_options(hass, asterisk_entry, calls_at_once=6)
    await settled(hass, asterisk_entry)
    await ari.tell({"type": "ApplicationReplaced", "application": "x"})
    await lost(asterisk_entry)
    async with asyncio.timeout(4):
        for _ in range(6):
            await begin(hass, asterisk_entry)
    calls = asterisk_entry.runtime_data.tracking.tracker.outstanding
    *ended, on = (call.originated_call_id for call in calls)
    ari.channels = [{"id": on, "state": "Up"}]
    ari.bridges = [{"channels": [on, "x"]}]
    ping(hass)
    await until(lambda: asterisk_entry.runtime_data.tracking.tracker.active == 1)

    assert calls[-1].state is CallState.CONNECTED
    assert [call.result for call in calls[:-1]] == [CallResult.UNDETERMINED] * 5
    assert len(ended) == 5
    ari.channels.clear()
    ping(hass)
    await until_ended(asterisk_entry)
    assert calls[-1].result is CallResult.ANSWERED


async def test_no_connection(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Where the rest of the PBX is there, the owner is told after a while."""
    await settled(hass, asterisk_entry)
    ari.handshake_status = 503
    await ari.drop()
    await lost(asterisk_entry)
    await until(lambda: stream(hass) == ("on", "disconnected"))
    asked = f"applications/{ari.queries[0]['app']}"
    times = 0
    while (raised := issue(hass, asterisk_entry, "stream_down")) is None:
        times += 1
        ping(hass)
        await until(lambda: ari.paths("GET").count(asked) == times)  # noqa: B023
        # Or the next time that goes by is too much for its answer.
        await asyncio.sleep(0.05)
    assert times >= PINGS_WITHOUT
    for language in ("en", "fa"):
        texts = await sentences(hass, "issues", language)
        assert "{pbx}" in texts[f"{raised.translation_key}.title"]

    ari.handshake_status = 0
    await settled(hass, asterisk_entry)
    assert issue(hass, asterisk_entry, "stream_down") is None


async def test_ping_of_another(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Nothing is asked because another PBX has answered."""
    await settled(hass, asterisk_entry)
    async_dispatcher_send(hass, SIGNAL_PING, "another")
    await asyncio.sleep(0.05)

    assert not [path for path in ari.paths("GET") if path.startswith("applications")]


async def test_never_connected(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """It is told, too, where there never was a connection."""
    await settled(hass, asterisk_entry)
    ari.handshake_status = 503
    await hass.config_entries.async_reload(asterisk_entry.entry_id)

    await until(lambda: stream(hass) == ("on", "disconnected"))


async def test_connection_of_which_nobody_knows(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """It is made anew as soon as the PBX says that nobody listens."""
    await settled(hass, asterisk_entry)
    ari.reply("GET", "applications/", NOBODY)
    ping(hass)
    await until(lambda: len(ari.queries) == 2)


# --- Calls whose request failed ---


async def lose_answers(hass: HomeAssistant, ari: StubAri, count: int) -> None:
    """Ask for calls, each of which the PBX takes, and never confirms."""
    ari.reply("POST", "channels", Reply(fault="reset"))
    for _ in range(count):
        with pytest.raises(HomeAssistantError, match="did not confirm"):
            await place_call(hass, caller="557", callee="552")
    del ari.replies["POST", "channels"]


async def test_five_lost_answers(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """Calls of which the PBX knows nothing were not placed, and hold up nobody."""
    await set_options(hass, asterisk_entry, calls_at_once=5, calls_per_hour=5)
    await settled(hass, asterisk_entry)
    await lose_answers(hass, ari, 5)
    await until_ended(asterisk_entry)

    recent = asterisk_entry.runtime_data.tracking.tracker.recent
    assert [call.result for call in recent] == [CallResult.FAILED] * 5
    for _ in range(4):
        await place_call(hass, caller="557", callee="553")
    await place_call(hass, caller="557", callee="552", cooldown=600)


async def test_lost_answer_of_a_call_that_is_on(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """A call that the PBX knows is followed as any other."""
    await settled(hass, asterisk_entry)
    ari.reply("POST", "channels", Reply(fault="hang"))
    placing = asyncio.create_task(place_call(hass, caller="557", callee="552"))
    await until(lambda: ari.originated)
    channel = {"id": ari.originated[0]["channelId"], "state": "Up", "creationtime": NOW}
    ari.channels = [channel]
    await ari.drop_requests()
    with pytest.raises(HomeAssistantError, match="did not confirm"):
        await placing
    (call,) = asterisk_entry.runtime_data.tracking.tracker.outstanding
    assert call.is_uncertain
    await until(lambda: not call.is_uncertain)

    end = {"type": "ChannelDestroyed", "channel": channel, "cause": 16}
    await ari.tell(end)
    await until_ended(asterisk_entry)
    assert call.result is CallResult.ANSWERED


async def test_restart_in_a_request(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    """A call whose answer nobody was there to take is asked for by its name."""
    await settled(hass, asterisk_entry)
    ari.reply("POST", "channels", Reply(fault="hang"))
    placing = asyncio.create_task(place_call(hass, caller="557", callee="552"))
    await until(lambda: ari.originated)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=2))
    await until(lambda: hass_storage.get(f"pbx.{asterisk_entry.entry_id}"))
    stored = hass_storage[f"pbx.{asterisk_entry.entry_id}"]
    await ari.drop_requests()
    with pytest.raises(HomeAssistantError):
        await placing
    await hass.config_entries.async_remove(asterisk_entry.entry_id)
    ari.replies.clear()

    # It has begun anew, with what was written then.
    again = MockConfigEntry(
        domain=DOMAIN,
        data=dict(asterisk_entry.data),
        options={**asterisk_entry.options, "calls_per_hour": 1},
    )
    again.add_to_hass(hass)
    hass_storage[f"pbx.{again.entry_id}"] = stored
    assert await hass.config_entries.async_setup(again.entry_id)
    await until_ended(again)
    (call,) = again.runtime_data.tracking.tracker.recent
    assert call.originated_call_id == ari.originated[0]["channelId"]
    assert call.result is CallResult.FAILED
    await place_call(hass, caller="557", callee="552")


async def test_lost_answer_and_no_other(
    hass: HomeAssistant,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
) -> None:
    """Where the PBX tells nothing at first, it is asked when both have rung."""
    await settled(hass, asterisk_entry)
    ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
    await lose_answers(hass, ari, 1)
    (call,) = asterisk_entry.runtime_data.tracking.tracker.outstanding
    await until(lambda: "channels" in ari.paths("GET"))
    # Or there is nothing yet that time could bring about.
    await asyncio.sleep(0.05)
    assert call.is_uncertain
    ari.replies.clear()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=40))
    await until_ended(asterisk_entry)

    assert call.result is CallResult.FAILED


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

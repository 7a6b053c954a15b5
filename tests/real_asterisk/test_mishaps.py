"""Tests of a real Asterisk that restarts or becomes unreachable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
import logging
import time

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.pbx.backends.asterisk import listener
from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.link import create_backend
from custom_components.pbx.const import DOMAIN
from scripts.support.asterisk import Asterisk, Behavior
from tests.pbx.backends.contract import DictMemory, RecordingSink

from .house import House, until
from .proxy import Proxy
from .times import is_about


@pytest.fixture
def proxied(proxy: Proxy, house: House) -> House:
    """Return a Home Assistant that reaches the Asterisk through the proxy only."""
    assert house.asterisk.url == proxy.url
    return house


async def test_restarted_while_they_talk(
    house: House, asterisk: Asterisk, caplog: pytest.LogCaptureFixture
) -> None:
    """The call ends, the next one works, and little is logged."""
    caplog.set_level(logging.INFO)
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    call = await house.begin()
    await callee.saw("ACK")
    await house.until_state(call, CallState.CONNECTED)
    await asterisk.restart()
    await house.until_state(call, CallState.ENDED)
    assert call.result == "answered"

    await house.until_listening()
    await callee.stop()
    await asterisk.phone("553", hang_up_after=0.5)
    assert (await house.call("553"))["result"] == "answered"
    ours = [each for each in caplog.records if "pbx" in each.name]
    reported = [each for each in ours if each.levelno >= logging.INFO]
    assert len(reported) <= 4, [each.getMessage() for each in reported]
    assert "Traceback" not in caplog.text


async def test_killed_while_it_rings(house: House, asterisk: Asterisk) -> None:
    """If Asterisk crashes, the result of a call is undetermined."""
    caller = await asterisk.phone("557", Behavior.NEVER_ANSWER)
    call = await house.begin(timeout=30)
    await caller.saw("180")
    await asterisk.cli("core stop now")
    await asterisk.restart()
    await house.until_state(call, CallState.ENDED)

    assert call.result in {"undetermined", "caller_unreachable"}
    await house.until_listening()


async def test_cut_while_they_talk(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """A call continues while disconnected, and is followed to its end later."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    call = await proxied.begin()
    await proxied.until_state(call, CallState.CONNECTED)
    await proxy.cut()
    await until(lambda: not proxied.is_listening)
    await proxied.until_listening()
    assert call.state is CallState.CONNECTED
    await asterisk.cli("channel request hangup all")
    await proxied.until_state(call, CallState.ENDED)

    assert (call.result, call.cause) == ("answered", "normal_clearing")
    assert (await callee.stop()).successful == 1


async def test_answered_and_ended_while_disconnected(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """Calls that ended meanwhile are reported as far as known."""
    await asterisk.phone("557")
    ringing = await asterisk.phone("552", ring=3, hang_up_after=0.5)
    call = await proxied.begin()
    await ringing.saw("180")
    async with proxy.closed():
        await ringing.saw("BYE")
        while "0 active calls" not in await asterisk.cli("core show channels count"):
            pass
    await proxied.until_state(call, CallState.ENDED)

    assert call.result == "undetermined"
    assert (await ringing.stop()).successful == 1


async def test_not_hung_up_while_disconnected(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """A call whose answer was missed is not hung up at the ring time."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=1)
    call = await proxied.begin(timeout=3)
    await callee.saw("180")
    async with proxy.closed():
        await callee.saw("ACK")
        await asyncio.sleep(3)
    # They talk, however long reconnecting takes.
    await proxied.until_state(call, CallState.CONNECTED)
    assert "BYE" not in {message.what for message in callee.messages}

    await proxied.run("hang_up", originated_call_id=call.originated_call_id)
    await proxied.until_state(call, CallState.ENDED)
    assert call.result == "answered"


async def test_reloaded_while_it_rings(house: House, asterisk: Asterisk) -> None:
    """The ring time continues, and the end has the earlier facts."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", Behavior.NEVER_ANSWER)
    call = await house.begin(timeout=5)
    await callee.saw("180")
    await house.until_state(call, CallState.RINGING_CALLEE)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.until_state(call, CallState.ENDED)

    assert (call.result, call.caller, call.callee) == ("no_answer", "557", "552")
    assert call.ring_time == pytest.approx(5, abs=1.5)
    rang, given_up = await callee.saw("180"), await callee.saw("CANCEL")
    assert is_about(given_up.time - rang.time, 5)


async def test_reloaded_in_a_request(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """A call whose request is pending is reported by the next connection."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=1, hang_up_after=1)
    proxy.hold_answer()
    calling = asyncio.ensure_future(proxied.call())
    await callee.saw("180")
    await proxied.hass.config_entries.async_reload(proxied.entry.entry_id)
    await proxied.until_listening()
    proxy.release()
    outcome = await calling

    assert outcome["result"] == "answered"
    assert (await callee.stop()).created == 1


async def test_answered_while_disconnected(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """The limit counts from the answer, even if its event was missed.

    How far the clock of the PBX is off is known to a second then.
    """
    await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=0.5)
    call = await proxied.begin(call_limit=4)
    await callee.saw("180")
    async with proxy.closed():
        await callee.saw("ACK")
    await proxied.until_state(call, CallState.ENDED)

    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 4, early=1.5)
    assert call.result == "answered"


@asynccontextmanager
async def a_twin(house: House) -> AsyncIterator[None]:
    """Connect another client with the same application within the context."""
    twin = create_backend(house.hass, house.entry.data, DictMemory(), RecordingSink())
    listening = asyncio.create_task(twin.run())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def test_taken_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second client takes over the stream, and an issue is created."""
    monkeypatch.setattr(listener, "DOWN_THRESHOLD", 0)
    registry = ir.async_get(house.hass)
    issue_id = f"stream_{house.entry.entry_id}"
    async with a_twin(house):
        await until(lambda: registry.async_get_issue(DOMAIN, issue_id))
        assert not house.is_listening
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.until_listening()

    assert registry.async_get_issue(DOMAIN, issue_id) is None


async def test_calls_while_taken_over(house: House, asterisk: Asterisk) -> None:
    """Calls without events are placed at once, polled, and end.

    When the other one is gone, the events come back by themselves.
    """
    await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=1)
    async with a_twin(house):
        await until(lambda: not house.is_listening)
        began = time.monotonic()
        # Different numbers of one phone: the same call again would join the first.
        numbers = [f"{digit}552" for digit in range(1, 7)]
        place = partial(house.begin, context="from-trunk", timeout=5)
        calls = [await place(number) for number in numbers]
        assert time.monotonic() - began < 5
        await callee.saw("BYE", times=6)
        ping(house.hass)
        for call in calls:
            await house.until_state(call, CallState.ENDED)
        assert {call.result for call in calls} <= {"undetermined", "answered"}
        assert not house.is_listening
    ping(house.hass)
    await house.until_listening()

    issue_id = f"stream_{house.entry.entry_id}"
    assert ir.async_get(house.hass).async_get_issue(DOMAIN, issue_id) is None
    assert (await house.call())["result"] == "answered"
    assert (await callee.stop()).successful == 7


async def test_long_call_while_taken_over(house: House, asterisk: Asterisk) -> None:
    """An open call is not given up, and its limit is enforced."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    async with a_twin(house):
        await until(lambda: not house.is_listening)
        call = await house.begin(call_limit=4)
        await callee.saw("ACK")
        ping(house.hass)
        await house.until_state(call, CallState.CONNECTED)
        await callee.saw("BYE")
        ping(house.hass)
        await house.until_state(call, CallState.ENDED)

    assert call.result == "answered"
    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert ended.time - answered.time == pytest.approx(4, abs=1.5)


@pytest.mark.parametrize("is_placed", [False, True])
async def test_lost_answer(
    proxied: House, proxy: Proxy, asterisk: Asterisk, *, is_placed: bool
) -> None:
    """Asterisk resolves whether an uncertain call was placed."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=6)
    proxy.lose_answers(is_forwarded=is_placed)
    with pytest.raises(HomeAssistantError, match="did not confirm"):
        await proxied.begin()
    await until(lambda: proxied.open_calls)
    (call,) = proxied.open_calls
    if is_placed:
        await proxied.until_state(call, CallState.CONNECTED)
    await proxied.until_state(call, CallState.ENDED)

    assert call.result == ("answered" if is_placed else "failed")
    assert (await callee.stop()).created == is_placed


def ping(hass: HomeAssistant) -> None:
    """Move the time to the next ping of the PBX."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))


@pytest.mark.usefixtures("enable_custom_integrations")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, "asterisk_invalid_auth"),
        ({"username": "nobody"}, "asterisk_invalid_auth"),
        ({"read_only": True}, "asterisk_access_denied"),
        ({"url": "/nothing"}, "asterisk_not_supported"),
    ],
)
async def test_set_up_wrong(
    hass: HomeAssistant,
    asterisk: Asterisk,
    change: dict[str, object],
    error: str,
) -> None:
    """Each invalid input has its own error in the dialog."""
    typed = {
        "url": asterisk.url,
        "username": asterisk.username,
        "password": asterisk.password,
        "verify_ssl": True,
    }
    if "read_only" in change:
        typed["username"] = asterisk.read_only_username
        typed["password"] = asterisk.read_only_password
    elif "url" in change:
        typed["url"] = f"{asterisk.url}{change['url']}"
    else:
        typed |= change
    flow = hass.config_entries.flow
    step = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    step = await flow.async_configure(step["flow_id"], {"next_step_id": "asterisk"})
    step = await flow.async_configure(step["flow_id"], typed)

    assert step["errors"] == {"base": error}
    flow.async_abort(step["flow_id"])


async def test_directory(house: House) -> None:
    """The existing phones and the trunk are offered."""
    backend = create_backend(
        house.hass, house.entry.data, DictMemory(), RecordingSink()
    )
    directory = await backend.directory()

    assert "557" in [each.number for each in directory.extensions]
    assert directory.trunks == ["provider"]


async def test_incoming_call(house: House, asterisk: Asterisk) -> None:
    """An incoming call is followed as a placed one."""
    callee = await asterisk.phone("557")
    outside = await asterisk.dial("0215551234", "557", hang_up_after=0.5)
    await outside.ended()
    await until(lambda: house.calls and not house.open_calls)

    (call,) = house.calls
    assert (call.caller, call.callee) == ("0215551234", "557")
    assert (call.direction, call.result) == ("incoming", "answered")
    assert call.request is None
    assert (await callee.stop()).successful == 1


async def test_options_change_while_they_talk(house: House, asterisk: Asterisk) -> None:
    """Nothing is reloaded, and the call's result is reported."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=2)
    call = await house.begin()
    await house.until_state(call, CallState.CONNECTED)
    states: list[object] = []
    house.entry.async_on_state_change(lambda: states.append(house.entry.state))
    options = {**house.entry.options, "timeout": 20}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    await house.until_state(call, CallState.ENDED)

    assert call.result == "answered"
    assert states == []
    assert house.is_listening
    assert (await callee.stop()).successful == 1

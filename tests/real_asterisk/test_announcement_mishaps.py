"""Tests of announcements that something ends: nothing is left on the Asterisk."""

import asyncio
from collections.abc import AsyncIterator

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.const import DOMAIN
from scripts.support.asterisk import Asterisk, Manner, Programs, SpeakingPhoneCall

from .announcing import add_speech, announce, in_short
from .house import House, add_asterisk, until
from .proxy import Proxy


async def begin(
    house: House, asterisk: Asterisk, manner: Manner | None = None, **data: object
) -> tuple[asyncio.Task[dict[str, object]], SpeakingPhoneCall]:
    """Return an announcement whose first words are heard, and the call of the phone."""
    phone = await asterisk.speaking_phone("551", manner)
    running = asyncio.create_task(announce(house, "551", **data))
    call = await phone.call()
    await call.hears()
    await asyncio.sleep(0.5)
    return running, call


async def test_reloaded(speaking_house: House, asterisk: Asterisk) -> None:
    """The speech ends with the entry, which then works again."""
    running, call = await begin(speaking_house, asterisk, repeat=5)
    await speaking_house.hass.config_entries.async_reload(speaking_house.entry.entry_id)
    await call.ended(5)
    await asterisk.idle(5)
    response = await running
    assert response["played"] == "part"
    await speaking_house.until_listening()
    assert in_short(await announce(speaking_house, "551"))[:2] == ("answered", "full")


async def test_removed(speaking_house: House, asterisk: Asterisk) -> None:
    """Nothing is left on the Asterisk."""
    running, call = await begin(speaking_house, asterisk, repeat=5)
    await speaking_house.hass.config_entries.async_remove(speaking_house.entry.entry_id)
    await call.ended(5)
    await asterisk.idle(5)
    await asyncio.wait([running], timeout=5)
    assert running.done()
    running.exception()


async def test_stopped(speaking_house: House, asterisk: Asterisk) -> None:
    """A Home Assistant that stops ends the speech."""
    running, call = await begin(speaking_house, asterisk, repeat=5)
    await speaking_house.hass.async_stop(force=True)
    await call.ended(5)
    await asterisk.idle(5)
    running.cancel()
    await asyncio.wait([running])


async def test_asterisk_restarted(speaking_house: House, asterisk: Asterisk) -> None:
    """The call ends, and the next announcement works."""
    running, call = await begin(speaking_house, asterisk, repeat=5)
    await asterisk.restart()
    response = await running
    assert (response["result"], response["played"]) == ("answered", "part")
    await call.ended(5)
    await speaking_house.until_listening()
    assert in_short(await announce(speaking_house, "551"))[:2] == ("answered", "full")
    await asterisk.idle(5)


async def test_media_socket_cut(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """The person is not kept in silence."""
    running, call = await begin(proxied, asterisk, repeat=5)
    await proxy.cut("GET /media/")
    await call.ended(5)
    response = await running
    assert (response["result"], response["played"]) == ("answered", "part")
    await asterisk.idle(5)
    assert in_short(await announce(proxied, "551"))[:2] == ("answered", "full")


async def test_connection_cut(proxied: House, proxy: Proxy, asterisk: Asterisk) -> None:
    """Whatever is left is ended when the connection is back."""
    running, call = await begin(proxied, asterisk, repeat=5)
    async with proxy.closed():
        await until(lambda: not proxied.is_listening)
    await proxied.until_listening()
    await call.ended(20)
    response = await running
    assert response["played"] == "part"
    await asterisk.idle(5)


async def test_killed(proxied: House, proxy: Proxy, asterisk: Asterisk) -> None:
    """What a killed Home Assistant has left is ended by the next one."""
    running, call = await begin(proxied, asterisk, repeat=5)
    async with proxy.closed():
        await proxied.hass.config_entries.async_reload(proxied.entry.entry_id)
    await proxied.until_listening()
    await call.ended(20)
    await asterisk.idle(5)
    await asyncio.wait([running], timeout=5)
    assert running.done()
    running.exception()


async def test_events_cut(proxied: House, proxy: Proxy, asterisk: Asterisk) -> None:
    """Without events, for a moment, nobody stays on the phone."""
    running, call = await begin(proxied, asterisk, repeat=2)
    await proxy.cut("GET /ari/events")
    await call.ended(20)
    response = await running
    assert response["result"] == "answered"
    await asterisk.idle(5)


@pytest.fixture
async def limited(
    programs: Programs, hass: HomeAssistant, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    """Return a Home Assistant with an Asterisk that lacks the module."""
    request.getfixturevalue("enable_custom_integrations")
    async with Asterisk(programs, without=["chan_websocket"]) as asterisk:
        house = House(hass, asterisk)
        house.entry = await add_asterisk(hass, asterisk)
        await house.until_listening()
        await add_speech(hass)
        yield house


async def test_without_the_module(limited: House) -> None:
    """An error and a repair name the module; calls without speech work as before."""
    phone = await limited.asterisk.speaking_phone("551", Manner(hang_up_after=0.5))
    await limited.asterisk.phone("557")
    with pytest.raises(HomeAssistantError, match="chan_websocket"):
        await announce(limited, "551")
    assert not phone.calls
    issues = ir.async_get(limited.hass).issues
    assert any(domain == DOMAIN for domain, _ in issues)

    call = await limited.begin("551")
    await limited.until_state(call, CallState.ENDED)
    assert call.result == "answered"

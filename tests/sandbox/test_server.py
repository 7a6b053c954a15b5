"""Tests of the sandbox server."""

from pathlib import Path

import aiohttp
import pytest

from sandbox import Fault, ManualClock, Phone, Sandbox, SandboxConfig
from sandbox.server import create_app
from tests.tls import self_signed_context

from .helpers import PING, START, Pbx, session, until


async def test_it_takes_a_free_port_and_gives_it_back() -> None:
    """Two sandboxes are independent, and a stopped one does not respond."""
    async with Sandbox() as first, Sandbox() as second, session() as client:
        assert first.url != second.url
        assert first.api_url == first.url + "/api/v4"
        async with client.post(first.api_url + PING, json={}) as response:
            assert response.status == 200
        url = first.url
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(url)


async def test_a_port_that_is_taken() -> None:
    """It says so, and leaves nothing behind."""
    async with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            await Sandbox(port=port).__aenter__()


async def test_stopping_in_the_middle_of_calls(clock: ManualClock) -> None:
    """No timer is left; one that was never started can be stopped, too."""
    async with Sandbox(clock=clock) as sandbox:
        sandbox.incoming("0915", "101")
        assert clock.pending == 1
    assert clock.pending == 0
    await Sandbox().__aexit__(None, None, None)


async def test_on_real_time() -> None:
    """Without a manual clock the calls go by themselves."""
    phones = (Phone("1", after=0, hang_up_after=0),)
    async with Sandbox(SandboxConfig(phones=phones)) as sandbox:
        call = sandbox.incoming("0915", "1")
        await until(lambda: call.ended)
        assert call.result == "answered"


async def test_faults_from_the_start(clock: ManualClock) -> None:
    """The configuration can bring some."""
    config = SandboxConfig(faults=(("*", Fault("html")),))
    async with (
        Sandbox(config, clock=clock) as sandbox,
        session() as client,
        client.post(sandbox.api_url + PING, json={}) as response,
    ):
        assert response.content_type == "text/html"


async def test_changing_the_configuration(pbx: Pbx) -> None:
    """While it runs."""
    pbx.sandbox.change_phone("101", behavior="busy", after=1)
    phones = {phone.number: phone for phone in pbx.sandbox.config.phones}
    assert phones["101"].behavior == "busy"
    assert phones["102"] in SandboxConfig().phones
    call = await pbx.originate("102", "101")
    await pbx.clock.advance(10)
    assert call.result == "busy"


async def test_over_tls(tmp_path: Path) -> None:
    """With a certificate of one's own."""
    context = self_signed_context(tmp_path)
    async with (
        Sandbox(clock=ManualClock(START), ssl_context=context) as sandbox,
        session() as client,
    ):
        assert sandbox.url.startswith("https://")
        url = sandbox.api_url + PING
        async with client.post(url, json={}, ssl=False) as response:
            assert response.status == 200
        sandbox.faults.set(PING, Fault("reset"))
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.post(url, json={}, ssl=False)


def test_an_address_of_the_newer_kind() -> None:
    """The address is in brackets."""
    assert Sandbox(host="::1", port=5).url == "http://[::1]:5"
    assert create_app.__doc__

"""What is announced, from its source to the ear: media, and engines that fail."""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.pbx.speech import Speech, async_prepare
from scripts.support.asterisk import Asterisk, SpeakingPhone
from scripts.support.tones import likeness
from tests.pbx.speech.test_decoding import encoded

from .announcing import SAID, announce, in_short, is_heard
from .house import House

# MP3 is lossy.
_SAME_SOUND = 0.95


@pytest.fixture
async def site(speaking_house: House) -> AsyncIterator[str]:
    """Return the address of a web server from which media are allowed."""
    hass = speaking_house.hass
    mp3 = await hass.async_add_executor_job(lambda: encoded("mp3", pcm=SAID))
    # Stereo at 44.1 kHz.
    assert mp3[:3] == b"ID3"
    bodies = {"sound.mp3": mp3, "empty.mp3": b"", "page.mp3": b"<html></html>"}

    async def serve(request: web.Request) -> web.Response:
        body = bodies.get(request.match_info["name"])
        return web.Response(status=404) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{name}", serve)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        hass.config.allowlist_external_urls = {url}
        yield url


@pytest.fixture
async def phone(asterisk: Asterisk) -> SpeakingPhone:
    """Return a phone that answers."""
    return await asterisk.speaking_phone("551")


async def test_mp3(
    speaking_house: House, asterisk: Asterisk, site: str, phone: SpeakingPhone
) -> None:
    """Stereo at 44.1 kHz is heard as it was prepared, which is what it was made of."""
    response = await announce(speaking_house, "551", media=f"{site}sound.mp3")
    assert in_short(response)[:2] == ("answered", "full")
    call = await phone.call()
    await call.ended()
    prepared = await async_prepare(
        speaking_house.hass, Speech(media=f"{site}sound.mp3")
    )
    assert is_heard(call, prepared.pcm)
    assert likeness(prepared.pcm, SAID) > _SAME_SOUND
    await asterisk.idle(5)


async def test_nobody_is_rung(
    speaking_house: House, asterisk: Asterisk, site: str, phone: SpeakingPhone
) -> None:
    """What cannot be heard is an error before any phone rings."""
    for data in (
        {"media": f"{site}missing.mp3"},
        {"media": f"{site}empty.mp3"},
        {"media": f"{site}page.mp3"},
        {"media": "http://127.0.0.2/not-allowed.mp3"},
        {"media": "media-source://nowhere/sound.mp3"},
        {"message": "one", "tts_engine": "tts.broken"},
        {"message": "one", "tts_engine": "tts.nowhere"},
    ):
        with pytest.raises(HomeAssistantError) as raised:
            await announce(speaking_house, "551", **data)
        assert raised.value.translation_key, data
    assert not phone.messages
    assert not await asterisk.channels()

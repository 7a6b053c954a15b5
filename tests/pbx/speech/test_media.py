"""Tests of media that are read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, override

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.components import media_source, tts
from homeassistant.components.http import HomeAssistantView
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.speech import Speech, async_prepare
from scripts.support.tones import say, to_wav

from .engines import NO_FFMPEG, Engine, set_up

PCM = say("The front door is open")
WAV = to_wav(PCM)
TEXT = "The alarm code is 4711"
SECRET = "token=4711"


async def heard(hass: HomeAssistant, media: str, **more: Any) -> bytes:  # noqa: ANN401
    """Return the samples of media."""
    return (await async_prepare(hass, Speech(media=media, **more))).pcm


async def fails(hass: HomeAssistant, media: str, key: str) -> dict[str, str]:
    """Check that media cannot be heard, and return the placeholders of the error."""
    with pytest.raises(HomeAssistantError) as caught:
        await heard(hass, media)
    assert caught.value.translation_key == key
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None
    return dict(caught.value.translation_placeholders or {})


@dataclass
class Web:
    """A web server.

    Attributes:
        url: its address.
        asked: the paths that were asked for.
    """

    url: str
    asked: list[str]


def moved(place: str) -> web.Response:
    """Return a redirect."""
    return web.Response(status=302, headers={"Location": place})


ANSWERS = {
    "sound.wav": lambda: web.Response(body=WAV),
    "empty": lambda: web.Response(body=b""),
    "to_here": lambda: moved("/open/sound.wav"),
    "to_there": lambda: moved("/closed/sound.wav"),
    "round": lambda: moved("round"),
    "nowhere": lambda: moved("http://["),
    "gone": lambda: web.Response(status=404),
}


async def radio(request: web.Request) -> web.StreamResponse:
    """Send without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(2**20))


async def cut(request: web.Request) -> web.StreamResponse:
    """Send less than was announced."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(WAV[:100])
    assert request.transport is not None
    request.transport.close()
    return response


async def slow(_request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    """Return a web server with media."""
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return ANSWERS[request.path.rpartition("/")[-1]]()

    app = web.Application()
    for handler in (radio, cut, slow):
        app.router.add_get(f"/open/{handler.__name__}", handler)
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield Web(str(server.make_url("")).rstrip("/"), asked)


@pytest.fixture
def listed(hass: HomeAssistant, site: Web) -> str:
    """Return the address of media that are allowed."""
    hass.config.allowlist_external_urls = {f"{site.url}/open/"}
    return f"{site.url}/open"


# --- URLs ---


async def test_web(hass: HomeAssistant, listed: str) -> None:
    """Media of an allowed address are read."""
    assert await heard(hass, f" {listed}/sound.wav ") == PCM


async def test_redirected(hass: HomeAssistant, listed: str) -> None:
    """A redirect to an allowed address is followed."""
    assert await heard(hass, f"{listed}/to_here") == PCM


@pytest.mark.parametrize(
    "path", ["/closed/sound.wav", "/open/../closed/sound.wav", "/open.wav"]
)
@pytest.mark.usefixtures("listed")
async def test_not_listed(hass: HomeAssistant, site: Web, path: str) -> None:
    """Nothing else is asked for."""
    given = await fails(hass, f"{site.url}{path}?{SECRET}", "media_url_not_allowed")
    assert given == {"host": "127.0.0.1"}
    assert site.asked == []


async def test_no_list(hass: HomeAssistant, site: Web) -> None:
    """Without a list, no address is allowed."""
    await fails(hass, f"{site.url}/open/sound.wav", "media_url_not_allowed")
    assert site.asked == []


async def test_led_astray(hass: HomeAssistant, site: Web, listed: str) -> None:
    """A redirect does not leave the list."""
    await fails(hass, f"{listed}/to_there", "media_url_not_allowed")
    assert site.asked == ["/open/to_there"]


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("gone", "HTTP 404"),
        ("round", "TooManyRedirects"),
        ("nowhere", "ValueError"),
        ("cut", "ClientPayloadError"),
    ],
)
async def test_unreadable(
    hass: HomeAssistant, listed: str, name: str, detail: str
) -> None:
    """The error says what is wrong, without the address."""
    given = await fails(hass, f"{listed}/{name}?{SECRET}", "media_unreadable")
    assert given == {"detail": detail}


async def test_unreachable(hass: HomeAssistant, unused_tcp_port: int) -> None:
    """A server that does not run is an error."""
    address = f"http://127.0.0.1:{unused_tcp_port}/"
    hass.config.allowlist_external_urls = {address}
    await fails(hass, f"{address}sound.wav?{SECRET}", "media_unreadable")


async def test_empty(hass: HomeAssistant, listed: str) -> None:
    """Media without content are an error."""
    await fails(hass, f"{listed}/empty", "media_no_sound")


async def test_too_large(hass: HomeAssistant, listed: str) -> None:
    """Media without an end are not read any further."""
    given = await fails(hass, f"{listed}/radio", "media_too_large")
    assert given == {"megabytes": "64"}


async def test_slow(
    hass: HomeAssistant, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer is given up."""
    monkeypatch.setattr("custom_components.pbx.speech.TIMEOUT", 0.1)
    await fails(hass, f"{listed}/slow", "speech_timeout")


@pytest.mark.parametrize(
    "media", ["", "sound.wav", "/local/sound.wav", "file:///etc/passwd", "rtsp://a/b"]
)
async def test_invalid(hass: HomeAssistant, media: str) -> None:
    """Other texts are no media."""
    await fails(hass, media, "media_invalid")


@pytest.mark.parametrize("media", ["http://", "http://[", "http://a:b/"])
async def test_no_address(hass: HomeAssistant, media: str) -> None:
    """An address that is none is an error."""
    with pytest.raises(HomeAssistantError) as caught:
        await heard(hass, media)
    assert caught.value.translation_key in {
        "media_unreadable",
        "media_url_not_allowed",
    }


# --- Media sources ---


@pytest.fixture
async def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the folder of local media."""
    hass.config.media_dirs = {"local": str(tmp_path)}
    assert await async_setup_component(hass, "media_source", {})
    return tmp_path


LOCAL = "media-source://media_source/local"


async def test_local(hass: HomeAssistant, folder: Path) -> None:
    """Local media are read from the disk."""
    (folder / "sound.wav").write_bytes(WAV)
    assert await heard(hass, f"{LOCAL}/sound.wav") == PCM


@pytest.mark.parametrize(
    ("name", "detail"),
    [("gone.wav", "No such file or directory"), ("folder.wav", "Is a directory")],
)
async def test_no_file(
    hass: HomeAssistant, folder: Path, name: str, detail: str
) -> None:
    """A file that cannot be read is an error."""
    (folder / "folder.wav").mkdir()
    given = await fails(hass, f"{LOCAL}/{name}", "media_unreadable")
    assert given == {"detail": detail}


async def test_large_file(hass: HomeAssistant, folder: Path) -> None:
    """A file that is too large is not read."""
    with (folder / "sound.wav").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    await fails(hass, f"{LOCAL}/sound.wav", "media_too_large")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "media",
    [
        f"{LOCAL}/../secret.wav",
        f"{LOCAL}/no_known_type",
        "media-source://media_source/other/sound.wav",
        "media-source://unknown/sound.wav",
        "media-source://",
    ],
)
async def test_unresolvable(hass: HomeAssistant, media: str) -> None:
    """Media that no source knows are an error of the action."""
    await fails(hass, media, "media_unresolvable")


async def test_no_sources(hass: HomeAssistant) -> None:
    """Without media sources, there are no media."""
    await fails(hass, f"{LOCAL}/sound.wav", "media_unresolvable")


class _Source(media_source.MediaSource):
    """A source of one address."""

    name = "Test"

    def __init__(self, address: str) -> None:
        """Create the source."""
        super().__init__("test_source")
        self._address = address

    @override
    async def async_resolve_media(
        self, item: media_source.MediaSourceItem
    ) -> media_source.PlayMedia:
        return media_source.PlayMedia(self._address, "audio/wav")


async def add_source(hass: HomeAssistant, address: str) -> None:
    """Set up a media source of one address."""

    async def get_source(_hass: HomeAssistant) -> media_source.MediaSource:
        return _Source(address)

    platform = MockPlatform()
    platform.async_get_media_source = get_source  # type: ignore[attr-defined]
    mock_integration(hass, MockModule("test_source"))
    mock_platform(hass, "test_source.media_source", platform)
    assert await async_setup_component(hass, "test_source", {})
    assert await async_setup_component(hass, "media_source", {})


async def test_source_of_the_web(hass: HomeAssistant, site: Web) -> None:
    """The address of a media source need not be listed."""
    await add_source(hass, f"{site.url}/any/to_here")
    assert await heard(hass, "media-source://test_source/x") == PCM


async def test_source_of_another_kind(hass: HomeAssistant) -> None:
    """The address of a media source has to be one of the web."""
    await add_source(hass, "rtsp://camera/1")
    await fails(hass, "media-source://test_source/x", "media_unresolvable")


class _Sound(HomeAssistantView):
    """A sound that only a user may hear."""

    url = "/api/sound"
    name = "api:sound"

    async def get(self, _request: web.Request) -> web.Response:
        """Return the sound."""
        return web.Response(body=WAV)


async def test_own_server(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """Media of this server are read with a signed address."""
    await add_source(hass, "/api/sound")
    hass.http.register_view(_Sound)
    client = await hass_client()
    hass.config.internal_url = str(client.make_url("")).rstrip("/")
    assert (await client.get("/api/sound")).status == 200
    assert await heard(hass, "media-source://test_source/x") == PCM


async def test_no_own_address(hass: HomeAssistant) -> None:
    """Media of this server need its address."""
    await add_source(hass, "/api/sound")
    hass.config.api = None
    await fails(hass, "media-source://test_source/x", "media_unresolvable")


# --- Media sources of engines ---


async def test_spoken(hass: HomeAssistant) -> None:
    """The media source of an engine is spoken, with its options, in our format."""
    engine = Engine()
    await set_up(hass, engine)
    media = tts.generate_media_source_id(hass, TEXT, "tts.tones", "fa", {})
    assert await heard(hass, media, language="en") == say(TEXT)
    ((message, language, options),) = engine.asked
    assert (message, language) == (TEXT, "fa")
    assert options["preferred_format"] == "wav"


async def test_spoken_otherwise(hass: HomeAssistant) -> None:
    """What the media source leaves open, the action or the house decides."""
    default, other = Engine(), Engine("Other")
    await set_up(hass, default, other)
    await heard(hass, "media-source://tts/?message=one", language="fa")
    await heard(hass, "media-source://tts/?message=one", engine="tts.other")
    assert [each[:2] for each in default.asked] == [("one", "fa")]
    assert [each[:2] for each in other.asked] == [("one", "en")]


async def test_stream(hass: HomeAssistant) -> None:
    """Speech that is already being made is heard."""
    await set_up(hass, Engine(), ffmpeg=NO_FFMPEG)
    options = {"preferred_format": "wav"}
    stream = tts.async_create_stream(hass, "tts.tones", options=options)
    stream.async_set_message(TEXT)
    assert await heard(hass, stream.media_source_id) == say(TEXT)


async def test_failed_stream(hass: HomeAssistant) -> None:
    """Speech that could not be made names its engine."""

    async def broken(message: str) -> tts.TtsAudioType:
        raise ValueError(message)

    await set_up(hass, Engine("Broken", broken))
    stream = tts.async_create_stream(hass, "tts.broken")
    stream.async_set_message(TEXT)
    given = await fails(hass, stream.media_source_id, "speech_failed")
    assert given == {"engine": "tts.broken"}


@pytest.mark.parametrize(
    "rest",
    [
        "tts.tones",
        "-stream-/expired",
        "tts.tones?message=4711&tts_options={",
        "tts.tones?message=4711&tts_options=[4711]",
    ],
)
async def test_not_spoken(hass: HomeAssistant, rest: str) -> None:
    """A media source of an engine that cannot be understood is an error."""
    await set_up(hass, Engine())
    await fails(hass, f"media-source://tts/{rest}", "media_unresolvable")


async def test_no_engine(hass: HomeAssistant) -> None:
    """Without text-to-speech, nothing is spoken."""
    await fails(hass, "media-source://tts/tts.tones?message=4711", "no_speech_engine")

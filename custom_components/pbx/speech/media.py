"""Media to sound: a media source of Home Assistant, or an HTTP URL."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientResponse
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.network import is_hass_url
from yarl import URL

from ..errors import action_error, user_error
from .engine import async_speak
from .source import Speech

_SOURCE: Final = "media-source://"
_SPOKEN: Final = "media-source://tts/"
_WEB: Final = ("http://", "https://")
_MEGABYTES: Final = 64
_MOST: Final = _MEGABYTES * 1_048_576
_REDIRECTS: Final = 5
_REDIRECTED: Final = (301, 302, 303, 307, 308)


async def async_read(hass: HomeAssistant, speech: Speech) -> bytes:
    """Return the content of media.

    The media source of a text-to-speech engine is spoken by the engine.

    Raises:
        ServiceValidationError: the media are not allowed, or do not exist.
        HomeAssistantError: the media cannot be read.
    """
    media = (speech.media or "").strip()
    if media.startswith(_SPOKEN):
        return await _async_spoken(hass, media.removeprefix(_SPOKEN), speech)
    try:
        if media.startswith(_SOURCE):
            return await _async_resolve(hass, media)
        if media.lower().startswith(_WEB):
            return await _async_download(hass, media)
    except OSError as err:
        detail = err.strerror or type(err).__name__
        raise action_error("media_unreadable", detail=detail) from None
    except (ClientError, ValueError) as err:
        # Their texts contain the address.
        detail = type(err).__name__
        raise action_error("media_unreadable", detail=detail) from None
    raise user_error("media_invalid")


async def _async_spoken(hass: HomeAssistant, source: str, speech: Speech) -> bytes:
    """Return what an engine says, by the rest of its media source."""
    if "tts" not in hass.config.components:
        raise user_error("no_speech_engine")
    # Loaded with the component, not with this integration.
    from homeassistant.components import tts  # noqa: PLC0415
    from homeassistant.components.tts import media_source as spoken  # noqa: PLC0415

    try:
        parsed: Mapping[str, Any] = spoken.parse_media_source_id(source)
    except Exception:  # noqa: BLE001 - its texts contain the message
        raise user_error("media_unresolvable") from None
    if "stream" in parsed:
        stream = tts.async_get_stream(hass, parsed["stream"])
        if stream is None:
            raise user_error("media_unresolvable")
        try:
            return b"".join([chunk async for chunk in stream.async_stream_result()])
        except Exception:  # noqa: BLE001 - likewise
            raise action_error("speech_failed", engine=stream.engine) from None
    chosen = parsed["options"]
    options = chosen["options"] or {}
    if not isinstance(options, Mapping):
        raise user_error("media_unresolvable")
    said = Speech(
        message=parsed["message"],
        engine=chosen["engine"] or speech.engine,
        language=chosen["language"] or speech.language,
        options={**speech.options, **options},
    )
    return await async_speak(hass, said)


async def _async_resolve(hass: HomeAssistant, media: str) -> bytes:
    """Return the content of a media source."""
    if "media_source" not in hass.config.components:
        raise user_error("media_unresolvable")
    # Loaded with the component, not with this integration.
    from homeassistant.components import media_source  # noqa: PLC0415
    from homeassistant.components.media_player import (  # noqa: PLC0415
        async_process_play_media_url,
    )

    # Sources are of other integrations, and raise anything.
    try:
        found = await media_source.async_resolve_media(hass, media, None)
        url = found.url if found.path else async_process_play_media_url(hass, found.url)
    except Exception:  # noqa: BLE001
        raise user_error("media_unresolvable") from None
    if found.path:
        return await hass.async_add_executor_job(_read_file, found.path)
    if not url.lower().startswith(_WEB):
        raise user_error("media_unresolvable")
    # The certificate of this server is for its name, which may not be in the address.
    session = async_get_clientsession(hass, verify_ssl=not is_hass_url(hass, url))
    async with session.get(url) as response:
        return await _async_body(response)


async def _async_download(hass: HomeAssistant, media: str) -> bytes:
    """Return the content of a URL that is allowed, as each that it redirects to."""
    session, url = async_get_clientsession(hass), URL(media)
    for _ in range(_REDIRECTS):
        if not hass.config.is_allowed_external_url(str(url)):
            raise user_error("media_url_not_allowed", host=url.host or "")
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status not in _REDIRECTED or location is None:
                return await _async_body(response)
            url = url.join(URL(location))
    raise action_error("media_unreadable", detail="TooManyRedirects")


async def _async_body(response: ClientResponse) -> bytes:
    if response.status != HTTPStatus.OK:
        raise action_error("media_unreadable", detail=f"HTTP {response.status}")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MOST:
            raise _too_large()
    return bytes(body)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise _too_large()
    return content


def _too_large() -> Exception:
    return user_error("media_too_large", megabytes=str(_MEGABYTES))

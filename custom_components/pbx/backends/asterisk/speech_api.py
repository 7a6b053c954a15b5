"""The requests that play audio to a phone: a media channel in a bridge with it.

Source: Asterisk's documentation of ARI and of `chan_websocket`, and measurements with
an Asterisk 22.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import aiohttp

from ..errors import CallNotFoundError, DeniedError, PbxError, PbxErrorCode
from ..http import check_open, transport_error
from .access import Access, Timeouts
from .api import Api
from .errors import answer_error
from .models import parse_version

# Asterisk's module that plays audio of a WebSocket.
MODULE: Final = "chan_websocket.so"
_CONNECTION: Final = "MEDIA_WEBSOCKET_CONNECTION_ID"
# Seconds that each key sounds, and between two.
_KEY_TIME, _KEY_PAUSE = 0.12, 0.1
# The number of phones whose media channels are connected at once. Asterisk accepts ten
# new connections at a time: the next one would be tried again after a second.
_AT_ONCE: Final = 3
# Seconds that the closing handshake may take.
_CLOSE_TIMEOUT: Final = 1


def media_id(call_id: str) -> str:
    """Return the id of the media channel of a call.

    Asterisk accepts it only as long as the channel of the call was created before.
    """
    return f"{call_id}-m"


def bridge_id(call_id: str) -> str:
    """Return the id of the bridge in which a phone hears its media channel.

    It differs from that of the bridge in which two parties talk afterward.
    """
    return f"{call_id}-s"


def call_of(object_id: str) -> str:
    """Return the id of the call that a media channel or a bridge belongs to.

    Returns:
        Empty if it does not have such an id.
    """
    call_id, _, kind = object_id.rpartition("-")
    return call_id if kind in {"m", "s"} else ""


class SpeechApi:
    """The requests that play audio to a phone.

    Args:
        api: sends them.
        session: owned by the caller.
        access: the PBX's address.
        timeouts: of requests.

    Attributes:
        connecting: to be held while the media channel of a phone is connected.
    """

    def __init__(
        self,
        api: Api,
        session: aiohttp.ClientSession,
        access: Access,
        timeouts: Timeouts,
    ) -> None:
        """Initialize; nothing is sent."""
        self._api = api
        self._session = session
        self._access = access
        self._timeouts = timeouts
        self.connecting = asyncio.Semaphore(_AT_ONCE)

    async def check(self) -> None:
        """Check that Asterisk can play audio of a WebSocket.

        Raises:
            DeniedError: it cannot; the detail names the module and the version.
            PbxError: a request failed.
        """
        answer = await self._api.request("GET", f"asterisk/modules/{MODULE}")
        if answer.is_success and _field(answer.data, "status") == "Running":
            return
        if not (answer.is_success or answer.is_missing):
            raise answer_error(answer)
        info = await self._api.request("GET", "asterisk/info")
        system = info.data.get("system") if isinstance(info.data, Mapping) else None
        words = f"no {MODULE}, Asterisk {parse_version(system)}".rstrip()
        raise DeniedError(PbxErrorCode.NO_SPEECH, words)

    async def send_keys(self, channel_id: str, keys: str) -> float:
        """Send keys to the phone of a channel in our application.

        Returns:
            The seconds until they are sent.

        Raises:
            CallNotFoundError: the channel has ended.
            PbxError: the request failed otherwise.
        """
        value = {
            "dtmf": keys,
            "duration": round(_KEY_TIME * 1000),
            "between": round(_KEY_PAUSE * 1000),
        }
        await self._api.act_on_channel("POST", f"{channel_id}/dtmf", value)
        return len(keys) * (_KEY_TIME + _KEY_PAUSE)

    async def create_media(self, call_id: str) -> str:
        """Create the media channel of a call, and return the id of its WebSocket.

        Raises:
            PbxError: the request failed.
        """
        answer = await self._api.request(
            "POST",
            "channels/externalMedia",
            {
                "channelId": media_id(call_id),
                "app": self._access.application,
                "external_host": "INCOMING",
                "transport": "websocket",
                "encapsulation": "none",
                "connection_type": "server",
                "format": "slin16",
                # Any other format than the documented ones ends the whole Asterisk.
                "transport_data": "f(json)",
            },
        )
        if not answer.is_success:
            raise answer_error(answer)
        connection = _field(_value(answer.data, "channelvars"), _CONNECTION)
        if not connection:
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, f"no {_CONNECTION}")
        return connection

    async def connect_media(self, connection: str) -> aiohttp.ClientWebSocketResponse:
        """Connect to the WebSocket of a media channel.

        Raises:
            PbxError: connecting failed.
        """
        check_open(self._session)
        try:
            async with asyncio.timeout(self._timeouts.request):
                return await self._session.ws_connect(
                    self._access.base_url.parent / "media" / connection,
                    protocols=("media",),
                    autoping=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                )
        except TimeoutError as err:
            words = f"no response within {self._timeouts.request:g} s"
            raise PbxError(PbxErrorCode.TIMEOUT, words) from err
        except aiohttp.WSServerHandshakeError as err:
            words = f"media connection: HTTP {err.status}"
            raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, words) from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise transport_error(err, self._access.secrets()) from None

    async def close_media(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Close the WebSocket of a media channel, in a second at most."""
        # The timeout of the handshake restarts with each message, such as audio.
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await socket.close()

    async def create_bridge(self, call_id: str) -> None:
        """Create the bridge in which a phone hears its media channel.

        Raises:
            PbxError: the request failed.
        """
        value = {"type": "mixing,dtmf_events", "name": self._access.application}
        await self._post(f"bridges/{bridge_id(call_id)}", value)

    async def join(self, call_id: str) -> None:
        """Let a phone hear its media channel.

        Raises:
            PbxError: the request failed.
        """
        value = {"channel": [call_id, media_id(call_id)]}
        await self._post(f"bridges/{bridge_id(call_id)}/addChannel", value)

    async def delete_bridge(self, identifier: str) -> None:
        """Delete a bridge; its channels stay.

        Raises:
            CallNotFoundError: it does not exist.
            PbxError: the request failed otherwise.
        """
        answer = await self._api.request("DELETE", f"bridges/{identifier}")
        if answer.is_missing:
            raise CallNotFoundError(answer.message)
        if not answer.is_success:
            raise answer_error(answer)

    async def _post(self, path: str, value: Mapping[str, Any]) -> None:
        answer = await self._api.request("POST", path, value)
        if not answer.is_success:
            raise answer_error(answer)


def _value(data: object, name: str) -> object:
    return data.get(name) if isinstance(data, Mapping) else None


def _field(data: object, name: str) -> str:
    value = _value(data, name)
    return value if isinstance(value, str) else ""

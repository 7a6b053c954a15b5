"""Requests about the channels and the bridge of a caller in our application."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from .client import AsteriskClient
from .errors import answer_error
from .fields import mapping_in, text_in
from .line import Line, longest
from .models import quoted_caller_id

# Keys of both parties are reported only if Asterisk itself passes on the voice.
_WITH_KEYS: Final = "mixing,dtmf_events"
_WITHOUT_KEYS: Final = "mixing"


class LineRequests:
    """Sends the requests, each of which raises `PbxError` if it fails."""

    def __init__(self, client: AsteriskClient) -> None:
        """Initialize; nothing is sent."""
        self._client = client
        self._api = client.api

    async def ring(self, line: Line, seconds: int) -> None:
        """Let the caller hear ringing, for some seconds at most.

        Raises:
            CallNotFoundError: the caller has hung up.
        """
        await self._limit(line.caller, seconds)
        await self._api.act_on_channel("POST", f"{line.caller}/ring")

    async def call(self, line: Line) -> None:
        """Call the callee, at most once.

        Raises:
            CallUncertainError: the callee may have been called, or not.
        """
        request = line.request
        if request.caller_id is None and not line.caller_id:
            channel = await self._client.get_channel(line.caller)
            line.caller_id = caller_id_of(channel or {})
        body = line.body(self._client.application)
        await self._client.call_from_application(request, body)

    async def connect(self, line: Line) -> None:
        """Let both parties talk; this can be repeated.

        Raises:
            CallNotFoundError: the caller has hung up.
        """
        kind = _WITH_KEYS if line.request.takes_keys else _WITHOUT_KEYS
        path, channels = f"bridges/{line.bridge}", [line.caller, line.callee]
        await self._api.act_on_channel("DELETE", f"{line.caller}/ring")
        # It exists already when this is repeated.
        await self._post(path, {"type": kind}, HTTPStatus.CONFLICT)
        await self._post(f"{path}/addChannel", {"channel": channels})
        await self._limit(line.caller, longest(line.request))

    async def delete_bridge(self, bridge_id: str) -> None:
        """Delete a bridge, unless it does not exist."""
        answer = await self._api.request("DELETE", f"bridges/{bridge_id}")
        if not (answer.is_success or answer.is_missing):
            raise answer_error(answer)

    async def send_keys(self, channel_id: str, keys: str) -> None:
        """Send keys to a party.

        Raises:
            CallNotFoundError: the party has hung up.
        """
        await self._api.act_on_channel("POST", f"{channel_id}/dtmf", {"dtmf": keys})

    async def _limit(self, channel_id: str, seconds: int) -> None:
        value = {"variable": "TIMEOUT(absolute)", "value": str(seconds)}
        await self._api.act_on_channel("POST", f"{channel_id}/variable", value)

    async def _post(
        self, path: str, value: Mapping[str, Any], *accepted: HTTPStatus
    ) -> None:
        answer = await self._api.request("POST", path, value)
        if not answer.is_success and answer.status not in accepted:
            raise answer_error(answer)


def caller_id_of(channel: Mapping[str, Any]) -> str:
    """Return the caller ID of a channel; empty if it has none."""
    caller = mapping_in(channel, "caller")
    number = text_in(caller, "number")
    return quoted_caller_id(text_in(caller, "name"), number) if number else ""

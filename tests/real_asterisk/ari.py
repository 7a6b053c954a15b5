"""A call that is placed through ARI, without the integration."""

from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, encode_basic_auth

from scripts.support.asterisk import CONTEXT, Asterisk


@dataclass(frozen=True, slots=True)
class Told:
    """The events of a call.

    Attributes:
        caller: how the dialing of who was rung first went.
        callee: likewise, of whom that one was to reach.
        cause: why the first leg ended.
    """

    caller: str
    callee: str
    cause: int


class Ari:
    """An ARI session, with all of its events."""

    _events: ClientWebSocketResponse

    def __init__(self, asterisk: Asterisk) -> None:
        """Initialize the session."""
        login = encode_basic_auth(asterisk.username, asterisk.password)
        self._session = ClientSession(
            f"{asterisk.url}/ari/", headers={"Authorization": login}
        )

    async def __aenter__(self) -> Self:
        """Listen to the events."""
        self._events = await self._session.ws_connect(
            "events?app=test&subscribeAll=true"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._events.close()
        await self._session.close()

    async def place(
        self, caller: str = "557", callee: str = "552", *, ring_time: int = 15
    ) -> str:
        """Place a call, and return the id of its first leg."""
        question = {
            "endpoint": caller if "/" in caller else f"PJSIP/{caller}",
            "context": CONTEXT,
            "extension": callee,
            "priority": "1",
            "callerId": "Doorbell <100>",
            "timeout": str(ring_time),
        }
        async with self._session.post("channels", params=question) as response:
            response.raise_for_status()
            channel: dict[str, Any] = await response.json()
            return str(channel["id"])

    async def ring(self, phone: str = "557") -> str:
        """Ring a phone into this session, and return the id of its channel."""
        question = {"endpoint": f"PJSIP/{phone}", "app": "test", "timeout": "15"}
        async with self._session.post("channels", params=question) as response:
            response.raise_for_status()
            channel: dict[str, Any] = await response.json()
            return str(channel["id"])

    async def send_keys(self, channel: str, keys: str) -> None:
        """Send keys to a phone that was rung into this session."""
        async with self._session.post(
            f"channels/{channel}/dtmf", params={"dtmf": keys}
        ) as response:
            response.raise_for_status()

    async def hang_up(self, channel: str) -> None:
        """Hang up a call."""
        async with self._session.delete(f"channels/{channel}") as response:
            response.raise_for_status()

    async def end_of(self, channel: str) -> Told:
        """Wait until a call has ended, and return its events."""
        caller = callee = ""
        async for message in self._events:
            event = message.json()
            if event["type"] == "Dial":
                if event.get("caller", {}).get("id") == channel:
                    callee = event["dialstatus"]
                elif event["peer"]["id"] == channel:
                    caller = event["dialstatus"]
            elif (
                event["type"] == "ChannelDestroyed"
                and event["channel"]["id"] == channel
            ):
                return Told(caller, callee, event["cause"])
        raise AssertionError("the events ended before the call")

"""An Asterisk: calls are placed by its REST interface, and reported by its events."""

import asyncio
from collections.abc import Mapping
from typing import Final

from ..base import (
    CallRequest,
    CallUncertainError,
    Clock,
    Directory,
    Memory,
    PbxError,
    PbxInfo,
    Placed,
    Sink,
)
from ..reconnect import first_of, wait_for
from ..updates import CallState, CallUpdate
from .channels import ChannelTemplates
from .client import AsteriskClient
from .legs import Legs
from .limits import LimitKeeper
from .listener import Listener
from .looks import Looks

# Seconds without anybody dialed, after which the dialplan itself has answered.
ANSWERS_ITSELF: Final = 2
# Seconds after which limits are looked at, whether or not anything has happened.
_LONGEST_WAIT: Final = 60


class AsteriskBackend:
    """One Asterisk; meets `Backend`.

    Asterisk neither ends a callee's ringing nor a conversation in time: that is done
    here, where it is known what rings.
    """

    def __init__(
        self,
        client: AsteriskClient,
        templates: ChannelTemplates,
        _memory: Memory,
        sink: Sink,
        clock: Clock,
    ) -> None:
        """Initialize the backend; nothing is sent."""
        self._client = client
        self._sink = sink
        self._clock = clock
        self._legs = Legs(templates)
        moved = asyncio.Event()
        self._looks = Looks(client, self._legs, sink, clock, moved)
        self._listener = Listener(client, self._legs, sink, clock, self._looks)
        self._limits = LimitKeeper(client, self._legs, clock, self._looks.ask)
        self._is_running = False
        # Calls that the dialplan itself has answered, as was reported.
        self._answered: set[str] = set()

    async def ping(self) -> PbxInfo:
        """Ask whether the PBX is there, knows us, and lets us place calls."""
        info = await self._client.ping()
        if not self._listener.is_connected:
            # It may have been away, and is back.
            self._listener.reconnect.set()
        return info

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its id is the name of the request."""
        await self._wait_tried()
        # Its events may be here before the answer is.
        self._legs.expect(request)
        try:
            placed = await self._client.originate(request)
        except CallUncertainError:
            self._looks.doubt(self._clock.time(), request.timeout)
            raise
        except PbxError:
            self._legs.forget(request.call_id)
            raise
        if placed.ended is not None:
            self._legs.forget(request.call_id)
        return placed

    async def hang_up(self, call_id: str) -> None:
        """End a call, whoever is ringing or talking."""
        await self._client.hang_up(call_id)

    async def directory(self) -> Directory:
        """Return the endpoints: phones and trunks."""
        return await self._client.directory()

    async def receive(self, fields: Mapping[str, object]) -> str:
        """Understand nothing: an Asterisk sends nothing to an address of ours."""
        del fields
        return ""

    async def run(self) -> None:
        """Listen, look after the open calls, and keep them within their limits."""
        self._is_running = True
        for call in self._sink.open_calls():
            self._legs.restore(call, self._client.clock_offset)
            if call.is_uncertain and call.request is not None:
                self._looks.doubt(call.began_at, call.request.timeout)
        try:
            await first_of(
                self._listener.listen(),
                self._looks.look_after(),
                self._keep_limits(),
            )
        finally:
            self._is_running = False
            self._listener.tried.clear()

    async def _wait_tried(self) -> None:
        """Wait for the first connection, but not for ever.

        Where it failed, or was lost again, nobody knows for how long.
        """
        tried = self._listener.tried
        if self._is_running and not tried.is_set():
            await first_of(
                tried.wait(), self._clock.sleep(self._client.timeouts.events)
            )

    async def _keep_limits(self) -> None:
        while True:
            await self._limits.end_due()
            self._report_answered()
            wait = min(self._limits.next_due(), self._next_answer(), _LONGEST_WAIT)
            await wait_for(self._listener.moved, self._clock, wait)

    def _report_answered(self) -> None:
        """Report the calls that the dialplan itself has answered: nobody is dialed."""
        known = {leg.id for leg in self._legs}
        self._answered &= known
        now = self._clock.time()
        for leg in self._legs:
            since = self._up_without_dialing(leg.id)
            if since is not None and now - since >= ANSWERS_ITSELF:
                self._answered.add(leg.id)
                self._sink.call(
                    CallUpdate(
                        state=CallState.CONNECTED, originated_call_id=leg.id, at=since
                    )
                )

    def _next_answer(self) -> float:
        now = self._clock.time()
        waits = [
            max(since + ANSWERS_ITSELF - now, 0)
            for leg in self._legs
            if (since := self._up_without_dialing(leg.id)) is not None
        ]
        return min(waits, default=_LONGEST_WAIT)

    def _up_without_dialing(self, call_id: str) -> float | None:
        """Return since when a call from here is up without anybody being dialed."""
        leg = self._legs.get(call_id)
        if leg is None or leg.request is None or leg.dialed or leg.is_answered:
            return None
        return None if call_id in self._answered else leg.up_since

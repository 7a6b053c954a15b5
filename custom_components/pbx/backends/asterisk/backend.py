"""An Asterisk: calls are placed by its REST interface, and reported by its events."""

import asyncio
from collections.abc import Mapping
import math
from typing import Final

from ..base import (
    CallRequest,
    CallUncertainError,
    Clock,
    Directory,
    Memory,
    PbxError,
    Placed,
    Sink,
)
from ..reconnect import first_of, wait_for
from ..updates import CallState, CallUpdate
from .channels import ChannelTemplates
from .client import AsteriskClient
from .leg import ANSWERS_ITSELF, Leg
from .legs import Legs
from .limits import LimitKeeper
from .listener import Listener
from .looks import Looks

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

    async def ping(self) -> None:
        """Ask whether the PBX is there, knows us, and lets us place calls."""
        await self._client.ping()
        if not self._listener.is_connected:
            # It may have been away, and is back.
            self._listener.reconnect.set()
            self._looks.ask()

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call into the dialplan; its id is the name of the request."""
        await self._wait_tried()
        # Its events may be here before the answer is.
        self._legs.expect(request)
        began_at = self._clock.time()
        try:
            placed = await self._client.originate(request)
        except CallUncertainError:
            self._looks.mark_uncertain(self._clock.time(), request.timeout)
            raise
        except PbxError:
            self._legs.forget(request.call_id)
            raise
        if placed.ended is None:
            self._looks.watch(began_at)
        else:
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
                self._looks.mark_uncertain(call.began_at, call.request.timeout)
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
        self._answered &= {leg.id for leg in self._legs}
        now = self._clock.time()
        for leg in self._legs:
            if self._answers_at(leg) <= now:
                self._answered.add(leg.id)
                self._sink.call(
                    CallUpdate(
                        state=CallState.CONNECTED,
                        originated_call_id=leg.id,
                        at=leg.up_since,
                    )
                )

    def _next_answer(self) -> float:
        at = min(map(self._answers_at, self._legs), default=math.inf)
        return max(at - self._clock.time(), 0)

    def _answers_at(self, leg: Leg) -> float:
        """Return when the dialplan itself will have answered; infinity for never."""
        since = leg.alone_from(is_heard=self._listener.is_connected)
        if since is None or leg.id in self._answered:
            return math.inf
        return since + ANSWERS_ITSELF

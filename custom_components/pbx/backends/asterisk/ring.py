"""Ring a phone of an Asterisk to show whether calls can be placed.

The phone is rung into an ARI application of its own: the event stream of the PBX stays
as it is, and no one else is called. The person who answers hears a sound, and Asterisk
is asked whether the dialplan context of calls has an extension for the callee.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
import logging
import secrets
from typing import Any, Final

from ..base import CallRequest, Clock
from ..errors import CallNotFoundError, CallUncertainError, PbxError, PbxErrorCode
from ..reconnect import first_of, wait_for
from ..ring_result import RingOutcome, RingResult
from ..updates import CallResult
from .causes import UNKNOWN_CAUSE, cause_name, result_of_callee
from .client import AsteriskClient
from .fields import mapping_in, text_in

_LOGGER = logging.getLogger(__name__)

# Seconds after the ring time in which Asterisk reports that the phone was not answered.
MARGIN: Final = 10
# Seconds for which the person who has answered hears the sounds.
LISTENING_TIME: Final = 5
# A recording that most Asterisks have, then a beep every second. The beeps never end.
SOUNDS: Final = ("sound:hello-world", "tone:440/300,0/700")

_RINGS: Final = frozenset({"RINGING", "PROGRESS"})


async def ring_phone(
    client: AsteriskClient, request: CallRequest, clock: Clock
) -> RingResult:
    """Ring the caller of a request, as `Backend.ring` does."""
    name = f"{client.application}-ring-{secrets.token_hex(4)}"
    own = client.for_application(name)
    async with own.listen() as events:
        ring = _Ring(own, request, clock)
        await first_of(ring.follow(events), ring.run())
    return ring.result


class _Ring:
    """One phone that is rung.

    Attributes:
        result: what it has shown, after `run`.
    """

    def __init__(
        self, client: AsteriskClient, request: CallRequest, clock: Clock
    ) -> None:
        """Initialize the ring; nothing is sent."""
        self.result = RingResult(RingOutcome.NO_ANSWER)
        self._client = client
        self._request = request
        self._clock = clock
        self._has_rung = False
        self._is_answered = False
        self._cause: int | None = None
        # Set when the phone is answered, and when its channel has ended.
        self._changed = asyncio.Event()
        # Channels to which the phone forwards the call.
        self._forwarded: set[str] = set()

    async def follow(self, events: AsyncIterator[Mapping[str, Any]]) -> None:
        """Handle events until the connection is lost.

        Raises:
            PbxError: the connection was lost.
        """
        async for event in events:
            self._handle(event)

    async def run(self) -> None:
        """Ring the phone, and hang up in any case.

        Raises:
            PbxError: a request failed.
        """
        placing = asyncio.ensure_future(self._client.ring(self._request))
        try:
            self.result = await self._ring(placing)
        finally:
            # Hanging up a channel that is about to be created would not end it.
            with suppress(PbxError):
                await placing
            await self._hang_up()

    async def _ring(self, placing: asyncio.Future[Any]) -> RingResult:
        channel = self._client.channel_of(self._request)
        try:
            placed = await asyncio.shield(placing)
        except CallUncertainError:
            # The events show whether the phone rings.
            pass
        except PbxError as err:
            if err.code is PbxErrorCode.ENDPOINT_NOT_FOUND:
                return RingResult(RingOutcome.NO_ENDPOINT, channel)
            raise
        else:
            if placed.ended is not None:
                return RingResult(RingOutcome.UNREACHABLE, channel)
        await wait_for(self._changed, self._clock, self._request.timeout + MARGIN)
        if self._is_answered:
            return await self._talk()
        if self._cause is None:
            return RingResult(RingOutcome.NO_ANSWER, channel)
        return self._refusal(self._cause, channel)

    async def _talk(self) -> RingResult:
        """Play the sounds, and check the dialplan context meanwhile."""
        call_id = self._request.call_id
        context, callee = self._request.context, self._request.callee
        # Asterisk does not evaluate functions while it plays.
        has_extension = await self._client.has_extension(call_id, context, callee)
        for sound in SOUNDS:
            await self._client.play(call_id, sound)
        await wait_for(self._changed, self._clock, LISTENING_TIME)
        if has_extension is False:
            return RingResult(RingOutcome.NO_EXTENSION)
        return RingResult(RingOutcome.WORKS)

    def _refusal(self, cause: int, channel: str) -> RingResult:
        match result_of_callee(cause):
            case CallResult.BUSY:
                return RingResult(RingOutcome.BUSY, channel)
            case CallResult.DECLINED:
                return RingResult(RingOutcome.DECLINED, channel)
            case CallResult.NO_ANSWER if self._has_rung:
                return RingResult(RingOutcome.NO_ANSWER, channel)
            case CallResult.NO_ANSWER:
                return RingResult(RingOutcome.UNREACHABLE, channel)
            case _:
                return RingResult(RingOutcome.FAILED, cause_name(cause))

    def _handle(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind == "Dial":
            self._dialed(event)
            return
        channel = mapping_in(event, "channel")
        if text_in(channel, "id") != self._request.call_id:
            return
        if kind == "ChannelStateChange" and text_in(channel, "state") == "Ringing":
            self._has_rung = True
        elif kind == "StasisStart":
            self._is_answered = True
            self._changed.set()
        elif kind == "ChannelDestroyed":
            cause = event.get("cause")
            self._cause = cause if isinstance(cause, int) else UNKNOWN_CAUSE
            self._changed.set()

    def _dialed(self, event: Mapping[str, Any]) -> None:
        if text_in(mapping_in(event, "peer"), "id") != self._request.call_id:
            return
        if text_in(event, "dialstatus") in _RINGS:
            self._has_rung = True
        if forwarded := text_in(mapping_in(event, "forwarded"), "id"):
            self._forwarded.add(forwarded)

    async def _hang_up(self) -> None:
        own = set() if self._cause is not None else {self._request.call_id}
        for channel_id in own | self._forwarded:
            try:
                await self._client.hang_up(channel_id)
            except CallNotFoundError:
                # It was not created, or has ended.
                pass
            except PbxError as err:
                _LOGGER.warning("Failed to hang up the phone that was rung: %s", err)

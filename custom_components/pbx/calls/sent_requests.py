"""The requests that were sent to a PBX, and the same request again.

A double tap, or the bouncing contact of a doorbell, asks for a call that already rings:
no second call is placed, and the response is that of the first one.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from homeassistant.core import callback

from ..backends.base import CallRequest
from ..backends.errors import CallUncertainError, PbxError
from ..backends.updates import CallState
from .call import Call
from .number_plan import NumberPlan
from .tracker import CallTracker
from .waiters import Waiters

# Seconds in which the same request again is the same call.
WINDOW: Final = 3
# Seconds for which such a request waits for the end of a call that is being hung up.
_ENDING_TIMEOUT: Final = 1

type _Response = asyncio.Task[PbxError | None]


class SentRequests:
    """The requests of one PBX, while they are sent and shortly afterwards."""

    def __init__(
        self, tracker: CallTracker, waiters: Waiters, clock: Callable[[], float]
    ) -> None:
        """Initialize without requests.

        Args:
            tracker: tracks the calls.
            waiters: wait for the calls.
            clock: returns the Unix time.
        """
        self._tracker = tracker
        self._waiters = waiters
        self._clock = clock
        self._responses: dict[Call, _Response] = {}

    @callback
    def add(self, call: Call, response: _Response) -> None:
        """Add a request that is sent, whose task returns the error, if any."""
        self._responses = {
            call: task
            for call, task in self._responses.items()
            if not task.done() or self._is_recent(call)
        }
        self._responses[call] = response

    async def response(self, call: Call) -> PbxError | None:
        """Return why a call was not placed, or may not have been.

        Cancellation does not interrupt the request.
        """
        if (task := self._responses.get(call)) is not None:
            return await asyncio.shield(task)
        return CallUncertainError(call.error) if call.is_uncertain else None

    async def wait_for_response(self, call: Call) -> None:
        """Wait until the PBX has responded to the request for a call, if it is sent."""
        if (task := self._responses.get(call)) is not None:
            await asyncio.wait([task])

    @callback
    def on_response(self, call: Call, function: Callable[[_Response], object]) -> None:
        """Call a function when the PBX has responded to a request that is sent."""
        self._responses[call].add_done_callback(function)

    async def wait_for_end(self, request: CallRequest, plan: NumberPlan) -> bool:
        """Wait for the end of the same call that is being hung up, for a moment.

        Returns:
            Whether there is such a call.

        Raises:
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        ending = [call for call in self._same(request, plan) if call.is_ending]
        if ending:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_TIMEOUT):
                    await self._waiters.wait(ending[-1], CallState.ENDED)
        return bool(ending)

    @callback
    def find(self, request: CallRequest, plan: NumberPlan) -> Call | None:
        """Return the ringing call that a request asks for once more."""
        same = [call for call in self._same(request, plan) if not call.is_ending]
        return same[-1] if same else None

    @callback
    def group_of(self, requests: Iterable[CallRequest], plan: NumberPlan) -> str | None:
        """Return the group of the phones that ring for one of some requests."""
        calls = (self.find(request, plan) for request in requests)
        groups = (call.request.group for call in calls if call and call.request)
        return next(groups, None)

    def _same(self, request: CallRequest, plan: NumberPlan) -> list[Call]:
        """Return the ringing calls between the parties of a request, oldest first."""
        return [
            call
            for call in self._tracker.open.placed
            if call.request is not None
            and not call.is_over
            and call.state is not CallState.CONNECTED
            and self._is_recent(call)
            and _is_same(call.request, request, plan)
        ]

    def _is_recent(self, call: Call) -> bool:
        return abs(self._clock() - call.began_at) < WINDOW


def _is_same(known: CallRequest, request: CallRequest, plan: NumberPlan) -> bool:
    """Return whether two requests are for the same parties and kind of call."""
    return (
        plan.is_same(known.caller, request.caller)
        and plan.is_same(known.callee, request.callee)
        and (known.group is None) == (request.group is None)
        and known.is_signal == request.is_signal
        and known.announcement == request.announcement
        and known.held_call == request.held_call
    )

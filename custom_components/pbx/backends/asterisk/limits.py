"""Enforce the ring time and the call limit of calls, as Asterisk does not."""

from collections.abc import Callable
import logging
import math
from typing import Final

from ..base import Clock
from ..errors import CallNotFoundError, PbxError
from .client import AsteriskClient
from .leg import Leg
from .legs import Legs
from .models import channels_by_id

_LOGGER = logging.getLogger(__name__)

# Seconds until hanging up a call is retried.
RETRY_DELAY: Final = 5


class LimitEnforcer:
    """Hangs up calls of this integration that exceed their ring time or call limit."""

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        clock: Clock,
        request_poll: Callable[[], None],
    ) -> None:
        """Initialize the enforcer.

        Args:
            client: hangs up the calls.
            legs: the calls that are followed.
            clock: measures the limits.
            request_poll: called if events were missed, to have the open calls polled.
        """
        self._client = client
        self._request_poll = request_poll
        self._legs = legs
        self._clock = clock
        # When to retry hanging up a call, by its id; infinity after a success.
        self._retry_at: dict[str, float] = {}

    def next_due(self) -> float:
        """Return the seconds until the next limit expires; infinity for no limit."""
        now = self._clock.time()
        return max(min(map(self._due_at, self._legs), default=math.inf) - now, 0)

    async def end_due(self) -> None:
        """Hang up the calls whose limit has expired."""
        now = self._clock.time()
        for leg in self._legs:
            if self._due_at(leg) <= now:
                await self._end(leg)
        known = {leg.id for leg in self._legs}
        self._retry_at = {
            each: at for each, at in self._retry_at.items() if each in known
        }

    def _due_at(self, leg: Leg) -> float:
        due = due_at(leg)
        return math.inf if due is None else max(due, self._retry_at.get(leg.id, 0))

    async def _end(self, leg: Leg) -> None:
        is_first = leg.id not in self._retry_at
        self._retry_at[leg.id] = self._clock.time() + RETRY_DELAY
        try:
            if not await self._is_still_due(leg):
                return
            # A caller may stay on the line for the next callee.
            channel_id = leg.dialing_id if leg.ringing_since else leg.id
            await self._client.hang_up(channel_id)
        except CallNotFoundError:
            # It has ended already, which the poll reports.
            self._request_poll()
        except PbxError as err:
            if is_first:
                _LOGGER.warning(
                    "Failed to hang up a call that exceeded its limit, retrying: %s",
                    err,
                )
            return
        self._retry_at[leg.id] = math.inf

    async def _is_still_due(self, leg: Leg) -> bool:
        """Return whether a call exceeds its limit, by its current state on the PBX.

        Events about an answer or the ringing may have been missed.

        Raises:
            PbxError: the request failed.
        """
        if leg.is_answered:
            return True
        is_talking = self._client.is_talking
        if not leg.is_spoken_to and await is_talking(leg.dialing_id):
            self._request_poll()
            return False
        channels = channels_by_id(await self._client.list_objects("channels"))
        now = self._clock.time()
        dialing = channels.get(leg.dialing_id, {})
        leg.catch_up(channels.get(leg.id, {}), dialing, None, now)
        leg.update_ringing(channels, now, now + self._client.clock_offset)
        due = due_at(leg)
        return due is not None and due <= now


def due_at(leg: Leg) -> float | None:
    """Return the Unix time at which a call must be hung up; None for no limit.

    Asterisk itself limits how long the caller rings, as set in the request. The ring
    time applies while a phone of the callee rings, and restarts for each phone. The
    call limit applies between two phones, after the last one, and if the dialplan
    itself has answered. An announcement is a part of the call, unless another party is
    connected afterward: then the limit counts from its answer.
    """
    if leg.request is None:
        return None
    limit = leg.request.call_limit
    if leg.is_answered:
        since = leg.answered_since
    elif leg.ringing_since:
        return max(leg.ringing_since.values()) + leg.request.timeout
    elif leg.not_ringing_since is not None:
        since = leg.not_ringing_since
    elif leg.request.announcement and leg.request.announcement.connect_to:
        since = leg.no_callee_since
    else:
        since = leg.up_since
    return None if limit is None or since is None else since + limit

"""Ends what rings or talks for too long: an Asterisk itself does not."""

from collections.abc import Callable
import logging
import math
from typing import Final

from ..base import CallNotFoundError, Clock, PbxError
from .client import AsteriskClient
from .leg import Leg
from .legs import Legs
from .models import channels_by_id

_LOGGER = logging.getLogger(__name__)

# Seconds until a call that could not be ended is tried again.
RETRY_DELAY: Final = 5


class LimitKeeper:
    """Keeps calls from here within their ring time and their call limit."""

    def __init__(
        self,
        client: AsteriskClient,
        legs: Legs,
        clock: Clock,
        ask: Callable[[], None],
    ) -> None:
        """Initialize the keeper of the calls that legs are followed of.

        Args:
            client: ends them.
            legs: of the calls.
            clock: the time.
            ask: has the open calls looked at, as events were lost.
        """
        self._client = client
        self._ask = ask
        self._legs = legs
        self._clock = clock
        # When a call may be ended again, after an attempt; never after a success.
        self._retry_at: dict[str, float] = {}

    def next_due(self) -> float:
        """Return in how many seconds there may be something to end, or infinity."""
        now = self._clock.time()
        return max(min(map(self._due_at, self._legs), default=math.inf) - now, 0)

    async def end_due(self) -> None:
        """End what is due."""
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
            if not await self._is_due_still(leg):
                return
            await self._client.hang_up(leg.id)
        except CallNotFoundError:
            # It has ended by itself, which is reported in another way.
            self._ask()
        except PbxError as err:
            if is_first:
                _LOGGER.warning(
                    "A call has reached its limit and could not be ended, retrying: %s",
                    err,
                )
            return
        self._retry_at[leg.id] = math.inf

    async def _is_due_still(self, leg: Leg) -> bool:
        """Return whether a call is to be ended, by what the PBX says now.

        That somebody has answered, rings, or rings no more, may not have been heard.

        Raises:
            PbxError: the PBX did not tell.
        """
        if leg.is_answered:
            return True
        if await self._client.talks(leg.id):
            self._ask()
            return False
        channels = channels_by_id(await self._client.rows("channels"))
        now = self._clock.time()
        leg.catch_up(channels.get(leg.id, {}), None, now)
        leg.look_for_ringing(channels, now, now + self._client.clock_offset)
        due = due_at(leg)
        return due is not None and due <= now


def due_at(leg: Leg) -> float | None:
    """Return the Unix time at which a call is to be ended as it stands, if ever.

    How long the caller rings is Asterisk's own affair: it is told in the request.
    The ring time counts while a phone of the callee rings, anew for each: between
    two of them, after the last, and where the dialplan itself has answered, the call
    limit counts.
    """
    if leg.request is None:
        return None
    limit = leg.request.call_limit
    if leg.is_answered:
        since = leg.answered_since
    elif leg.ringing_since:
        return max(leg.ringing_since.values()) + leg.request.timeout
    else:
        since = leg.up_since if leg.quiet_since is None else leg.quiet_since
    return None if limit is None or since is None else since + limit

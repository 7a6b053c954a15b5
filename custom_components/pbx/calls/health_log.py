"""What the log says of how well a PBX can be heard: each loss once, and each return."""

import logging
from typing import Final

from homeassistant.util import dt as dt_util

from ..backends.base import Channel, ChannelState, PbxError

_LOGGER = logging.getLogger(__name__)

# Seconds after its return in which a channel that is lost again has never been back.
_STABLE: Final = 60


class HealthLog:
    """The lines of one PBX."""

    def __init__(self) -> None:
        """Initialize the log of a PBX of which nothing has been said."""
        self._told: set[Channel] = set()
        self._back_at: dict[Channel, float] = {}

    def changed(
        self,
        title: str,
        channel: Channel,
        state: ChannelState,
        error: PbxError | None,
    ) -> None:
        """Say that a channel was lost, or is back, unless that has been said.

        Args:
            title: of the PBX.
            channel: whose state has changed.
            state: that it has come to.
            error: why it cannot be heard, where that is known.
        """
        if state is ChannelState.OK:
            self._back(title, channel)
        elif channel not in self._told and not self._comes_and_goes(channel, state):
            self._told.add(channel)
            reason = error or state
            _LOGGER.warning("%s cannot be heard by its %s: %s", title, channel, reason)

    def _back(self, title: str, channel: Channel) -> None:
        if channel in self._told:
            self._told.discard(channel)
            _LOGGER.info("%s can be heard by its %s again", title, channel)
        elif channel not in self._back_at:
            # It has never been lost.
            return
        self._back_at[channel] = dt_util.utcnow().timestamp()

    def _comes_and_goes(self, channel: Channel, state: ChannelState) -> bool:
        if state is not ChannelState.RECONNECTING or channel not in self._back_at:
            return False
        return dt_util.utcnow().timestamp() - self._back_at[channel] < _STABLE

"""Log the health of PBX channels: each loss once, and each recovery."""

import logging
from typing import Final

from homeassistant.util import dt as dt_util

from ..backends.base import Channel, ChannelState
from ..backends.errors import PbxError

_LOGGER = logging.getLogger(__name__)

_NAMES: Final = {
    Channel.STREAM: "Event stream",
    Channel.EVENTS: "Events",
    Channel.REPORT: "Call report",
}

# Seconds after a reconnection in which another loss is not logged as a new one.
_FLAPPING_TIME: Final = 60


class HealthLog:
    """Logs the health of one PBX."""

    def __init__(self) -> None:
        """Initialize the log without any lost channels."""
        self._lost: set[Channel] = set()
        self._restored_at: dict[Channel, float] = {}

    def log_change(
        self,
        title: str,
        channel: Channel,
        state: ChannelState,
        error: PbxError | None,
    ) -> None:
        """Log that a channel was lost or restored, unless that is already logged.

        Args:
            title: title of the PBX.
            channel: channel whose state changed.
            state: new state of the channel.
            error: reason of the state, if known.
        """
        if state is ChannelState.OK:
            self._log_restored(title, channel)
            return
        if channel in self._lost or self._is_flapping(channel, state):
            return
        self._lost.add(channel)
        name = _NAMES[channel]
        if state is not ChannelState.RECONNECTING:
            _LOGGER.warning("%s of %s unavailable: %s", name, title, error or state)
        elif error is None:
            _LOGGER.warning("%s of %s lost, reconnecting", name, title)
        else:
            _LOGGER.warning("%s of %s lost, reconnecting: %s", name, title, error)

    def _log_restored(self, title: str, channel: Channel) -> None:
        if channel in self._lost:
            self._lost.discard(channel)
            _LOGGER.info("%s of %s restored", _NAMES[channel], title)
        elif channel not in self._restored_at:
            # The channel is available for the first time.
            return
        self._restored_at[channel] = dt_util.utcnow().timestamp()

    def _is_flapping(self, channel: Channel, state: ChannelState) -> bool:
        if state is not ChannelState.RECONNECTING or channel not in self._restored_at:
            return False
        return (
            dt_util.utcnow().timestamp() - self._restored_at[channel] < _FLAPPING_TIME
        )

"""Reading the report for the call log, and what the log needs from time to time."""

from datetime import datetime, timedelta
import logging
from typing import Any, Final, Protocol, runtime_checkable

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from ..backends.base import Channel, ChannelState
from ..backends.errors import PbxError
from ..const import DOMAIN
from .call_log import CallLog
from .link import PbxLink

_LOGGER = logging.getLogger(__name__)

# Between two readings where no events come, and two looks at the log.
INTERVAL: Final = timedelta(minutes=5)


@runtime_checkable
class ReportReader(Protocol):
    """A backend whose PBX has a report of the calls that have ended."""

    async def catch_up(self, cursor: str) -> str:
        """Report the ends of all calls since a reading, and return its new cursor.

        Args:
            cursor: that was returned before; empty to begin now, with no call.

        Raises:
            PbxError: the request failed; the same cursor can be used again.
        """


class LogReading:
    """Keeps the log of a PBX complete and tidy."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], log: CallLog, link: PbxLink
    ) -> None:
        """Initialize it; nothing is read.

        Args:
            hass: Home Assistant.
            entry: of the PBX.
            log: of its calls.
            link: to the PBX.
        """
        self._hass = hass
        self._entry = entry
        self._log = log
        self._link = link
        self._cancel: CALLBACK_TYPE | None = None
        self._is_reading = False

    @callback
    def start(self) -> None:
        """Look at the log every few minutes, until stopped."""
        self._cancel = async_track_time_interval(
            self._hass, self._tick, INTERVAL, name=f"{DOMAIN} call log"
        )

    @callback
    def stop(self) -> None:
        """Stop looking at the log."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _tick(self, _now: datetime) -> None:
        self._log.tidy()
        if self._link.health.get(Channel.EVENTS) is not ChannelState.OK:
            self.async_read()

    @callback
    def async_read(self) -> None:
        """Read the report in the background, if the PBX has one."""
        reader = self._link.backend
        if self._is_reading or not self._log.is_enabled:
            return
        if Channel.REPORT not in self._link.kind.channels:
            return
        if isinstance(reader, ReportReader):
            self._is_reading = True
            self._entry.async_create_background_task(
                self._hass, self._async_read(reader), f"{DOMAIN} call log"
            )

    async def _async_read(self, reader: ReportReader) -> None:
        store, address = self._log.store, self._entry.data[CONF_URL]
        cursor = store.cursor if store.address == address else ""
        try:
            cursor = await reader.catch_up(cursor)
        except PbxError as err:
            # The next reading continues there.
            _LOGGER.debug("The report of %s was not read: %s", self._entry.title, err)
        else:
            if self._log.is_enabled:
                store.set_cursor(cursor, address)
        finally:
            self._is_reading = False

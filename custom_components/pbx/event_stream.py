"""Keeps the connection on which a PBX tells what happens."""

import asyncio
import logging
import random

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .client import (
    EventStream,
    InvalidCredentialsError,
    PbxError,
    StreamTakenOverError,
)
from .const import DOMAIN
from .coordinator import PbxConfigEntry
from .evidence import PbxEvent
from .intake import async_take_event, async_take_evidence

_LOGGER = logging.getLogger(__name__)

# Seconds until a lost connection is made again: soon at first, and later at
# longer intervals, each of them shortened at random, so that not everybody comes
# back to a restarted PBX at once.
FIRST_DELAY = 1
MAX_DELAY = 60
GROWTH = 2
JITTER = 0.5
# Seconds after which a connection counts as one that holds.
STABLE = 60


class StreamListener:
    """Listens to the PBX of a config entry, over every loss of the connection."""

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, stream: EventStream
    ) -> None:
        """Connect to nothing yet."""
        self._hass = hass
        self._entry = entry
        self._stream = stream
        self._tracker = entry.runtime_data.tracking.tracker
        self._events = entry.runtime_data.events
        self._coordinator = entry.runtime_data.coordinator
        self._delay: float = FIRST_DELAY
        self._is_told = False

    @callback
    def async_start(self) -> None:
        """Listen until the entry is unloaded."""
        self._entry.async_create_background_task(
            self._hass, self._async_run(), f"pbx events {self._entry.entry_id}"
        )

    async def _async_run(self) -> None:
        while True:
            try:
                await self._async_listen()
            except StreamTakenOverError:
                # The two would take it from each other for ever.
                self._raise_issue()
                return
            except PbxError as err:
                self._lost(err)
            # No shared helper: nobody but this task waits here.
            await asyncio.sleep(self._delay * random.uniform(1 - JITTER, 1))  # noqa: S311
            self._delay = min(self._delay * GROWTH, MAX_DELAY)

    async def _async_listen(self) -> None:
        """Pass on what the PBX tells, as long as the connection holds.

        Raises:
            PbxError: it does not hold, or was never made.
        """
        loop = self._hass.loop
        async with self._stream.listen() as events:
            since = loop.time()
            try:
                await self._async_settle()
                self._connected()
                async for told in events:
                    if isinstance(told, PbxEvent):
                        async_take_event(self._hass, self._entry, told)
                    else:
                        async_take_evidence(self._entry, told)
            finally:
                self._set_connected(is_connected=False)
                if loop.time() - since > STABLE:
                    self._delay = FIRST_DELAY

    async def _async_settle(self) -> None:
        """Learn what has become of the calls while nobody listened."""
        calls = {
            call.originated_call_id: call.reached
            for call in self._tracker.outstanding
            if call.originated_call_id
        }
        if calls:
            for evidence in await self._stream.settle(calls):
                async_take_evidence(self._entry, evidence)

    @callback
    def _set_connected(self, *, is_connected: bool) -> None:
        self._events.set_connected(is_connected=is_connected)
        # What is known by events alone is not known any more, or may be again.
        self._coordinator.async_update_listeners()

    @callback
    def _connected(self) -> None:
        self._set_connected(is_connected=True)
        ir.async_delete_issue(self._hass, DOMAIN, _issue_id(self._entry))
        if self._is_told:
            self._is_told = False
            _LOGGER.info("%s tells its events again", self._entry.title)

    @callback
    def _lost(self, err: PbxError) -> None:
        if isinstance(err, InvalidCredentialsError):
            self._entry.async_start_reauth(self._hass)
        # One that comes and goes is told of once.
        if self._delay == FIRST_DELAY and not self._is_told:
            self._is_told = True
            _LOGGER.warning(
                "%s does not tell its events any more, which is tried again: %s",
                self._entry.title,
                err,
            )

    @callback
    def _raise_issue(self) -> None:
        """Tell the owner that somebody else listens in our place."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            _issue_id(self._entry),
            data={"entry_id": self._entry.entry_id},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="stream_taken_over",
            translation_placeholders={"pbx": self._entry.title},
        )


@callback
def async_forget_stream(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Take back what was said of the events of an entry that is removed."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry))


def _issue_id(entry: PbxConfigEntry) -> str:
    return f"stream_taken_over_{entry.entry_id}"

"""Keeps the connection on which a PBX tells what happens, and asks where it fails."""

import asyncio
from collections.abc import Coroutine, Set as AbstractSet
from contextlib import suppress
import logging
import random
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .backends.base import (
    EventStream,
    InvalidCredentialsError,
    PbxError,
    StreamTakenOverError,
)
from .backends.updates import CallEvidence, CallResult, CallState, PbxEvent
from .calls.call import Call
from .const import DOMAIN
from .coordinator import PbxConfigEntry
from .event_inbox import StreamState
from .intake import async_take_event, async_take_evidence
from .signals import SIGNAL_PING

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
# Seconds between two looks at the calls: the end of one that is missing may lie
# unread in the connection. And until the first look at one whose request failed.
SECOND_LOOK = 2
# After so many pings, one a minute, the owner is told that there is no connection.
PINGS_WITHOUT = 5


class StreamListener:
    """Listens to the PBX of a config entry, over every loss of the connection."""

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, stream: EventStream
    ) -> None:
        """Connect to nothing yet."""
        self._hass = hass
        self._entry = entry
        self._stream = stream
        self._tracking = entry.runtime_data.tracking
        self._events = entry.runtime_data.events
        self._coordinator = entry.runtime_data.coordinator
        self._delay: float = FIRST_DELAY
        self._is_told = False
        self._pings_without = 0
        # Whether something may have been missed that was not asked for since.
        self._has_missed = True
        self._looking = asyncio.Lock()
        self._abandoned = asyncio.Event()

    @callback
    def async_start(self) -> None:
        """Listen until the entry is unloaded."""
        entry = self._entry
        entry.async_on_unload(
            async_dispatcher_connect(self._hass, SIGNAL_PING, self._pinged)
        )
        entry.async_on_unload(self._tracking.tracker.add_listener(self._call_changed))
        entry.async_create_background_task(
            self._hass, self._async_run(), f"pbx events {entry.entry_id}"
        )

    async def _async_run(self) -> None:
        while True:
            try:
                await self._async_listen()
            except StreamTakenOverError:
                # The two would take it from each other for ever.
                self._set_state(StreamState.TAKEN_OVER)
                self._raise_issue("stream_taken_over", is_fixable=True)
                await self._async_pause(None)
                continue
            except PbxError as err:
                self._lost(err)
            # No shared helper: nobody but this task waits here.
            await self._async_pause(self._delay * random.uniform(1 - JITTER, 1))  # noqa: S311
            self._delay = min(self._delay * GROWTH, MAX_DELAY)

    async def _async_pause(self, seconds: float | None) -> None:
        """Wait, but no longer than somebody else listens in our place."""
        self._abandoned.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._abandoned.wait()

    async def _async_listen(self) -> None:
        """Pass on what the PBX tells, as long as the connection holds.

        Raises:
            PbxError: it does not hold, or was never made.
        """
        loop = self._hass.loop
        async with self._stream.listen() as events:
            since = loop.time()
            self._connected()
            # What has ended meanwhile may have been told already, so it is read on.
            self._ask(self._async_settle())
            try:
                async for told in events:
                    if isinstance(told, PbxEvent):
                        async_take_event(self._hass, self._entry, told)
                    else:
                        async_take_evidence(self._entry, told)
            finally:
                if loop.time() - since > STABLE:
                    self._delay = FIRST_DELAY

    @callback
    def _pinged(self, entry_id: str) -> None:
        if entry_id == self._entry.entry_id:
            self._ask(self._async_check())

    @callback
    def _call_changed(self, call: Call, state: CallState) -> None:
        if state is CallState.PLACED and call.is_uncertain:
            self._ask(self._async_look_for(call))

    @callback
    def _ask(self, asking: Coroutine[Any, Any, None]) -> None:
        """Ask the PBX what nobody has told."""
        self._entry.async_create_background_task(
            self._hass, _async_try(asking), f"pbx look {self._entry.entry_id}"
        )

    async def _async_check(self) -> None:
        """Ask whether anybody listens, and what has become of the calls.

        Raises:
            PbxError: the PBX did not tell.
        """
        if await self._stream.is_abandoned():
            self._abandoned.set()
        if self._events.state is StreamState.DISCONNECTED:
            self._pings_without += 1
            if self._pings_without == PINGS_WITHOUT:
                self._raise_issue("stream_down", is_fixable=False)
        if self._has_missed or None in self._open_calls().values():
            await self._async_settle()

    async def _async_look_for(self, call: Call) -> None:
        """Ask for a call whose request failed: soon, and when both have rung.

        Raises:
            PbxError: the PBX did not tell at last.
        """
        await asyncio.sleep(SECOND_LOOK)
        with suppress(PbxError):
            await self._async_settle()
        await asyncio.sleep(2 * call.request.timeout - SECOND_LOOK)
        await self._async_settle()

    async def _async_settle(self) -> None:
        """Ask what has become of the calls that are on.

        Raises:
            PbxError: the PBX did not tell.
        """
        missed: AbstractSet[str] = frozenset()
        async with self._looking:
            for pause in (0, SECOND_LOOK):
                await asyncio.sleep(pause)
                if not (calls := self._open_calls()):
                    break
                settled = await self._stream.settle(calls, missed)
                for evidence in settled.evidence:
                    self._take(evidence)
                if not (missed := settled.missing):
                    break
            self._has_missed = not self._events.is_connected

    def _open_calls(self) -> dict[str, CallState | None]:
        return {
            call.originated_call_id: None if call.is_uncertain else call.reached
            for call in self._tracking.tracker.outstanding
            if call.originated_call_id and not call.is_requested
        }

    @callback
    def _take(self, evidence: CallEvidence) -> None:
        call = self._tracking.tracker.observe(evidence)
        if call is not None and evidence.result is CallResult.FAILED:
            # The PBX has never heard of it.
            self._tracking.history.take_back(call.requested_at, call.callee_identity)

    @callback
    def _set_state(self, state: StreamState) -> None:
        self._has_missed |= state is not StreamState.CONNECTED
        if self._events.state is not state:
            self._events.state = state
            # What is known by events alone is not known any more, or may be again.
            self._coordinator.async_update_listeners()

    @callback
    def _connected(self) -> None:
        self._set_state(StreamState.CONNECTED)
        self._pings_without = 0
        async_forget_stream(self._hass, self._entry)
        if self._is_told:
            self._is_told = False
            _LOGGER.info("%s tells its events again", self._entry.title)

    @callback
    def _lost(self, err: PbxError) -> None:
        self._set_state(StreamState.DISCONNECTED)
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
    def _raise_issue(self, key: str, *, is_fixable: bool) -> None:
        """Tell the owner why the events are not heard."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{key}_{self._entry.entry_id}",
            data={"entry_id": self._entry.entry_id},
            is_fixable=is_fixable,
            severity=ir.IssueSeverity.ERROR,
            translation_key=key,
            translation_placeholders={"pbx": self._entry.title},
        )


@callback
def async_forget_stream(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Take back what was said of the events of an entry."""
    for key in ("stream_taken_over", "stream_down"):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")


async def _async_try(asking: Coroutine[Any, Any, None]) -> None:
    """Ask the PBX; what it does not tell is asked again with the next ping."""
    try:
        await asking
    except PbxError as err:
        _LOGGER.debug("The PBX does not tell what became of calls: %s", err)

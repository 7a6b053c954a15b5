"""The manager of a PBX's calls, which persists across reloads of the config entry.

A reload during a call must end neither the call nor the action that waits for it, so
the manager is not part of the entry's runtime data.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalType

from ..backends.base import Backend, CallRequest, Channel, OpenCall, Placed
from ..backends.errors import CallUncertainError, CredentialsError, PbxError
from ..backends.kind import PbxKind
from ..backends.redaction import mask_number
from ..backends.updates import CallResult, CallState, CallUpdate, KeyUpdate
from ..const import CONF_MAX_TALK_TIME, DOMAIN, MAX_TALK_TIME_RANGE
from ..errors import translated_error
from .call import Call
from .call_log import CallLog
from .call_log_store import CallLogStore
from .changes import CallChanged, Change, KeyPressed, Listener, SettingsChanged
from .contacts import PhoneBook
from .guard import Guard
from .link import PbxLink
from .log_reading import LogReading
from .rules import CallOrigin
from .sent_requests import SentRequests
from .storage import CallStore
from .timer import DeadlineTimer
from .tracker import DEFAULT_MAX_TALK_TIME, CallTracker
from .waiters import Waiters

_LOGGER = logging.getLogger(__name__)

# Seconds between two checks for a place: calls that are not followed free theirs as
# time passes.
_PLACE_INTERVAL: Final = 5

DATA_MANAGERS: HassKey[dict[str, CallManager]] = HassKey(f"{DOMAIN}_managers")

SIGNAL_CHANGE: SignalType[CallManager, Change] = SignalType(f"{DOMAIN}_change")
"""Sent for each change of any PBX."""


class CallManager:
    """Places, tracks and stores the calls of one config entry.

    Attributes:
        hass: Home Assistant.
        entry: config entry of the PBX.
        link: connection to the PBX.
        tracker: tracks the calls.
        store: keeps the calls across restarts.
        log: all calls, those that have ended included.
        reading: keeps the log complete and tidy.
        guard: applies the dialing rules.
        requests: that were sent to the PBX.
        waiters: wait for its calls.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Initialize the manager of a PBX that is not loaded."""
        self.hass = hass
        self.entry = entry
        self.link = PbxLink(hass, entry, self)
        self.waiters = Waiters()
        self.tracker = CallTracker(_now, self._call_changed, self.waiters.call_changed)
        self.store = CallStore(hass, entry.entry_id, self._placed_calls)
        self.log = CallLog(self, CallLogStore(hass, entry.entry_id), _now)
        self.reading = LogReading(hass, entry, self.log, self.link)
        self.guard = Guard(self)
        self._book: PhoneBook | None = None
        self._listeners: dict[Listener, None] = {}
        self.requests = SentRequests(self.tracker, self.waiters, _now)
        # Placed calls that listeners have not been notified of yet.
        self._unreported: deque[Call] = deque()
        self._timer = DeadlineTimer(hass, self.tracker)
        self._is_removed = False
        self._is_stopping = False
        self._unsubscribe: list[Callable[[], object]] = [
            entry.add_update_listener(_async_entry_updated),
            hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._handle_stop),
        ]

    def _placed_calls(self) -> list[Call]:
        return list(self.tracker.open.placed)

    @property
    def kind(self) -> PbxKind:
        """Kind of the PBX."""
        return self.link.kind

    @property
    def is_closing(self) -> bool:
        """Whether the PBX was removed, or Home Assistant is stopping."""
        return self._is_removed or self._is_stopping or self.hass.is_stopping

    @property
    def book(self) -> PhoneBook:
        """The phone book, rebuilt when its settings change."""
        if self._book is None or self._book.plan.region != self.hass.config.country:
            region = self.hass.config.country
            self._book = PhoneBook(self.hass, self.entry, region)
        return self._book

    async def async_load(self) -> None:
        """Restore the calls that were open when Home Assistant stopped."""
        calls = await self.store.async_load(_now())
        for call in calls:
            if call.request is not None and call.is_uncertain:
                self.guard.mark_uncertain(call, call.request)
        self.tracker.restore(calls)
        await self.log.async_load()
        self.reading.start()
        self._timer.set()

    @callback
    def async_attach(self) -> Backend:
        """Create the backend of an entry that is being set up."""
        self.store.async_set_address(self.entry.data[CONF_URL])
        self._apply_options()
        self.guard.set_limited(None)
        return self.link.attach(self.store.memory)

    async def async_remove(self) -> None:
        """Handle the removal of the PBX; later updates are ignored."""
        self._is_removed = True
        self.link.remove()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._timer.stop()
        self.reading.stop()
        self.waiters.close("pbx_removed")
        self._listeners.clear()
        await self.link.remove_sounds(self.store.memory)
        await self.store.async_remove()
        await self.log.async_remove()

    @callback
    def on_remove(self, function: Callable[[], object]) -> None:
        """Register a function to call when the PBX is removed."""
        self._unsubscribe.append(function)

    @callback
    def _handle_stop(self, _event: Event) -> None:
        """Cancel the timer and all waiting, as Home Assistant is stopping."""
        self._is_stopping = True
        self.link.stop()
        self._timer.stop()
        self.reading.stop()
        self.waiters.close("stopping")

    @callback
    def async_settings_changed(self) -> None:
        """Apply changed settings; only changed connection data reloads the entry."""
        self._book = None
        self._apply_options()
        self.notify(SettingsChanged())
        if self.link.settings_changed():
            self.hass.config_entries.async_schedule_reload(self.entry.entry_id)

    def _apply_options(self) -> None:
        # Kinds with a stream do not have the option: their calls are also polled, so
        # long calls are known to continue.
        has_stream = Channel.STREAM in self.kind.channels
        default = MAX_TALK_TIME_RANGE[1] if has_stream else DEFAULT_MAX_TALK_TIME
        options = self.entry.options
        self.tracker.max_talk_time = options.get(CONF_MAX_TALK_TIME, default)

    async def place(self, request: CallRequest, origin: CallOrigin) -> Call:
        """Place a call and return it; it is tracked from then on.

        Cancellation does not interrupt the request, whose answer is still processed.

        Raises:
            ServiceValidationError: a dialing rule refused the call.
            HomeAssistantError: the PBX did not place the call, or it is uncertain.
        """
        call = await self.begin(request, origin)
        if (error := await self.response(call)) is not None:
            raise translated_error(HomeAssistantError, error, self) from error
        return call

    async def begin(self, request: CallRequest, origin: CallOrigin) -> Call:
        """Send the request for a call and return the call, before the PBX responds.

        The same request again, while the call rings, returns that call.

        Raises:
            ServiceValidationError: a dialing rule refused the call.
            HomeAssistantError: the PBX is not loaded.
        """
        backend = await self.link.wait_for_backend()
        self.guard.check_numbers([request], origin)
        if await self.requests.wait_for_end(request, self.book.plan):
            # The entry may have been reloaded meanwhile.
            backend = await self.link.wait_for_backend()
        # No await from here to the tracker, or concurrent requests could exceed the
        # limits, or place the same call twice.
        if (same := self.requests.find(request, self.book.plan)) is not None:
            return same
        self.guard.check(request, origin)
        call = self.tracker.add(request)
        self.guard.record(call)
        self.log.note_asked_by(call, origin.asked_by)
        self.store.async_save()
        task = self.hass.async_create_task(
            self._async_originate(backend, call, request),
            f"pbx originate {self.entry.entry_id}",
        )
        self.requests.add(call, task)
        return call

    async def response(self, call: Call) -> PbxError | None:
        """Wait for the response to the request for a call and return the error, if any.

        After a `CallUncertainError`, the call may have been placed; after any other
        error, it was not.
        """
        try:
            error = await self.requests.response(call)
        except asyncio.CancelledError:
            self.requests.on_response(call, self._request_abandoned)
            raise
        # The action continues first, then listeners are notified.
        self.hass.loop.call_soon(self._report_placed)
        return error

    @callback
    def _request_abandoned(self, task: asyncio.Task[PbxError | None]) -> None:
        """Process the answer to a request whose action was canceled."""
        self._report_placed()
        if not task.cancelled() and (error := task.result()) is not None:
            translated = translated_error(HomeAssistantError, error, self)
            _LOGGER.warning(
                "Error from a call whose action was canceled: %s", translated
            )

    async def _async_originate(
        self, backend: Backend, call: Call, request: CallRequest
    ) -> PbxError | None:
        """Send the request to the PBX once and process the answer."""
        if _LOGGER.isEnabledFor(logging.DEBUG):
            parties = mask_number(request.caller), mask_number(request.callee)
            _LOGGER.debug("Placing a call from %s to %s", *parties)
        try:
            placed = await backend.originate(request)
        except CallUncertainError as err:
            self.guard.mark_uncertain(call, request)
            self.tracker.mark_uncertain(call, str(err), err.call_id)
            return err
        except PbxError as err:
            self.tracker.undo(call, str(err))
            self.guard.undo(call)
            self.log.forget_request(call)
            # Otherwise, the call would be restored after a restart.
            self.store.async_save()
            if isinstance(err, CredentialsError):
                self.link.start_reauth(backend)
            return err
        except BaseException:
            # Home Assistant is stopping, or there is a bug.
            self.guard.mark_uncertain(call, request)
            self.tracker.mark_uncertain(call, "The request was interrupted")
            raise
        else:
            self._handle_answer(call, request, placed)
            return None
        finally:
            # Updates that were held until the answer may have moved the deadline.
            self._timer.set()

    def _handle_answer(self, call: Call, request: CallRequest, placed: Placed) -> None:
        """Process the response of the PBX to a request that placed a call."""
        self.tracker.confirm(call, placed.call_id)
        if placed.ended is not None:
            self.tracker.observe(
                CallUpdate(
                    state=CallState.ENDED,
                    originated_call_id=placed.call_id or request.call_id,
                    result=placed.ended,
                )
            )

    @callback
    def release(self, call: Call) -> None:
        """Let another call take the place of one among the concurrent calls."""
        call.is_released = True
        self.waiters.call_changed(call)

    async def wait_for_place(self, origin: CallOrigin) -> None:
        """Wait until the rules allow another concurrent call.

        Raises:
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        while not self.guard.has_place(origin):
            await self.waiters.change(_PLACE_INTERVAL)

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener on each change; return a function that unsubscribes it."""
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None) and None

    @callback
    def observe(self, update: CallUpdate) -> None:
        """Process an update about a call."""
        if self._is_removed:
            return
        call = self.tracker.observe(update)
        self._timer.set()
        self.log.observe(update, call)
        if call is None or call.request is None:
            return
        self.guard.record_second(call)
        if not call.error:
            return
        # The response to the request was lost: the update shows whether the PBX placed
        # the call.
        if call.result is CallResult.FAILED and call.reached is CallState.PLACED:
            self.guard.undo(call)
        elif not call.is_uncertain:
            self.guard.confirm(call)

    @callback
    def key_pressed(self, update: KeyUpdate) -> None:
        """Process a key that was pressed in a call."""
        call = self.tracker.open.get(update.originated_call_id)
        if call is not None and not self._is_removed:
            self.notify(KeyPressed(call, update.digit, update.side))

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""
        return [call.as_open_call() for call in self.tracker.open]

    @callback
    def _call_changed(self, call: Call, state: CallState) -> None:
        self.log.call_changed(call)
        # Keep the order of changes.
        self._report_placed()
        if state is CallState.PLACED and call.request is not None:
            self._unreported.append(call)
        else:
            self.notify(CallChanged(call, state))
        self.store.async_save()
        self._timer.set()
        self.waiters.call_changed(call)

    @callback
    def _report_placed(self) -> None:
        while self._unreported and not self._is_removed:
            self.notify(CallChanged(self._unreported.popleft(), CallState.PLACED))

    @callback
    def notify(self, change: Change) -> None:
        """Notify all listeners of a change, even if one of them fails."""
        self.log.changed(change)
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                _LOGGER.exception("Error in a listener of %s", self.entry.title)
        async_dispatcher_send(self.hass, SIGNAL_CHANGE, self, change)


async def async_get_manager(
    hass: HomeAssistant, entry: ConfigEntry[Any]
) -> CallManager:
    """Return the manager of a config entry, creating and loading it if needed."""
    managers = hass.data.setdefault(DATA_MANAGERS, {})
    if (manager := managers.get(entry.entry_id)) is None:
        manager = CallManager(hass, entry)
        await manager.async_load()
        managers[entry.entry_id] = manager
    return manager


async def _async_entry_updated(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Apply changed settings of an entry in any state."""
    if manager := hass.data.get(DATA_MANAGERS, {}).get(entry.entry_id):
        manager.async_settings_changed()


def _now() -> float:
    return dt_util.utcnow().timestamp()

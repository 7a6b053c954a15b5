"""The one owner of a PBX's calls, over reloads of its config entry.

It outlives the entry's runtime data: a reload in the middle of a call must end
neither the call nor the action that waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalType

from ..backends.base import (
    Backend,
    CallNotFoundError,
    CallRequest,
    CallUncertainError,
    Channel,
    CredentialsError,
    Feature,
    OpenCall,
    PbxError,
    PbxErrorCode,
    PbxKind,
    Placed,
)
from ..backends.redaction import mask_number
from ..backends.updates import CallResult, CallState, CallUpdate
from ..const import CONF_MAX_TALK_TIME, DOMAIN, MAX_TALK_TIME_RANGE
from ..errors import translated_error
from .call import Call
from .changes import CallChanged, Change, Listener, SettingsChanged
from .contacts import PhoneBook
from .guard import Guard
from .link import PbxLink
from .rules import Origin
from .storage import CallStore
from .timer import DeadlineTimer
from .tracker import DEFAULT_MAX_TALK_TIME, CallTracker
from .waiters import Waiters

_LOGGER = logging.getLogger(__name__)

DATA_MANAGERS: HassKey[dict[str, CallManager]] = HassKey(f"{DOMAIN}_managers")

SIGNAL_CHANGE: SignalType[CallManager, Change] = SignalType(f"{DOMAIN}_change")
"""Something has changed at one of the PBXs."""


class CallManager:
    """Owns the calls of one config entry.

    Attributes:
        entry: of the PBX.
        link: to the PBX.
        tracker: the calls themselves.
        store: what a restart must not lose.
        guard: applies the rules.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Initialize the manager of a PBX that is not loaded."""
        self.hass = hass
        self.entry = entry
        self.link = PbxLink(hass, entry, self)
        self.tracker = CallTracker(_now, self._call_changed)
        self.store = CallStore(hass, entry.entry_id, self._placed_calls)
        self.guard = Guard(self)
        self._book: PhoneBook | None = None
        self._data = dict(entry.data)
        self._listeners: dict[Listener, None] = {}
        self._waiters = Waiters()
        # Calls that were placed, of which nobody has been notified yet.
        self._placed: deque[Call] = deque()
        self._timer = DeadlineTimer(hass, self.tracker)
        self._is_removed = False
        self._is_stopping = False
        self._unsubscribe: list[Callable[[], object]] = [
            entry.add_update_listener(_async_entry_updated),
            hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._stop),
        ]

    def _placed_calls(self) -> list[Call]:
        return list(self.tracker.open.placed)

    @property
    def kind(self) -> PbxKind:
        """Of the PBX."""
        return self.link.kind

    @property
    def is_over(self) -> bool:
        """Whether the PBX was removed, or Home Assistant is stopping."""
        return self._is_removed or self._is_stopping or self.hass.is_stopping

    @property
    def book(self) -> PhoneBook:
        """The contacts, and the plan by which numbers are compared."""
        if self._book is None or self._book.plan.region != self.hass.config.country:
            self._book = PhoneBook(self.entry, self.hass.config.country)
        return self._book

    # --- life -----------------------------------------------------------------

    async def async_load(self) -> None:
        """Go on with what was open when Home Assistant was stopped."""
        calls = await self.store.async_load(_now())
        for call in calls:
            if call.request is not None and call.is_uncertain:
                self.guard.mark_uncertain(call, call.request)
        self.tracker.restore(calls)
        self._timer.set()

    @callback
    def async_attach(self) -> Backend:
        """Make the backend of an entry that is being set up."""
        self.store.async_set_address(self.entry.data[CONF_URL])
        self._data = dict(self.entry.data)
        self._take_options()
        self.guard.set_limited(None)
        return self.link.attach(self.store.memory)

    async def async_remove(self) -> None:
        """Give up: the PBX is removed, and an answer still on its way too late."""
        self._is_removed = True
        self.link.remove()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._timer.stop()
        self._waiters.end("pbx_removed")
        self._listeners.clear()
        await self.store.async_remove()

    @callback
    def on_remove(self, function: Callable[[], object]) -> None:
        """Call back when the PBX is removed."""
        self._unsubscribe.append(function)

    @callback
    def _stop(self, _event: Event) -> None:
        """Start no timer anymore, and end what waits."""
        self._is_stopping = True
        self.link.stop()
        self._timer.stop()
        self._waiters.end("stopping")

    @callback
    def async_settings_changed(self) -> None:
        """Take new settings: a new address or login reloads, nothing else does."""
        self._book = None
        self._take_options()
        self.notify(SettingsChanged())
        if self.entry.data != self._data:
            self._data = dict(self.entry.data)
            self.hass.config_entries.async_schedule_reload(self.entry.entry_id)

    def _take_options(self) -> None:
        # What is lost of a stream is asked for afterward: a talk that goes on is
        # known to go on, and has no option.
        has_stream = Channel.STREAM in self.kind.channels
        default = MAX_TALK_TIME_RANGE[1] if has_stream else DEFAULT_MAX_TALK_TIME
        options = self.entry.options
        self.tracker.max_talk_time = options.get(CONF_MAX_TALK_TIME, default)

    # --- calls ----------------------------------------------------------------

    async def place(self, request: CallRequest, origin: Origin) -> Call:
        """Place a call, and return it: it is followed from here on.

        A caller that is canceled does not tear the request: its answer is taken.

        Raises:
            ServiceValidationError: a rule is against it.
            HomeAssistantError: the PBX did not place the call, or may have.
        """
        call, error = await self.attempt(request, origin)
        if error is not None:
            raise translated_error(HomeAssistantError, error, self) from error
        return call

    async def attempt(
        self, request: CallRequest, origin: Origin
    ) -> tuple[Call, PbxError | None]:
        """Place a call; return it with what went wrong, if anything did.

        A `CallUncertainError` is the only error whose call may be on its way.

        Raises:
            ServiceValidationError: a rule is against it.
            HomeAssistantError: the PBX is not loaded.
        """
        backend = await self.link.wait_for_backend()
        # From the check to the tracker nothing is awaited: two calls that are asked
        # for at once are counted one after the other.
        self.guard.check(request, origin)
        call = self.tracker.add(request)
        self.guard.note(call)
        self.store.async_save()
        task = self.hass.async_create_task(
            self._async_originate(backend, call, request),
            f"pbx originate {self.entry.entry_id}",
        )
        try:
            error = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._placed_for_nobody)
            raise
        # The action that asked for the call goes on first, then listeners run.
        self.hass.loop.call_soon(self._flush_placed)
        return call, error

    @callback
    def _placed_for_nobody(self, task: asyncio.Task[PbxError | None]) -> None:
        """Take the answer that nobody waits for anymore."""
        self._flush_placed()
        if not task.cancelled() and (error := task.result()) is not None:
            told = translated_error(HomeAssistantError, error, self)
            _LOGGER.warning("The script that asked for a call has ended: %s", told)

    async def _async_originate(
        self, backend: Backend, call: Call, request: CallRequest
    ) -> PbxError | None:
        """Ask the PBX for a call once, and take what came of it."""
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
            # Or a restart would bring it back from the store, as a call.
            self.store.async_save()
            if isinstance(err, CredentialsError):
                self.link.ask_credentials(backend)
            return err
        except BaseException:
            # Home Assistant is stopping, or we are at fault: nobody knows.
            self.guard.mark_uncertain(call, request)
            self.tracker.mark_uncertain(call, "The request was interrupted")
            raise
        else:
            self._take_answer(call, request, placed)
            return None
        finally:
            # What was held back until the answer may have an earlier deadline.
            self._timer.set()

    def _take_answer(self, call: Call, request: CallRequest, placed: Placed) -> None:
        """Take the answer of the PBX that it has placed a call."""
        self.tracker.confirm(call, placed.call_id)
        if placed.ended is not None:
            self.tracker.observe(
                CallUpdate(
                    state=CallState.ENDED,
                    originated_call_id=placed.call_id or request.call_id,
                    result=placed.ended,
                )
            )

    async def hang_up(self, originated_call_id: str | None = None) -> Sequence[str]:
        """End one call that was placed from here, or all, and return their ids.

        Of several, one that ends by itself meanwhile is none of them.

        Raises:
            HomeAssistantError: the PBX did not end one of them, or cannot; the
                others have been ended all the same.
        """
        if not self.link.supports(Feature.HANG_UP):
            err = PbxError(PbxErrorCode.HANG_UP_NOT_SUPPORTED)
            raise translated_error(HomeAssistantError, err, self)
        backend = await self.link.wait_for_backend()
        call_ids = [
            call.originated_call_id
            for call in self.tracker.open.placed
            if call.originated_call_id and not call.is_over
        ]
        if originated_call_id is not None:
            if originated_call_id not in call_ids:
                raise translated_error(HomeAssistantError, CallNotFoundError(), self)
            call_ids = [originated_call_id]
        answers = await asyncio.gather(
            *map(backend.hang_up, call_ids), return_exceptions=True
        )
        ended = []
        for call_id, answer in zip(call_ids, answers, strict=True):
            is_gone = isinstance(answer, CallNotFoundError)
            if isinstance(answer, PbxError) and (originated_call_id or not is_gone):
                raise translated_error(HomeAssistantError, answer, self) from answer
            if answer is None:
                ended.append(call_id)
            elif not is_gone:
                raise answer
        return ended

    async def wait(self, call: Call, until: CallState) -> None:
        """Wait until a call has come to a state, or has ended before.

        Raises:
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        await self._waiters.wait(call, until)

    async def pause(self, seconds: float) -> None:
        """Let time go by.

        Raises:
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        await self._waiters.pause(seconds)

    # --- changes --------------------------------------------------------------

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call back with each change; return what ends it."""
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None) and None

    @callback
    def observe(self, update: CallUpdate) -> None:
        """Take a fact about a call."""
        if self._is_removed:
            return
        call = self.tracker.observe(update)
        self._timer.set()
        if call is None or call.request is None or not call.error:
            return
        # It was uncertain, and the PBX has told more of it.
        if call.result is CallResult.FAILED and call.reached is CallState.PLACED:
            self.guard.undo(call)
        elif not call.is_uncertain:
            self.guard.believe(call)

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""
        return [call.as_open() for call in self.tracker.open]

    @callback
    def _call_changed(self, call: Call, state: CallState) -> None:
        # In the order in which it happened.
        self._flush_placed()
        if state is CallState.PLACED and call.request is not None:
            self._placed.append(call)
        else:
            self.notify(CallChanged(call, state))
        self.store.async_save()
        self._timer.set()
        self._waiters.call_changed(call)

    @callback
    def _flush_placed(self) -> None:
        while self._placed and not self._is_removed:
            self.notify(CallChanged(self._placed.popleft(), CallState.PLACED))

    @callback
    def notify(self, change: Change) -> None:
        """Notify everybody of a change; one that fails holds nobody up."""
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                _LOGGER.exception("A listener of %s failed", self.entry.title)
        async_dispatcher_send(self.hass, SIGNAL_CHANGE, self, change)


async def async_get_manager(
    hass: HomeAssistant, entry: ConfigEntry[Any]
) -> CallManager:
    """Return the manager of a config entry, made and loaded when there is none yet."""
    managers = hass.data.setdefault(DATA_MANAGERS, {})
    if (manager := managers.get(entry.entry_id)) is None:
        manager = CallManager(hass, entry)
        await manager.async_load()
        managers[entry.entry_id] = manager
    return manager


async def _async_entry_updated(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take new settings of an entry, whatever its state."""
    if manager := hass.data.get(DATA_MANAGERS, {}).get(entry.entry_id):
        manager.async_settings_changed()


def _now() -> float:
    return dt_util.utcnow().timestamp()

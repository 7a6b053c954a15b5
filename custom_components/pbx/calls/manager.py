"""The one owner of a PBX's calls, over reloads of its config entry.

It outlives the entry's runtime data: a reload in the middle of a call must end
neither the call nor the action that waits for it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalType

from ..backends import KINDS
from ..backends.base import (
    Backend,
    CallNotFoundError,
    CallRequest,
    CallUncertainError,
    Channel,
    ChannelState,
    Clock,
    CredentialsError,
    Feature,
    Memory,
    OpenCall,
    PbxError,
    PbxErrorCode,
    PbxKind,
    Sink,
)
from ..backends.redaction import mask_number
from ..backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    ExtensionUpdate,
    VoicemailUpdate,
)
from ..const import CONF_CALLER, CONF_KIND, CONF_MAX_TALK_TIME, DOMAIN
from ..errors import action_error, translated, user_error
from .call import Call
from .changes import (
    CallChanged,
    Change,
    HealthChanged,
    LimitChanged,
    Listener,
    SettingsChanged,
)
from .contacts import PhoneBook
from .rules import (
    DialingRules,
    Facts,
    Origin,
    Refusal,
    Rule,
    check_numbers,
    check_request,
    rules_of,
)
from .storage import CallStore
from .tracker import DEFAULT_MAX_TALK_TIME, CallTracker
from .waiters import Waiters

_LOGGER = logging.getLogger(__name__)

DATA_MANAGERS: HassKey[dict[str, CallManager]] = HassKey(f"{DOMAIN}_managers")

# Seconds that a reload of the entry may take, and after which a backend that failed
# in a way that it should not is begun again.
LOAD_TIMEOUT = 10
_RESTART_DELAY = 60

# A report is read when there is something to read it for; of events and streams
# nothing is known until the first one comes.
_UNTRIED = {Channel.REPORT: ChannelState.OK}

# States of an entry that is about to have a backend.
_COMING = (
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.SETUP_RETRY,
    ConfigEntryState.UNLOAD_IN_PROGRESS,
)


SIGNAL_CHANGE: SignalType[CallManager, Change] = SignalType(f"{DOMAIN}_change")
"""Something has changed at one of the PBXs."""


class _Sink:
    """What one backend reports to.

    Calls are taken from a backend for as long as it lives, as its request may still
    be under way. What it says of its health, or of extensions, counts only while
    it is the current one: a late refusal of an old password must not ask for a
    new one.
    """

    def __init__(self, manager: CallManager) -> None:
        """Initialize the sink of a backend that is about to be made."""
        self._manager = manager

    def call(self, update: CallUpdate) -> None:
        """Take a fact about a call."""
        self._manager.async_observe(update)

    def extension(self, update: ExtensionUpdate) -> None:
        """Take what an extension is doing."""
        if self._manager.is_current(self):
            self._manager.async_extension_changed(update)

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Take a voice message."""
        if self._manager.is_current(self):
            self._manager.async_notify(update)

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Take whether the PBX can be heard on a channel."""
        if self._manager.is_current(self):
            self._manager.async_health_changed(channel, state, error)

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""
        return [call.as_open() for call in self._manager.tracker.open]


class CallManager:
    """Owns the calls of one config entry.

    Attributes:
        entry: of the PBX.
        kind: of the PBX.
        tracker: the calls themselves.
        store: what a restart must not lose.
        refused: how many calls were refused, by the rule.
        health: whether the PBX can be heard, by the channel.
        extensions: what the extensions are doing, by their numbers.
        backend: the PBX, while the entry is loaded.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Initialize the manager of a PBX that is not loaded."""
        self.hass = hass
        self.entry = entry
        self.kind: PbxKind = KINDS[entry.data[CONF_KIND]]
        self.tracker = CallTracker(_now, self._call_changed)
        self.refused: Counter[Rule] = Counter()
        self.health: dict[Channel, ChannelState] = {}
        self.errors: dict[Channel, PbxError] = {}
        self.extensions: dict[str, ExtensionUpdate] = {}
        self.backend: Backend | None = None
        self.store = CallStore(hass, entry.entry_id, self._open_calls)
        self._sink: _Sink | None = None
        self._receiver: Backend | None = None
        self._is_limited = False
        self._book: PhoneBook | None = None
        self._data = dict(entry.data)
        self._listeners: dict[Listener, None] = {}
        self._waiters = Waiters()
        # Calls that were placed, of which nobody has been notified yet.
        self._placed: deque[Call] = deque()
        self._cancel_deadline: CALLBACK_TYPE | None = None
        self._watched_deadline: float | None = None
        self._is_removed = False
        self._is_stopping = False
        self._unsubscribe: list[Callable[[], object]] = [
            entry.add_update_listener(_async_entry_updated),
            hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._stop),
        ]

    def _open_calls(self) -> list[Call]:
        return list(self.tracker.placed)

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

    @property
    def can_follow(self) -> bool:
        """Whether the PBX can be heard on any of its channels."""
        return any(
            self.health.get(channel, _UNTRIED.get(channel)) is ChannelState.OK
            for channel in self.kind.channels
        )

    def is_heard(self, channel: Channel) -> bool:
        """Return whether nothing is known to be wrong with a channel."""
        return self.health.get(channel, ChannelState.OK) is ChannelState.OK

    def supports(self, feature: Feature) -> bool:
        """Return whether this kind of PBX can do something."""
        return feature in self.kind.features

    # --- life -----------------------------------------------------------------

    async def async_load(self) -> None:
        """Go on with what was open when Home Assistant was stopped."""
        calls = await self.store.async_load(_now())
        for call in calls:
            if call.request is not None and call.is_uncertain:
                self._doubt(call, call.request)
        self.tracker.restore(calls)
        self._watch_deadline()

    @callback
    def async_attach(self) -> Backend:
        """Make the backend of an entry that is being set up."""
        self.store.async_set_address(self.entry.data[CONF_URL])
        self._data = dict(self.entry.data)
        self.kind = KINDS[self.entry.data[CONF_KIND]]
        self.health.clear()
        self.errors.clear()
        self.extensions.clear()
        self._take_options()
        self._set_limited(None)
        self._sink = _Sink(self)
        self.backend = self._receiver = create_backend(
            self.hass, self.entry.data, self.store.memory, self._sink
        )
        return self.backend

    @callback
    def async_detach(self) -> None:
        """Let go of the backend of an entry that was unloaded."""
        self.backend = self._sink = None

    async def async_receive(self, fields: Mapping[str, object]) -> str:
        """Take one request of the PBX to us, also while the entry is loaded anew.

        Returns:
            The name of its event; empty for one that is not known.
        """
        if self._receiver is None or self.entry.disabled_by is not None:
            return ""
        return await self._receiver.receive(fields)

    async def async_run(self) -> None:
        """Keep the backend listening; whatever it does, that does not end."""
        backend = self.backend
        while backend is not None:
            try:
                await backend.run()
            except Exception as err:  # a fault of ours must not make a PBX mute
                _LOGGER.exception("Listening to %s failed", self.entry.title)
                error = PbxError(PbxErrorCode.INTERNAL, type(err).__name__)
                for channel in self.kind.channels:
                    self.async_health_changed(channel, ChannelState.FAILING, error)
            await asyncio.sleep(_RESTART_DELAY)

    async def async_remove(self) -> None:
        """Give up: the PBX is removed, and an answer still on its way too late."""
        self._is_removed = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._cancel_timer()
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
        self._cancel_timer()
        self._waiters.end("stopping")

    def is_current(self, sink: _Sink) -> bool:
        """Return whether a sink belongs to the current backend."""
        return sink is self._sink

    @callback
    def async_settings_changed(self) -> None:
        """Take new settings: a new address or login reloads, nothing else does."""
        if self.entry.data != self._data:
            self._data = dict(self.entry.data)
            self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
            return
        self._book = None
        self._take_options()
        self.async_notify(SettingsChanged())

    def _take_options(self) -> None:
        self.tracker.max_talk_time = self.entry.options.get(
            CONF_MAX_TALK_TIME, DEFAULT_MAX_TALK_TIME
        )

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
            raise translated(HomeAssistantError, error, self) from error
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
        backend = await self._async_wait_for_backend()
        # From the check to the tracker nothing is awaited: two calls that are asked
        # for at once are counted one after the other.
        self._check(request, origin)
        call = self.tracker.add(request)
        self.store.history.note(*self._key(call))
        self.store.async_save()
        task = self.hass.async_create_task(
            self._async_originate(backend, call, request),
            f"pbx originate {self.entry.entry_id}",
        )
        try:
            error = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda _: self._flush_placed())
            raise
        # The action that asked for the call goes on first, then listeners run.
        self.hass.loop.call_soon(self._flush_placed)
        return call, error

    def check_numbers(self, requests: Iterable[CallRequest], origin: Origin) -> None:
        """Check who is to be called, but not how often.

        Raises:
            ServiceValidationError: a rule is against one of the numbers.
        """
        for request in requests:
            refusal = check_numbers(request, self._rules, origin, self._facts())
            if refusal is not None:
                raise self._refuse(refusal)

    def _check(self, request: CallRequest, origin: Origin) -> None:
        """Check one call, which is to be requested without any further wait.

        Raises:
            ServiceValidationError: a rule is against it.
        """
        rules = self._rules
        refusal = check_request(request, rules, origin, self._facts())
        is_limited = refusal is not None and refusal.rule is Rule.PER_HOUR
        if is_limited or refusal is None:
            self._set_limited(rules.calls_per_hour if is_limited else None)
        if refusal is not None:
            raise self._refuse(refusal)

    @property
    def _rules(self) -> DialingRules:
        return rules_of(self.entry.options, self.book.plan)

    def _refuse(self, refusal: Refusal) -> HomeAssistantError:
        """Count a refusal, and return its error."""
        self.refused[refusal.rule] += 1
        return user_error(refusal.rule, pbx=self.entry.title, **refusal.placeholders)

    def _facts(self) -> Facts:
        """Return what the rules go by at this moment."""
        return Facts(
            now=_now(),
            calls=self.tracker.placed,
            history=self.store.history,
            can_follow=self.can_follow,
            is_named=self.book.is_named,
            default_caller=self.entry.options.get(CONF_CALLER, ""),
        )

    @callback
    def _set_limited(self, limit: int | None) -> None:
        """Notify of the hourly limit when it begins to refuse, and when it ends."""
        if self._is_limited != (limit is not None):
            self._is_limited = limit is not None
            self.async_notify(LimitChanged(limit))

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
            self._doubt(call, request)
            self.tracker.mark_uncertain(call, str(err), err.call_id)
            return err
        except PbxError as err:
            self.tracker.undo(call, str(err))
            self.store.history.undo(*self._key(call))
            # Or a restart would bring it back from the store, as a call.
            self.store.async_save()
            if isinstance(err, CredentialsError) and backend is self.backend:
                self.entry.async_start_reauth(self.hass)
            return err
        except BaseException:
            # Home Assistant is stopping, or we are at fault: nobody knows.
            self._doubt(call, request)
            self.tracker.mark_uncertain(call, "The request was interrupted")
            raise
        self.tracker.confirm(call, placed.call_id)
        if placed.ended is not None:
            self.tracker.observe(
                CallUpdate(
                    state=CallState.ENDED,
                    originated_call_id=placed.call_id or request.call_id,
                    result=placed.ended,
                )
            )
        return None

    def _doubt(self, call: Call, request: CallRequest) -> None:
        """Count a call that may not have been placed while it may be ringing."""
        self.store.history.doubt(*self._key(call), call.began_at + request.timeout)

    def _key(self, call: Call) -> tuple[float, str]:
        """Return what the history knows a call by."""
        return call.began_at, self.book.plan.identity(call.callee)

    async def hang_up(self, originated_call_id: str | None = None) -> Sequence[str]:
        """End one call that was placed from here, or all, and return their ids.

        Of several, one that ends by itself meanwhile is none of them.

        Raises:
            HomeAssistantError: the PBX did not end one of them, or cannot; the
                others have been ended all the same.
        """
        if not self.supports(Feature.HANG_UP):
            err = PbxError(PbxErrorCode.HANG_UP_NOT_SUPPORTED)
            raise translated(HomeAssistantError, err, self)
        backend = await self._async_wait_for_backend()
        call_ids = [
            call.originated_call_id
            for call in self.tracker.placed
            if call.originated_call_id and not call.is_over
        ]
        if originated_call_id is not None:
            if originated_call_id not in call_ids:
                raise translated(HomeAssistantError, CallNotFoundError(), self)
            call_ids = [originated_call_id]
        answers = await asyncio.gather(
            *map(backend.hang_up, call_ids), return_exceptions=True
        )
        ended = []
        for call_id, answer in zip(call_ids, answers, strict=True):
            is_gone = isinstance(answer, CallNotFoundError)
            if isinstance(answer, PbxError) and (originated_call_id or not is_gone):
                raise translated(HomeAssistantError, answer, self) from answer
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

    async def _async_wait_for_backend(self) -> Backend:
        """Return the backend; bear with a reload.

        Raises:
            HomeAssistantError: the PBX was removed, or is not loaded.
        """
        changed = asyncio.Event()
        unsubscribe = self.entry.async_on_state_change(changed.set)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                while self.backend is None and self._is_coming():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass
        finally:
            unsubscribe()
        if self._is_removed:
            raise action_error("pbx_removed")
        if self.backend is None or self.entry.disabled_by is not None:
            raise action_error("pbx_not_loaded", pbx=self.entry.title)
        return self.backend

    def _is_coming(self) -> bool:
        if self._is_removed or self.entry.disabled_by is not None:
            return False
        return self.entry.state in _COMING

    # --- changes --------------------------------------------------------------

    @callback
    def subscribe(self, listener: Listener) -> CALLBACK_TYPE:
        """Call back with each change; return what ends it."""
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None) and None

    @callback
    def async_observe(self, update: CallUpdate) -> None:
        """Take a fact about a call."""
        call = self.tracker.observe(update)
        self._watch_deadline()
        if call is None or call.request is None or not call.error:
            return
        # It was uncertain, and the PBX has told more of it.
        if call.result is CallResult.FAILED and call.reached is CallState.PLACED:
            self.store.history.undo(*self._key(call))
        elif not call.is_uncertain:
            self.store.history.believe(*self._key(call))

    @callback
    def async_extension_changed(self, update: ExtensionUpdate) -> None:
        """Take what an extension is doing."""
        if self.extensions.get(update.number) != update:
            self.extensions[update.number] = update
            self.async_notify(update)

    @callback
    def async_health_changed(
        self, channel: Channel, state: ChannelState, error: PbxError | None
    ) -> None:
        """Take whether the PBX can be heard on a channel."""
        if isinstance(error, CredentialsError):
            self.entry.async_start_reauth(self.hass)
        if error is not None:
            self.errors[channel] = error
        before = self.health.get(channel)
        if before is state:
            return
        self.health[channel] = state
        if state is ChannelState.OK:
            self.errors.pop(channel, None)
        else:
            # Nobody can know what an extension is doing meanwhile.
            self.extensions.clear()
        self.async_notify(HealthChanged(channel, state))

    @callback
    def _call_changed(self, call: Call, state: CallState) -> None:
        # In the order in which it happened.
        self._flush_placed()
        if state is CallState.PLACED and call.request is not None:
            self._placed.append(call)
        else:
            self.async_notify(CallChanged(call, state))
        self.store.async_save()
        self._watch_deadline()
        self._waiters.call_changed(call)

    @callback
    def _flush_placed(self) -> None:
        while self._placed and not self._is_removed:
            self.async_notify(CallChanged(self._placed.popleft(), CallState.PLACED))

    @callback
    def async_notify(self, change: Change) -> None:
        """Notify everybody of a change; one that fails holds nobody up."""
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                _LOGGER.exception("A listener of %s failed", self.entry.title)
        async_dispatcher_send(self.hass, SIGNAL_CHANGE, self, change)

    # --- time -----------------------------------------------------------------

    @callback
    def _watch_deadline(self) -> None:
        deadline = self.tracker.next_deadline
        if deadline == self._watched_deadline or self._is_stopping or self._is_removed:
            return
        self._cancel_timer()
        self._watched_deadline = deadline
        if deadline is not None:
            self._cancel_deadline = async_call_later(
                self.hass, max(deadline - _now(), 0), HassJob(self._expire)
            )

    @callback
    def _cancel_timer(self) -> None:
        if self._cancel_deadline is not None:
            self._cancel_deadline()
            self._cancel_deadline = None

    @callback
    def _expire(self, _now: datetime) -> None:
        self._cancel_deadline = self._watched_deadline = None
        self.tracker.expire()
        self._watch_deadline()


@callback
def create_backend(
    hass: HomeAssistant, data: Mapping[str, Any], memory: Memory, sink: Sink
) -> Backend:
    """Return a backend on Home Assistant's shared session; nothing is sent yet.

    Args:
        hass: Home Assistant.
        data: of the config entry, or of one that there may be.
        memory: what it remembers over a restart.
        sink: what it reports to.
    """
    session = async_get_clientsession(hass, data[CONF_VERIFY_SSL])
    return KINDS[data[CONF_KIND]].create(session, data, memory, sink, Clock(time=_now))


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

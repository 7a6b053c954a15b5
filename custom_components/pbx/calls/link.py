"""The connection of a config entry to its PBX, which persists across reloads."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
import logging
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ..backends import KINDS
from ..backends.base import (
    Backend,
    Channel,
    ChannelState,
    Clock,
    Feature,
    Memory,
    OpenCall,
    Sink,
)
from ..backends.errors import CredentialsError, PbxError, PbxErrorCode
from ..backends.kind import PbxKind
from ..backends.updates import (
    CallUpdate,
    ExtensionUpdate,
    KeyUpdate,
    Received,
    VoicemailUpdate,
)
from ..const import CONF_KIND
from ..errors import action_error
from .changes import Change, HealthChanged, SpeechFailed
from .health_log import HealthLog

_LOGGER = logging.getLogger(__name__)

# Seconds that a reload of the entry may take.
LOAD_TIMEOUT = 10
# Seconds that the removal of the entry waits for the PBX.
_REMOVAL_TIMEOUT = 15
# Seconds until a backend that failed unexpectedly is restarted.
_RESTART_DELAY = 60

# The report is read on demand only, so it is assumed to work. Events and streams
# have no state until the first one arrives.
_INITIAL_HEALTH = {Channel.REPORT: ChannelState.OK}

# States of an entry that is about to have a backend.
_LOADING_STATES = (
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.SETUP_RETRY,
    ConfigEntryState.UNLOAD_IN_PROGRESS,
)


class LinkOwner(Protocol):
    """The owner of the link and of the PBX's calls."""

    def observe(self, update: CallUpdate) -> None:
        """Process an update about a call."""

    def key_pressed(self, update: KeyUpdate) -> None:
        """Process a key that was pressed in a call."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""

    def notify(self, change: Change) -> None:
        """Notify the listeners of a change."""


class _Sink:
    """Receives the updates of one backend.

    Call updates of a replaced backend are processed, as a request may still be
    under way. Its health and extension updates are ignored: a late refusal of an
    old password must not start a reauthentication.
    """

    def __init__(self, link: PbxLink, owner: LinkOwner) -> None:
        """Initialize the sink of a new backend."""
        self._link = link
        self.call = owner.observe
        self.key = owner.key_pressed
        self.open_calls = owner.open_calls
        self._notify = owner.notify

    def extension(self, update: ExtensionUpdate) -> None:
        """Process the state of an extension."""
        if self._link.is_current(self):
            self._link.set_extension(update)

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Process a voice message."""
        if self._link.is_current(self):
            self._notify(update)

    def speech_failed(self, call_id: str) -> None:
        """Process that an announcement could not be played in an answered call."""
        del call_id
        if self._link.is_current(self):
            self._notify(SpeechFailed())

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Process the health of a channel."""
        if self._link.is_current(self):
            self._link.set_health(channel, state, error)


class PbxLink:
    """Holds the backend of a config entry and the health of its channels.

    Attributes:
        kind: kind of the PBX.
        backend: the backend, from the first setup attempt of the entry until it is
            unloaded.
        health: state by channel.
        errors: latest error by channel that is not OK.
        extensions: latest update by extension number.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], owner: LinkOwner
    ) -> None:
        """Initialize the link of an entry that is not loaded yet."""
        self.kind: PbxKind = kind_of(pbx_settings(entry))
        self.backend: Backend | None = None
        self.health: dict[Channel, ChannelState] = {}
        self.errors: dict[Channel, PbxError] = {}
        self.extensions: dict[str, ExtensionUpdate] = {}
        self._hass = hass
        self._entry = entry
        self._owner = owner
        self._connection = _connection_settings(entry)
        self._sink: _Sink | None = None
        # Receives requests from the PBX, also while the entry reloads.
        self._receiver: Backend | None = None
        self._is_removed = False
        self._is_stopping = False
        self._log = HealthLog()
        self._waiting: set[asyncio.Event] = set()
        self._on_detach: list[Callable[[], object]] = []
        self._unsubscribe = entry.async_on_state_change(self._state_changed)

    @property
    def can_follow(self) -> bool:
        """Whether any channel works, so that the state of calls can be followed."""
        return any(
            self.health.get(channel, _INITIAL_HEALTH.get(channel)) is ChannelState.OK
            for channel in self.kind.channels
        )

    def is_channel_ok(self, channel: Channel) -> bool:
        """Return whether a channel works, as far as known."""
        return self.health.get(channel, ChannelState.OK) is ChannelState.OK

    def supports(self, feature: Feature) -> bool:
        """Return whether this kind of PBX has a feature."""
        return feature in self.kind.features

    @callback
    def attach(self, memory: Memory) -> Backend:
        """Create the backend of an entry that is being set up.

        Args:
            memory: values that the backend keeps across restarts.
        """
        settings = pbx_settings(self._entry)
        self._connection = _connection_settings(self._entry)
        self.kind = kind_of(settings)
        self.health.clear()
        self.errors.clear()
        self.extensions.clear()
        self._sink = _Sink(self, self._owner)
        self.backend = self._receiver = create_backend(
            self._hass, settings, memory, self._sink
        )
        return self.backend

    @callback
    def settings_changed(self) -> bool:
        """Return whether the settings changed that the backend is made from."""
        before, self._connection = self._connection, _connection_settings(self._entry)
        return before != self._connection

    @callback
    def on_detach(self, function: Callable[[], object]) -> None:
        """Register a function to call when the entry has been unloaded."""
        self._on_detach.append(function)

    @callback
    def _detach(self) -> None:
        """Release the backend of an unloaded entry."""
        self.backend = self._sink = None
        functions, self._on_detach = self._on_detach, []
        for function in functions:
            function()

    @callback
    def _state_changed(self) -> None:
        # `async_unload_entry` is not called for an entry that is disabled during a
        # setup retry.
        if self._entry.state is ConfigEntryState.NOT_LOADED:
            self._detach()
        self._wake_waiters()

    @callback
    def remove(self) -> None:
        """Handle the removal of the PBX."""
        self._is_removed = True
        self._unsubscribe()
        self._detach()
        self._wake_waiters()

    async def remove_sounds(self, memory: Memory) -> None:
        """Remove what is stored on the PBX, as far as possible.

        Args:
            memory: of the backends before.
        """
        if not self.supports(Feature.DRAWN_SPEECH):
            return
        sink, settings = _Sink(self, self._owner), pbx_settings(self._entry)
        backend = create_backend(self._hass, settings, memory, sink)
        with suppress(PbxError, TimeoutError):
            async with asyncio.timeout(_REMOVAL_TIMEOUT):
                await backend.remove_sounds()

    @callback
    def stop(self) -> None:
        """Stop waiting for a backend, as Home Assistant is stopping."""
        self._is_stopping = True
        self._wake_waiters()

    @callback
    def _wake_waiters(self) -> None:
        for changed in self._waiting:
            changed.set()

    async def run(self) -> None:
        """Run the backend, and restart it if it fails or returns."""
        backend = self.backend
        while backend is not None:
            try:
                await backend.run()
                raise RuntimeError("The backend has stopped")  # noqa: TRY301 - handled as a failure
            except Exception as err:  # a bug must not stop updates permanently
                _LOGGER.exception(
                    "Unexpected error in the backend of %s", self._entry.title
                )
                error = PbxError(PbxErrorCode.INTERNAL, type(err).__name__)
                for channel in self.kind.channels:
                    self.set_health(channel, ChannelState.FAILING, error)
            await asyncio.sleep(_RESTART_DELAY)

    async def receive(self, fields: Mapping[str, object]) -> Received:
        """Process a request that the PBX sent to the webhook.

        A question is also answered while the entry is disabled: a call may be on.
        """
        if self._receiver is None:
            return Received("")
        is_disabled = self._entry.disabled_by is not None
        if is_disabled and not self.kind.is_question(fields):
            return Received("")
        return await self._receiver.receive(fields)

    async def wait_for_backend(self) -> Backend:
        """Return the backend, waiting for a reload to finish.

        Raises:
            HomeAssistantError: the PBX was removed or is not loaded, or Home
                Assistant is stopping.
        """
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                while not self._is_ready() and self._is_loading():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(changed)
        if self._is_removed:
            raise action_error("pbx_removed")
        if self.backend is not None and self._is_ready():
            return self.backend
        if self._is_stopping:
            raise action_error("stopping")
        raise action_error("pbx_not_loaded", pbx=self._entry.title)

    def _is_ready(self) -> bool:
        # The backend of an entry that is being unloaded is about to be released.
        is_unloading = self._entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS
        is_disabled = self._entry.disabled_by is not None
        return self.backend is not None and not is_unloading and not is_disabled

    def _is_loading(self) -> bool:
        if self._is_removed or self._is_stopping:
            return False
        return self._entry.disabled_by is None and self._entry.state in _LOADING_STATES

    def is_current(self, sink: Sink) -> bool:
        """Return whether a sink belongs to the current backend."""
        return sink is self._sink

    @callback
    def set_extension(self, update: ExtensionUpdate) -> None:
        """Set the state of an extension."""
        if self.extensions.get(update.number) != update:
            self.extensions[update.number] = update
            self._owner.notify(update)

    @callback
    def handle_failed_ping(self) -> None:
        """Forget the states of the extensions if their events may be lost unnoticed.

        A stream notices that itself.
        """
        if Channel.STREAM not in self.kind.channels:
            self.extensions.clear()

    @callback
    def set_health(
        self, channel: Channel, state: ChannelState, error: PbxError | None
    ) -> None:
        """Set the state of a channel."""
        if isinstance(error, CredentialsError):
            self.start_reauth(self.backend)
        if error is not None:
            self.errors[channel] = error
        if self.health.get(channel) is state:
            return
        self.health[channel] = state
        if state is ChannelState.OK:
            self.errors.pop(channel, None)
        elif channel is not Channel.REPORT:
            # Extension states are unknown without events; the report has none.
            self.extensions.clear()
        self._log.log_change(self._entry.title, channel, state, error)
        self._owner.notify(HealthChanged(channel, state))

    @callback
    def start_reauth(self, backend: Backend | None) -> None:
        """Start a reauthentication if the current credentials were refused.

        Args:
            backend: the backend that was refused. A replaced backend may have used
                old credentials, so its refusal is ignored.
        """
        if backend is self.backend and self._is_ready():
            self._entry.async_start_reauth(self._hass)


@callback
def pbx_settings(entry: ConfigEntry[Any]) -> dict[str, Any]:
    """Return what the kind and the backend of an entry are made from."""
    return {**entry.options, **entry.data}


@callback
def kind_of(settings: Mapping[str, Any]) -> PbxKind:
    """Return the kind of PBX, with the features that depend on the settings."""
    return KINDS[settings[CONF_KIND]].for_settings(settings)


@callback
def create_backend(
    hass: HomeAssistant, settings: Mapping[str, Any], memory: Memory, sink: Sink
) -> Backend:
    """Create a backend on Home Assistant's shared session, without any request.

    Args:
        hass: Home Assistant.
        settings: of a config entry, which may not exist yet, as of `pbx_settings`.
        memory: values that the backend keeps across restarts.
        sink: receiver of the backend's updates.
    """
    session = async_get_clientsession(hass, settings[CONF_VERIFY_SSL])
    clock = Clock(time=lambda: dt_util.utcnow().timestamp())
    kind = KINDS[settings[CONF_KIND]]
    return kind.create(session, settings, memory, sink, clock)


def _connection_settings(entry: ConfigEntry[Any]) -> dict[str, Any]:
    """Return the settings whose change reloads the entry."""
    names = KINDS[entry.data[CONF_KIND]].options & entry.options.keys()
    return {**{name: entry.options[name] for name in names}, **entry.data}

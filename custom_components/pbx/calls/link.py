"""The link of a config entry to its PBX: one backend at a time, over reloads."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
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
    CredentialsError,
    Feature,
    Memory,
    OpenCall,
    PbxError,
    PbxErrorCode,
    PbxKind,
    Sink,
)
from ..backends.updates import CallUpdate, ExtensionUpdate, VoicemailUpdate
from ..const import CONF_KIND
from ..errors import action_error
from .changes import Change, HealthChanged
from .health_log import HealthLog

_LOGGER = logging.getLogger(__name__)

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


class Owner(Protocol):
    """Who owns the calls of the PBX."""

    def observe(self, update: CallUpdate) -> None:
        """Take a fact about a call."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""

    def notify(self, change: Change) -> None:
        """Notify everybody of a change."""


class _Sink:
    """What one backend reports to.

    Calls are taken from a backend for as long as it lives, as its request may still
    be under way. What it says of its health, or of extensions, counts only while
    it is the current one: a late refusal of an old password must not ask for a
    new one.
    """

    def __init__(self, link: PbxLink, owner: Owner) -> None:
        """Initialize the sink of a backend that is about to be made."""
        self._link = link
        self.call = owner.observe
        self.open_calls = owner.open_calls
        self._notify = owner.notify

    def extension(self, update: ExtensionUpdate) -> None:
        """Take what an extension is doing."""
        if self._link.is_current(self):
            self._link.set_extension(update)

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Take a voice message."""
        if self._link.is_current(self):
            self._notify(update)

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Take whether the PBX can be heard on a channel."""
        if self._link.is_current(self):
            self._link.set_health(channel, state, error)


class PbxLink:
    """Holds the backend of a config entry, and how well it can be heard.

    Attributes:
        kind: of the PBX.
        backend: the PBX, from the first attempt to set the entry up until it is
            unloaded.
        health: whether the PBX can be heard, by the channel.
        errors: why it cannot be heard, by the channel.
        extensions: what the extensions are doing, by their numbers.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], owner: Owner
    ) -> None:
        """Initialize the link of an entry that is not loaded."""
        self.kind: PbxKind = KINDS[entry.data[CONF_KIND]].as_set_up(entry.data)
        self.backend: Backend | None = None
        self.health: dict[Channel, ChannelState] = {}
        self.errors: dict[Channel, PbxError] = {}
        self.extensions: dict[str, ExtensionUpdate] = {}
        self._hass = hass
        self._entry = entry
        self._owner = owner
        self._sink: _Sink | None = None
        # It takes requests of the PBX to us, also while the entry is loaded anew.
        self._receiver: Backend | None = None
        self._is_removed = False
        self._is_stopping = False
        self._log = HealthLog()
        self._waiting: set[asyncio.Event] = set()
        self._on_detach: list[Callable[[], object]] = []
        self._unsubscribe = entry.async_on_state_change(self._state_changed)

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

    @callback
    def attach(self, memory: Memory) -> Backend:
        """Make the backend of an entry that is being set up.

        Args:
            memory: what it remembers over a restart.
        """
        data = self._entry.data
        self.kind = KINDS[data[CONF_KIND]].as_set_up(data)
        self.health.clear()
        self.errors.clear()
        self.extensions.clear()
        self._sink = _Sink(self, self._owner)
        self.backend = self._receiver = create_backend(
            self._hass, self._entry.data, memory, self._sink
        )
        return self.backend

    @callback
    def on_detach(self, function: Callable[[], object]) -> None:
        """Call back when the entry has been unloaded, from whatever state."""
        self._on_detach.append(function)

    @callback
    def _detach(self) -> None:
        """Let go of the backend of an entry that was unloaded."""
        self.backend = self._sink = None
        functions, self._on_detach = self._on_detach, []
        for function in functions:
            function()

    @callback
    def _state_changed(self) -> None:
        # One that is disabled while it is retried never comes to `async_unload_entry`.
        if self._entry.state is ConfigEntryState.NOT_LOADED:
            self._detach()
        self._wake()

    @callback
    def remove(self) -> None:
        """Give up: the PBX is removed."""
        self._is_removed = True
        self._unsubscribe()
        self._detach()
        self._wake()

    @callback
    def stop(self) -> None:
        """Let nobody wait for a backend anymore: Home Assistant is stopping."""
        self._is_stopping = True
        self._wake()

    @callback
    def _wake(self) -> None:
        for changed in self._waiting:
            changed.set()

    async def run(self) -> None:
        """Keep the backend listening; whatever it does, that does not end."""
        backend = self.backend
        while backend is not None:
            try:
                await backend.run()
                raise RuntimeError("It has ended")  # noqa: TRY301 - as if it had failed
            except Exception as err:  # a fault of ours must not make a PBX mute
                _LOGGER.exception("Listening to %s failed", self._entry.title)
                error = PbxError(PbxErrorCode.INTERNAL, type(err).__name__)
                for channel in self.kind.channels:
                    self.set_health(channel, ChannelState.FAILING, error)
            await asyncio.sleep(_RESTART_DELAY)

    async def receive(self, fields: Mapping[str, object]) -> str:
        """Take one request of the PBX to us.

        Returns:
            The name of its event; empty for one that is not known.
        """
        if self._receiver is None or self._entry.disabled_by is not None:
            return ""
        return await self._receiver.receive(fields)

    async def wait_for_backend(self) -> Backend:
        """Return the backend; bear with a reload.

        Raises:
            HomeAssistantError: the PBX was removed, or is not loaded, or Home
                Assistant is stopping.
        """
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                while not self._is_ready() and self._is_coming():
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
        # The backend of an entry that is being unloaded is on its way out.
        is_leaving = self._entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS
        is_disabled = self._entry.disabled_by is not None
        return self.backend is not None and not is_leaving and not is_disabled

    def _is_coming(self) -> bool:
        if self._is_removed or self._is_stopping:
            return False
        return self._entry.disabled_by is None and self._entry.state in _COMING

    def is_current(self, sink: Sink) -> bool:
        """Return whether a sink belongs to the current backend."""
        return sink is self._sink

    @callback
    def set_extension(self, update: ExtensionUpdate) -> None:
        """Take what an extension is doing."""
        if self.extensions.get(update.number) != update:
            self.extensions[update.number] = update
            self._owner.notify(update)

    @callback
    def set_health(
        self, channel: Channel, state: ChannelState, error: PbxError | None
    ) -> None:
        """Take whether the PBX can be heard on a channel."""
        if isinstance(error, CredentialsError):
            self.ask_credentials(self.backend)
        if error is not None:
            self.errors[channel] = error
        if self.health.get(channel) is state:
            return
        self.health[channel] = state
        if state is ChannelState.OK:
            self.errors.pop(channel, None)
        elif channel is not Channel.REPORT:
            # Nobody can know what an extension is doing meanwhile. No report says it.
            self.extensions.clear()
        self._log.changed(self._entry.title, channel, state, error)
        self._owner.notify(HealthChanged(channel, state))

    @callback
    def ask_credentials(self, backend: Backend | None) -> None:
        """Ask for new credentials, once, where it is the ones of now that are refused.

        Args:
            backend: that was refused. One that is on its way out may have old ones,
                and of a PBX that is disabled nobody wants to know.
        """
        if backend is self.backend and self._is_ready():
            self._entry.async_start_reauth(self._hass)


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
    clock = Clock(time=lambda: dt_util.utcnow().timestamp())
    return KINDS[data[CONF_KIND]].create(session, data, memory, sink, clock)

"""Coordinator that checks the connection to the PBX, and runtime data."""

from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .backends.base import Backend
from .backends.errors import CredentialsError, PbxError
from .calls.manager import CallManager
from .const import DOMAIN
from .errors import translated_error

_LOGGER = logging.getLogger(__name__)

PING_INTERVAL = timedelta(seconds=60)

type PbxConfigEntry = ConfigEntry[PbxData]


@dataclass(kw_only=True)
class PbxData:
    """Runtime data of a loaded config entry.

    Attributes:
        manager: of the calls of the PBX; it survives a reload of the entry.
        coordinator: pings the PBX.
    """

    manager: CallManager
    coordinator: PbxCoordinator


class PbxCoordinator(DataUpdateCoordinator[str]):
    """Coordinator that pings the PBX; a successful update means it responds.

    Its data is the version of the PBX; empty if it is unknown.
    """

    config_entry: PbxConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: PbxConfigEntry,
        manager: CallManager,
        backend: Backend,
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title}",
            update_interval=PING_INTERVAL,
            # Only a change of its success or of the version matters.
            always_update=False,
        )
        self._manager = manager
        self._backend = backend

    @override
    async def _async_update_data(self) -> str:
        """Ping the PBX, and return its version.

        Raises:
            UpdateFailed: the PBX does not respond, or rejects the credentials.
        """
        try:
            return await self._backend.ping()
        except PbxError as err:
            if self.last_update_success:
                self._manager.link.handle_failed_ping()
            # Not ConfigEntryAuthFailed: it would stop the pings and the setup
            # retries. A PBX that is starting up may reject valid credentials, and
            # the account may be fixed on the PBX.
            if isinstance(err, CredentialsError):
                self._manager.link.start_reauth(self._backend)
            raise translated_error(UpdateFailed, err, self._manager) from err

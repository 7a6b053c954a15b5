"""Whether the PBX is there, and what belongs to a loaded config entry."""

from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .backends.base import Backend, CredentialsError, PbxError, PbxInfo
from .calls.manager import CallManager
from .const import DOMAIN
from .errors import translated

_LOGGER = logging.getLogger(__name__)

PING_INTERVAL = timedelta(seconds=60)

type PbxConfigEntry = ConfigEntry[PbxData]


@dataclass(kw_only=True)
class PbxData:
    """What belongs to a loaded config entry.

    Attributes:
        manager: owns its calls, and outlives it.
        backend: the PBX.
        coordinator: pings it.
    """

    manager: CallManager
    backend: Backend
    coordinator: PbxCoordinator


class PbxCoordinator(DataUpdateCoordinator[PbxInfo]):
    """Pings the PBX; a successful update means that it is there."""

    config_entry: PbxConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: PbxConfigEntry,
        manager: CallManager,
        backend: Backend,
    ) -> None:
        """Initialize the coordinator; nothing is sent."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title}",
            update_interval=PING_INTERVAL,
        )
        self._manager = manager
        self._backend = backend

    @override
    async def _async_update_data(self) -> PbxInfo:
        """Ping the PBX.

        Raises:
            ConfigEntryAuthFailed: wrong credentials, while the entry is set up.
            UpdateFailed: the PBX is not there, or does not let us in.
        """
        entry = self.config_entry
        try:
            return await self._backend.ping()
        except CredentialsError as err:
            if entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
                raise translated(ConfigEntryAuthFailed, err, self._manager) from err
            # Not ConfigEntryAuthFailed: it would end the polling, and with it
            # the recovery when somebody puts the account right at the PBX.
            entry.async_start_reauth(self.hass)
            raise translated(UpdateFailed, err, self._manager) from err
        except PbxError as err:
            raise translated(UpdateFailed, err, self._manager) from err

"""Whether the PBX is there, and what belongs to a loaded config entry."""

from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .backends.base import Backend, CredentialsError, PbxError
from .calls.manager import CallManager
from .const import DOMAIN
from .errors import translated_error

_LOGGER = logging.getLogger(__name__)

PING_INTERVAL = timedelta(seconds=60)

type PbxConfigEntry = ConfigEntry[PbxData]


@dataclass(kw_only=True)
class PbxData:
    """What belongs to a loaded config entry.

    Attributes:
        manager: owns its calls, and outlives it.
        coordinator: pings the PBX.
    """

    manager: CallManager
    coordinator: PbxCoordinator


class PbxCoordinator(DataUpdateCoordinator[None]):
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
            # Of a ping, nothing but whether it succeeds is shown.
            always_update=False,
        )
        self._manager = manager
        self._backend = backend

    @override
    async def _async_update_data(self) -> None:
        """Ping the PBX.

        Raises:
            UpdateFailed: the PBX is not there, or does not let us in.
        """
        try:
            await self._backend.ping()
        except PbxError as err:
            # Not ConfigEntryAuthFailed: it would end the pings, or the attempts to
            # set the entry up. A PBX that is starting itself may know nobody yet,
            # and somebody may put the account right there.
            if isinstance(err, CredentialsError):
                self._manager.link.ask_credentials(self._backend)
            raise translated_error(UpdateFailed, err, self._manager) from err

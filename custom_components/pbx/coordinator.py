"""Whether the PBX is there, and what belongs to a loaded config entry."""

from dataclasses import dataclass, field
from datetime import timedelta
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import InvalidCredentialsError, PbxClient, PbxError
from .const import DOMAIN
from .errors import translated
from .event_inbox import EventInbox
from .tracking import CallTracking

_LOGGER = logging.getLogger(__name__)

PING_INTERVAL = timedelta(seconds=60)

type PbxConfigEntry = ConfigEntry[PbxData]


@dataclass(kw_only=True)
class PbxData:
    """What belongs to a loaded config entry.

    Attributes:
        tracking: its calls, which outlive it.
        events: what the PBX has sent so far.
        is_report_denied: whether the PBX does not let its call report be read.
    """

    client: PbxClient
    coordinator: PbxCoordinator
    tracking: CallTracking
    events: EventInbox = field(default_factory=EventInbox)
    is_report_denied: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether nothing tells how a call ends: no report, and no event yet."""
        return self.is_report_denied and self.events.last_event_at is None


class PbxCoordinator(DataUpdateCoordinator[None]):
    """Pings the PBX; a successful update means that it is there."""

    config_entry: PbxConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, client: PbxClient
    ) -> None:
        """Ask nothing yet."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title}",
            update_interval=PING_INTERVAL,
        )
        self._client = client

    @override
    async def _async_update_data(self) -> None:
        """Ping the PBX.

        Raises:
            ConfigEntryAuthFailed: wrong credentials, while the entry is set up.
            UpdateFailed: the PBX is not there, or does not let us in.
        """
        entry = self.config_entry
        try:
            await self._client.ping()
        except InvalidCredentialsError as err:
            if entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
                raise translated(ConfigEntryAuthFailed, err, entry.title) from err
            # Not ConfigEntryAuthFailed: it would end the polling, and with it
            # the recovery when somebody puts the account right at the PBX.
            entry.async_start_reauth(self.hass)
            raise translated(UpdateFailed, err, entry.title) from err
        except PbxError as err:
            raise translated(UpdateFailed, err, entry.title) from err

"""The PBX integration: place calls through the PBX that you own."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import PbxConfigEntry, PbxCoordinator, PbxData
from .kinds import async_create_client
from .report import ReportReader
from .services import async_setup_services
from .tracking import async_get_tracking, async_remove_tracking

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [Platform.BINARY_SENSOR, Platform.EVENT, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up the actions, which explain themselves while no PBX is loaded."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Set up a PBX."""
    client = async_create_client(hass, entry.data)
    coordinator = PbxCoordinator(hass, entry, client)
    await coordinator.async_config_entry_first_refresh()
    tracking = await async_get_tracking(hass, entry.entry_id)
    entry.runtime_data = PbxData(
        client=client, coordinator=coordinator, tracking=tracking
    )
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    ReportReader(hass, entry).async_start()
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Take a PBX down."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Forget a PBX's calls; whoever waits for one is told."""
    await async_remove_tracking(hass, entry.entry_id)


async def _async_reload(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Start anew with what was changed."""
    await hass.config_entries.async_reload(entry.entry_id)

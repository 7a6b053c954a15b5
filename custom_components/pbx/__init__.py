"""The PBX integration: place calls through the PBX that you own."""

from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .cloudhook import async_delete_cloudhook
from .const import CONF_MAX_TALK_TIME, DOMAIN
from .coordinator import PbxConfigEntry, PbxCoordinator, PbxData
from .guard import async_get_guard, async_remove_guard
from .kinds import async_create_client
from .report import ReportReader, async_forget_report
from .services import async_setup_services
from .tracker import DEFAULT_MAX_TALK_TIME
from .tracking import async_get_tracking, async_remove_tracking
from .webhook import async_new_address, async_open_address

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
    tracking.tracker.max_talk_time = entry.options.get(
        CONF_MAX_TALK_TIME, DEFAULT_MAX_TALK_TIME
    )
    entry.runtime_data = PbxData(
        client=client, coordinator=coordinator, tracking=tracking
    )
    async_get_guard(hass, entry).async_start()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    ReportReader(hass, entry).async_start()
    async_open_address(hass, entry)
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Give a PBX that was set up with 0.1.0 an address for its events."""
    if entry.version > 1:
        return False
    if entry.minor_version == 1:
        data = {**entry.data, **async_new_address()}
        hass.config_entries.async_update_entry(entry, data=data, minor_version=2)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Take a PBX down."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Forget a PBX's calls; whoever waits for one is told."""
    await async_remove_tracking(hass, entry.entry_id)
    async_forget_report(hass, entry)
    async_remove_guard(hass, entry)
    await async_delete_cloudhook(hass, entry.data.get(CONF_WEBHOOK_ID, ""))


async def _async_reload(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Start anew with what was changed."""
    await hass.config_entries.async_reload(entry.entry_id)

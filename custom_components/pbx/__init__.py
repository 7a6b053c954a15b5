"""The PBX integration: place and follow calls through your own PBX."""

import asyncio

from homeassistant.const import Platform
from homeassistant.core import HassJob, HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .activity import async_fire_call_events
from .backends.base import Feature
from .calls.contact_registry import registry_changes
from .calls.manager import DATA_MANAGERS, async_get_manager
from .calls.number_plan import load_numbering_plans
from .const import DOMAIN, SUBENTRY_CONTACT
from .coordinator import PbxConfigEntry, PbxCoordinator, PbxData
from .entity import async_follow_devices, pbx_device
from .frontend import async_load_card, async_serve_card, async_unload_card
from .repairs import async_delete_issues, async_watch_health, async_watch_states
from .services import async_setup_services
from .voice.sentence_triggers import async_start_voice
from .webhook import async_open_webhook
from .websocket import async_register_commands

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NOTIFY,
    Platform.SENSOR,
]


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up the actions and the events of all PBXs.

    Without a loaded PBX, an action raises a clear error.
    """
    async_setup_services(hass)
    async_fire_call_events(hass)
    async_register_commands(hass)
    # Before others listen to the registries, and look up names then.
    registry_changes(hass)
    await hass.async_add_executor_job(load_numbering_plans, hass.config.country)
    await async_serve_card(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Set up a PBX."""
    for subentry in tuple(entry.subentries.values()):
        # Of a development version, in which extensions were not contacts.
        if subentry.subentry_type != SUBENTRY_CONTACT:
            hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    async_load_card(hass)
    manager = await async_get_manager(hass, entry)
    if manager.link.supports(Feature.PUSHED_EVENTS):
        async_open_webhook(hass, manager)
    is_retry = manager.link.backend is not None
    # Before the first ping: an action that runs meanwhile gets the actual error.
    backend = manager.async_attach()
    if not is_retry:
        for start in (async_watch_health, async_start_voice):
            manager.link.on_detach(start(hass, manager))
        # Other kinds of PBX are asked for the states.
        if manager.link.supports(Feature.PUSHED_EVENTS):
            manager.link.on_detach(async_watch_states(hass, manager))
    coordinator = PbxCoordinator(hass, entry, manager, backend)
    await coordinator.async_config_entry_first_refresh()
    data = entry.runtime_data = PbxData(manager=manager, coordinator=coordinator)
    # Before the devices of its contacts, which refer to it by `via_device_id`.
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **pbx_device(data)
    )
    entry.async_on_unload(async_follow_devices(hass, data))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    running = entry.async_create_background_task(
        hass, manager.link.run(), f"{DOMAIN} run {entry.entry_id}"
    )
    manager.reading.async_read()
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(_async_stop), running))
    return True


async def _async_stop(running: asyncio.Task[None]) -> None:
    """Stop the backend of a PBX, as Home Assistant is stopping.

    Home Assistant itself does not wait for what a canceled task still does: the calls
    that need it would be left on the PBX.
    """
    running.cancel()
    await asyncio.wait([running])


async def async_unload_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Unload a PBX; its calls continue."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Remove a PBX: drop its calls, and end the actions that wait for one."""
    manager = await async_get_manager(hass, entry)
    del hass.data[DATA_MANAGERS][entry.entry_id]
    await manager.async_remove()
    async_delete_issues(hass, entry)
    if not hass.config_entries.async_entries(DOMAIN):
        async_unload_card(hass)

"""The PBX integration: place calls through the PBX that you own."""

from homeassistant.const import CONF_URL, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .backends.base import PbxClient
from .calls.guard import async_get_guard, async_remove_guard
from .calls.manager import async_get_tracking, async_remove_tracking
from .calls.number_plan import load_numbering_plans
from .calls.tracker import DEFAULT_MAX_TALK_TIME
from .const import CONF_MAX_TALK_TIME, DOMAIN, MAX_TALK_TIME_RANGE
from .coordinator import PbxConfigEntry, PbxCoordinator, PbxData
from .entity import pbx_device
from .event_inbox import EventInbox
from .event_stream import StreamListener, async_forget_stream
from .event_watch import EventWatch, async_forget_silence
from .kinds import async_create_client
from .limits import LimitKeeper
from .report import ReportReader, async_forget_report
from .services import async_setup_services
from .voice.sentence_triggers import async_start_voice
from .webhook import async_open_address

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.SENSOR,
]


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up the actions, which explain themselves while no PBX is loaded."""
    await hass.async_add_executor_job(load_numbering_plans, hass.config.country)
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Set up a PBX."""
    client = async_create_client(hass, entry.data, entry.entry_id)
    events = EventInbox()
    coordinator = PbxCoordinator(hass, entry, client, events)
    await coordinator.async_config_entry_first_refresh()
    tracking = await async_get_tracking(hass, entry.entry_id)
    tracking.async_set_address(entry.data[CONF_URL])
    tracking.tracker.max_talk_time = _max_talk_time(entry, client)
    entry.runtime_data = PbxData(
        client=client, coordinator=coordinator, tracking=tracking, events=events
    )
    # Before the devices below it, which name it.
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **pbx_device(entry, client.manufacturer)
    )
    async_get_guard(hass, entry).async_forget()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    _async_listen(hass, entry)
    await async_start_voice(hass, entry)
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> bool:
    """Take a PBX down."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Forget a PBX's calls; whoever waits for one is told."""
    await async_remove_tracking(hass, entry.entry_id)
    async_forget_report(hass, entry)
    async_forget_stream(hass, entry)
    async_forget_silence(hass, entry)
    async_remove_guard(hass, entry)


def _max_talk_time(entry: PbxConfigEntry, client: PbxClient) -> float:
    """Return the seconds after which a talk without a limit is given up."""
    if client.event_stream is not None:
        # What is lost of it is asked for afterwards: a talk that goes on is
        # known to go on.
        return MAX_TALK_TIME_RANGE[1]
    max_talk_time: float = entry.options.get(CONF_MAX_TALK_TIME, DEFAULT_MAX_TALK_TIME)
    return max_talk_time


@callback
def _async_listen(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Hear of calls in whichever ways the PBX tells of them, and end them in time."""
    client = entry.runtime_data.client
    if (report := client.report) is not None:
        ReportReader(hass, entry, report).async_start()
    if (events := client.pushed_events) is not None:
        async_open_address(hass, entry, events)
        EventWatch(hass, entry).async_start()
    if (stream := client.event_stream) is not None:
        StreamListener(hass, entry, stream).async_start()
    if not client.enforces_limits:
        LimitKeeper(hass, entry).async_start()


async def _async_reload(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Start anew with what was changed."""
    await hass.config_entries.async_reload(entry.entry_id)

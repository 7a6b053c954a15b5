"""How the PBXs are, for the page that people copy into a bug report."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .client import PbxError
from .const import CONF_KIND, DOMAIN
from .coordinator import PbxConfigEntry
from .guard import async_get_guard

# What the page shows as a failure, whatever it was.
_FAILED = {"type": "failed", "error": "unreachable"}


@callback
def async_register(
    _hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what is shown."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is shown: of all PBXs together, and whether each is there.

    No name and no number is in it: it is made to be published.
    """
    entries: list[PbxConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    loaded = [entry for entry in entries if entry.state is ConfigEntryState.LOADED]
    info: dict[str, Any] = {
        "pbxs": ", ".join(entry.data[CONF_KIND] for entry in entries),
        "loaded": len(loaded),
        "active_calls": sum(e.runtime_data.tracking.tracker.active for e in loaded),
        "events": sum(sum(e.runtime_data.events.received.values()) for e in loaded),
        "refused_calls": sum(
            async_get_guard(hass, entry).refused.total() for entry in entries
        ),
    }
    for number, entry in enumerate(loaded, start=1):
        info[f"can_reach_pbx_{number}"] = _async_reach(entry)
    return info


async def _async_reach(entry: PbxConfigEntry) -> str | dict[str, str]:
    """Ask a PBX whether it is there; the page does not wait for it."""
    try:
        await entry.runtime_data.client.ping()
    except PbxError as err:
        return {**_FAILED, "error": type(err).__name__.removesuffix("Error")}
    return "ok"

"""Diagnostics of a PBX, without anybody's number or secret."""

from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from yarl import URL

from .const import CONF_API_KEY, CONF_CALLER, CONF_CALLER_ID
from .coordinator import PbxConfigEntry
from .redaction import mask_number

_SECRETS = {CONF_USERNAME, CONF_PASSWORD, CONF_API_KEY}
_NUMBERS = (CONF_CALLER, CONF_CALLER_ID)


async def async_get_config_entry_diagnostics(
    _hass: HomeAssistant, entry: PbxConfigEntry
) -> dict[str, Any]:
    """Return what a maintainer needs to understand a report."""
    coordinator = entry.runtime_data.coordinator
    tracker = entry.runtime_data.tracking.tracker
    url = URL(entry.data[CONF_URL])
    return {
        # A title may be the PBX's address: neither is given.
        "data": {
            **async_redact_data(entry.data, _SECRETS),
            CONF_URL: f"{url.scheme}://{REDACTED}:{url.port}{url.path}",
        },
        "options": {
            **entry.options,
            **{
                name: mask_number(entry.options[name])
                for name in _NUMBERS
                if name in entry.options
            },
        },
        "connected": coordinator.last_update_success,
        "last_error": None
        if coordinator.last_update_success
        else _describe(coordinator.last_exception, url),
        "outstanding_calls": [call.redacted() for call in tracker.outstanding],
        "recent_calls": [call.redacted() for call in tracker.recent],
    }


def _describe(err: BaseException | None, url: URL) -> str:
    """Return the client's own error, which is cleaned but for the PBX's host."""
    return str(err and err.__cause__).replace(str(url.host), REDACTED)

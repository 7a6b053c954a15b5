"""An address that can be reached from anywhere, where Home Assistant Cloud is active.

The cloud brings dozens of packages: it is imported where it is set up, only.
"""

from contextlib import suppress
import logging

from hass_nabucasa.exceptions import NabuCasaBaseError
from homeassistant.core import HomeAssistant

from .redaction import clean_text

_LOGGER = logging.getLogger(__name__)


async def async_get_cloudhook(hass: HomeAssistant, webhook_id: str) -> str | None:
    """Return the cloud's address of a webhook; None where there is no cloud."""
    if "cloud" not in hass.config.components:
        return None
    from homeassistant.components import cloud  # noqa: PLC0415

    if not cloud.async_active_subscription(hass):
        return None
    try:
        return await cloud.async_get_or_create_cloudhook(hass, webhook_id)
    except (cloud.CloudNotAvailable, NabuCasaBaseError, TimeoutError) as err:
        reason = clean_text(err, (webhook_id,)) or type(err).__name__
        _LOGGER.warning("Home Assistant Cloud gave no address for events: %s", reason)
        return None


async def async_delete_cloudhook(hass: HomeAssistant, webhook_id: str) -> None:
    """Delete the cloud's address of a webhook, if it has one."""
    if "cloud" not in hass.config.components:
        return
    from homeassistant.components import cloud  # noqa: PLC0415

    # ValueError: it has none.
    with suppress(cloud.CloudNotAvailable, ValueError):
        await cloud.async_delete_cloudhook(hass, webhook_id)

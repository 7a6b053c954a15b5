"""Names that users set in Home Assistant's registries."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import EventDeviceRegistryUpdatedData
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN

# Changes of a device or an entity that can change who is called by which name.
_DEVICE_FACTS: Final = frozenset({"name_by_user", "disabled_by"})
_ENTITY_FACTS: Final = frozenset({"aliases", "disabled_by"})

# Of a contact's call button.
_PREFIX: Final = f"{Platform.BUTTON}."

# Seconds. One change in a registry is often followed by others.
_SETTLE: Final = 1.0


@callback
def watch_names(hass: HomeAssistant, changed: Callable[[], None]) -> None:
    """Call back when a user names, disables or enables a contact.

    Several changes in a row cause one call. Lasts until Home Assistant stops.
    """
    cancel: CALLBACK_TYPE | None = None

    @callback
    def registry_changed(_event: Event[Any]) -> None:
        nonlocal cancel
        if cancel is None and not hass.is_stopping:
            cancel = async_call_later(hass, _SETTLE, HassJob(settled))

    @callback
    def settled(_now: datetime) -> None:
        nonlocal cancel
        cancel = None
        changed()

    @callback
    def stop(_event: Event) -> None:
        if cancel is not None:
            cancel()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop)
    hass.bus.async_listen(
        dr.EVENT_DEVICE_REGISTRY_UPDATED,
        registry_changed,
        event_filter=partial(_is_device_of_ours, hass),
    )
    hass.bus.async_listen(
        er.EVENT_ENTITY_REGISTRY_UPDATED,
        registry_changed,
        event_filter=partial(_is_entity_of_ours, hass),
    )


@callback
def _is_device_of_ours(
    hass: HomeAssistant, data: EventDeviceRegistryUpdatedData
) -> bool:
    # A device that is removed takes its entities along.
    if data["action"] != "update" or not _DEVICE_FACTS & data["changes"].keys():
        return False
    device = dr.async_get(hass).async_get(data["device_id"])
    return device is not None and any(
        domain == DOMAIN for domain, *_ in device.identifiers
    )


@callback
def _is_entity_of_ours(
    hass: HomeAssistant, data: EventEntityRegistryUpdatedData
) -> bool:
    if data["action"] == "update" and not _ENTITY_FACTS & data["changes"].keys():
        return False
    if not data["entity_id"].startswith(_PREFIX):
        return False
    entity = er.async_get(hass).async_get(data["entity_id"])
    # The integration of an entity that was removed is not known anymore.
    return entity is None or entity.platform == DOMAIN

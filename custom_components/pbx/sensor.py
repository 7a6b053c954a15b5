"""Sensors of a PBX: its active and missed calls, and the states of its extensions."""

from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .backends.base import Channel
from .backends.updates import ExtensionState, ExtensionUpdate
from .calls.call_log import LogChange
from .calls.changes import CallChanged, Change, HealthChanged, SettingsChanged
from .calls.contacts import Contact
from .calls.log_rows import LogRow, row_dict
from .calls.permissions import is_log_public
from .coordinator import PbxConfigEntry
from .entity import (
    KEY_EXTENSION_STATE,
    PbxEntity,
    PbxPushEntity,
    async_add_for_contacts,
)

# Nothing is polled.
PARALLEL_UPDATES = 0

ATTR_CALLS: Final = "calls"
# How many missed calls the sensor shows.
_SHOWN_CALLS: Final = 5

_BUSY: Final = (ExtensionState.RINGING, ExtensionState.IN_USE)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PbxConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a PBX and of its extensions."""
    async_add_entities(
        [
            ActiveCallsSensor(entry, "active_calls"),
            MissedCallsSensor(entry, "missed_calls"),
        ]
    )
    async_add_for_contacts(
        entry, ExtensionSensor, async_add_entities, only_extensions=True
    )


class ActiveCallsSensor(PbxPushEntity, SensorEntity):
    """The number of active calls that the PBX reports."""

    _attr_state_class = SensorStateClass.MEASUREMENT

    @override
    async def async_added_to_hass(self) -> None:
        """Initialize the state."""
        self._update_count()
        await super().async_added_to_hass()

    @callback
    @override
    def _changed(self, change: Change) -> None:
        if isinstance(change, CallChanged) and self._update_count():
            self.async_write_ha_state()

    def _update_count(self) -> bool:
        """Count the active calls, and return whether their number has changed."""
        before = self._attr_native_value
        self._attr_native_value = self.manager.tracker.active
        return before != self._attr_native_value


class MissedCallsSensor(PbxPushEntity, SensorEntity):
    """The number of missed calls that nobody has looked at yet."""

    _attr_state_class = SensorStateClass.MEASUREMENT
    _unrecorded_attributes = frozenset({ATTR_CALLS})
    # What was written last: thousands of calls may be marked as seen at once.
    _written: tuple[int, list[LogRow]] | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the call log."""
        await super().async_added_to_hass()
        self.async_on_remove(self.manager.log.subscribe(self._log_changed))

    @property
    @override
    def native_value(self) -> int:
        """Return the number of missed calls."""
        return self.manager.log.missed_unseen

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the last missed calls, if every user may read the call log."""
        if not is_log_public(self.manager):
            return {ATTR_CALLS: []}
        rows = self.manager.log.unseen(_SHOWN_CALLS)
        return {ATTR_CALLS: [row_dict(row, self.manager, None) for row in rows]}

    @callback
    def _log_changed(self, _change: LogChange) -> None:
        log = self.manager.log
        written = log.missed_unseen, log.unseen(_SHOWN_CALLS)
        if written != self._written:
            self._written = written
            self.async_write_ha_state()

    @callback
    @override
    def _changed(self, change: Change) -> None:
        if isinstance(change, SettingsChanged):
            # Also names, and who may read the log.
            self.async_write_ha_state()


class ExtensionSensor(PbxEntity, SensorEntity):
    """The state of an extension, as the PBX reports it.

    It is unknown until the first report: the state before a restart may be outdated.
    """

    _attr_device_class = SensorDeviceClass.ENUM

    def __init__(self, entry: PbxConfigEntry, extension: Contact) -> None:
        """Initialize the sensor."""
        super().__init__(entry, KEY_EXTENSION_STATE, extension)
        self._attr_options = list(ExtensionState)
        self._number = extension.number

    @property
    @override
    def available(self) -> bool:
        """Return whether the PBX responds, and its events are received."""
        events = self.manager.kind.channels - {Channel.REPORT}
        return super().available and all(map(self.manager.link.is_channel_ok, events))

    @property
    @override
    def native_value(self) -> str | None:
        """Return the state of the extension."""
        update = self._update
        return update.state if update else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the other party of its call, by the phone book of now."""
        update = self._update
        if update is None or update.state not in _BUSY:
            return dict.fromkeys(("participant", "participant_name", "direction"))
        contact = self.manager.book.owner_of(update.participant)
        return {
            "participant": update.participant or None,
            "participant_name": contact and contact.name,
            "direction": update.direction and update.direction.value,
        }

    @property
    def _update(self) -> ExtensionUpdate | None:
        return self.manager.link.extensions.get(self._number)

    @callback
    @override
    def _changed(self, change: Change) -> None:
        match change:
            case ExtensionUpdate() if change.number == self._number:
                self.async_write_ha_state()
            case HealthChanged():
                self.async_write_ha_state()
            case SettingsChanged():
                extension = self.manager.book.contact(self._subentry_id)
                if extension is not None:
                    self._number = extension.number
                    # The other party may have been renamed.
                    self.async_write_ha_state()

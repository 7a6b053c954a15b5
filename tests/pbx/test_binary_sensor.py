"""Tests of the binary sensor for the connection of a PBX."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.const import STATE_OFF, STATE_ON, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.backends.errors import (
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)

from .common import let_time_pass
from .reporting import attributes, state_of
from .toy import ToyBackend

CONNECTED = "binary_sensor.toy_connected"


@pytest.mark.usefixtures("toy")
async def test_kind(hass: HomeAssistant) -> None:
    """It is a diagnostic entity with the device class connectivity."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.original_device_class == BinarySensorDeviceClass.CONNECTIVITY
    assert entity.entity_category is EntityCategory.DIAGNOSTIC
    assert entity.translation_key == "connected"


@pytest.mark.parametrize(
    "error",
    [
        PbxError(PbxErrorCode.CANNOT_CONNECT),
        # It is there, but does not let us in.
        DeniedError(PbxErrorCode.ACCESS_DENIED),
        CredentialsError(),
    ],
    ids=str,
)
async def test_fault(hass: HomeAssistant, toy: ToyBackend, error: PbxError) -> None:
    """It is off while the PBX is unavailable, and on again afterwards."""
    assert state_of(hass, CONNECTED) == STATE_ON
    toy.error = error
    await let_time_pass(hass, 61)
    assert state_of(hass, CONNECTED) == STATE_OFF
    toy.error = None
    await let_time_pass(hass, 61)
    assert state_of(hass, CONNECTED) == STATE_ON


async def test_channels(hass: HomeAssistant, toy: ToyBackend) -> None:
    """It shows whether events are received on each channel."""
    assert attributes(hass, CONNECTED) == {"stream": "ok"}
    toy.sink.health(Channel.STREAM, ChannelState.RECONNECTING)
    assert attributes(hass, CONNECTED) == {"stream": "reconnecting"}
    assert state_of(hass, CONNECTED) == STATE_ON

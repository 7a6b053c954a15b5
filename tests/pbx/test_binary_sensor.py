"""Tests of the sensor that tells whether a PBX is connected."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.const import STATE_OFF, STATE_ON, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from sandbox import Fault, Sandbox

from .common import CONNECTED, PING, change_account, connected, let_time_pass


@pytest.mark.usefixtures("loaded_entry")
async def test_kind(hass: HomeAssistant) -> None:
    """It is about connectivity, and stands among the diagnostic entities."""
    entity = er.async_get(hass).async_get(CONNECTED)
    assert entity is not None
    assert entity.original_device_class == BinarySensorDeviceClass.CONNECTIVITY
    assert entity.entity_category is EntityCategory.DIAGNOSTIC
    assert entity.translation_key == "connected"


@pytest.mark.usefixtures("loaded_entry")
async def test_fault(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """It is off, not unavailable, while the PBX is away, and on again after."""
    assert connected(hass) == STATE_ON
    sandbox.faults.set(PING, Fault("reset", times=1))
    await let_time_pass(hass, 61)
    assert connected(hass) == STATE_OFF
    await let_time_pass(hass, 61)
    assert connected(hass) == STATE_ON


@pytest.mark.usefixtures("loaded_entry")
async def test_kept_out(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """It is off as well while the PBX is there, but does not let us in."""
    change_account(sandbox, permissions=())
    await let_time_pass(hass, 61)
    assert connected(hass) == STATE_OFF
    change_account(sandbox, permissions=(PING,), password="other")
    await let_time_pass(hass, 61)
    assert connected(hass) == STATE_OFF

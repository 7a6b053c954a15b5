"""Tests of the actions, through Home Assistant and over HTTP to the sandbox."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.pbx.const import DOMAIN
from sandbox import ManualClock, Sandbox

ORIGINATE = "/call/originate/act"


async def originate(hass: HomeAssistant, **data: Any) -> dict[str, Any]:
    """Run the action with a response."""
    response = await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


@pytest.mark.usefixtures("loaded_entry")
async def test_originate(
    hass: HomeAssistant, sandbox: Sandbox, clock: ManualClock
) -> None:
    """The request is sent as documented, and the id of the call comes back."""
    response = await originate(hass, caller="101", callee="200")

    assert sandbox.requests[-1].json == {
        "caller": "101",
        "callee": "200",
        "context": "main_routing",
        "caller_id": "101",
        "timeout": "30",
    }
    assert response == {"originated_call_id": sandbox.calls[0].id}
    await clock.advance(60)
    assert sandbox.calls[0].result == "answered"

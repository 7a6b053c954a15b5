"""A Home Assistant with the integration in it, beside a real Asterisk."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.call import Call
from custom_components.pbx.const import DOMAIN
from scripts.support.asterisk import CONTEXT, Asterisk

_PATIENCE = 120

CALL_DEFAULTS = {
    "context": CONTEXT,
    "caller": "557",
    "caller_id": "100",
    "caller_name": "Doorbell",
    "timeout": 15,
    "internal_digits": 5,
}


@dataclass
class House:
    """What a person has at home."""

    hass: HomeAssistant
    asterisk: Asterisk
    entry: MockConfigEntry

    async def run(self, action: str, **data: object) -> dict[str, Any]:
        """Run an action with a response."""
        response = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        assert response is not None
        return response

    async def call(self, callee: str = "552", **data: object) -> dict[str, Any]:
        """Place a call, and return what came of it."""
        return await self.run("originate", callee=callee, wait_for_result=True, **data)

    async def begin(self, callee: str = "552", **data: object) -> Call:
        """Place a call, and return it while it is on."""
        response = await self.run("originate", callee=callee, **data)
        call_id = response["originated_call_id"]
        calls: list[Call] = [*self.tracker.outstanding, *self.tracker.recent]
        return next(call for call in calls if call.originated_call_id == call_id)

    @property
    def tracker(self) -> Any:  # noqa: ANN401 - of an entry that may be loaded anew
        """The calls as the integration knows them."""
        return self.entry.runtime_data.tracking.tracker

    async def until_state(self, call: Call, state: CallState) -> None:
        """Wait until a call has come to a state."""
        await until(lambda: call.state is state)

    async def until_listening(self) -> None:
        """Wait until the PBX's events are heard."""
        await until(lambda: self.entry.runtime_data.events.is_connected)

    def pbx_call(self) -> dict[str, Any]:
        """Return what is told last of the calls of all phones."""
        unique_id = f"{self.entry.entry_id}_pbx_call"
        registry = er.async_get(self.hass)
        entity_id = registry.async_get_entity_id("event", DOMAIN, unique_id)
        assert entity_id is not None
        state = self.hass.states.get(entity_id)
        assert state is not None
        return dict(state.attributes)


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(_PATIENCE):
        while not is_so():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def add_asterisk(hass: HomeAssistant, asterisk: Asterisk) -> MockConfigEntry:
    """Set the PBX up as a person would, by the dialogs."""
    flow = hass.config_entries.flow
    step = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    step = await flow.async_configure(step["flow_id"], {"next_step_id": "asterisk"})
    connection = {
        "url": asterisk.url,
        "username": asterisk.username,
        "password": asterisk.password,
        "verify_ssl": True,
    }
    step = await flow.async_configure(step["flow_id"], connection)
    assert step["step_id"] == "defaults", step
    step = await flow.async_configure(step["flow_id"], CALL_DEFAULTS)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    entry: MockConfigEntry = step["result"]  # type: ignore[assignment]
    await hass.async_block_till_done()
    return entry

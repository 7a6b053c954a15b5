"""A Home Assistant with the integration, next to a real Asterisk."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.changes import CallChanged, Change
from custom_components.pbx.calls.manager import SIGNAL_CHANGE, CallManager
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


class House:
    """What a person has at home.

    Attributes:
        calls: all of which anything was reported, in that order.
    """

    def __init__(self, hass: HomeAssistant, asterisk: Asterisk) -> None:
        """Record events; the PBX is not set up yet."""
        self.hass = hass
        self.asterisk = asterisk
        self.entry: MockConfigEntry
        self.calls: dict[Call, None] = {}
        async_dispatcher_connect(hass, SIGNAL_CHANGE, self._changed)

    @callback
    def _changed(self, _manager: CallManager, change: Change) -> None:
        if isinstance(change, CallChanged):
            self.calls[change.call] = None

    async def run(self, action: str, **data: object) -> dict[str, Any]:
        """Run an action with a response."""
        response = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        assert response is not None
        return response

    async def call(self, callee: str = "552", **data: object) -> dict[str, Any]:
        """Place a call, and return its result."""
        data = {"wait_until": "ended", **data}
        return await self.run("originate", callee=callee, **data)

    async def begin(self, callee: str = "552", **data: object) -> Call:
        """Place a call, and return it while it is open."""
        response = await self.run("originate", callee=callee, **data)
        call_id = response["originated_call_id"]
        await until(lambda: any(x.originated_call_id == call_id for x in self.calls))
        return next(x for x in self.calls if x.originated_call_id == call_id)

    @property
    def open_calls(self) -> list[Call]:
        """The calls that have not ended."""
        return [call for call in self.calls if call.result is None]

    @property
    def latest(self) -> dict[str, Any]:
        """The latest call."""
        return [*self.calls][-1].details(CallState.ENDED)

    async def until_state(self, call: Call, state: CallState) -> None:
        """Wait until a call has a state."""
        await until(lambda: call.state is state)

    @property
    def is_listening(self) -> bool:
        """Whether the event stream is connected."""
        state = self.hass.states.get("binary_sensor.asterisk_connected")
        return state is not None and state.attributes.get("stream") == "ok"

    async def until_listening(self) -> None:
        """Wait until the event stream is connected."""
        await until(lambda: self.is_listening)


async def set_channels(house: House, **templates: str) -> None:
    """Change the templates `internal_channel` and `external_channel`."""
    entries = house.hass.config_entries
    data = {**house.entry.data, **templates}
    entries.async_update_entry(house.entry, data=data)
    await entries.async_reload(house.entry.entry_id)
    await house.until_listening()


async def until(is_so: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(_PATIENCE):
        while not is_so():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)


async def add_dialplan(asterisk: Asterisk, *lines: str, context: str = CONTEXT) -> None:
    """Add extensions to a dialplan context, by default to that of placed calls."""
    with (asterisk.folder / "etc/extensions.conf").open("a") as file:
        file.write("\n".join(("", f"[{context}](+)", *lines, "")))
    await asterisk.cli("dialplan reload")


async def add_asterisk(hass: HomeAssistant, asterisk: Asterisk) -> MockConfigEntry:
    """Set up the PBX through the config flow."""
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
    for step_id, nothing in (
        ("import_extensions", {"extensions": []}),
        ("ring_phone", {"ring": False}),
    ):
        assert step["step_id"] == step_id, step
        step = await flow.async_configure(step["flow_id"], nothing)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    entry: MockConfigEntry = step["result"]  # type: ignore[assignment]
    await hass.async_block_till_done()
    return entry

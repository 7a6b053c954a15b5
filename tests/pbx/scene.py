"""A sandbox PBX with a manual clock, whose updates are reported by the tests.

The sandbox sends no events, so that each test controls what the PBX reports,
and when. Its report is disabled.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.base import OpenCall, Sink
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate
from custom_components.pbx.const import DOMAIN
from sandbox import ManualClock, Sandbox, SandboxCall

from .common import ORIGINATE, settle

REPORT = "/reports/cdr/ordered/id"


@dataclass
class Scene:
    """A PBX, its calls, and the clocks of the sandbox and of Home Assistant."""

    hass: HomeAssistant
    entry: MockConfigEntry
    sandbox: Sandbox
    clock: ManualClock
    freezer: FrozenDateTimeFactory
    # The sinks of the backends, the latest last.
    sinks: list[Sink]
    # Whether the PBX reports all states of a call, or only its end.
    tells_all: bool = True
    reports: bool = True

    @property
    def open_calls(self) -> Sequence[OpenCall]:
        """The calls that have not ended, as the backend knows them."""
        return self.sinks[-1].open_calls()

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Caller and callee of every request to the PBX, in order."""
        return [
            (request.json["caller"], request.json["callee"])  # type: ignore[index]
            for request in self.sandbox.requests
            if request.path == ORIGINATE
        ]

    @property
    def rung(self) -> list[tuple[str, str]]:
        """Caller and callee of every call that the PBX placed, in order."""
        return [(call.caller, call.callee) for call in self.sandbox.calls]

    async def run(self, action: str, **data: object) -> dict[str, Any]:
        """Run an action with a response."""
        response = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        assert response is not None
        return response

    async def begin(self, action: str, **data: object) -> asyncio.Task[dict[str, Any]]:
        """Run an action until it waits."""
        running = asyncio.create_task(self.run(action, **data))
        await self.settle()
        return running

    async def settle(self) -> None:
        """Wait until all tasks are done or wait for time to pass."""
        for _ in range(3):
            await self.clock.settle()
            await settle(self.hass)

    async def live(self, seconds: int) -> None:
        """Let time pass, while the PBX reports its calls."""
        for _ in range(seconds):
            await self.clock.advance(1)
            for call in self.sandbox.calls if self.reports else ():
                self.tell(call)
            await self.pass_time(1)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass only for Home Assistant."""
        self.freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self.hass)
        await self.settle()

    def tell(self, call: SandboxCall) -> None:
        """Report all known states of a call, repeatedly."""
        if self.tells_all and call.second_leg is not None:
            self.observe(call, CallState.RINGING_CALLEE)
        if self.tells_all and call.answered is not None:
            self.observe(call, CallState.CONNECTED)
        if call.result is not None:
            self.observe(call, CallState.ENDED, CallResult(call.result))

    def observe(
        self, call: SandboxCall, state: CallState, result: CallResult | None = None
    ) -> None:
        """Report an update about a call."""
        update = CallUpdate(
            state=state,
            originated_call_id=call.id,
            caller=call.caller,
            callee=call.callee,
            result=result,
            ring_time=float(call.ring_time),
            talk_time=float(call.talk_time),
        )
        self.sinks[-1].call(update)

"""An integration of Home Assistant's for the time of a bench: it measures from inside.

What is compared runs in one event loop, so that nothing but itself is in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
import cProfile
from functools import partial
import io
import pstats
import random
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

from custom_components.pbx.backends.http import request_options
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate
from custom_components.pbx.calls.manager import DATA_MANAGERS, CallManager
from custom_components.pbx.const import DOMAIN

from .ratios import turns
from .scene import CALL, END, EVENT, HEADERS, OTHER, PROBE, SIZES, WEBHOOKS
from .tracker import open_call

_REST = 0.002
_FIRED_TIMEOUT = 10
_PROFILE_LINES = 45
# Listeners run in the next one, and what they set off in those after it.
_TURNS_OF_THE_LOOP = 3

type _Once = Callable[[], Awaitable[float]]


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the actions that the bench calls, and its automations."""
    probe = _Probe(hass)
    hass.services.async_register(PROBE, "fired", probe.fired)
    hass.services.async_register(PROBE, "populate", probe.populate)
    for name in ("measure", "profile"):
        hass.services.async_register(
            PROBE,
            name,
            getattr(probe, name),
            supports_response=SupportsResponse.ONLY,
        )
    return True


class _Probe:
    """Measures calls and events."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Measure nothing yet."""
        self._hass = hass
        self._session = async_get_clientsession(hass)
        self._fired: asyncio.Future[float] = hass.loop.create_future()

    @callback
    def fired(self, _call: ServiceCall) -> None:
        """Note when an automation came to its first action."""
        self._fired.set_result(perf_counter())

    async def measure(self, call: ServiceCall) -> ServiceResponse:
        """Return the median seconds of each round, by what was measured."""
        kinds = self._kinds(call.data)
        rounds: dict[str, list[float]] = {name: [] for name in kinds}
        # The first round, which is not counted, opens connections and warms up.
        for number in range(call.data["rounds"] + 1):
            taken = await self._round(kinds, call.data["turns"])
            for name in kinds if number else ():
                rounds[name].append(median(taken[name]))
        return {"rounds": {name: [*seconds] for name, seconds in rounds.items()}}

    async def profile(self, call: ServiceCall) -> ServiceResponse:
        """Return what the functions of one of them take, with what they call."""
        once = self._kinds(call.data)[call.data["name"]]
        profiler = cProfile.Profile()
        for _ in range(call.data["turns"]):
            profiler.enable()
            try:
                await once()
            finally:
                profiler.disable()
            await self._settle()
        text = io.StringIO()
        stats = pstats.Stats(profiler, stream=text).strip_dirs()
        stats.sort_stats("cumulative").print_stats(_PROFILE_LINES)
        return {"profile": text.getvalue()}

    async def _round(
        self, kinds: dict[str, _Once], count: int
    ) -> dict[str, list[float]]:
        """Let all take turns; each is alone, as a call or an event mostly is."""
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(count):
            for name in turns(tuple(kinds), number):
                taken[name].append(await kinds[name]())
                await self._settle()
        return taken

    async def _settle(self) -> None:
        """Wait until nothing is left of what was measured last."""
        self._end_calls()
        # It writes down what has changed, in a thread that slows down the others.
        await get_instance(self._hass).async_block_till_done()
        await asyncio.sleep(_REST)

    def _kinds(self, data: dict[str, Any]) -> dict[str, _Once]:
        """Return what can be measured: calls, or events."""
        if data["what"] == "calls":
            return {
                "pbx.originate": partial(self._act, "pbx", "originate"),
                "pbx.originate, all of it": partial(self._act_to_the_end, "pbx"),
                "rest_command": partial(self._act, "rest_command", "originate"),
                "aiohttp": partial(self._post, data["url"], is_new=False),
                "aiohttp, a new connection": partial(
                    self._post, data["url"], is_new=True
                ),
            }
        if data["what"] == "outstanding":
            path = f"{data['url']}/api/webhook/"
            return {
                str(size): partial(self._end, path, entry)
                for size, entry in zip(SIZES, self._entries()[1:], strict=True)
            }
        if data["what"] == "setup":
            return {name: partial(self._reload, name) for name in (DOMAIN, OTHER)}
        entry = self._entries()[0]
        ids = {"pbx.incoming_call": entry.data[CONF_WEBHOOK_ID], **WEBHOOKS}
        path = f"{data['url']}/api/webhook/"
        return {name: partial(self._fire, path + ids[name]) for name in ids}

    def _entries(self) -> list[ConfigEntry[Any]]:
        """Return the PBXs, in the order in which they were added."""
        return self._hass.config_entries.async_entries(DOMAIN)

    def _manager(self, entry: ConfigEntry[Any]) -> CallManager:
        """Return the owner of a PBX's calls."""
        return self._hass.data[DATA_MANAGERS][entry.entry_id]

    @callback
    def populate(self, _call: ServiceCall) -> None:
        """Let as many calls be open as belong to each of the further PBXs."""
        for size, entry in zip(SIZES, self._entries()[1:], strict=True):
            tracker = self._manager(entry).tracker
            tracker.restore(open_call() for _ in range(size))

    async def _end(self, path: str, entry: ConfigEntry[Any]) -> float:
        """Send the event that ends one of many calls; another takes its place."""
        tracker = self._manager(entry).tracker
        call = random.choice(tuple(tracker.open.placed))  # noqa: S311 - no secret
        event = {**END, "originated_call_id": call.originated_call_id}
        url = path + entry.data[CONF_WEBHOOK_ID]
        began = perf_counter()
        async with self._session.post(url, json=event) as response:
            await response.read()
        taken = perf_counter() - began
        if call.result is None:
            raise RuntimeError("The event was not taken for one about the call")
        tracker.restore([open_call()])
        return taken

    async def _reload(self, domain: str) -> float:
        """Unload a config entry and set it up again."""
        entry = self._hass.config_entries.async_entries(domain)[0]
        began = perf_counter()
        await self._hass.config_entries.async_reload(entry.entry_id)
        return perf_counter() - began

    async def _act(self, domain: str, action: str) -> float:
        """Place a call by an action, and take its response."""
        data = {name: CALL[name] for name in ("caller", "callee")}
        began = perf_counter()
        await self._hass.services.async_call(
            domain, action, data, blocking=True, return_response=True
        )
        return perf_counter() - began

    async def _act_to_the_end(self, domain: str) -> float:
        """Place a call, and wait for what runs when the action has gone on."""
        began = perf_counter()
        await self._act(domain, "originate")
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)
        return perf_counter() - began

    async def _post(self, url: str, *, is_new: bool) -> float:
        """Place a call by a mere request, and read its answer."""
        began = perf_counter()
        options = request_options(HEADERS, "127.0.0.1", is_new=is_new)
        async with self._session.post(url, json=CALL, **options) as response:
            await response.json()
        return perf_counter() - began

    async def _fire(self, url: str) -> float:
        """Send an event; return how long it takes to the automation's action."""
        self._fired = self._hass.loop.create_future()
        # Another call each time: what is sent again about one is told once.
        event = {**EVENT, "unique_id": uuid4().hex}
        began = perf_counter()
        async with self._session.post(url, json=event) as response:
            await response.read()
        async with asyncio.timeout(_FIRED_TIMEOUT):
            return await self._fired - began

    def _end_calls(self) -> None:
        """End the calls that were placed, as an event would, lest they add up."""
        manager = self._manager(self._entries()[0])
        for call in manager.tracker.open:
            manager.observe(
                CallUpdate(
                    state=CallState.ENDED,
                    originated_call_id=call.originated_call_id,
                    call_id=call.call_id,
                    result=CallResult.ANSWERED,
                )
            )

"""Temporary integration that measures inside of Home Assistant.

Everything runs in the same event loop, so that there is no overhead in between.
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
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, CONF_WEBHOOK_ID
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
from custom_components.pbx.calls.resolve import resolve_contact
from custom_components.pbx.const import DOMAIN, SUBENTRY_CONTACT

from .ratios import turns
from .scene import (
    BOOKS,
    CALL,
    END,
    EVENT,
    HEADERS,
    OTHER,
    PROBE,
    SIZES,
    WEBHOOKS,
    contact_name,
    contact_number,
)
from .tracker import open_call

_REST = 0.002
_FIRED_TIMEOUT = 10
_LOOK_UPS = 20
_PROFILE_LINES = 45
# Listeners run in the next iteration, and their effects in the following ones.
_TURNS_OF_THE_LOOP = 3

type _Once = Callable[[], Awaitable[float]]
type _OnceOfBook = Callable[[int, ConfigEntry[Any]], Awaitable[float]]


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the actions for the benchmark and its automations."""
    probe = _Probe(hass)
    hass.services.async_register(PROBE, "fired", probe.fired)
    hass.services.async_register(PROBE, "populate", probe.populate)
    hass.services.async_register(PROBE, "add_contacts", probe.add_contacts)
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
        """Initialize the probe."""
        self._hass = hass
        self._session = async_get_clientsession(hass)
        self._fired: asyncio.Future[float] = hass.loop.create_future()

    @callback
    def fired(self, _call: ServiceCall) -> None:
        """Record when an automation performs its first action."""
        self._fired.set_result(perf_counter())

    async def measure(self, call: ServiceCall) -> ServiceResponse:
        """Return the median seconds of each round by name."""
        kinds = self._kinds(call.data)
        rounds: dict[str, list[float]] = {name: [] for name in kinds}
        # The first round is the warm-up, and is not counted.
        for number in range(call.data["rounds"] + 1):
            taken = await self._round(kinds, call.data["turns"])
            for name in kinds if number else ():
                rounds[name].append(median(taken[name]))
        return {"rounds": {name: [*seconds] for name, seconds in rounds.items()}}

    async def profile(self, call: ServiceCall) -> ServiceResponse:
        """Return the profile of one measurement by cumulative time."""
        once = self._kinds(call.data)[call.data["name"]]
        profiler = cProfile.Profile()
        for _ in range(call.data["turns"]):
            profiler.enable()
            try:
                await once()
            finally:
                profiler.disable()
            await self._wait_until_idle()
        text = io.StringIO()
        stats = pstats.Stats(profiler, stream=text).strip_dirs()
        stats.sort_stats("cumulative").print_stats(_PROFILE_LINES)
        return {"profile": text.getvalue()}

    async def _round(
        self, kinds: dict[str, _Once], count: int
    ) -> dict[str, list[float]]:
        """Measure all in turn; nothing runs concurrently, as is typical."""
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(count):
            for name in turns(tuple(kinds), number):
                taken[name].append(await kinds[name]())
                await self._wait_until_idle()
        return taken

    async def _wait_until_idle(self) -> None:
        """Wait until the last measurement has no effect on the next one."""
        self._end_calls()
        # The recorder writes the changes in a thread that slows down the others.
        await get_instance(self._hass).async_block_till_done()
        await asyncio.sleep(_REST)

    def _kinds(self, data: dict[str, Any]) -> dict[str, _Once]:
        """Return the measurements by name."""
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
                for size, entry in self._outstanding()
            }
        if measure := self._book_measurements(data["url"]).get(data["what"]):
            return {
                str(size): partial(measure, size, entry)
                for size, entry in self._with_books()
            }
        if data["what"] == "setup":
            return {name: partial(self._reload, name) for name in (DOMAIN, OTHER)}
        entry = self._entries()[0]
        ids = {"pbx.incoming_call": entry.data[CONF_WEBHOOK_ID], **WEBHOOKS}
        path = f"{data['url']}/api/webhook/"
        return {name: partial(self._fire, path + ids[name]) for name in ids}

    def _book_measurements(self, url: str) -> dict[str, _OnceOfBook]:
        """Return what is measured with phone books of different sizes."""
        return {
            "book_calls": self._call_by_name,
            "book_events": partial(self._ring, f"{url}/api/webhook/"),
            "book_look_ups": self._look_up,
            "book_starts": self._start,
        }

    def _entries(self) -> list[ConfigEntry[Any]]:
        """Return the entries of the PBXs in the order in which they were added."""
        return self._hass.config_entries.async_entries(DOMAIN)

    def _with_books(self) -> list[tuple[int, ConfigEntry[Any]]]:
        """Return the PBXs with a phone book, and its size; they follow the first."""
        return list(zip(BOOKS, self._entries()[1:], strict=False))

    def _outstanding(self) -> list[tuple[int, ConfigEntry[Any]]]:
        """Return the PBXs with open calls, and their number; they come last."""
        return list(zip(SIZES, self._entries()[1 + len(BOOKS) :], strict=True))

    def _manager(self, entry: ConfigEntry[Any]) -> CallManager:
        """Return the call manager of a PBX."""
        return self._hass.data[DATA_MANAGERS][entry.entry_id]

    @callback
    def populate(self, _call: ServiceCall) -> None:
        """Add the open calls of each of the additional PBXs."""
        for size, entry in self._outstanding():
            tracker = self._manager(entry).tracker
            tracker.restore(open_call() for _ in range(size))

    async def add_contacts(self, _call: ServiceCall) -> None:
        """Add the contacts of the PBXs that have a phone book."""
        for size, entry in self._with_books():
            for number in range(size):
                data = {"number": contact_number(number), "aliases": []}
                subentry = ConfigSubentry(
                    data=MappingProxyType(data),
                    subentry_type=SUBENTRY_CONTACT,
                    title=contact_name(number),
                    unique_id=None,
                )
                self._hass.config_entries.async_add_subentry(entry, subentry)
        await self._hass.async_block_till_done()

    async def _call_by_name(self, size: int, entry: ConfigEntry[Any]) -> float:
        """Place a call to a random contact, and wait for the response."""
        callee = contact_name(random.randrange(size))  # noqa: S311 - no secret
        data = {"callee": callee, ATTR_CONFIG_ENTRY_ID: entry.entry_id}
        began = perf_counter()
        await self._hass.services.async_call(
            DOMAIN, "originate", data, blocking=True, return_response=True
        )
        return perf_counter() - began

    async def _ring(self, path: str, size: int, entry: ConfigEntry[Any]) -> float:
        """Send the event of a call from a random contact."""
        number = contact_number(random.randrange(size))  # noqa: S311 - no secret
        return await self._fire(path + entry.data[CONF_WEBHOOK_ID], number=number)

    async def _look_up(self, size: int, entry: ConfigEntry[Any]) -> float:
        """Look up contacts by name and by number; return the seconds of one."""
        manager = self._manager(entry)
        numbers = random.choices(range(size), k=_LOOK_UPS)  # noqa: S311 - no secret
        wanted = [(contact_name(each), contact_number(each)) for each in numbers]
        began = perf_counter()
        for name, number in wanted:
            resolve_contact(manager, name)
            manager.book.owner_of(number)
        return (perf_counter() - began) / _LOOK_UPS

    async def _start(self, _size: int, entry: ConfigEntry[Any]) -> float:
        """Set up a config entry, as at a start."""
        await self._hass.config_entries.async_unload(entry.entry_id)
        began = perf_counter()
        await self._hass.config_entries.async_setup(entry.entry_id)
        return perf_counter() - began

    async def _end(self, path: str, entry: ConfigEntry[Any]) -> float:
        """Send the event that ends one of many calls, and add another call."""
        tracker = self._manager(entry).tracker
        call = random.choice(tuple(tracker.open.placed))  # noqa: S311 - no secret
        event = {**END, "originated_call_id": call.originated_call_id}
        url = path + entry.data[CONF_WEBHOOK_ID]
        began = perf_counter()
        async with self._session.post(url, json=event) as response:
            await response.read()
        taken = perf_counter() - began
        if call.result is None:
            raise RuntimeError("The event did not end the call")
        tracker.restore([open_call()])
        return taken

    async def _reload(self, domain: str) -> float:
        """Reload a config entry."""
        entry = self._hass.config_entries.async_entries(domain)[0]
        began = perf_counter()
        await self._hass.config_entries.async_reload(entry.entry_id)
        return perf_counter() - began

    async def _act(self, domain: str, action: str) -> float:
        """Place a call with an action, and wait for its response."""
        data = {name: CALL[name] for name in ("caller", "callee")}
        began = perf_counter()
        await self._hass.services.async_call(
            domain, action, data, blocking=True, return_response=True
        )
        return perf_counter() - began

    async def _act_to_the_end(self, domain: str) -> float:
        """Place a call, and wait for the work that runs after the response."""
        began = perf_counter()
        await self._act(domain, "originate")
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)
        return perf_counter() - began

    async def _post(self, url: str, *, is_new: bool) -> float:
        """Place a call with an HTTP request, and read the response."""
        began = perf_counter()
        options = request_options(HEADERS, "127.0.0.1", is_new=is_new)
        async with self._session.post(url, json=CALL, **options) as response:
            await response.json()
        return perf_counter() - began

    async def _fire(self, url: str, **fields: str) -> float:
        """Send an event; return the seconds until the automation's action."""
        self._fired = self._hass.loop.create_future()
        # A new call each time: repeated events of a call do not trigger.
        event = {**EVENT, **fields, "unique_id": uuid4().hex}
        began = perf_counter()
        async with self._session.post(url, json=event) as response:
            await response.read()
        async with asyncio.timeout(_FIRED_TIMEOUT):
            return await self._fired - began

    def _end_calls(self) -> None:
        """End the placed calls, so that they do not accumulate."""
        for entry in self._entries()[: 1 + len(BOOKS)]:
            manager = self._manager(entry)
            for call in manager.tracker.open:
                manager.observe(
                    CallUpdate(
                        state=CallState.ENDED,
                        originated_call_id=call.originated_call_id,
                        call_id=call.call_id,
                        result=CallResult.ANSWERED,
                    )
                )

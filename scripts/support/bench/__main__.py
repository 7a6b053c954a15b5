"""Run all benchmarks, and print the results."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
import os
from pathlib import Path
import platform
import sys
import tempfile
from typing import Any

from custom_components.pbx.backends.simotel.client import ORIGINATE

from ..booted.client import ApiError, FlowError, Json
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import DOMAIN, set_dialing_rules
from ..machine import LOOPBACK, ROOT
from ..terminal.program import run
from . import imports, scene, tracker, voice
from .ratios import Comparison, Ratio, as_json, as_table, compare

# The hourly limit allows this number of calls, including repeated measurements.
_ROUNDS = 15
_TURNS = 15
_CALLS = 300
_IMPORTS = 5

_CALLS_COMPARED = (
    Comparison("pbx.originate", "rest_command", 1.3),
    Comparison("pbx.originate, all of it", "rest_command", 2.0),
    Comparison("pbx.originate", "aiohttp, a new connection"),
    Comparison("rest_command", "aiohttp"),
    Comparison("aiohttp, a new connection", "aiohttp"),
)
_EVENTS_COMPARED = (
    Comparison("pbx.incoming_call", "webhook", 1.0),
    Comparison("pbx.incoming_call", "webhook with a condition", 1.0),
)
_FEWEST, _MORE, _MOST = map(str, scene.SIZES)
_OUTSTANDING_COMPARED = (
    Comparison(_MORE, _FEWEST),
    Comparison(_MOST, _FEWEST, 1.2),
)
_SMALL_BOOK, _LARGE_BOOK = map(str, scene.BOOKS)
_BOOKS_COMPARED = (Comparison(_LARGE_BOOK, _SMALL_BOOK, 2.0),)
_STARTS = "A start, contacts"
_STARTS_COMPARED = (Comparison(_LARGE_BOOK, _SMALL_BOOK),)
_SETUP_COMPARED = (Comparison(DOMAIN, scene.OTHER),)
_IMPORTS_COMPARED = (Comparison(imports.OURS, imports.OTHER),)
_TRACKER_COMPARED = (
    Comparison(_MORE, _FEWEST),
    Comparison(_MOST, _FEWEST, 1.2),
    Comparison(tracker.FEW_OF_MANY, _FEWEST, 1.2),
)
_VOICE_COMPARED = tuple(
    Comparison(voice.name_of(size), voice.NONE) for size in voice.SIZES
)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    """Start the minimal PBX server, and yield its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scripts.support.bench.server",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - for the types
    assert process.stdout is not None  # noqa: S101 - for the types
    try:
        port = int(await process.stdout.readline())
        yield f"http://{LOOPBACK}:{port}/api/v4"
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def _home_assistant(pbx: str) -> AsyncIterator[BootedHomeAssistant]:
    """Start Home Assistant with the PBX, the alternatives, and the probe."""
    with tempfile.TemporaryDirectory(
        prefix="pbx-bench-", ignore_cleanup_errors=True
    ) as folder:
        scene.write(Path(folder))
        async with BootedHomeAssistant(
            Path(folder), configuration=scene.configuration(pbx + ORIGINATE)
        ) as booted:
            entry = await _add_pbx(booted, pbx)
            # All rules are active, but allow the measured calls.
            await set_dialing_rules(booted, entry["entry_id"], **scene.RULES)
            # Automations subscribe after the entities, like after a start.
            await booted.call_action("automation", "reload", {})
            yield booted
            await booted.stop()
            for problem in problems(booted.log_text()):
                print(problem, file=sys.stderr)


async def _add_pbx(booted: BootedHomeAssistant, url: str) -> Json:
    kind = {"next_step_id": "simotel"}
    connection = {"url": url, **scene.CREDENTIALS}
    # It lists no extensions, and no phone is rung.
    steps: list[Json] = [kind, connection, scene.CALL_DEFAULTS, {}]
    return await booted.add_config_entry(DOMAIN, steps)


class _Bench:
    """Benchmarks in a running Home Assistant."""

    def __init__(self, booted: BootedHomeAssistant, pbx: str) -> None:
        """Initialize the benchmarks."""
        self._booted = booted
        self._pbx = pbx
        self._urls = {"calls": pbx + ORIGINATE}

    async def measure(self, *, profile: bool) -> list[Ratio]:
        """Measure calls and events, with and without the recorder."""
        ratios = await self._compare("calls", "A call", _CALLS_COMPARED)
        ratios += await self._compare("events", "An event", _EVENTS_COMPARED)
        await self._booted.call_action("recorder", "disable", {})
        suffix = "no recorder"
        ratios += await self._compare("calls", f"A call, {suffix}", _CALLS_COMPARED)
        ratios += await self._compare("events", f"An event, {suffix}", _EVENTS_COMPARED)
        if profile:
            # While there is only one PBX, actions do not have to select it.
            await self._profile()
        ratios += await self._setup()
        return ratios + await self._phone_books() + await self._outstanding()

    async def _setup(self) -> list[Ratio]:
        """Measure the reload of a config entry."""
        await self._booted.add_config_entry(scene.OTHER, [{}])
        return await self._compare("setup", "Reload of an entry", _SETUP_COMPARED)

    async def _phone_books(self) -> list[Ratio]:
        """Measure calls, events, look-ups and starts with more and more contacts."""
        for size in scene.BOOKS:
            entry = await _add_pbx(self._booted, self._path(f"contacts_{size}"))
            await set_dialing_rules(self._booted, entry["entry_id"], **scene.RULES)
        await self._booted.call_action(scene.PROBE, "add_contacts", {})
        ratios: list[Ratio] = []
        for what, title in (
            ("book_calls", "A call by name, contacts"),
            ("book_events", "An event, contacts"),
            ("book_look_ups", "A look-up, contacts"),
        ):
            ratios += await self._compare(what, title, _BOOKS_COMPARED)
        return ratios + await self._compare(
            "book_starts", _STARTS, _STARTS_COMPARED, turns=1
        )

    def _path(self, name: str) -> str:
        """Return an address of another PBX: the same server, which answers at all."""
        return self._pbx.replace("/api", f"/{name}/api")

    async def _outstanding(self) -> list[Ratio]:
        """Measure events about calls with an increasing number of open calls."""
        for size in scene.SIZES:
            await _add_pbx(self._booted, self._path(str(size)))
        await self._booted.call_action(scene.PROBE, "populate", {})
        what = "The end of a call, calls open"
        return await self._compare("outstanding", what, _OUTSTANDING_COMPARED)

    async def _profile(self) -> None:
        """Print the profiles of a call and of an event."""
        for what, compared in (
            ("calls", _CALLS_COMPARED),
            ("events", _EVENTS_COMPARED),
        ):
            response = await self._request("profile", what, name=compared[0].ours)
            print(response["profile"])

    async def _compare(
        self,
        what: str,
        title: str,
        compared: Sequence[Comparison],
        turns: int = _TURNS,
    ) -> list[Ratio]:
        response = await self._request("measure", what, rounds=_ROUNDS, turns=turns)
        return [compare(title, each, response["rounds"]) for each in compared]

    async def _request(self, action: str, what: str, **data: object) -> Json:
        """Perform an action of the probe, and return its response."""
        url = self._urls.get(what, self._booted.url)
        data = {"what": what, "url": url, "turns": _TURNS, **data}
        response = await self._booted.call_action(
            scene.PROBE, action, data, return_response=True
        )
        return response or {}


async def _in_home_assistant(facts: dict[str, Any], *, profile: bool) -> list[Ratio]:
    """Run the benchmarks in Home Assistant."""
    async with _server() as pbx, _home_assistant(pbx) as booted:
        config = await booted.client.get("/api/config")
        facts["home_assistant"] = config["version"]
        return await _Bench(booted, pbx).measure(profile=profile)


def _start_ms_per_contact(ratios: Sequence[Ratio]) -> float:
    """Return how many milliseconds each further contact adds to a start."""
    (start,) = (each for each in ratios if each.what == _STARTS)
    fewer, more = scene.BOOKS
    return round((start.ours_us - start.other_us) / 1000 / (more - fewer), 2)


async def main() -> int:
    """Run all benchmarks, and print the results."""
    arguments = sys.argv[1:]
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "bytes_per_open_call": tracker.bytes_per_call(scene.SIZES[-1]),
    }
    measured = tracker.measure(_ROUNDS, _CALLS)
    try:
        ratios = await _in_home_assistant(facts, profile="--profile" in arguments)
    except (ApiError, BootError, FlowError) as err:
        print(err, file=sys.stderr)
        return 1
    imported = await imports.measure(_IMPORTS)
    ratios += [compare("An import", each, imported) for each in _IMPORTS_COMPARED]
    what = "The tracker alone, calls open"
    ratios += [compare(what, each, measured) for each in _TRACKER_COMPARED]
    for what, rounds in voice.measure(_ROUNDS).items():
        ratios += [compare(what, each, rounds) for each in _VOICE_COMPARED]
    facts["start_ms_per_contact"] = _start_ms_per_contact(ratios)
    if "--json" not in arguments:
        print(as_table(ratios))
        print(f"\n{facts['bytes_per_open_call']} bytes per open call")
        print(f"{facts['start_ms_per_contact']} ms of a start per contact\n")
    print(as_json(ratios, **facts))
    return 0


if __name__ == "__main__":
    sys.exit(run(main()))

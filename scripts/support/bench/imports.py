"""Import time of an integration, each time in a new process."""

import asyncio
import sys

from ..machine import ROOT

OURS, OTHER = "custom_components.pbx", "homeassistant.components.sun"

# Home Assistant and the modules that all integrations need are imported before.
_PROGRAM = """
import importlib, pkgutil, sys, time
import homeassistant.bootstrap, homeassistant.components.webhook
from homeassistant.components import (
    binary_sensor, button, event, sensor
)
began = time.perf_counter()
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(time.perf_counter() - began)
"""


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round by integration.

    All modules are imported; a start needs most of them.
    """
    seconds: dict[str, list[float]] = {OURS: [], OTHER: []}
    # The first round, which writes the bytecode cache, is not counted.
    for number in range(rounds + 1):
        for name, taken in seconds.items():
            once = await _import(name)
            if number:
                taken.append(once)
    return seconds


async def _import(name: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        name,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return float(output)

"""Keeps Home Assistant and a sandbox PBX open for a person, until Ctrl-C.

Given a folder, the configuration stays there and the integration logs in full.
"""

from contextlib import AsyncExitStack
from pathlib import Path
import sys

from sandbox import Sandbox

from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.pbx import add_pbx, add_people, connect_events, find_pbx
from ..machine import ROOT, free_port
from ..terminal.printing import Terminal
from ..terminal.program import run
from .dashboard import PATH, add_dashboard

_PORT = 8123
# Where the configuration stays, its PBX has to be found again.
_SANDBOX_PORT = 8124


class PortTakenError(Exception):
    """Another program has the port that the sandbox needs."""


def _sandbox_port(config_dir: Path | None) -> int:
    """Return the sandbox's port; 0 where it may be any."""
    if config_dir is None:
        return 0
    if free_port(_SANDBOX_PORT) != _SANDBOX_PORT:
        raise PortTakenError(
            f"Port {_SANDBOX_PORT} is taken, and the sandbox PBX must have it: there "
            "Home Assistant expects it. End the program that has it, perhaps another "
            "scripts/develop, and start again."
        )
    return _SANDBOX_PORT


async def serve(terminal: Terminal, config_dir: Path | None) -> int:
    """Boot both, say where they are, and wait."""
    sandbox = Sandbox(port=_sandbox_port(config_dir), echo=terminal.say)
    home_assistant = BootedHomeAssistant(
        config_dir, port=free_port(_PORT), debug=config_dir is not None
    )
    async with sandbox, AsyncExitStack() as stack:
        with terminal.waiting("Home Assistant starts"):
            await stack.enter_async_context(home_assistant)
        entry = await find_pbx(home_assistant)
        if entry is None:
            entry = await add_pbx(home_assistant, sandbox)
            await add_people(home_assistant, entry["entry_id"])
        await connect_events(home_assistant, sandbox, entry["entry_id"])
        await add_dashboard(home_assistant, sandbox, entry["entry_id"])
        login = home_assistant.login
        terminal.say()
        terminal.fact("Home Assistant", f"{home_assistant.url}/{PATH}")
        terminal.fact("login", f"{login.username}, password {login.password}")
        terminal.fact(
            "sandbox PBX", f"{sandbox.url}/   (for the API {sandbox.api_url})"
        )
        terminal.fact("log", str(home_assistant.log_path))
        terminal.say()
        terminal.say("Ctrl-C ends it. The calls, as they come:")
        await home_assistant.wait()
    return 0


async def main() -> int:
    """Serve; where something does not start, say why."""
    config_dir = ROOT / sys.argv[1] if len(sys.argv) > 1 else None
    try:
        return await serve(Terminal(), config_dir)
    except (BootError, PortTakenError, OSError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

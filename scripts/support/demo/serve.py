"""Run Home Assistant and a sandbox PBX for the browser until Ctrl-C.

With a folder, the configuration is kept there, and debug logging is enabled.
"""

from contextlib import AsyncExitStack
from pathlib import Path
import sys

from sandbox import Sandbox

from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.pbx import connect_events, find_pbx
from ..machine import ROOT, free_port
from ..terminal.printing import Terminal
from ..terminal.program import run
from .dashboard import TELEPHONE, add_dashboard, add_telephone
from .house import add_house, furnish, live

_PORT = 8123
# A fixed port: a configuration that is kept contains the address of the sandbox.
_SANDBOX_PORT = 8124


class PortTakenError(Exception):
    """Another program uses the port of the sandbox."""


def _sandbox_port(config_dir: Path | None) -> int:
    """Return the port of the sandbox; 0 for any free port."""
    if config_dir is None:
        return 0
    if free_port(_SANDBOX_PORT) != _SANDBOX_PORT:
        raise PortTakenError(
            f"Port {_SANDBOX_PORT} is in use, but Home Assistant expects the sandbox "
            "PBX there. Stop the program that uses it, such as another "
            "scripts/develop, and try again."
        )
    return _SANDBOX_PORT


async def serve(terminal: Terminal, config_dir: Path | None) -> int:
    """Start both, print their addresses, and wait."""
    sandbox = Sandbox(port=_sandbox_port(config_dir), echo=terminal.say)
    home_assistant = BootedHomeAssistant(
        config_dir, port=free_port(_PORT), debug=config_dir is not None
    )
    async with sandbox, AsyncExitStack() as stack:
        with terminal.waiting("Home Assistant starts"):
            await stack.enter_async_context(home_assistant)
        entry = await find_pbx(home_assistant)
        furnish(sandbox)
        if entry is None:
            entry = await add_house(home_assistant, sandbox)
            await live(home_assistant, sandbox, entry["entry_id"])
        else:
            await connect_events(home_assistant, sandbox, entry["entry_id"])
        await add_telephone(home_assistant)
        await add_dashboard(home_assistant, sandbox, entry["entry_id"])
        login = home_assistant.login
        terminal.say()
        terminal.fact("Home Assistant", f"{home_assistant.url}/{TELEPHONE}")
        terminal.fact("login", f"{login.username}, password {login.password}")
        terminal.fact("sandbox PBX", f"{sandbox.url}/   (API: {sandbox.api_url})")
        terminal.fact("log", str(home_assistant.log_path))
        terminal.say()
        terminal.say("Press Ctrl-C to stop. Calls:")
        await home_assistant.wait()
    return 0


async def main() -> int:
    """Run the command, and return its exit status."""
    config_dir = ROOT / sys.argv[1] if len(sys.argv) > 1 else None
    try:
        return await serve(Terminal(), config_dir)
    except (BootError, PortTakenError, OSError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

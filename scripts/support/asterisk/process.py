"""A child process with its output in a file."""

import asyncio
from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess
from typing import Self

_STOP_TIMEOUT = 60
_TAIL = 20


class ProgramError(Exception):
    """A program failed; the message contains its output."""


class Process:
    """A running program, and the file with its output."""

    def __init__(self, process: asyncio.subprocess.Process, console: Path) -> None:
        """Initialize the process; use `start` instead."""
        self._process = process
        self._console = console

    @classmethod
    async def start(cls, command: list[str], folder: Path, console: Path) -> Self:
        """Start a program in a folder."""
        with console.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                # Without TERM, SIPp treats any output as a terminal.
                env={**os.environ, "HOME": "/tmp", "TERM": "dumb"},  # noqa: S108
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C only reaches this process, which then stops it cleanly.
                start_new_session=True,
            )
        return cls(process, console)

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program is running."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait until the program exits, and return its status."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Terminate the program; kill it after a timeout."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._process.wait()
        finally:
            await self.kill()

    async def kill(self) -> None:
        """Kill the program."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def output(self) -> str:
        """Return the end of the program's output."""
        lines = self._console.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

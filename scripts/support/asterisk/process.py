"""A program that runs until it is stopped, and leaves nothing running."""

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
    """A program did not do what it was started for; what it said is in the message."""


class Process:
    """A program and what it prints, in a file."""

    def __init__(self, process: asyncio.subprocess.Process, console: Path) -> None:
        """Take what `start` has started."""
        self._process = process
        self._console = console

    @classmethod
    async def start(cls, command: list[str], folder: Path, console: Path) -> Self:
        """Start it in a folder."""
        with console.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                # Without a terminal's name, SIPp takes any output for one.
                env={**os.environ, "HOME": "/tmp", "TERM": "dumb"},  # noqa: S108
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is for us, who then stop it in good order.
                start_new_session=True,
            )
        return cls(process, console)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait until it ends by itself, and return its status."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end; make it where it does not listen."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._process.wait()
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def said(self) -> str:
        """Return the end of what it has printed."""
        lines = self._console.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

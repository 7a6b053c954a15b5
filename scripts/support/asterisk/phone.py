"""A phone: a SIPp process that runs one scenario for every call."""

import asyncio
from contextlib import suppress
from pathlib import Path

from .messages import (
    PATIENCE,
    Counts,
    Message,
    Traced,
    count,
    open_calls,
    read_messages,
)
from .process import Process, ProgramError
from .programs import Programs
from .scenarios import FOLDER, VOICE_FILE

_POLL_INTERVAL = 0.01
_READY_TIMEOUT = 60
# Seconds to wait for calls that are about to end when the phone is stopped.
_END_PATIENCE = 5
# SIPp counts a call as over a moment after its last message.
_SETTLING_TIME = 0.1
# One second of a quiet hum in G.711 (PCMU), which SIPp repeats.
_VOICE = bytes([0xB0] * 40 + [0x30] * 40) * 100


class Phone(Traced):
    """A phone that is simulated by SIPp.

    Attributes:
        number: of the phone.
        counts: SIPp's counts, available after the phone has stopped.
    """

    def __init__(self, programs: Programs, folder: Path, number: str) -> None:
        """Initialize the phone with its own folder."""
        self.number = number
        self.counts = Counts()
        self._programs = programs
        self._folder = folder
        self._process: Process | None = None

    @property
    def messages(self) -> list[Message]:
        """The messages sent and received so far."""
        return read_messages(self._folder / "messages")

    async def start(self, scenario: str, address: str, port: int, *more: str) -> None:
        """Start SIPp, and wait until it listens.

        Raises:
            ProgramError: it did not start.
        """
        here = self._programs.seen(self._folder)
        scenario = scenario.replace(FOLDER, here)
        (self._folder / "scenario.xml").write_text(scenario)
        (self._folder / VOICE_FILE).write_bytes(_VOICE)
        self._programs.hand_over(self._folder)
        command = self._programs.command(
            self._programs.sipp,
            *("-sf", f"{here}/scenario.xml"),
            *("-i", address, "-p", str(port), "-mi", address, "-ci", address),
            *("-trace_msg", "-message_file", f"{here}/messages"),
            *("-trace_stat", "-stf", f"{here}/statistics"),
            *("-trace_err", "-error_file", f"{here}/errors"),
            *("-nostdin", "-skip_rlimit"),
            *more,
        )
        self._process = await Process.start(
            command, self._folder, self._folder / "console"
        )
        try:
            async with asyncio.timeout(_READY_TIMEOUT):
                while self._process.running and not _is_bound(address, port):  # noqa: ASYNC110 - no event to wait for
                    await asyncio.sleep(_POLL_INTERVAL)
        except TimeoutError:
            raise ProgramError(f"SIPp did not start.\n{self._output()}") from None
        if not self._process.running and not self.messages:
            raise ProgramError(f"SIPp has stopped.\n{self._output()}")

    async def stop(self) -> Counts:
        """Stop the phone, and return its counts.

        Calls that are about to end are waited for: the PBX may know the end of a call
        before the phone.
        """
        if self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_PATIENCE):
                    while self._process.running and open_calls(self.messages):  # noqa: ASYNC110 - likewise
                        await asyncio.sleep(_POLL_INTERVAL)
            await asyncio.sleep(_SETTLING_TIME)
            await self._process.stop()
            self._count()
        return self.counts

    async def kill(self) -> None:
        """Kill the phone without sending anything, like a power failure."""
        if self._process is not None:
            await self._process.kill()

    async def ended(self, patience: float = PATIENCE) -> Counts:
        """Wait for the end of a call that this phone placed, and return the counts.

        Raises:
            TimeoutError: it did not end within `patience` seconds.
        """
        if self._process is not None:
            async with asyncio.timeout(patience):
                await self._process.wait()
            self._count()
        return self.counts

    def _count(self) -> None:
        self.counts = count(self._folder / "statistics", self.messages)

    def _output(self) -> str:
        errors = self._folder / "errors"
        output = self._process.output() if self._process else ""
        return output + (errors.read_text(errors="replace") if errors.exists() else "")


def _is_bound(address: str, port: int) -> bool:
    """Return whether a UDP socket is bound to this address, without binding it."""
    number = int.from_bytes(bytes(map(int, address.split("."))), "little")
    wanted = f" {number:08X}:{port:04X} "
    return wanted in Path("/proc/net/udp").read_text()

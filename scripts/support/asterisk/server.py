"""A running Asterisk with its phones."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession, encode_basic_auth

from ..machine import LOOPBACK, free_port, free_udp_ports
from .configuration import (
    PASSWORD,
    PHONES,
    READ_ONLY_PASSWORD,
    READ_ONLY_USERNAME,
    TRUNK_ADDRESS,
    USERNAME,
    Ports,
    write_configuration,
)
from .phone import Phone
from .phone_call import Manner
from .process import Process, ProgramError
from .programs import Programs
from .scenarios import Behavior, being_rung, ringing
from .speaking_phone import SpeakingPhone

_START_TIMEOUT = 120
_POLL_INTERVAL = 0.02
_IDLE_TIMEOUT = 60


class Asterisk:
    """Context manager that runs an Asterisk; its phones stop with it.

    Attributes:
        url: of its web server; ARI is at `/ari`.
        username, password: of the user that can place calls.
        read_only_username, read_only_password: of the user that can only read.
    """

    username, password = USERNAME, PASSWORD
    read_only_username, read_only_password = READ_ONLY_USERNAME, READ_ONLY_PASSWORD

    folder: Path
    """Folder of its configuration and logs."""

    def __init__(
        self,
        programs: Programs | None = None,
        *,
        port: int = 0,
        without: Collection[str] = (),
    ) -> None:
        """Initialize the Asterisk; it starts when it is entered.

        Args:
            programs: to start; None: find them.
            port: of the web server; 0: any free port.
            without: modules that it does not load, such as `chan_websocket`.

        Raises:
            NotInstalledError: Asterisk or SIPp is not installed.
        """
        self._programs = programs or Programs.find()
        self._ports = Ports.choose(port or free_port())
        self.url = f"http://{LOOPBACK}:{self._ports.http}"
        self._without = without
        self._phones: list[Phone] = []
        self._speaking_phones: list[SpeakingPhone] = []
        self._process: Process | None = None
        self._session: ClientSession
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Write the configuration, and start Asterisk."""
        async with AsyncExitStack() as stack:
            self.folder = stack.enter_context(self._programs.folder())
            write_configuration(self.folder, self._programs, self._ports, self._without)
            login = encode_basic_auth(self.username, self.password)
            self._session = await stack.enter_async_context(
                ClientSession(headers={"Authorization": login})
            )
            stack.push_async_callback(self._kill)
            await self.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop Asterisk and its phones, and clean up."""
        await self._stack.aclose()

    async def start(self) -> None:
        """Start Asterisk, and wait until it accepts calls.

        Raises:
            ProgramError: it did not start.
        """
        command = self._programs.command(
            self._programs.asterisk, "-f", "-C", self._configuration
        )
        self._process = await Process.start(
            command, self.folder, self.folder / "console"
        )
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                while self._process.running and not await self._answers():  # noqa: ASYNC110 - no event to wait for
                    await asyncio.sleep(_POLL_INTERVAL)
                await self.cli("core waitfullybooted")
        except TimeoutError:
            raise ProgramError(f"Asterisk did not start.\n{self.log()}") from None

    async def stop(self) -> None:
        """Stop Asterisk, which ends its calls first. The phones keep running."""
        if self._process is not None:
            await self._process.stop()

    async def restart(self) -> None:
        """Restart Asterisk at the same addresses."""
        await self.stop()
        await self.start()

    async def wait(self) -> None:
        """Wait until Asterisk stops.

        Raises:
            ProgramError: Asterisk has stopped.
        """
        if self._process is not None:
            await self._process.wait()
        raise ProgramError(f"Asterisk has stopped.\n{self.log()}")

    async def channels(self) -> list[dict[str, Any]]:
        """Return the current channels."""
        return await self._get("channels")

    async def bridges(self) -> list[dict[str, Any]]:
        """Return the current bridges."""
        return await self._get("bridges")

    async def idle(self, patience: float = _IDLE_TIMEOUT) -> None:
        """Wait until there are no calls: no channels, and no bridges.

        Raises:
            TimeoutError: there were calls for longer than `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while await self.channels() or await self.bridges():  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(_POLL_INTERVAL)

    async def cli(self, command: str) -> str:
        """Run a command of Asterisk's console, and return its output.

        Raises:
            ProgramError: the command failed.
        """
        process = await asyncio.create_subprocess_exec(
            *self._programs.command(
                self._programs.asterisk, "-C", self._configuration, "-rx", command
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise ProgramError(output.decode(errors="replace") + self.log())
        return output.decode(errors="replace")

    async def phone(
        self,
        number: str,
        behavior: Behavior = Behavior.ANSWER,
        *,
        ring: float = 0.2,
        hang_up_after: float | None = None,
        refusal: str | None = None,
    ) -> Phone:
        """Return a phone that is ready for any number of concurrent calls.

        Args:
            number: one of `PHONES`, or `TRUNK` for the far end of the trunk. A
                previous phone with this number must have been stopped.
            behavior: of the phone.
            ring: ring time in seconds, unless it rings forever.
            hang_up_after: seconds of talk after which it hangs up; None: never.
            refusal: SIP status that replaces that of the behavior, such as
                `404 Not Found`.

        Raises:
            ProgramError: it did not start.
        """
        address, port = self._ports.at(number)
        phone = self._add(number)
        if behavior is not Behavior.DEAD:
            scenario = being_rung(
                behavior, ring=ring, hang_up_after=hang_up_after, refusal=refusal
            )
            await phone.start(scenario, address, port)
        return phone

    async def speaking_phone(
        self, number: str, manner: Manner | None = None
    ) -> SpeakingPhone:
        """Return a phone that records what it hears, and presses keys.

        Args:
            number: one of `PHONES`, or `TRUNK` for the far end of the trunk. A
                previous phone with this number must have been stopped.
            manner: what it does when it is called; None: it answers.

        Raises:
            OSError: it did not start.
        """
        phone = SpeakingPhone(number, manner or Manner())
        await phone.start(*self._ports.at(number))
        self._speaking_phones.append(phone)
        return phone

    async def dial(
        self,
        caller: str,
        callee: str,
        *,
        give_up_after: float | None = None,
        hang_up_after: float | None = None,
    ) -> Phone:
        """Return a phone that calls another, and stops with its call.

        Args:
            caller: one of `PHONES`; any other number calls through the trunk.
            callee: the dialed number; from the trunk, its last three digits count.
            give_up_after: seconds of ringing after which it cancels; None: never.
            hang_up_after: seconds of talk after which it hangs up; None: never.

        Raises:
            ProgramError: it did not start.
        """
        address = LOOPBACK if caller in PHONES else TRUNK_ADDRESS
        (port,) = free_udp_ports([address])
        phone = self._add(caller)
        scenario = ringing(
            caller, give_up_after=give_up_after, hang_up_after=hang_up_after
        )
        target = f"{LOOPBACK}:{self._ports.sip}"
        await phone.start(scenario, address, port, "-m", "1", "-s", callee, target)
        return phone

    def log(self) -> str:
        """Return the end of Asterisk's output: warnings and errors."""
        return self._process.output() if self._process else ""

    @property
    def _configuration(self) -> str:
        return f"{self._programs.seen(self.folder)}/etc/asterisk.conf"

    def _add(self, number: str) -> Phone:
        folder = self.folder / f"phones/{len(self._phones)}"
        folder.mkdir()
        phone = Phone(self._programs, folder, number)
        self._phones.append(phone)
        return phone

    async def _get(self, path: str) -> list[dict[str, Any]]:
        async with self._session.get(f"{self.url}/ari/{path}") as response:
            response.raise_for_status()
            found: list[dict[str, Any]] = await response.json()
            return found

    async def _answers(self) -> bool:
        """Return whether ARI responds."""
        with suppress(ClientError):
            async with self._session.get(f"{self.url}/ari/asterisk/info") as response:
                return response.status == HTTPStatus.OK
        return False

    async def _kill(self) -> None:
        """Kill Asterisk and the phones."""
        for speaking_phone in self._speaking_phones:
            await speaking_phone.stop()
        for phone in self._phones:
            await phone.kill()
        if self._process is not None:
            await self._process.kill()

"""A running Asterisk, and its phones."""

import asyncio
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
from .process import Process, ProgramError
from .programs import Programs
from .scenarios import Behaviour, being_rung, ringing

_START_TIMEOUT = 120
_POLL_INTERVAL = 0.02
_IDLE_TIMEOUT = 60


class Asterisk:
    """A running one, from entering to leaving; its phones end with it.

    Attributes:
        url: the address of its web server; ARI is under `/ari`.
        username: of who may read and place calls, with its password.
        read_only_username: of who may only read, likewise.
    """

    username, password = USERNAME, PASSWORD
    read_only_username, read_only_password = READ_ONLY_USERNAME, READ_ONLY_PASSWORD

    folder: Path
    """Where its configuration and its logs are."""

    def __init__(self, programs: Programs | None = None, *, port: int = 0) -> None:
        """Decide where; nothing is started yet.

        Args:
            programs: what to start, where that has been found before.
            port: that the web server is to have, where that matters.

        Raises:
            NotInstalledError: if there is none.
        """
        self._programs = programs or Programs.find()
        self._ports = Ports.choose(port or free_port())
        self.url = f"http://{LOOPBACK}:{self._ports.http}"
        self._phones: list[Phone] = []
        self._process: Process | None = None
        self._session: ClientSession
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Configure it and start it."""
        async with AsyncExitStack() as stack:
            self.folder = stack.enter_context(self._programs.folder())
            write_configuration(self.folder, self._programs, self._ports)
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
        """End it and its phones, and clear up."""
        await self._stack.aclose()

    async def start(self) -> None:
        """Start it, and return when it takes calls.

        Raises:
            ProgramError: if it does not come to that.
        """
        command = self._programs.command(
            self._programs.asterisk, "-f", "-C", self._configuration
        )
        self._process = await Process.start(
            command, self.folder, self.folder / "console"
        )
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                while self._process.running and not await self._answers():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(_POLL_INTERVAL)
                await self.cli("core waitfullybooted")
        except TimeoutError:
            raise ProgramError(f"Asterisk did not start.\n{self.log()}") from None

    async def stop(self) -> None:
        """Stop it in good order: it ends its calls first. The phones go on."""
        if self._process is not None:
            await self._process.stop()

    async def restart(self) -> None:
        """Stop it and start it again, at the same addresses."""
        await self.stop()
        await self.start()

    async def wait(self) -> None:
        """Wait until it ends by itself, and say so.

        Raises:
            ProgramError: then.
        """
        if self._process is not None:
            await self._process.wait()
        raise ProgramError(f"Asterisk has ended.\n{self.log()}")

    async def channels(self) -> list[dict[str, Any]]:
        """Return the legs of calls that there are."""
        async with self._session.get(f"{self.url}/ari/channels") as response:
            response.raise_for_status()
            channels: list[dict[str, Any]] = await response.json()
            return channels

    async def idle(self, patience: float = _IDLE_TIMEOUT) -> None:
        """Wait until there is no call.

        Raises:
            TimeoutError: if that takes longer than the patience in seconds.
        """
        async with asyncio.timeout(patience):
            while await self.channels():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(_POLL_INTERVAL)

    async def cli(self, command: str) -> str:
        """Return what Asterisk answers to a command of its console.

        Raises:
            ProgramError: if it cannot be asked.
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
        behaviour: Behaviour = Behaviour.ANSWER,
        *,
        ring: float = 0.2,
        hang_up_after: float | None = None,
        refusal: str | None = None,
    ) -> Phone:
        """Return a phone that is ready to be rung, by any number of calls at once.

        Args:
            number: one of `PHONES`, or `TRUNK` for the far end of the trunk. One that
                has been at this number before must have been stopped.
            behaviour: what it does with a call.
            ring: for how many seconds it rings, where it does not do so for ever.
            hang_up_after: the seconds of talk after which it hangs up, if it does.
            refusal: the SIP status in place of the one that its behaviour refuses
                with, such as `404 Not Found`.

        Raises:
            ProgramError: if it does not start.
        """
        address, port = self._ports.at(number)
        phone = self._add(number)
        if behaviour is not Behaviour.DEAD:
            scenario = being_rung(
                behaviour, ring=ring, hang_up_after=hang_up_after, refusal=refusal
            )
            await phone.start(scenario, address, port)
        return phone

    async def dial(
        self,
        caller: str,
        callee: str,
        *,
        give_up_after: float | None = None,
        hang_up_after: float | None = None,
    ) -> Phone:
        """Return a phone that rings another, and ends with its call.

        Args:
            caller: one of `PHONES`; any other number rings from outside, by the trunk.
            callee: what it dials. From outside, the last three digits are the phone.
            give_up_after: the seconds of ringing after which it gives up, if it does.
            hang_up_after: the seconds of talk after which it hangs up, if it does.

        Raises:
            ProgramError: if it does not start.
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
        """Return the end of what it has printed, warnings and errors."""
        return self._process.said() if self._process else ""

    @property
    def _configuration(self) -> str:
        return f"{self._programs.seen(self.folder)}/etc/asterisk.conf"

    def _add(self, number: str) -> Phone:
        folder = self.folder / f"phones/{len(self._phones)}"
        folder.mkdir()
        phone = Phone(self._programs, folder, number)
        self._phones.append(phone)
        return phone

    async def _answers(self) -> bool:
        """Whether the web server is up, and ARI in it."""
        with suppress(ClientError):
            async with self._session.get(f"{self.url}/ari/asterisk/info") as response:
                return response.status == HTTPStatus.OK
        return False

    async def _kill(self) -> None:
        """End all of it at once: nothing of it is kept."""
        for phone in self._phones:
            await phone.kill()
        if self._process is not None:
            await self._process.kill()

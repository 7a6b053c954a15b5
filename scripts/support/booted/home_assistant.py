"""Start and stop of a real Home Assistant with this integration, on loopback only."""

import asyncio
from contextlib import AsyncExitStack, suppress
import os
from pathlib import Path
import shutil
import signal
import sys
import tempfile
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from ..machine import LOOPBACK, ROOT, free_port
from .client import HomeAssistantClient, Json
from .config_dir import prepare
from .login import Login, log_in

# Exit code of Home Assistant that requests a restart.
RESTART_EXIT_CODE = 100
# Seconds for a slow machine; failures are detected earlier.
BOOT_TIMEOUT = 300
STOP_TIMEOUT = 120
_POLL_INTERVAL = 0.1
_TAIL = 40


class BootError(Exception):
    """Home Assistant did not start; the message contains the end of its log."""


class BootedHomeAssistant:
    """Context manager that runs Home Assistant.

    Without a configuration folder, a temporary one is used and deleted afterward.
    With one, its state, including the PBX, is kept between runs.
    """

    token: dict[str, Any]
    """The tokens for the frontend's `localStorage.hassTokens`."""

    client: HomeAssistantClient
    """The client, for requests without a method in this class."""

    def __init__(
        self,
        config_dir: Path | None = None,
        *,
        port: int = 0,
        debug: bool = False,
        configuration: str = "",
        python: str = sys.executable,
    ) -> None:
        """Initialize the instance; it starts when it is entered.

        Args:
            config_dir: its configuration; None: a temporary folder.
            port: of the web server; 0: any free port.
            debug: whether to log what the integration does.
            configuration: more YAML.
            python: of the environment that contains Home Assistant.
        """
        self.login = Login()
        self._port = port or free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        self._config_dir = config_dir
        self._debug = debug
        self._configuration = configuration
        self._python = python
        self._stack = AsyncExitStack()
        self._connections = AsyncExitStack()
        self.log_path: Path
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        """Start Home Assistant, and log in."""
        try:
            async with asyncio.timeout(BOOT_TIMEOUT):
                await self._boot()
        except TimeoutError:
            await self._stack.aclose()
            raise BootError(
                f"Home Assistant did not start in {BOOT_TIMEOUT} s.\n{self.log_tail()}"
            ) from None
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop Home Assistant, and clean up."""
        await self._stack.aclose()

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    async def add_config_entry(self, domain: str, inputs: list[Json]) -> Json:
        """Complete a config flow with an input for each step; return the entry."""
        return await self.client.add_config_entry(domain, inputs)

    async def call_action(
        self, domain: str, action: str, data: Json, *, return_response: bool = False
    ) -> Json | None:
        """Perform an action like the frontend, and return its response."""
        return await self.client.call_action(
            domain, action, data, return_response=return_response
        )

    async def states(self) -> list[Json]:
        """Return the states of all entities."""
        return await self.client.states()

    async def stop(self) -> None:
        """Stop Home Assistant; the log is kept until the instance is exited."""
        # Its web server would wait for open connections.
        await self._connections.aclose()
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        finally:
            # Kill its child processes, too.
            self._signal(signal.SIGKILL)

    async def restart(self) -> None:
        """Restart Home Assistant at the same address, and log in again.

        Raises:
            BootError: it did not start.
        """
        await self.stop()
        await self._start()
        async with asyncio.timeout(BOOT_TIMEOUT):
            await self._connect()

    async def log_in(self, login: Login) -> dict[str, Any]:
        """Log in as another user, and return the tokens for the frontend."""
        async with ClientSession(self.url) as session:
            return await log_in(session, self.url, login)

    async def wait(self) -> None:
        """Wait until Home Assistant stops; restart it if it requests that.

        The client is closed: an open connection would delay a restart.

        Raises:
            BootError: Home Assistant has stopped.
        """
        await self._connections.aclose()
        while await self._process.wait() == RESTART_EXIT_CODE:
            await self._start()
        raise BootError(f"Home Assistant has stopped.\n{self.log_tail()}")

    def log_text(self) -> str:
        """Return the whole log."""
        return self.log_path.read_text(errors="replace")

    def log_tail(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log_text().splitlines()[-_TAIL:])

    async def _boot(self) -> None:
        if self._config_dir is None:
            folder = tempfile.TemporaryDirectory(
                prefix="pbx-home-assistant-", ignore_cleanup_errors=True
            )
            self._config_dir = Path(self._stack.enter_context(folder))
        prepare(
            self._config_dir, self._port, debug=self._debug, more=self._configuration
        )
        self.log_path = self._config_dir / "console.log"
        self.log_path.unlink(missing_ok=True)
        await self._start()
        self._stack.push_async_callback(self.stop)
        await self._connect()

    async def _connect(self) -> None:
        """Wait until it runs, and log in."""
        session = await self._connections.enter_async_context(ClientSession(self.url))
        while not await self._answers(session):
            await self._wait_a_little()
        self.token = await log_in(session, self.url, self.login)
        client = HomeAssistantClient(self.url, self.token["access_token"])
        self.client = await self._connections.enter_async_context(client)
        while (config := await self.client.get("/api/config"))["state"] != "RUNNING":
            await self._wait_a_little()
        if config["recovery_mode"]:
            raise BootError(f"Home Assistant is in recovery mode.\n{self.log_tail()}")

    async def _start(self) -> None:
        command = [self._python, "-m", "homeassistant", "--skip-pip"]
        command += ["--log-no-color", "--config", str(self.log_path.parent)]
        # If this process is killed, Home Assistant is killed, too.
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "TERM", *command]
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "PYTEST_", "COV_"))
        }
        with self.log_path.open("ab") as console:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                # Ctrl-C only reaches this process, which then stops it cleanly.
                start_new_session=True,
            )

    async def _wait_a_little(self) -> None:
        if self._process.returncode is not None:
            raise BootError(
                f"Home Assistant stopped while starting.\n{self.log_tail()}"
            )
        await asyncio.sleep(_POLL_INTERVAL)

    async def _answers(self, session: ClientSession) -> bool:
        """Return whether the web server responds."""
        with suppress(ClientError):
            async with session.get("/manifest.json") as response:
                return response.ok
        return False

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

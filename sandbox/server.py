"""The sandbox PBX: starts and stops the server, and gives access to its parts."""

from collections.abc import Callable
from dataclasses import replace
import ssl
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .announcements import Announcements
from .api import Api, RecordedRequest
from .asking import Question
from .calls import SandboxCall
from .clock import Clock, LoopClock
from .config import SandboxConfig
from .console import Console
from .control import Control
from .dialplan import Dialplan
from .events import Events
from .exchange import Exchange
from .faults import Faults
from .mishaps import Mishaps
from .model import Phone
from .phones import Phones
from .report import Report
from .services import Services

# Size of a request in bytes: half an hour of speech.
MAX_BODY = 32 * 2**20


def create_app(api: Api, control: Control) -> web.Application:
    """Return the web application: the routes of the page, and the API."""
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(control.routes())
    app.router.add_route("*", "/{tail:.*}", api.handle)
    return app


class Sandbox:
    """A PBX that runs during its `async with` block."""

    def __init__(  # noqa: PLR0913 - independent options for tests
        self,
        config: SandboxConfig | None = None,
        *,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        echo: Callable[[str], None] | None = None,
    ) -> None:
        """Initialize the sandbox; port 0 selects a free port."""
        self._config = config or SandboxConfig()
        self._address = (host, port)
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None
        self.clock: Clock = clock or LoopClock()
        self.faults = Faults()
        for path, fault in self._config.faults:
            self.faults.set(path, fault)
        self._console = Console(self.clock, echo)
        self._events = Events(self._current, self.clock, self._console)
        self.phones = Phones(self._current)
        self.report = Report(self._current, self.clock)
        self.announcements = Announcements(self._current, self.clock)
        self.dialplan = Dialplan(
            self._current,
            self.clock,
            self.phones,
            self.announcements,
            self.faults,
            self._console,
        )
        self._exchange = Exchange(
            self._current,
            self.clock,
            self.phones,
            self.report,
            self._events,
            self._console,
            self.dialplan,
        )
        self._mishaps = Mishaps(self.clock)
        services = Services(
            self._current,
            self._exchange,
            self.report,
            self._events,
            self.announcements,
        )
        self._api = Api(self._current, services, self.faults, self._mishaps)
        self._control = Control(self._current, self._exchange, self.faults)

    async def __aenter__(self) -> Self:
        """Start the server."""
        self._runner = web.AppRunner(
            create_app(self._api, self._control), access_log=None, shutdown_timeout=0.2
        )
        await self._runner.setup()
        host, port = self._address
        site = web.TCPSite(self._runner, host, port, ssl_context=self._ssl_context)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._address = (host, self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server, and all calls, events and requests."""
        await self._exchange.stop()
        self._mishaps.stop()
        await self._events.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """URL of the page."""
        scheme = "http" if self._ssl_context is None else "https"
        host, port = self._address
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def api_url(self) -> str:
        """URL of the API."""
        return self.url + self._config.base_path

    @property
    def config(self) -> SandboxConfig:
        """The current configuration."""
        return self._config

    def configure(self, **changes: Any) -> None:  # noqa: ANN401 - any field of the configuration
        """Change fields of the configuration while running."""
        self._config = replace(self._config, **changes)

    def change_phone(self, number: str, **changes: Any) -> None:  # noqa: ANN401 - any field of a phone
        """Change the behavior of an extension, starting with the next call."""

        def changed(phone: Phone) -> Phone:
            return replace(phone, **changes) if phone.number == number else phone

        self.configure(phones=tuple(changed(phone) for phone in self._config.phones))

    @property
    def requests(self) -> list[RecordedRequest]:
        """All API requests so far, in order."""
        return self._api.requests

    @property
    def calls(self) -> list[SandboxCall]:
        """All calls so far, in order."""
        return self._exchange.calls

    @property
    def questions(self) -> list[Question]:
        """All requests of the boxes so far, in order."""
        return self.dialplan.questions

    def heard(self, number: str) -> list[str]:
        """Return everything that a phone has heard of the boxes so far, in order.

        What it is hearing now is included. See `Prompt` for the form.
        """
        return [
            heard.text
            for call in self.calls
            if call.caller == number
            for heard in call.heard
        ]

    def press(self, call_id: str, keys: str) -> None:
        """Press keys on the phone of the person who hears an announcement.

        Raises:
            KeyError: nobody hears one in this call.
        """
        self.dialplan.press(call_id, keys)

    def hang_up(self, call_id: str) -> None:
        """End a call in any state."""
        self._exchange.hang_up(call_id)

    def incoming(self, number: str, exten: str) -> SandboxCall:
        """Start an incoming call from an external number to an extension."""
        return self._exchange.incoming(number, exten)

    def _current(self) -> SandboxConfig:
        return self._config

"""Events that the PBX sends to a web service."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import aiohttp

from .access import basic_header
from .calls import SandboxCall
from .cdr import event_fields
from .clock import Clock, Timer
from .config import SandboxConfig
from .console import Console
from .model import EventPush

type Fields = dict[str, object]

_HTTP_ERROR: Final = 400
# Fields that the `numbers` style converts to numbers, including phone numbers.
_NUMERIC: Final = ("src", "dst", "number", "exten", "participant")


class Events:
    """Sends events in order, without blocking calls."""

    def __init__(
        self, config: Callable[[], SandboxConfig], clock: Clock, console: Console
    ) -> None:
        """Initialize the queue; each event uses the configuration of its time."""
        self._config = config
        self._clock = clock
        self._console = console
        self._queue: deque[tuple[EventPush, str, Fields]] = deque()
        self._timers: set[Timer] = set()
        self._worker: asyncio.Task[None] | None = None

    def ping(self) -> None:
        """Send the event of a ping request."""
        self._emit("Ping", {})

    def new_state(
        self,
        call: SandboxCall,
        exten: str,
        state: str,
        participant: str | None = None,
        direction: str | None = None,
    ) -> None:
        """Send the new state of an extension."""
        fields: Fields = {"exten": exten, "state": state}
        if participant is not None:
            fields |= {"participant": participant, "direction": direction}
        self._emit("NewState", fields, call, with_origin=False)

    def incoming_call(self, call: SandboxCall) -> None:
        """Send the start of an incoming call."""
        self._emit(
            "IncomingCall", {"number": call.caller, "entry_point": call.point}, call
        )

    def outgoing_call(self, call: SandboxCall) -> None:
        """Send that the caller has answered and the callee is being called."""
        self._emit(
            "OutgoingCall", {"number": call.callee, "outgoing_point": call.point}, call
        )

    def cdr(self, call: SandboxCall) -> None:
        """Send the record of a call that has ended."""
        config = self._config()
        if config.events is not None:
            fields = event_fields(call, config.events, config.time_zone)
            self._emit("Cdr", fields, call)

    async def stop(self) -> None:
        """Discard all events that have not been sent."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._queue.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def _emit(
        self,
        name: str,
        fields: Fields,
        call: SandboxCall | None = None,
        *,
        with_origin: bool = True,
    ) -> None:
        push = self._config().events
        if push is None or name not in push.enabled or name in push.drop:
            return
        fields = dict(fields)
        if call is not None:
            fields[push.id_field] = call.unique_id
            if with_origin and push.with_originated_call_id and call.originated_call_id:
                fields["originated_call_id"] = call.originated_call_id
        shown = push.cdr_name if name == "Cdr" else name
        body = {push.name_field: shown, **_styled(fields, push)}
        for _ in range(push.copies):
            self._schedule(push, shown, body)

    def _schedule(self, push: EventPush, name: str, body: Fields) -> None:
        if push.delay <= 0:
            self._enqueue(push, name, body)
            return

        def due() -> None:
            self._timers.discard(timer)
            self._enqueue(push, name, body)

        timer = self._clock.call_later(push.delay, due)
        self._timers.add(timer)

    def _enqueue(self, push: EventPush, name: str, body: Fields) -> None:
        self._queue.append((push, name, body))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="sandbox events")
            self._clock.watch(self._worker)

    async def _work(self) -> None:
        """Send all queued events in order."""
        # More events may be queued while the session is being closed.
        while self._queue:
            async with aiohttp.ClientSession() as session:
                await self._send_all(session)

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        while self._queue:
            push, name, body = self._queue.popleft()
            try:
                await _send(session, push, name, body)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                reason = str(error) or type(error).__name__
                self._console.say(f"event {name} not delivered: {reason}")


async def _send(
    session: aiohttp.ClientSession, push: EventPush, name: str, body: Fields
) -> None:
    """Send one event.

    Raises:
        aiohttp.ClientError: it could not be sent, or was not accepted.
        TimeoutError: there was no response in time.
    """
    url = push.url
    if push.style == "rest4":
        url = f"{url.rstrip('/')}/{name}"
    headers = {}
    if push.username:
        headers["Authorization"] = basic_header(push.username, push.password)
    json: Fields | None = body
    if push.method == "get":
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(body)}"
        json = None
    async with session.request(
        push.method.upper(),
        url,
        json=json,
        headers=headers,
        ssl=push.verify_ssl,
        timeout=aiohttp.ClientTimeout(total=push.give_up_after),
    ) as response:
        if response.status >= _HTTP_ERROR:
            raise aiohttp.ClientError(f"{response.status} {response.reason}")


def _styled(fields: Fields, push: EventPush) -> Fields:
    """Format numbers as configured, and omit empty fields."""
    present = {key: value for key, value in fields.items() if value not in {"", None}}
    if push.numbers == "strings":
        return {key: str(value) for key, value in present.items()}
    return {
        key: int(value)
        if key in _NUMERIC and isinstance(value, str) and value.isdecimal()
        else value
        for key, value in present.items()
    }

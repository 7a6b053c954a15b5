"""The channels in the ARI application of this integration, and who serves them.

A channel that no one expects is hung up: a phone that was answered would stay in
silence forever.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..base import CallRequest, Clock, Sink
from ..updates import CallUpdate
from .background import Background
from .client import AsteriskClient
from .fields import mapping_in, text_in
from .legs import Legs


class Tools(NamedTuple):
    """What the servers of our application work with.

    Attributes:
        client: sends the requests.
        legs: the calls that are followed.
        sink: knows the open calls, and receives reports.
        clock: measures times.
        background: sends the requests that no one waits for.
        limits_changed: set when the limit of a call may have changed.
    """

    client: AsteriskClient
    legs: Legs
    sink: Sink
    clock: Clock
    background: Background
    limits_changed: asyncio.Event


class Server(Protocol):
    """Serves the calls of one kind in our application."""

    def serves(self, request: CallRequest) -> bool:
        """Return whether it serves the call of a request."""

    def expect(self, request: CallRequest) -> None:
        """Prepare for a call, before it is requested.

        Raises:
            PbxError: the call must not be requested any more.
        """

    def withdraw(self, request: CallRequest) -> None:
        """Process that a call was not placed."""

    def handle_requested(self, request: CallRequest, *, is_certain: bool) -> None:
        """Process that a phone rings, or may ring if the request had no response."""

    def enter(self, channel_id: str, argument: str) -> bool:
        """Process that a channel has entered the application.

        Args:
            channel_id: of the channel.
            argument: the first argument of the application; empty for none.

        Returns:
            Whether the channel is served, or has been handled otherwise.
        """

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Handle an event, before it is reported; never wait."""

    def unread(self, update: CallUpdate) -> asyncio.Event | None:
        """Return what an update has to wait for before it is complete; None for now."""

    def complete(self, update: CallUpdate) -> CallUpdate:
        """Return an update of a call with what only its server knows."""

    def handle_connected(self) -> None:
        """Catch up with the events before a new connection of the event stream."""

    async def close(self) -> None:
        """End the calls that need this backend, as it stops."""


class Application:
    """Our ARI application.

    Args:
        servers: of its channels.
        background: hangs up channels that no one expects.
    """

    def __init__(self, servers: Sequence[Server], background: Background) -> None:
        """Initialize the application without channels."""
        self._servers = servers
        self._background = background

    def server_of(self, request: CallRequest) -> Server | None:
        """Return who serves a call; None for one that the dialplan connects."""
        return next((each for each in self._servers if each.serves(request)), None)

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Handle an event, before it is reported."""
        for server in self._servers:
            server.handle_event(event)
        if event.get("type") == "StasisStart":
            self._enter(event)

    def _enter(self, event: Mapping[str, Any]) -> None:
        arguments = event.get("args")
        first = arguments[0] if isinstance(arguments, list) and arguments else ""
        argument = first if isinstance(first, str) else ""
        channel_id = text_in(mapping_in(event, "channel"), "id")
        if channel_id and not any(
            each.enter(channel_id, argument) for each in self._servers
        ):
            self._background.stop(channel_id)

    def unread(self, update: CallUpdate) -> asyncio.Event | None:
        """Return what an update has to wait for before it is complete; None for now."""
        events = (each.unread(update) for each in self._servers)
        return next(filter(None, events), None)

    def complete(self, update: CallUpdate) -> CallUpdate:
        """Return an update of a call with what only its server knows."""
        for server in self._servers:
            update = server.complete(update)
        return update

    def handle_connected(self) -> None:
        """Catch up with the events before a new connection of the event stream."""
        for server in self._servers:
            server.handle_connected()

    async def close(self) -> None:
        """End the calls that need this backend, as it stops."""
        for server in self._servers:
            await server.close()
        await self._background.close()

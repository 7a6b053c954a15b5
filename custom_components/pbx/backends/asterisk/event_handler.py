"""Handle the events of an Asterisk, without waiting for any request."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..base import Clock, Sink
from ..updates import CallUpdate, ExtensionUpdate
from .application import Application
from .background import Background
from .call_poller import CallPoller
from .client import AsteriskClient
from .legs import Forwarded, Legs


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHandler:
    """Hands each event to those that follow the calls, and reports the facts.

    Attributes:
        client: converts times of the PBX's clock.
        legs: the calls that are followed.
        application: our channels.
        background: hangs up channels.
        poller: polls the calls whose events were missed.
        sink: receives the facts.
        clock: returns the time of an event.
    """

    client: AsteriskClient
    legs: Legs
    application: Application
    background: Background
    poller: CallPoller
    sink: Sink
    clock: Clock

    def handle_connected(self, connection: int) -> None:
        """Catch up with the events before a connection.

        Args:
            connection: its number, from 1.
        """
        self.legs.mark_events_missed()
        # Unread events may report calls that ended: poll in parallel.
        self.poller.handle_connected(connection)
        self.application.handle_connected()

    def handle_lost(self) -> None:
        """Do without events."""
        self.poller.handle_lost()

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Report the facts of an event."""
        self.application.handle_event(event)
        for fact in self.legs.handle_event(event, self.clock.time()):
            match fact:
                case CallUpdate():
                    self._report(fact)
                case ExtensionUpdate():
                    self.sink.extension(fact)
                case Forwarded(channel_id):
                    self.background.stop(channel_id)
        self.poller.limits_changed.set()

    def _report(self, update: CallUpdate) -> None:
        if (unread := self.application.unread(update)) is not None:
            self.background.start(self._async_report(update, unread))
            return
        update = self.application.complete(update)
        self.sink.call(self.client.to_local_time(update))

    async def _async_report(self, update: CallUpdate, unread: asyncio.Event) -> None:
        await unread.wait()
        self._report(update)

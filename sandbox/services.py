"""Requests of the API that the sandbox implements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .config import SandboxConfig
from .directory import search_trunks, search_users
from .envelope import Envelope, done, refusal
from .events import Events
from .exchange import Exchange
from .model import ORIGINATE, PING, REPORT, TRUNKS, USERS
from .origination import OriginationRefusedError, read_origination
from .report import CursorRefusedError, Report

type Body = Mapping[str, object]


@dataclass(slots=True)
class Services:
    """One method for each request, from the body to the response."""

    config: Callable[[], SandboxConfig]
    exchange: Exchange
    report: Report
    events: Events

    def find(self, path: str) -> Callable[[Body], Envelope] | None:
        """Return the handler of a request, or None if it is not supported."""
        if path in self.config().missing_services:
            return None
        return {
            PING: self.ping,
            ORIGINATE: self.originate,
            REPORT: self.report_page,
            USERS: self.users,
            TRUNKS: self.trunks,
        }.get(path)

    def ping(self, _: Body) -> Envelope:
        """Handle a ping: respond, and send an event."""
        self.events.ping()
        return done()

    def originate(self, body: Body) -> Envelope:
        """Handle an originate request: start a call, and respond immediately."""
        config = self.config()
        try:
            order = read_origination(body, config, self.exchange.phones.is_internal)
        except OriginationRefusedError as error:
            return refusal(str(error))
        call = self.exchange.originate(order)
        return done({"originated_call_id": call.id}, message=None)

    def report_page(self, body: Body) -> Envelope:
        """Return the next page of the report; its ID has two documented names."""
        cursor = body.get("_id", body.get("id_", ""))
        if cursor is not None and not isinstance(cursor, str):
            return refusal("Field '_id':value must be a string")
        try:
            return done(self.report.page(cursor or ""))
        except CursorRefusedError as error:
            return refusal(str(error))

    def users(self, body: Body) -> Envelope:
        """Return the extensions."""
        return done(search_users(body, self.config()))

    def trunks(self, body: Body) -> Envelope:
        """Return the trunks."""
        return done(search_trunks(body, self.config()))

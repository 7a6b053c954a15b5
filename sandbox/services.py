"""Requests of the API that the sandbox implements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .announcements import AnnouncementRefusedError, Announcements
from .config import SandboxConfig
from .directory import search_trunks, search_users
from .envelope import Envelope, done, refusal
from .events import Events
from .exchange import Exchange
from .model import (
    ADD,
    ORIGINATE,
    PING,
    REMOVE,
    REPORT,
    SEARCH,
    TRUNKS,
    UPDATE,
    UPLOAD,
    USERS,
)
from .multipart import Upload
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
    announcements: Announcements

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
            UPLOAD: _refusable(self.upload),
            ADD: _refusable(self.add),
            SEARCH: self.search,
            UPDATE: _refusable(self.update),
            REMOVE: _refusable(self.remove),
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

    def upload(self, body: Body) -> Envelope:
        """Take a sound."""
        upload = body.get("file")
        if not isinstance(upload, Upload):
            return refusal("Field 'file':value is missing")
        filename = self.announcements.upload(upload)
        return done({"filename": filename}, "1 file(s) uploaded successfully")

    def add(self, body: Body) -> Envelope:
        """Make an announcement of an uploaded sound."""
        return done({"_id": self.announcements.add(body)})

    def search(self, body: Body) -> Envelope:
        """Return the announcements."""
        return done(self.announcements.search(body))

    def update(self, body: Body) -> Envelope:
        """Change an announcement."""
        self.announcements.update(body)
        return done("")

    def remove(self, body: Body) -> Envelope:
        """Remove an announcement."""
        self.announcements.remove(body)
        return done("")


def _refusable(perform: Callable[[Body], Envelope]) -> Callable[[Body], Envelope]:
    """Return a handler that responds with the refusal of an announcement."""

    def handle(body: Body) -> Envelope:
        try:
            return perform(body)
        except AnnouncementRefusedError as error:
            return refusal(str(error))

    return handle

"""Responses of the API: the JSON envelope, and error pages of the web server."""

from dataclasses import dataclass
import json

from aiohttp import web

DONE = "Requested operation is done successfully"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A response of the API: success, message for the user, and data."""

    success: int | str
    message: str | None = None
    data: object = None
    status: int = 200

    def text(self) -> str:
        """Return the JSON text."""
        return json.dumps(
            {"success": self.success, "message": self.message, "data": self.data}
        )

    def response(self) -> web.Response:
        """Return the HTTP response."""
        return web.Response(
            text=self.text(), status=self.status, content_type="application/json"
        )


def done(data: object = None, message: str | None = DONE) -> Envelope:
    """Return the envelope of a successful request."""
    return Envelope(success=1, message=message, data=data)


def refusal(message: str, status: int = 200) -> Envelope:
    """Return the envelope of a refused request."""
    return Envelope(success=0, message=message, status=status)


def html(status: int, title: str, text: str) -> web.Response:
    """Return an HTML page, like the web server in front of the API."""
    return web.Response(
        status=status,
        content_type="text/html",
        text=(
            '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n'
            f"<html><head>\n<title>{status} {title}</title>\n</head><body>\n"
            f"<h1>{title}</h1>\n<p>{text}</p>\n<hr>\n"
            "<address>Apache/2.4.57 (Debian) Server</address>\n</body></html>\n"
        ),
    )

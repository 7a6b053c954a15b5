"""The form that every answer of the API has."""

from dataclasses import dataclass
import json

from aiohttp import web

DONE = "Requested operation is done successfully"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """An answer: whether it was done, what to tell the user, and the data."""

    success: int | str
    message: str | None = None
    data: object = None
    status: int = 200

    def text(self) -> str:
        """Write it as it goes over the wire."""
        return json.dumps(
            {"success": self.success, "message": self.message, "data": self.data}
        )

    def response(self) -> web.Response:
        """Turn it into an HTTP answer."""
        return web.Response(
            text=self.text(), status=self.status, content_type="application/json"
        )


def done(data: object = None, message: str | None = DONE) -> Envelope:
    """Answer that it was done."""
    return Envelope(success=1, message=message, data=data)


def refusal(message: str, status: int = 200) -> Envelope:
    """Answer that it was not done, and why."""
    return Envelope(success=0, message=message, status=status)


def html(status: int, title: str, text: str) -> web.Response:
    """Answer with a page for people, as the web server before the API does."""
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

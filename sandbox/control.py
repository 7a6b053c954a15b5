"""Web page of the sandbox, and its API, which only accepts local requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
import voluptuous as vol

from .api import parse_json
from .calls import SandboxCall
from .config import SandboxConfig
from .console import outcome
from .exchange import Exchange
from .faults import Fault, Faults
from .schema import FAULT
from .speech_schema import keys

# Number of recent calls that the page shows.
SHOWN_CALLS = 30
# Number of prompts of a call that it shows.
SHOWN_PROMPTS = 20


@dataclass(slots=True)
class Control:
    """Shows phones and calls, and handles the actions of the page."""

    config: Callable[[], SandboxConfig]
    exchange: Exchange
    faults: Faults

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the page."""
        return [
            web.get("/", self.page),
            web.get("/sandbox/state", self.state),
            web.post("/sandbox/faults", _local(self.set_fault)),
            web.delete("/sandbox/faults", _local(self.clear_faults)),
            web.post("/sandbox/incoming", _local(self.incoming)),
            web.post("/sandbox/hang_up", _local(self.hang_up)),
            web.post("/sandbox/press", _local(self.press)),
            web.get("/sandbox/sounds/{id}", self.sound),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """Return the page."""
        return web.Response(
            text=page_html(),
            content_type="text/html",
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": (
                    "default-src 'none'; style-src 'unsafe-inline'; "
                    "script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
                    "media-src 'self'; frame-ancestors 'none'"
                ),
            },
        )

    async def state(self, _: web.Request) -> web.Response:
        """Return the current state as JSON."""
        return web.json_response(self.snapshot())

    def snapshot(self) -> dict[str, object]:
        """Return the current state of phones, calls and faults."""
        phones = self.exchange.phones
        return {
            "now": self.exchange.clock.time(),
            "phones": [
                {
                    "number": phone.number,
                    "name": phone.name,
                    "behavior": phone.behavior,
                    "state": phones.state(phone.number),
                }
                for phone in self.config().phones
            ],
            "calls": [
                {**_shown(call), "is_speaking": self.exchange.dialplan.is_on(call)}
                for call in self.exchange.calls[: -SHOWN_CALLS - 1 : -1]
            ],
            "faults": [
                {"path": path, "kind": fault.kind, "times": fault.times}
                for path, fault in self.faults.active().items()
            ],
        }

    async def set_fault(self, body: dict[str, object]) -> web.Response:
        """Activate a fault."""
        try:
            path, fault = read_fault(body)
        except vol.Invalid as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self.faults.set(path, fault)
        return web.json_response({"faults": sorted(self.faults.active())})

    async def clear_faults(self, body: dict[str, object]) -> web.Response:
        """Clear the fault of one path, or all faults."""
        path = body.get("path")
        self.faults.clear(path if isinstance(path, str) else None)
        return web.json_response({"faults": sorted(self.faults.active())})

    async def incoming(self, body: dict[str, object]) -> web.Response:
        """Start an incoming call."""
        call = self.exchange.incoming(_text(body, "number"), _text(body, "exten"))
        return web.json_response({"id": call.id})

    async def hang_up(self, body: dict[str, object]) -> web.Response:
        """End a call."""
        try:
            self.exchange.hang_up(_text(body, "call_id"))
        except KeyError as error:
            raise web.HTTPNotFound(text="there is no such call") from error
        return web.json_response({})

    async def press(self, body: dict[str, object]) -> web.Response:
        """Press keys in a call that hears announcements."""
        try:
            pressed = keys(_text(body, "keys"))
            self.exchange.dialplan.press(_text(body, "call_id"), pressed)
        except vol.Invalid as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except KeyError as error:
            raise web.HTTPNotFound(text="nobody hears this call") from error
        return web.json_response({})

    async def sound(self, request: web.Request) -> web.Response:
        """Return an announcement as a WAV."""
        if not is_loopback(request.remote):
            raise web.HTTPForbidden(text="only from this machine")
        announcements = self.exchange.dialplan.announcements
        sound = announcements.get(request.match_info["id"])
        if sound is None:
            raise web.HTTPNotFound(text="there is no such announcement")
        return web.Response(body=sound.content, content_type="audio/wav")


def read_fault(body: dict[str, object]) -> tuple[str, Fault]:
    """Return the fault and its path from the body of a request.

    Raises:
        vol.Invalid: the body is not valid.
    """
    return FAULT(body)


@cache
def page_html() -> str:
    """Return the HTML of the page."""
    return Path(__file__).with_name("page.html").read_text(encoding="utf-8")


def _local(
    act: Callable[[dict[str, object]], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that accepts only requests of this machine and this page."""

    async def handler(request: web.Request) -> web.Response:
        if not is_loopback(request.remote):
            raise web.HTTPForbidden(text="only from this machine")
        # CORS: pages of other sites cannot send this content type.
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send application/json")
        body = parse_json(await request.read())
        if not isinstance(body, dict):
            raise web.HTTPBadRequest(text="send a JSON object, without NaN or Infinity")
        return await act(body)

    return handler


def is_loopback(remote: str | None) -> bool:
    """Return whether it is a loopback address."""
    try:
        return ip_address(remote or "").is_loopback
    except ValueError:
        return False


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise web.HTTPBadRequest(text=f"{name} is missing")
    return value


def _shown(call: SandboxCall) -> dict[str, object]:
    return {
        "id": call.id,
        "caller": call.caller,
        "callee": call.callee,
        "type": call.type,
        "state": call.state,
        "result": call.result,
        "started": call.started,
        # When the call reached its current state.
        "since": next(
            when
            for when in (call.ended, call.answered, call.second_leg, call.started)
            if when is not None
        ),
        "outcome": outcome(call) if call.state == "ended" else "",
        "connected_to": call.connected_to,
        "heard": [
            {
                "text": heard.text,
                "title": heard.prompt.title,
                "seconds": heard.prompt.seconds,
                "since": heard.since,
                # Seconds that were heard; 0 while it is playing.
                "heard": heard.seconds,
            }
            for heard in call.heard[-SHOWN_PROMPTS:]
        ],
    }

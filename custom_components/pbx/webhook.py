"""Webhook that receives the events of a PBX."""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
import logging
import secrets
from typing import Any
from urllib.parse import parse_qsl

from aiohttp.hdrs import (
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    METH_GET,
    METH_POST,
)
from aiohttp.web import Request, RequestPayloadError, Response, json_response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import json_loads

from .backends.base import PING
from .calls.changes import Change, SettingsChanged
from .calls.manager import CallManager
from .const import (
    CONF_ALLOW_REMOTE_EVENTS,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_REQUIRE_EVENT_LOGIN,
    DOMAIN,
)

_LOGGER = logging.getLogger(__name__)

DATA_INBOXES: HassKey[dict[str, Inbox]] = HassKey(f"{DOMAIN}_inboxes")

MAX_BODY = 64 * 1024

_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"


class _RefusedError(Exception):
    """The request is not a valid event, or its sender is not authorized."""

    def __init__(self, status: HTTPStatus, length: int = 0) -> None:
        """Initialize the error.

        Args:
            status: of the response.
            length: of the body, as far as it was read, in bytes.
        """
        super().__init__(status.phrase)
        self.status = status
        self.length = length


class Inbox:
    """Counters of the requests to the webhook of a PBX since the start.

    Attributes:
        received: number of events by name.
        unknown: number of unknown events.
        refused: number of refused requests by the status of the response.
        last_event_at: when the last known event was received.
    """

    def __init__(self) -> None:
        """Initialize the counters."""
        self.received: Counter[str] = Counter()
        self.unknown = 0
        self.refused: Counter[HTTPStatus] = Counter()
        self.last_event_at: datetime | None = None
        self._echoes: set[asyncio.Future[None]] = set()

    @callback
    def expect_echo(self) -> asyncio.Future[None]:
        """Return a future that is done when the PBX echoes a ping."""
        echo = asyncio.get_running_loop().create_future()
        self._echoes.add(echo)
        echo.add_done_callback(self._echoes.discard)
        return echo

    @callback
    def count(self, name: str) -> None:
        """Count an event by its name, which is empty for an unknown event."""
        if not name:
            self.unknown += 1
            return
        self.received[name] += 1
        self.last_event_at = dt_util.utcnow()
        if name == PING:
            for echo in self._echoes:
                if not echo.done():
                    echo.set_result(None)

    def as_dict(self) -> dict[str, Any]:
        """Return the counters for the diagnostics."""
        last = self.last_event_at
        return {
            "received": dict(self.received),
            "unknown": self.unknown,
            "refused": {str(int(status)): n for status, n in self.refused.items()},
            "last_event_at": None if last is None else last.isoformat(),
        }


@callback
def inbox_of(hass: HomeAssistant, entry: ConfigEntry) -> Inbox | None:
    """Return the inbox of a PBX, or None if it has no webhook."""
    return hass.data.get(DATA_INBOXES, {}).get(entry.entry_id)


@callback
def async_new_address() -> dict[str, str]:
    """Return the entry data of a new webhook: a random ID and credentials."""
    return {
        CONF_WEBHOOK_ID: webhook.async_generate_id(),
        CONF_EVENT_USERNAME: f"ha-{secrets.token_hex(4)}",
        CONF_EVENT_PASSWORD: secrets.token_hex(16),
    }


@callback
def async_open_webhook(hass: HomeAssistant, manager: CallManager) -> None:
    """Register the webhook of a PBX until the entry is removed.

    It belongs to the manager instead of the loaded entry: events that arrive during
    a reload are not lost.
    """
    inboxes = hass.data.setdefault(DATA_INBOXES, {})
    entry_id, webhook_id = manager.entry.entry_id, manager.entry.data[CONF_WEBHOOK_ID]
    if entry_id in inboxes:
        return
    inboxes[entry_id] = inbox = Inbox()
    is_remote = _is_remote(manager)

    @callback
    def register() -> None:
        webhook.async_register(
            hass,
            DOMAIN,
            manager.entry.title,
            webhook_id,
            partial(_async_handle, manager, inbox),
            local_only=not is_remote,
            allowed_methods=(METH_GET, METH_POST),
        )

    @callback
    def changed(change: Change) -> None:
        nonlocal is_remote
        if isinstance(change, SettingsChanged) and is_remote != _is_remote(manager):
            is_remote = not is_remote
            webhook.async_unregister(hass, webhook_id)
            register()

    register()
    manager.subscribe(changed)
    manager.on_remove(lambda: webhook.async_unregister(hass, webhook_id))
    manager.on_remove(lambda: inboxes.pop(entry_id, None))


def _is_remote(manager: CallManager) -> bool:
    return bool(manager.entry.options.get(CONF_ALLOW_REMOTE_EVENTS, False))


async def _async_handle(
    manager: CallManager,
    inbox: Inbox,
    _hass: HomeAssistant,
    _webhook_id: str,
    request: Request,
) -> Response:
    """Handle a request to the webhook."""
    try:
        fields = await _async_read_checked(manager, request)
    except _RefusedError as err:
        # The PBX of a disabled entry may still send events; any other response would
        # reveal that the entry exists but is disabled.
        if manager.entry.disabled_by is not None:
            return Response()
        return _refuse(manager.entry, inbox, request, err)
    received = await manager.link.receive(fields)
    if received.answer is not None:
        return json_response(received.answer)
    if manager.entry.disabled_by is None:
        inbox.count(received.name)
    return Response()


async def _async_read_checked(
    manager: CallManager, request: Request
) -> Mapping[str, object]:
    """Return the fields of a request whose sender is authorized.

    Only events need a login: whether a PBX also sends one with its questions is not
    known, and without an answer, nobody would hear an announcement. A question is
    answered only about a call that is on.

    Raises:
        _RefusedError: the sender is not authorized, or the body cannot be an event.
    """
    is_authorized = _is_authorized(manager.entry, request)
    try:
        fields = await _async_read_fields(request)
    except _RefusedError:
        if is_authorized:
            raise
        fields = {}
    if not is_authorized and not manager.kind.is_question(fields):
        raise _RefusedError(HTTPStatus.UNAUTHORIZED)
    return fields


def _refuse(
    entry: ConfigEntry, inbox: Inbox, request: Request, err: _RefusedError
) -> Response:
    """Return the response to a refused request; log the first one of each status."""
    status = err.status
    if status not in inbox.refused:
        _LOGGER.warning(
            "Refused a request to the webhook of %s: %s %s (%s, %s bytes)",
            entry.title,
            status.value,
            status.phrase,
            _content_type(request).get_content_type(),
            request.headers.get(CONTENT_LENGTH) or err.length,
        )
    inbox.refused[status] += 1
    response = Response(status=status)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="PBX", charset="UTF-8"'
    # The rest of the body may not have been read.
    response.force_close()
    return response


def _is_authorized(entry: ConfigEntry, request: Request) -> bool:
    """Return whether the sender has the username and password that are required."""
    if not entry.options.get(CONF_REQUIRE_EVENT_LOGIN, False):
        return True
    username, password = (
        entry.data[name] for name in (CONF_EVENT_USERNAME, CONF_EVENT_PASSWORD)
    )
    scheme, _, token = request.headers.get(AUTHORIZATION, "").partition(" ")
    try:
        login = b64decode(token.strip(), validate=True)
    except ValueError:
        login = b""
    is_right = compare_digest(login, f"{username}:{password}".encode())
    return scheme.casefold() == "basic" and is_right


async def _async_read_fields(request: Request) -> Mapping[str, object]:
    """Return the fields of a request: of its query, and of its JSON or form body.

    Raises:
        _RefusedError: the body cannot be an event.
    """
    query: dict[str, object] = dict(request.query)
    if request.method == METH_GET:
        return query
    body = await _async_read_body(request)
    if not body.strip() and query:
        return query
    try:
        fields = _parse(body, _content_type(request))
    except (LookupError, ValueError) as err:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, len(body)) from err
    if isinstance(fields, list) and len(fields) == 1:
        fields = fields[0]
    if not isinstance(fields, dict):
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, len(body))
    return query | fields


def _content_type(request: Request) -> Message:
    """Return the content type of a request, with its parameters.

    Requests from Home Assistant Cloud do not have the `content_type` attribute.
    """
    header = Message()
    header[CONTENT_TYPE] = request.headers.get(CONTENT_TYPE, "application/json")
    return header


def _parse(body: bytes, header: Message) -> object:
    """Return the content of a body: JSON (also if declared as a form), or a form.

    Raises:
        LookupError: the charset is unknown.
        ValueError: the body is neither JSON nor a form.
    """
    charset = header.get_content_charset("utf-8")
    if header.get_content_type() == _PARTS:
        return _parse_parts(body, header, charset)
    text = body.decode(charset).removeprefix("\ufeff").strip()
    if header.get_content_type() == _FORM and not text.startswith(("{", "[")):
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding=charset, errors="strict"
        )
        return dict(pairs)
    return json_loads(text)


def _parse_parts(body: bytes, header: Message, charset: str) -> dict[str, str]:
    """Return the fields of a multipart form.

    Raises:
        LookupError: the charset of a part is unknown.
        ValueError: the body is not a multipart form.
    """
    head = f"{CONTENT_TYPE}: {header[CONTENT_TYPE]}\r\n\r\n"
    message = message_from_bytes(head.encode(errors="replace") + body)
    if not message.is_multipart():
        raise ValueError("no parts")
    fields = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            decoded = content.decode(part.get_content_charset(charset))
            fields[collapse_rfc2231_value(name)] = decoded
    return fields


async def _async_read_body(request: Request) -> bytes:
    """Return the body; its size is limited regardless of the headers.

    Raises:
        _RefusedError: the body is too large, or was not transferred completely.
    """
    # For a request from Home Assistant Cloud, each access creates a new stream.
    content = request.content
    body = bytearray()
    try:
        while chunk := await content.read(MAX_BODY + 1 - len(body)):
            body += chunk
            if len(body) > MAX_BODY:
                raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, len(body))
    except (RequestPayloadError, OSError) as err:
        # Otherwise the server reads on, and logs the same error.
        content.feed_eof()
        raise _RefusedError(HTTPStatus.BAD_REQUEST, len(body)) from err
    return bytes(body)

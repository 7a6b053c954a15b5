"""The address that a PBX sends its events to."""

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
from aiohttp.web import Request, RequestPayloadError, Response
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
    """A request is no event, or comes from somebody who may not send any."""

    def __init__(self, status: HTTPStatus, length: int = 0) -> None:
        """Keep the status that answers it, and how many bytes were read."""
        super().__init__(status.phrase)
        self.status = status
        self.length = length


class Inbox:
    """What has come to the address of a PBX since Home Assistant was started.

    Attributes:
        received: how many events, by their names.
        unknown: how many that are not known here.
        refused: how many requests, by the status that answered them.
        last_event_at: when the latest known event came.
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
        """Return what is done as soon as the PBX's echo of a ping has come."""
        echo = asyncio.get_running_loop().create_future()
        self._echoes.add(echo)
        echo.add_done_callback(self._echoes.discard)
        return echo

    @callback
    def take(self, name: str) -> None:
        """Count an event by its name; it is empty for one that is not known."""
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
        """Return what a maintainer needs to see why events do not come."""
        last = self.last_event_at
        return {
            "received": dict(self.received),
            "unknown": self.unknown,
            "refused": {str(int(status)): n for status, n in self.refused.items()},
            "last_event_at": None if last is None else last.isoformat(),
        }


@callback
def inbox_of(hass: HomeAssistant, entry: ConfigEntry) -> Inbox | None:
    """Return what has come to the address of a PBX; None where it has no address."""
    return hass.data.get(DATA_INBOXES, {}).get(entry.entry_id)


@callback
def async_new_address() -> dict[str, str]:
    """Return the entry data of a new address, which nobody can guess."""
    return {
        CONF_WEBHOOK_ID: webhook.async_generate_id(),
        CONF_EVENT_USERNAME: f"ha-{secrets.token_hex(4)}",
        CONF_EVENT_PASSWORD: secrets.token_hex(16),
    }


@callback
def async_open_webhook(hass: HomeAssistant, manager: CallManager) -> None:
    """Listen to what a PBX sends, until it is removed.

    It belongs to the manager rather than to the loaded entry: what comes in during a
    reload is not lost.
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
    """Take what somebody sent to the address."""
    # A disabled PBX may be sending still; that it is refused would tell it more.
    if manager.entry.disabled_by is not None:
        return Response()
    try:
        _check_login(manager.entry, request)
        fields = await _async_read_fields(request)
    except _RefusedError as err:
        return _refuse(manager.entry, inbox, request, err)
    inbox.take(await manager.link.receive(fields))
    return Response()


def _refuse(
    entry: ConfigEntry, inbox: Inbox, request: Request, err: _RefusedError
) -> Response:
    """Answer what is no event, and say so in the log the first time."""
    status = err.status
    if status not in inbox.refused:
        _LOGGER.warning(
            "A request to the events of %s was refused: %s %s (%s, %s bytes)",
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
    # There may be a body that nobody has read.
    response.force_close()
    return response


def _check_login(entry: ConfigEntry, request: Request) -> None:
    """Check the sender's user name and password, where they are asked for.

    Raises:
        _RefusedError: they are wrong, or missing.
    """
    if not entry.options.get(CONF_REQUIRE_EVENT_LOGIN, False):
        return
    username, password = (
        entry.data[name] for name in (CONF_EVENT_USERNAME, CONF_EVENT_PASSWORD)
    )
    scheme, _, token = request.headers.get(AUTHORIZATION, "").partition(" ")
    try:
        login = b64decode(token.strip(), validate=True)
    except ValueError:
        login = b""
    is_right = compare_digest(login, f"{username}:{password}".encode())
    if scheme.casefold() != "basic" or not is_right:
        raise _RefusedError(HTTPStatus.UNAUTHORIZED)


async def _async_read_fields(request: Request) -> Mapping[str, object]:
    """Return what a request carries: in its query, and as JSON or as a form.

    Raises:
        _RefusedError: nothing that could be an event.
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
    """Return the type of a request's body, with its charset and the like.

    What comes from the cloud has no `content_type` of its own.
    """
    header = Message()
    header[CONTENT_TYPE] = request.headers.get(CONTENT_TYPE, "application/json")
    return header


def _parse(body: bytes, header: Message) -> object:
    """Return what a body holds: JSON, also under the name of a form, or a form.

    Raises:
        LookupError: nobody knows the charset.
        ValueError: it is none of these.
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
    """Return the fields of a form in parts.

    Raises:
        LookupError: nobody knows the charset of one.
        ValueError: there are none.
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
    """Return the body; its length is counted, whatever the headers say.

    Raises:
        _RefusedError: it is too long, or broken on the way.
    """
    # That of a request from the cloud begins anew each time it is asked for.
    content = request.content
    body = bytearray()
    try:
        while chunk := await content.read(MAX_BODY + 1 - len(body)):
            body += chunk
            if len(body) > MAX_BODY:
                raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, len(body))
    except (RequestPayloadError, OSError) as err:
        # Or the server reads on, and puts the same error into the log.
        content.feed_eof()
        raise _RefusedError(HTTPStatus.BAD_REQUEST, len(body)) from err
    return bytes(body)

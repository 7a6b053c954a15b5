"""The address that a PBX sends its events to."""

from base64 import b64decode
import codecs
from collections.abc import Mapping
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
import logging
import secrets
from urllib.parse import parse_qsl

from aiohttp.hdrs import AUTHORIZATION, CONTENT_TYPE, METH_GET, METH_POST
from aiohttp.web import Request, RequestPayloadError, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.json import json_loads

from .backends.base import PushedEvents
from .const import (
    CONF_ALLOW_REMOTE_EVENTS,
    CONF_EVENT_PASSWORD,
    CONF_EVENT_USERNAME,
    CONF_REQUIRE_EVENT_LOGIN,
    DOMAIN,
)
from .coordinator import PbxConfigEntry
from .event_inbox import EventInbox
from .intake import async_take_event

_LOGGER = logging.getLogger(__name__)

MAX_BODY = 64 * 1024

_FORM = "application/x-www-form-urlencoded"


class _RefusedError(Exception):
    """A request is no event, or comes from somebody who may not send any."""

    def __init__(self, status: HTTPStatus) -> None:
        """Keep the status that answers it."""
        super().__init__(status.phrase)
        self.status = status


@callback
def async_new_address() -> dict[str, str]:
    """Return the entry data of a new address, which nobody can guess."""
    return {
        CONF_WEBHOOK_ID: webhook.async_generate_id(),
        CONF_EVENT_USERNAME: f"ha-{secrets.token_hex(4)}",
        CONF_EVENT_PASSWORD: secrets.token_hex(16),
    }


@callback
def async_open_address(
    hass: HomeAssistant, entry: PbxConfigEntry, events: PushedEvents
) -> None:
    """Listen to a PBX's events until its config entry is unloaded."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    webhook.async_register(
        hass,
        DOMAIN,
        entry.title,
        webhook_id,
        partial(_async_handle, entry, events),
        local_only=not entry.options.get(CONF_ALLOW_REMOTE_EVENTS, False),
        allowed_methods=(METH_GET, METH_POST),
    )
    entry.async_on_unload(lambda: webhook.async_unregister(hass, webhook_id))


async def _async_handle(
    entry: PbxConfigEntry,
    events: PushedEvents,
    hass: HomeAssistant,
    _webhook_id: str,
    request: Request,
) -> Response:
    """Take what somebody sent to the address."""
    inbox = entry.runtime_data.events
    try:
        _check_login(entry, request)
        fields = await _async_read_fields(request)
    except _RefusedError as err:
        return _refuse(entry, inbox, err.status)
    # It may have been unloaded while the body was still on its way.
    if entry.state is ConfigEntryState.LOADED:
        async_take_event(hass, entry, events.parse_event(fields))
    return Response()


def _refuse(entry: PbxConfigEntry, inbox: EventInbox, status: HTTPStatus) -> Response:
    """Answer what is no event, and say so in the log the first time."""
    if status not in inbox.refused:
        reason = f"{status.value} {status.phrase}"
        _LOGGER.warning("A request to the events of %s: %s", entry.title, reason)
    inbox.refused[status] += 1
    response = Response(status=status)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="PBX", charset="UTF-8"'
    # There may be a body that nobody has read.
    response.force_close()
    return response


def _check_login(entry: PbxConfigEntry, request: Request) -> None:
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
    """Return what a request carries: in its query, as JSON, or as a form.

    Raises:
        _RefusedError: nothing that could be an event.
    """
    if request.method == METH_GET:
        return dict(request.query)
    body = (await _async_read_body(request)).removeprefix(codecs.BOM_UTF8).strip()
    if not body and request.query:
        return dict(request.query)
    try:
        # JSON is often sent under the name of a form.
        if _is_form(request) and not body.startswith((b"{", b"[")):
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        fields = json_loads(body)
    except ValueError as err:
        raise _RefusedError(HTTPStatus.BAD_REQUEST) from err
    if not isinstance(fields, dict):
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY)
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
                raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except (RequestPayloadError, OSError) as err:
        # Or the server reads on, and puts the same error into the log.
        content.feed_eof()
        raise _RefusedError(HTTPStatus.BAD_REQUEST) from err
    return bytes(body)


def _is_form(request: Request) -> bool:
    """Tell by a header; what comes from the cloud has no `content_type`."""
    return request.headers.get(CONTENT_TYPE, "").casefold().startswith(_FORM)

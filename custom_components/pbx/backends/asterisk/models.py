"""Request bodies and responses of Asterisk's REST interface.

Source: Asterisk's documentation of ARI, Asterisk 22, and of its JSON models.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
import json
import re
from typing import Any, Final, Self

from ..base import CallRequest, DirectoryExtension
from ..http import extract_text
from ..redaction import clean_text
from ..updates import ExtensionState, ExtensionUpdate
from .channels import ChannelTemplates
from .fields import number_in

# Seconds added to the maximum duration of a call before Asterisk itself ends it: later
# than this integration, which counts from the callee's answer.
_SAFETY_MARGIN: Final = 60
# The argument with which phones enter our application to hear a message.
ANNOUNCEMENT: Final = "announcement"
# Such as ``22.10.1`` or ``certified/20.7-cert1``.
_VERSION: Final = re.compile(
    r"(?:certified/)?\d{1,3}(?:\.\d{1,3}){1,3}(?:[-~+]\w{1,12}){0,2}"
)
_QUOTED = str.maketrans({'"': "", "\\": "", "<": "", ">": ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A parsed HTTP response.

    Attributes:
        status: the HTTP status.
        is_json: whether the content is JSON, or absent in a 204 response.
        data: the content, of any shape.
        message: Asterisk's message; empty if there is none.
        media_type: such as ``text/html``.
        location: the target of a redirect.
    """

    status: int
    is_json: bool
    data: Any = None
    message: str = ""
    media_type: str = ""
    location: str = ""

    @classmethod
    def parse(
        cls,
        status: int,
        content: bytes,
        *,
        media_type: str,
        location: str,
        secrets: Iterable[str],
    ) -> Self:
        """Return the response; `secrets` and numbers are masked in its texts."""
        is_json = True
        data = None
        if content or status != HTTPStatus.NO_CONTENT:
            try:
                data = json.loads(content)
            except ValueError, RecursionError:
                is_json = False
        words = ""
        if isinstance(data, Mapping):
            words = extract_text(data.get("message")) or extract_text(data.get("error"))
        return cls(
            status=status,
            is_json=is_json,
            data=data,
            message=clean_text(words, secrets),
            media_type=clean_text(media_type, secrets),
            location=clean_text(location.partition("?")[0], secrets),
        )

    @property
    def is_success(self) -> bool:
        """Whether the request succeeded."""
        is_2xx = HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_2xx and self.is_json

    @property
    def is_missing(self) -> bool:
        """Whether ARI itself, and not another web server, found no such object."""
        return self.status == HTTPStatus.NOT_FOUND and self.is_json


def originate_body(request: CallRequest, channel: str) -> dict[str, Any]:
    """Return the body of an originate request into the dialplan.

    Everything is in the body, as web servers log the query string.
    """
    body = _ringing_body(request, channel) | {
        "context": request.context,
        "extension": request.callee,
        "priority": 1,
    }
    if limit := absolute_limit(request):
        body["variables"] = {
            **body.get("variables", {}),
            "TIMEOUT(absolute)": str(limit),
        }
    return body


def rings_into_application(request: CallRequest) -> bool:
    """Return whether the phone that rings first is answered in our application."""
    is_spoken = request.announcement is not None
    return is_spoken or request.is_bridged or request.ring_group is not None


def is_line(request: CallRequest) -> bool:
    """Return whether the two parties of a call meet in a bridge of our own."""
    return request.is_bridged and request.ring_group is None


def ring_body(request: CallRequest, channel: str, application: str) -> dict[str, Any]:
    """Return the body of an originate request into an ARI application.

    Its argument is the group of the phones that ring together, or the id of the call,
    or `ANNOUNCEMENT`.
    """
    body = _ringing_body(request, channel)
    # Asterisk ends the call itself if it is not hung up or connected.
    longest = str(request.timeout + _SAFETY_MARGIN)
    body["variables"] = {**body.get("variables", {}), "TIMEOUT(absolute)": longest}
    is_spoken = request.announcement is not None
    argument = ANNOUNCEMENT if is_spoken else request.ring_group or request.call_id
    body["appArgs"] = argument
    return body | {"app": application}


def absolute_limit(request: CallRequest) -> int:
    """Return the seconds after which Asterisk itself ends a call; 0 for never."""
    if request.call_limit is None:
        return 0
    return 2 * request.timeout + request.call_limit + _SAFETY_MARGIN


def _ringing_body(request: CallRequest, channel: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "endpoint": channel,
        "channelId": request.call_id,
        "timeout": request.timeout,
    }
    if headers := _ring_headers(request):
        body["variables"] = headers
    # Without a caller ID, the trunk's own number is shown. With only a name, Asterisk
    # would show `asterisk` as the number.
    if request.caller_id is not None:
        body["callerId"] = _caller_id(request)
    return body


def _ring_headers(request: CallRequest) -> dict[str, str]:
    """Return the SIP headers of the call to the caller's phone, by Asterisk's function.

    Their values are printable ASCII, as a line break would begin another header.
    """
    headers = {}
    if request.auto_answer:
        headers["Call-Info"] = "<sip:pbx>;answer-after=0"
        headers["Alert-Info"] = "info=alert-autoanswer"
    if request.ring_tone:
        headers["Alert-Info"] = request.ring_tone
    return {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}


def parse_endpoints(data: object) -> Iterator[str]:
    """Yield the endpoints of a response, such as ``PJSIP/557``."""
    for row in rows(data):
        technology, resource = row.get("technology"), row.get("resource")
        if isinstance(technology, str) and isinstance(resource, str):
            yield f"{technology}/{resource}"


def parse_extensions(
    data: object, templates: ChannelTemplates
) -> list[DirectoryExtension]:
    """Return the extensions among the endpoints of a response, sorted by number."""
    numbers = {templates.extension(endpoint) for endpoint in parse_endpoints(data)}
    in_order = sorted(numbers - {""}, key=lambda number: (len(number), number))
    return [DirectoryExtension(number, "") for number in in_order]


def parse_extension_states(
    data: object,
    channels: Mapping[str, Mapping[str, Any]],
    templates: ChannelTemplates,
) -> Iterator[ExtensionUpdate]:
    """Yield the states of the extensions in a list of endpoints.

    An extension is left out if its state is unknown, or if its calls began after the
    channels were read: an event reports those.

    Args:
        data: the list of endpoints.
        channels: by their ids, read before the endpoints.
        templates: distinguish extensions from trunks.
    """
    for row in rows(data):
        number = templates.extension(next(parse_endpoints([row]), ""))
        listed = row.get("channel_ids")
        ids = listed if isinstance(listed, list) else []
        own = [channels[each] for each in map(str, ids) if each in channels]
        state, participant = _IDLE_STATES.get(str(row.get("state"))), ""
        if own:
            is_ringing = all(each.get("state") == "Ringing" for each in own)
            state = ExtensionState.RINGING if is_ringing else ExtensionState.IN_USE
            participant = number_in(own[-1], "connected")
        if number and state is not None and bool(own) == bool(ids):
            yield ExtensionUpdate(number, state, participant)


# Source: the states of ARI's `Endpoint`. Without calls, it may also be unknown.
_IDLE_STATES: Final = {
    "online": ExtensionState.IDLE,
    "offline": ExtensionState.OFFLINE,
}


def parse_version(system: object) -> str:
    """Return the version in the system's information; empty if it is unknown.

    A text of another form might hold anything, and is shown unmasked.
    """
    version = system.get("version") if isinstance(system, Mapping) else None
    is_version = isinstance(version, str) and _VERSION.fullmatch(version)
    return str(version) if is_version else ""


def parse_trunks(data: object, templates: ChannelTemplates) -> list[str]:
    """Return the sorted names of the endpoints that are not extensions."""
    return sorted(
        {
            endpoint.partition("/")[2]
            for endpoint in parse_endpoints(data)
            if not templates.extension(endpoint)
        }
    )


def rows(data: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects in a list; other elements are skipped."""
    if not isinstance(data, list):
        return ()
    return [row for row in data if isinstance(row, Mapping)]


def channels_by_id(
    channels: Iterable[Mapping[str, Any]],
) -> dict[str, Mapping[str, Any]]:
    """Return channels by their ids."""
    return {
        channel["id"]: channel
        for channel in channels
        if isinstance(channel.get("id"), str)
    }


def talking_since(bridges: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the Unix times since which channels have been talking, by their ids.

    A bridge is created when the callee answers.
    """
    since: dict[str, float | None] = {}
    for bridge in bridges:
        channels = bridge.get("channels")
        if isinstance(channels, list) and len(channels) > 1:
            created_at = unix_time(bridge.get("creationtime"))
            since |= {name: created_at for name in channels if isinstance(name, str)}
    return since


def unix_time(value: object) -> float | None:
    """Return the Unix time of ``2026-11-23T04:00:49.690+0000``; None if invalid."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.timestamp() if parsed.tzinfo else None
    except ValueError, OverflowError:
        return None


def _caller_id(request: CallRequest) -> str:
    return quoted_caller_id(request.caller_name or "", request.caller_id or "")


def quoted_caller_id(name: str, number: str) -> str:
    """Return a caller ID, without characters that would end the quoted name."""
    name = name.translate(_QUOTED).strip()
    return f'"{name}" <{number}>' if name else f"<{number}>"

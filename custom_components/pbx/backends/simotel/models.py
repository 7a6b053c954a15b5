"""Request bodies and responses of Simotel's v4 API.

Source: Simotel's v4 API documents. Types vary: numbers may be strings, and flags 1,
"1", true or "yes"; all variants are accepted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
import json
from typing import Any, Self

from ..base import CallRequest, DirectoryExtension
from ..http import extract_text
from ..redaction import clean_text
from .fields import text

_IP_NOT_PERMITTED = "ip is not permitted"
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A parsed HTTP response.

    Attributes:
        status: the HTTP status.
        success: the flag of the envelope; None if there is no envelope.
        message: of the envelope, and of an error's payload; empty if there is none.
        is_address_refused: whether the message says that the client's IP address is not
            permitted.
        data: the envelope's payload, of any shape.
        media_type: such as ``text/html``.
        location: the target of a redirect.
    """

    status: int
    success: bool | None = None
    message: str = ""
    is_address_refused: bool = False
    data: Any = None
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
        """Parse a response; without an envelope, it has no success flag.

        `secrets` and numbers are masked in its texts here, before they can be shown or
        logged.
        """
        try:
            envelope = json.loads(content)
        except ValueError, RecursionError:
            envelope = None
        if not isinstance(envelope, dict):
            envelope = {}
        success = parse_flag(envelope.get("success"))
        words = extract_text(envelope.get("message"))
        data = envelope.get("data")
        if success is False and not isinstance(data, int | float):
            words = ": ".join(filter(None, (words, extract_text(data))))
        return cls(
            status=status,
            success=success,
            message=clean_text(words, secrets),
            # Checked before masking, as a secret may be one of these words.
            is_address_refused=_IP_NOT_PERMITTED in words.casefold(),
            data=data,
            media_type=clean_text(media_type, secrets),
            location=clean_text(location.partition("?")[0], secrets),
        )

    @property
    def is_success(self) -> bool:
        """Whether the request succeeded."""
        is_2xx = HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_2xx and self.success is True

    @property
    def is_definite(self) -> bool:
        """Whether the response rules out that the request was carried out.

        A success flag of 0 does, and so does a status that means that the request was
        not processed. An internal error or an invalid envelope does not.
        """
        return self.success is False or is_definite_status(self.status)


def is_definite_status(status: int) -> bool:
    """Return whether a status alone rules out that the request was carried out."""
    return (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        or status == HTTPStatus.NOT_IMPLEMENTED
    )


def parse_flag(value: object) -> bool | None:
    """Parse a flag in any of Simotel's spellings; None for other values."""
    if not isinstance(value, str | int):
        return None
    word = str(value).strip().casefold()
    if word in _YES:
        return True
    return False if word in _NO else None


def originate_body(request: CallRequest) -> dict[str, str]:
    """Return the body of an originate request, whose values are all strings."""
    body = {
        "caller": request.caller,
        "callee": request.callee,
        "context": request.context,
        # Required. The caller's own number is not an option, as networks block it.
        "caller_id": request.caller_id or request.callee,
        "timeout": str(request.timeout),
    }
    if request.trunk_name is not None:
        body["trunk_name"] = request.trunk_name
    if request.call_limit is not None:
        body["call_limit"] = str(request.call_limit)
    return body


def parse_originated_call_id(data: object) -> str | None:
    """Return the id in the response to an originate request, if any."""
    if not isinstance(data, Mapping):
        return None
    return text(data.get("originated_call_id")) or None


def parse_extensions(data: object) -> list[DirectoryExtension]:
    """Return the active users in a search response, sorted by number."""
    names = {
        number: _text(row.get("name"))
        for row in _active_rows(data)
        if (number := _text(row.get("number")))
    }
    in_order = sorted(names, key=lambda number: (len(number), number))
    return [DirectoryExtension(number, names[number]) for number in in_order]


def parse_trunks(data: object) -> list[str]:
    """Return the sorted names of the active trunks in a search response."""
    names = {_text(row.get("name")) for row in _active_rows(data)}
    return sorted(names - {""})


def _active_rows(data: object) -> Iterator[Mapping[str, Any]]:
    # A search returns the rows, or a page of them under "data".
    rows = data.get("data") if isinstance(data, Mapping) else data
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and parse_flag(row.get("active")) is not False:
            yield row


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""

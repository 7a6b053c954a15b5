"""The shapes of Simotel's v4 API: envelope, originated call, directory rows.

Source: Simotel's v4 API documents. Simotel is free with its types: numbers come
as strings, flags as 1, "1", true or "yes"; all of these are taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
import json
from typing import Any, Self

from ..base import CallRequest, DirectoryExtension
from ..http import words_of
from ..redaction import clean_text
from .fields import text

_IP_NOT_PERMITTED = "ip is not permitted"
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, taken apart.

    Attributes:
        status: the HTTP status.
        success: what the envelope says; None where there is no envelope.
        message: the envelope's words, and those of a refusal's payload; or none.
        is_address_refused: whether they are that this machine may not ask.
        data: the envelope's payload, of whatever shape.
        media_type: what the answer claims to be, e.g. ``text/html``.
        location: where a redirect points to.
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
        """Return the answer; content that is no envelope has no success.

        Its words are cleaned of `secrets` and of numbers here, before anybody
        can show or log them.
        """
        try:
            envelope = json.loads(content)
        except ValueError, RecursionError:
            envelope = None
        if not isinstance(envelope, dict):
            envelope = {}
        success = parse_flag(envelope.get("success"))
        words = words_of(envelope.get("message"))
        data = envelope.get("data")
        if success is False and not isinstance(data, int | float):
            words = ": ".join(filter(None, (words, words_of(data))))
        return cls(
            status=status,
            success=success,
            message=clean_text(words, secrets),
            # Read before it is cleaned: a secret may be one of these words.
            is_address_refused=_IP_NOT_PERMITTED in words.casefold(),
            data=data,
            media_type=clean_text(media_type, secrets),
            location=clean_text(location.partition("?")[0], secrets),
        )

    @property
    def is_success(self) -> bool:
        """Return whether the request was done."""
        is_2xx = HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_2xx and self.success is True

    @property
    def is_definite(self) -> bool:
        """Return whether the answer rules out that the request was carried out.

        A success flag of 0 does, and so does a status that says that nobody
        looked at the request. A broken answer of its own handler does not.
        """
        return self.success is False or is_definite_status(self.status)


def is_definite_status(status: int) -> bool:
    """Return whether a status alone rules out that the request was carried out."""
    return (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        or status == HTTPStatus.NOT_IMPLEMENTED
    )


def parse_flag(value: object) -> bool | None:
    """Return a flag of any of Simotel's spellings; None for anything else."""
    if not isinstance(value, str | int):
        return None
    word = str(value).strip().casefold()
    if word in _YES:
        return True
    return False if word in _NO else None


def originate_body(request: CallRequest) -> dict[str, str]:
    """Return the body of an originate request: every value is a string."""
    body = {
        "caller": request.caller,
        "callee": request.callee,
        "context": request.context,
        # It is required. The caller's own number, which networks bar, is the worst.
        "caller_id": request.caller_id or request.callee,
        "timeout": str(request.timeout),
    }
    if request.trunk_name is not None:
        body["trunk_name"] = request.trunk_name
    if request.call_limit is not None:
        body["call_limit"] = str(request.call_limit)
    return body


def parse_originated_call_id(data: object) -> str | None:
    """Return the id in the answer to an originate request, if it has one."""
    if not isinstance(data, Mapping):
        return None
    return text(data.get("originated_call_id")) or None


def parse_extensions(data: object) -> list[DirectoryExtension]:
    """Return the active users of a search, in order of number."""
    names = {
        number: _text(row.get("name"))
        for row in _active_rows(data)
        if (number := _text(row.get("number")))
    }
    in_order = sorted(names, key=lambda number: (len(number), number))
    return [DirectoryExtension(number, names[number]) for number in in_order]


def parse_trunks(data: object) -> list[str]:
    """Return the names of the active trunks of a search, in order."""
    names = {_text(row.get("name")) for row in _active_rows(data)}
    return sorted(names - {""})


def _active_rows(data: object) -> Iterator[Mapping[str, Any]]:
    # A search answers with the rows, or with a page of them under "data".
    rows = data.get("data") if isinstance(data, Mapping) else data
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and parse_flag(row.get("active")) is not False:
            yield row


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""

"""From a Simotel's answer to an error that tells a person what to do.

Source: the error table of Simotel's v4 API documents.
"""

from collections.abc import Mapping
from http import HTTPStatus

from ..base import (
    AccessDeniedError,
    AddressNotPermittedError,
    InvalidCredentialsError,
    NotSupportedError,
    PbxError,
    RefusedError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from .models import Answer

# Statuses that say all, whatever the answer is.
_BY_STATUS: Mapping[int, type[PbxError]] = {
    HTTPStatus.UNAUTHORIZED: InvalidCredentialsError,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyRequestsError,
}

# Statuses whose envelope carries a message that is meant for a person.
_REFUSING = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)


class NotSimotelError(UnexpectedAnswerError):
    """Something answered, but not as a Simotel does."""

    translation_key = "not_simotel"
    summary = "Not a Simotel's answer"


def answer_error(answer: Answer, request: str) -> PbxError:
    """Return the error of an answer that is not a success.

    Args:
        answer: what came back, an envelope or not.
        request: the path asked for, as Simotel's permissions name it.
    """
    message = answer.message or f"HTTP {answer.status}"
    match answer.status:
        case status if (error := _BY_STATUS.get(status)) is not None:
            return error(message)
        case HTTPStatus.NOT_IMPLEMENTED:
            return NotSupportedError(request)
        case status if answer.success is None or status not in _REFUSING:
            return NotSimotelError(_describe(answer))
        case HTTPStatus.FORBIDDEN if answer.is_address_refused:
            return AddressNotPermittedError(message)
        case HTTPStatus.FORBIDDEN:
            return AccessDeniedError(request)
        case _:
            return RefusedError(message)


def _describe(answer: Answer) -> str:
    """Return in a few words what an answer was that no Simotel gives."""
    words = [f"HTTP {answer.status}", answer.media_type]
    if answer.location:
        words.append(f"redirects to {answer.location}")
    elif answer.message:
        words.append(answer.message)
    return ", ".join(word for word in words if word)

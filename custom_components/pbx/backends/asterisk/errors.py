"""From an Asterisk's answer to an error that tells a person what to do.

Source: Asterisk's documentation of ARI (responses of each request), and what
Asterisk 22 really answers.
"""

from http import HTTPStatus

from ..base import (
    AccessDeniedError,
    InvalidCredentialsError,
    NotSupportedError,
    PbxError,
    RefusedError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from .models import Answer


class NotAsteriskError(UnexpectedAnswerError):
    """Something answered, but not as an Asterisk does."""

    translation_key = "not_asterisk"
    summary = "Not an Asterisk's answer"


class AriDisabledError(NotSupportedError):
    """There is a web server, but no REST interface in it."""

    translation_key = "ari_disabled"
    summary = "No REST interface"


class AriCredentialsError(InvalidCredentialsError):
    """Asterisk does not know this user and password."""

    translation_key = "ari_invalid_auth"


class ReadOnlyError(AccessDeniedError):
    """The user may look, but not place a call."""

    translation_key = "ari_read_only"
    summary = "This user may only read"


class EndpointNotFoundError(RefusedError):
    """There is no such phone or trunk at the PBX."""

    translation_key = "endpoint_not_found"
    summary = "No such endpoint"


def answer_error(answer: Answer) -> PbxError:
    """Return the error of an answer that is not a success."""
    message = answer.message or f"HTTP {answer.status}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return AriCredentialsError(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyRequestsError(message)
        case HTTPStatus.FORBIDDEN if answer.is_json:
            return ReadOnlyError(message)
        case HTTPStatus.NOT_FOUND if not answer.is_json:
            return AriDisabledError(message)
        case _ if not answer.is_json:
            return NotAsteriskError(_describe(answer))
        case _:
            return RefusedError(message)


def _describe(answer: Answer) -> str:
    """Return in a few words what an answer was that no Asterisk gives."""
    words = [f"HTTP {answer.status}", answer.media_type]
    if answer.location:
        words.append(f"redirects to {answer.location}")
    return ", ".join(word for word in words if word)

"""From an Asterisk's answer to an error that tells a person what to do.

Source: Asterisk's documentation of ARI (responses of each request), and what
Asterisk 22 really answers.
"""

from http import HTTPStatus

from ..base import CredentialsError, DeniedError, PbxError, PbxErrorCode
from .models import Answer


def answer_error(answer: Answer) -> PbxError:
    """Return the error of an answer that is not a success."""
    message = answer.message or f"HTTP {answer.status}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialsError(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return PbxError(PbxErrorCode.TOO_MANY_REQUESTS, message)
        case HTTPStatus.FORBIDDEN if answer.is_json:
            return DeniedError(PbxErrorCode.ACCESS_DENIED, message)
        case HTTPStatus.NOT_FOUND if not answer.is_json:
            return DeniedError(PbxErrorCode.NOT_SUPPORTED, message)
        case _ if not answer.is_json:
            return PbxError(PbxErrorCode.UNEXPECTED_ANSWER, _describe(answer))
        case _:
            return PbxError(PbxErrorCode.REFUSED, message)


def _describe(answer: Answer) -> str:
    """Return in a few words what an answer was that no Asterisk gives."""
    words = [f"HTTP {answer.status}", answer.media_type]
    if answer.location:
        words.append(f"redirects to {answer.location}")
    return ", ".join(word for word in words if word)

"""Convert an Asterisk's error responses to `PbxError`.

Source: Asterisk's documentation of ARI (responses of each request), and responses
of an Asterisk 22.
"""

from http import HTTPStatus

from ..errors import CredentialsError, DeniedError, PbxError, PbxErrorCode
from .models import Answer


def answer_error(answer: Answer) -> PbxError:
    """Return the error for an unsuccessful response."""
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
    """Return a short description of a response that is not from ARI."""
    words = [f"HTTP {answer.status}", answer.media_type]
    if answer.location:
        words.append(f"redirects to {answer.location}")
    return ", ".join(word for word in words if word)

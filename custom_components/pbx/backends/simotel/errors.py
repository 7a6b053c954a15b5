"""Convert a Simotel's error responses to `PbxError`.

Source: the error table of Simotel's v4 API documents.
"""

from http import HTTPStatus

from ..errors import CredentialsError, DeniedError, PbxError, PbxErrorCode
from .models import Answer

# Statuses whose envelope contains a message for the user.
_REFUSING = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)


def answer_error(answer: Answer, request: str) -> PbxError:
    """Return the error for an unsuccessful response.

    Args:
        answer: the response, with an envelope or not.
        request: the path of the request, as in Simotel's list of permissions.
    """
    message = answer.message or f"HTTP {answer.status}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialsError(message)
        case HTTPStatus.NOT_IMPLEMENTED:
            return DeniedError(PbxErrorCode.NOT_SUPPORTED, request)
        case HTTPStatus.TOO_MANY_REQUESTS:
            code = PbxErrorCode.TOO_MANY_REQUESTS
        case status if answer.success is None or status not in _REFUSING:
            return PbxError(PbxErrorCode.UNEXPECTED_ANSWER, _describe(answer))
        case HTTPStatus.FORBIDDEN if not answer.is_address_refused:
            return DeniedError(PbxErrorCode.ACCESS_DENIED, request)
        case HTTPStatus.FORBIDDEN:
            code = PbxErrorCode.IP_NOT_PERMITTED
        case _:
            code = PbxErrorCode.REFUSED
    return PbxError(code, message)


def _describe(answer: Answer) -> str:
    """Return a short description of a response that is not from Simotel's API."""
    words = [f"HTTP {answer.status}", answer.media_type]
    if answer.location:
        words.append(f"redirects to {answer.location}")
    elif answer.message:
        words.append(answer.message)
    return ", ".join(word for word in words if word)

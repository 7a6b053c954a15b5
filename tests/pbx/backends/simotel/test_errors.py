"""Tests of the error table of Simotel's documents."""

import pytest

from custom_components.pbx.backends.errors import (
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.simotel.errors import answer_error
from custom_components.pbx.backends.simotel.models import Answer

REQUEST = "/call/originate/act"
# The errors that code catches.
CLASSES: dict[PbxErrorCode, type[PbxError]] = {
    PbxErrorCode.INVALID_AUTH: CredentialsError,
    PbxErrorCode.ACCESS_DENIED: DeniedError,
    PbxErrorCode.NOT_SUPPORTED: DeniedError,
}


@pytest.mark.parametrize(
    ("status", "success", "message", "code", "detail"),
    [
        (200, False, "No way", PbxErrorCode.REFUSED, "No way"),
        (200, False, "", PbxErrorCode.REFUSED, "HTTP 200"),
        (
            400,
            False,
            "Unable to parse content",
            PbxErrorCode.REFUSED,
            "Unable to parse content",
        ),
        (
            401,
            False,
            "ApiKey is invalid",
            PbxErrorCode.INVALID_AUTH,
            "ApiKey is invalid",
        ),
        (401, None, "", PbxErrorCode.INVALID_AUTH, "HTTP 401"),
        (403, False, '"/x";Access denied', PbxErrorCode.ACCESS_DENIED, REQUEST),
        (
            403,
            False,
            "IP is not permitted",
            PbxErrorCode.IP_NOT_PERMITTED,
            "IP is not permitted",
        ),
        (403, None, "", PbxErrorCode.UNEXPECTED_ANSWER, "HTTP 403, text/html"),
        (404, None, "", PbxErrorCode.UNEXPECTED_ANSWER, "HTTP 404, text/html"),
        (
            404,
            False,
            "Gone",
            PbxErrorCode.UNEXPECTED_ANSWER,
            "HTTP 404, text/html, Gone",
        ),
        (405, False, "Method not allowed", PbxErrorCode.REFUSED, "Method not allowed"),
        (415, False, "Unsupported", PbxErrorCode.REFUSED, "Unsupported"),
        (429, None, "", PbxErrorCode.TOO_MANY_REQUESTS, "HTTP 429"),
        (429, False, "Slow down", PbxErrorCode.TOO_MANY_REQUESTS, "Slow down"),
        (
            500,
            False,
            "Oops",
            PbxErrorCode.UNEXPECTED_ANSWER,
            "HTTP 500, text/html, Oops",
        ),
        (
            501,
            False,
            "Requested service does not exist",
            PbxErrorCode.NOT_SUPPORTED,
            REQUEST,
        ),
        (200, None, "", PbxErrorCode.UNEXPECTED_ANSWER, "HTTP 200, text/html"),
    ],
)
def test_answer_error(
    status: int,
    success: bool | None,
    message: str,
    code: PbxErrorCode,
    detail: str,
) -> None:
    """Each row of the table has its error, with the message."""
    answer = Answer(
        status=status,
        success=success,
        message=message,
        is_address_refused=code is PbxErrorCode.IP_NOT_PERMITTED,
        media_type="text/html",
    )
    found = answer_error(answer, REQUEST)

    assert found.code is code
    assert type(found) is CLASSES.get(code, PbxError)
    assert found.detail == detail

"""Tests of the error table of Simotel's documents."""

import pytest

from custom_components.pbx.backends.base import (
    AccessDeniedError,
    AddressNotPermittedError,
    InvalidCredentialsError,
    NotSupportedError,
    PbxError,
    RefusedError,
    TooManyRequestsError,
)
from custom_components.pbx.backends.simotel.errors import NotSimotelError, answer_error
from custom_components.pbx.backends.simotel.models import Answer

REQUEST = "/call/originate/act"


@pytest.mark.parametrize(
    ("status", "success", "message", "error", "detail"),
    [
        (200, False, "No way", RefusedError, "No way"),
        (200, False, "", RefusedError, "HTTP 200"),
        (
            400,
            False,
            "Unable to parse content",
            RefusedError,
            "Unable to parse content",
        ),
        (401, False, "ApiKey is invalid", InvalidCredentialsError, "ApiKey is invalid"),
        (401, None, "", InvalidCredentialsError, "HTTP 401"),
        (403, False, '"/x";Access denied', AccessDeniedError, REQUEST),
        (
            403,
            False,
            "IP is not permitted",
            AddressNotPermittedError,
            "IP is not permitted",
        ),
        (403, None, "", NotSimotelError, "HTTP 403, text/html"),
        (404, None, "", NotSimotelError, "HTTP 404, text/html"),
        (404, False, "Gone", NotSimotelError, "HTTP 404, text/html, Gone"),
        (405, False, "Method not allowed", RefusedError, "Method not allowed"),
        (415, False, "Unsupported", RefusedError, "Unsupported"),
        (429, None, "", TooManyRequestsError, "HTTP 429"),
        (429, False, "Slow down", TooManyRequestsError, "Slow down"),
        (500, False, "Oops", NotSimotelError, "HTTP 500, text/html, Oops"),
        (501, False, "Requested service does not exist", NotSupportedError, REQUEST),
        (200, None, "", NotSimotelError, "HTTP 200, text/html"),
    ],
)
def test_answer_error(
    status: int,
    success: bool | None,
    message: str,
    error: type[PbxError],
    detail: str,
) -> None:
    """Each row of the table is an error of its own, with the words that matter."""
    answer = Answer(
        status=status,
        success=success,
        message=message,
        is_address_refused=error is AddressNotPermittedError,
        media_type="text/html",
    )
    found = answer_error(answer, REQUEST)

    assert type(found) is error
    assert found.detail == detail

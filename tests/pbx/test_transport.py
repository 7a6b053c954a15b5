"""Tests of what all kinds of PBX that are asked by HTTP have in common."""

import errno

import aiohttp
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.client import CannotConnectError
from custom_components.pbx.transport import clock_offset, transport_error


@pytest.mark.parametrize(
    ("cause", "detail"),
    [
        (
            ConnectionResetError(errno.ECONNRESET, "Reset by 192.0.2.1:8080"),
            "Connection reset by peer",
        ),
        (aiohttp.ClientError("Lost 09121234567"), "Lost *********67"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (OSError(), "OSError"),
    ],
)
def test_transport_error(cause: Exception, detail: str) -> None:
    """A broken connection is told in the words of its cause, cleaned."""
    found = transport_error(cause)

    assert type(found) is CannotConnectError
    assert found.detail == detail


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Thu, 21 Dec 2023 07:50:54 GMT", 0),
        ("Thu, 21 Dec 2023 07:50:59 GMT", 5),
        ("Thu, 21 Dec 2023 07:49:54 GMT", -60),
        ("Thu, 21 Dec 2023 11:20:54 +0330", 0),
        ("Thu, 21 Dec 2023 07:50:54 -0000", 0),
        ("Thu, 32 Dec 2023 07:50:54 GMT", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_clock_offset(date: str, expected: float | None) -> None:
    """A date tells by how many whole seconds two clocks differ."""
    assert clock_offset(date, 1703145054.787335) == expected


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w+"))
def test_clock_offset_of_anything(date: str) -> None:
    """No date at all is no offset, and never an error."""
    offset = clock_offset(date, 0.5)

    assert offset is None or offset == int(offset)

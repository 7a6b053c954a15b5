"""Tests of request bodies and responses of ARI."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk.models import (
    Answer,
    rows,
    talking_since,
    unix_time,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T04:00:49.690+0000", 1795406449.69),
        ("2026-11-23T07:30:49.690+0330", 1795406449.69),
        ("2026-11-23T04:00:49.690", None),
        ("yesterday", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_unix_time(text: object, expected: float | None) -> None:
    """A time without a time zone is invalid."""
    assert unix_time(text) == expected


@given(st.text() | st.none() | st.datetimes().map(str))
def test_unix_time_of_anything(text: object) -> None:
    """Nothing raises."""
    unix_time(text)


@given(st.binary(), st.integers(100, 599))
def test_any_content(content: bytes, status: int) -> None:
    """Any content is parsed."""
    answer = Answer.parse(status, content, media_type="", location="", secrets=())

    assert answer.is_json or not answer.is_success


def test_rows() -> None:
    """Only objects of a list are returned."""
    assert rows([{"a": 1}, 7, None]) == [{"a": 1}]
    assert rows({"a": 1}) == ()


def test_talking_since() -> None:
    """A single channel in a bridge is not in a conversation."""
    made_at = "2026-11-23T04:00:49.690+0000"
    bridges: list[dict[str, object]] = [
        {"channels": ["a"], "creationtime": made_at},
        {"channels": ["b", "c", 7], "creationtime": made_at},
        {"channels": None},
    ]
    assert talking_since(bridges) == {"b": 1795406449.69, "c": 1795406449.69}

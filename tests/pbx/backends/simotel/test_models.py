"""Tests of Simotel's responses, whose types vary."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.base import DirectoryExtension
from custom_components.pbx.backends.simotel.models import (
    Answer,
    parse_extensions,
    parse_flag,
    parse_originated_call_id,
    parse_trunks,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def parse(content: bytes, status: int = 200) -> Answer:
    """Return an answer of this content."""
    return Answer.parse(
        status, content, media_type="application/json", location="", secrets=()
    )


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (1, True),
        ("1", True),
        (True, True),
        ("true", True),
        ("Yes", True),
        (0, False),
        ("0", False),
        (False, False),
        ("no", False),
        (2, None),
        ("", None),
        (1.0, None),
        (None, None),
        ([1], None),
    ],
)
def test_flag(value: object, flag: bool | None) -> None:
    """A flag is accepted in every spelling, and no other value is."""
    assert parse_flag(value) is flag


@pytest.mark.parametrize(
    ("status", "content", "is_success", "is_definite"),
    [
        (200, b'{"success": 1}', True, False),
        (201, b'{"success": "1"}', True, False),
        (200, b'{"success": 0}', False, True),
        (500, b'{"success": 0}', False, True),
        (500, b'{"success": 1}', False, False),
        (200, b"{}", False, False),
        (200, b"[1]", False, False),
        (200, b"", False, False),
        (200, b"\xff", False, False),
        (200, b"[" * 200_000, False, False),
        (503, b"busy", False, False),
        (501, b"", False, True),
        (302, b"", False, True),
        (404, b"<html>", False, True),
    ],
)
def test_answer(
    status: int, content: bytes, is_success: bool, is_definite: bool
) -> None:
    """Status and envelope decide whether a call is uncertain."""
    answer = parse(content, status)

    assert answer.is_success is is_success
    assert answer.is_definite is is_definite


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ({"message": "No\nway"}, "No way"),
        ({"message": 17}, "17"),
        ({"message": ["No way", "Busy", None]}, "No way, Busy"),
        ({"message": {"error": "No way", "code": 3}}, "No way"),
        ({"message": {"caller": ["is missing"], "callee": []}}, "caller: is missing"),
        ({"message": None, "data": "No way"}, "No way"),
        ({"message": "", "data": ["No way"]}, "No way"),
        ({"data": {"errors": {"caller": "is wrong"}}}, "caller: is wrong"),
        ({"message": "Failed", "data": {"Reason": "No way"}}, "Failed: No way"),
        ({"message": "Failed", "data": []}, "Failed"),
        ({"message": "Failed", "data": 0}, "Failed"),
        ({"message": True, "data": False}, ""),
        ({"message": [[[["deep", [["deeper"]]]]]]}, "deep"),
        ({"data": {"detail": "09121234567 and swordfish"}}, "*********67 and ***"),
    ],
)
def test_reason(envelope: dict[str, object], words: str) -> None:
    """The PBX's message is found in any place, and redacted."""
    content = json.dumps({"success": 0, **envelope}).encode()
    answer = Answer.parse(
        200,
        content,
        media_type="application/json",
        location="",
        secrets=["swordfish"],
    )

    assert answer.message == words


def test_no_reason() -> None:
    """The data of a success is not a message."""
    assert parse(b'{"success": 1, "message": null, "data": "x"}').message == ""


@given(JSON, JSON)
def test_any_reason(message: object, data: object) -> None:
    """Any value can be searched for a message."""
    envelope = {"success": 0, "message": message, "data": data}
    assert parse(json.dumps(envelope).encode()).success is False


@given(st.binary())
def test_any_content(content: bytes) -> None:
    """Any content is parsed."""
    assert parse(content).status == 200


@pytest.mark.parametrize(
    ("data", "call_id"),
    [
        ({"originated_call_id": "orig.call.1.2"}, "orig.call.1.2"),
        ({"originated_call_id": " orig.call.1.2 "}, "orig.call.1.2"),
        ({"originated_call_id": ""}, None),
        ({"originated_call_id": 7}, "7"),
        ({"originated_call_id": 1703145054.787335}, "1703145054.787335"),
        ({"originated_call_id": True}, None),
        ({"originated_call_id": "null"}, None),
        ({"originated_call_id": ["7"]}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_originated_call_id(data: object, call_id: str | None) -> None:
    """An id is a text or a number; other values are ignored."""
    assert parse_originated_call_id(data) == call_id


def test_extensions() -> None:
    """Extensions are unique, active, and sorted by number."""
    rows = [
        {"name": "Attic", "number": 1001, "active": "yes"},
        {"name": "Hall", "number": "99"},
        {"name": "Gone", "number": "98", "active": "no"},
        {"name": None, "number": "100", "active": True},
        {"name": "Nameless"},
        "row",
    ]
    expected = [
        DirectoryExtension("99", "Hall"),
        DirectoryExtension("100", ""),
        DirectoryExtension("1001", "Attic"),
    ]
    assert parse_extensions(rows) == expected
    assert parse_extensions({"data": rows}) == expected


def test_trunks() -> None:
    """Trunks are unique, active, and sorted by name."""
    rows = [{"name": "b"}, {"name": "a"}, {"name": "b"}, {"name": "x", "active": 0}, {}]

    assert parse_trunks(rows) == ["a", "b"]


@given(JSON)
def test_any_directory(data: object) -> None:
    """Any response of a search returns rows or nothing."""
    assert all(extension.number for extension in parse_extensions(data))
    assert all(parse_trunks(data))

"""Tests of names of things in a PBX."""

import pytest

from custom_components.pbx.backends.names import is_name, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("main_routing", True),
        ("\u0645\u06cc\u200c\u0631", True),
        ("night\u00a0route", True),
        ("a\nb", False),
        ("a\tb", False),
        ("a\u2028b", False),
        ("a\x00", False),
        ("\ud800", False),
    ],
)
def test_is_name(text: str, expected: bool) -> None:
    """A name is one line, of any language."""
    assert is_name(text) is expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" a  b\n", "a b"),
        ("a\x00b\u2028c", "a b c"),
        ("\u0645\u06cc\u200c\u0631",) * 2,
        (" ", ""),
    ],
)
def test_one_line(text: str, line: str) -> None:
    """What breaks a line is a space, and there is one where there were many."""
    assert one_line(text) == line

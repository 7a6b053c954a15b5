"""Tests of names of things in a PBX."""

import pytest

from custom_components.pbx.names import is_name


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

"""Tests of numbers as people write them."""

import re

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.phone_number import (
    InvalidNumberError,
    NumberFault,
    is_outside_number,
    normalise_number,
)


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("557", "557"),
        ("+98 (21) 1234-5678", "+982112345678"),
        ("0912.123.4567", "09121234567"),
        ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
        ("۰۱۲۳۴۵۶۷۸۹", "0123456789"),
        ("*72#", "*72#"),
        ("\u202a+98\u00a0912\u202c", "+98912"),
        ("0912\u20131234", "09121234"),
        ("1" * 32, "1" * 32),
    ],
)
def test_normalise(typed: str, dialled: str) -> None:
    """What people put between the digits is dropped, their digits are taken."""
    assert normalise_number(typed) == dialled


def test_wildcards() -> None:
    """A pattern keeps what stands for other characters; a number does not."""
    assert normalise_number("0912 ??-?", wildcards="?") == "0912???"
    with pytest.raises(InvalidNumberError):
        normalise_number("0912?")


@pytest.mark.parametrize(
    ("typed", "fault", "character"),
    [
        ("", NumberFault.EMPTY, ""),
        (" -() ", NumberFault.EMPTY, ""),
        ("1" * 33, NumberFault.TOO_LONG, ""),
        ("55a7", NumberFault.CHARACTER, "a"),
        ("557;hangup", NumberFault.CHARACTER, ";"),
        ("557&558", NumberFault.CHARACTER, "&"),
        ("557\n558", NumberFault.CHARACTER, "U+000A"),
        ("557\t", NumberFault.CHARACTER, "U+0009"),
        ("५५७", NumberFault.CHARACTER, "५"),
        ("½", NumberFault.CHARACTER, "½"),
    ],
)
def test_refused(typed: str, fault: NumberFault, character: str) -> None:
    """Anything else is refused, and the character that is at fault is shown."""
    with pytest.raises(InvalidNumberError) as caught:
        normalise_number(typed)

    assert caught.value.fault is fault
    assert caught.value.character == character


@given(st.text() | st.text("0123456789+*#-. ()۰۹٠٩\u202a", max_size=40))
def test_any_text(typed: str) -> None:
    """Any text is refused, or becomes a number that stays what it is."""
    try:
        dialled = normalise_number(typed)
    except InvalidNumberError:
        return
    assert re.fullmatch(r"[0-9+*#]{1,32}", dialled)
    assert normalise_number(dialled) == dialled


@pytest.mark.parametrize(
    ("number", "internal_digits", "is_outside"),
    [
        ("55555", 5, False),
        ("555555", 5, True),
        ("+1", 5, True),
        ("*12345#", 5, False),
        ("*123456", 5, True),
        ("555555", 6, False),
    ],
)
def test_is_outside(number: str, internal_digits: int, is_outside: bool) -> None:
    """A number with more digits than an internal one has is an outside number."""
    assert is_outside_number(number, internal_digits) is is_outside

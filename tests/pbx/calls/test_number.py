"""Tests of parsing numbers and patterns."""

import re

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.calls.number import (
    InvalidNumberError,
    NumberFault,
    as_reported,
    is_external,
    is_unquoted,
    parse_number,
    parse_pattern,
)

written = st.text() | st.text("0123456789+*#-. ()/۰۹٠٩\u202atel:", max_size=40)


@pytest.mark.parametrize(
    ("typed", "dialed"),
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
        ("030/1234567", "0301234567"),
        # A code that withholds the caller ID.
        ("*31# +49 30 12", "*31#+493012"),
        # A link of a web page or a contact card.
        ("tel:+49-30-1234567", "+49301234567"),
        ("TEL:0912", "0912"),
        # Whitespace of a template.
        ("(+989121234567)", "+989121234567"),
        # In France, numbers are written in pairs.
        ("01.40.20.50.00", "0140205000"),
        # A zero that is only dialed within the country.
        ("+49 (0)30 1234567", "+49301234567"),
        ("+49(0)30/1234567", "+49301234567"),
        ("+49–( 0 ) 30 12", "+493012"),
        ("(+49) (0)30 12", "+493012"),
        ("0049 (0) 30 12", "00493012"),
        ("011 49 (0)30 12", "011493012"),
        ("+۴۹ (۰)۳۰", "+4930"),
        # In Italy, the zero is part of the number.
        ("+39 (0)6 1234", "+39061234"),
        ("(0)30 12", "03012"),
        ("+4930 (0)12", "+4930012"),
        ("+999 (0)12", "+999012"),
        ("0912 (0)12", "0912012"),
    ],
)
def test_parse(typed: str, dialed: str) -> None:
    """Separators are removed, and other digits become ASCII."""
    assert parse_number(typed) == dialed


@pytest.mark.parametrize(
    ("typed", "fault", "character"),
    [
        ("", NumberFault.EMPTY, ""),
        (" -() ", NumberFault.EMPTY, ""),
        ("tel:", NumberFault.EMPTY, ""),
        ("+", NumberFault.EMPTY, ""),
        ("(+)", NumberFault.EMPTY, ""),
        ("++", NumberFault.EMPTY, ""),
        ("++49", NumberFault.PLUS, ""),
        ("49+30", NumberFault.PLUS, ""),
        ("+49 +30", NumberFault.PLUS, ""),
        ("49+", NumberFault.PLUS, ""),
        ("#+49", NumberFault.PLUS, ""),
        ("*31+49", NumberFault.PLUS, ""),
        ("1" * 33, NumberFault.TOO_LONG, ""),
        ("55a7", NumberFault.CHARACTER, "a"),
        ("1-800-FLOWERS", NumberFault.CHARACTER, "F"),
        ("030 12 ext. 5", NumberFault.CHARACTER, "e"),
        ("sip:101", NumberFault.CHARACTER, "s"),
        ("tel:tel:101", NumberFault.CHARACTER, "t"),
        ("tel:101;ext=5", NumberFault.CHARACTER, ";"),
        ("0912?", NumberFault.CHARACTER, "?"),
        ("557;hangup", NumberFault.CHARACTER, ";"),
        ("557&558", NumberFault.CHARACTER, "&"),
        ("557\n558", NumberFault.CHARACTER, "U+000A"),
        ("557\t", NumberFault.CHARACTER, "U+0009"),
        ("५५७", NumberFault.CHARACTER, "५"),
        ("½", NumberFault.CHARACTER, "½"),
        ("552.0", NumberFault.DECIMAL, ""),
        ("(552.0)", NumberFault.DECIMAL, ""),
        ("((۵۵۲.۰))", NumberFault.DECIMAL, ""),
        ("+49.30.0", NumberFault.DECIMAL, ""),
        ("unavailable", NumberFault.NO_STATE, ""),
        ("unknown", NumberFault.NO_STATE, ""),
        ("None", NumberFault.NO_STATE, ""),
        (" (Unavailable) ", NumberFault.NO_STATE, ""),
    ],
)
def test_refused(typed: str, fault: NumberFault, character: str) -> None:
    """Anything else is refused, and the invalid character is shown."""
    with pytest.raises(InvalidNumberError) as caught:
        parse_number(typed)

    assert caught.value.fault is fault
    assert caught.value.character == character


@given(written)
def test_any_text(typed: str) -> None:
    """Any text is refused, or becomes a number that parses to itself."""
    try:
        dialed = parse_number(typed)
    except InvalidNumberError:
        return
    assert re.fullmatch(r"(?:[*#]+[0-9]+#+)?\+?[0-9*#]{1,32}", dialed)
    assert len(dialed) <= 32
    assert parse_number(dialed) == dialed


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        (" +98 (912) ???-* ", "+98912???*"),
        ("0912 ??-?", "0912???"),
        ("؟؟؟", "???"),
        ("+49 (0)30*", "+4930*"),
        ("+*", "+*"),
        ("+?", "+?"),
    ],
)
def test_pattern(typed: str, pattern: str) -> None:
    """A pattern is written like a number, with question marks."""
    assert parse_pattern(typed) == pattern


@pytest.mark.parametrize(
    "text", ["", " ", "-", "+", "0912x", "?" * 33, "1\n", "0912,1", "1.0", "?+1"]
)
def test_invalid_pattern(text: str) -> None:
    """Invalid patterns are refused."""
    with pytest.raises(InvalidNumberError):
        parse_pattern(text)


@given(written | st.text("0123456789*?؟+ ", max_size=40))
def test_any_pattern(typed: str) -> None:
    """Any text is refused, or becomes a pattern that parses to itself."""
    try:
        pattern = parse_pattern(typed)
    except InvalidNumberError:
        return
    assert re.fullmatch(r"(?:[*#]+[0-9]+#+)?\+?[0-9*#?]{1,32}", pattern)
    assert parse_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("number", "internal_digits", "expected"),
    [
        ("55555", 5, False),
        ("555555", 5, True),
        ("+1", 5, True),
        ("*12345#", 5, False),
        ("*123456", 5, True),
        ("555555", 6, False),
    ],
)
def test_is_external(number: str, internal_digits: int, expected: bool) -> None:
    """A number with more digits than an extension is external."""
    assert is_external(number, internal_digits) is expected


@pytest.mark.parametrize(
    ("value", "unquoted"),
    [("4917012345678", False), (4917012345678, True), (12345, False), (123456, True)],
)
def test_is_unquoted(value: str | int, unquoted: bool) -> None:
    """An integer is an unquoted number, unless it is as short as an extension."""
    assert is_unquoted(value, 5) is unquoted


@pytest.mark.parametrize(
    ("number", "reported"), [("0912", "912"), ("+98912", "98912"), ("101", "101")]
)
def test_as_reported(number: str, reported: str) -> None:
    """An event may lack the plus sign and leading zeros."""
    assert as_reported(number) == reported


@pytest.mark.parametrize(("text", "is_other"), [("Reza", True), ("", False)])
def test_is_other_text(text: str, is_other: bool) -> None:
    """A name is distinguished from an invalid number."""
    with pytest.raises(InvalidNumberError) as caught:
        parse_number(text)
    assert caught.value.is_other_text is is_other

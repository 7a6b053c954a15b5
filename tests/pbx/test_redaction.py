"""Tests of what may leave for a log."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.names import is_name
from custom_components.pbx.redaction import clean_text, mask_number


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("", ""),
        ("557", "***"),
        ("5577", "****"),
        ("55778", "***78"),
        ("+989121", "*****21"),
    ],
)
def test_mask_number(number: str, masked: str) -> None:
    """A number keeps its length and, if it is long, its end."""
    assert mask_number(number) == masked


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("busy", "busy"),
        ("  two\r\nlines\x00 ", "two lines"),
        ("no 09121234567 here", "no *********67 here"),
        ("error 5001", "error 5001"),
        ("key is s3cret", "key is ***"),
        ("a p in it", "a p in it"),
        ("نمی\u200cشود", "نمی\u200cشود"),
        ("x" * 300, "x" * 199 + "…"),
        (None, "None"),
    ],
)
def test_clean_text(text: object, clean: str) -> None:
    """Foreign text becomes one short line without numbers and secrets."""
    assert clean_text(text, ["", "p", "s3cret"]) == clean


@given(st.text(), st.text(min_size=1))
def test_any_text(text: str, secret: str) -> None:
    """Whatever comes in, one printable line comes out."""
    line = clean_text(text + secret, [secret])

    assert is_name(line)
    assert len(line) <= 200


@given(st.from_regex(r"[a-z ]{0,9}\+?[0-9]{5,20}[a-z ]{0,9}", fullmatch=True))
def test_no_number_comes_out(text: str) -> None:
    """No run of digits comes out that is long enough to be a number."""
    digits = "".join(character for character in text if character.isdigit())
    assert digits not in clean_text(text)

"""Tests of the redaction of private data."""

from base64 import b64encode
import json
from random import Random
import re
from urllib.parse import quote, quote_plus

from hypothesis import assume, given, strategies as st
import pytest

from custom_components.pbx.backends.redaction import (
    clean_text,
    is_name,
    login_forms,
    mask_number,
    one_line,
    secret_forms,
)

SEPARATORS = (
    *(" ", "-", ".", "/", "(", ")", "_", ",", "'", "*", "+", "~", ") ", " - ", " (0) "),
    *("\u00a0", "\u2013", "\u2009", "\u200c", "\u200e", "\u2212", "\u066c", "%20"),
)
DIGITS = ("0123456789", "\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9")


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("", ""),
        ("557", "***"),
        ("5577", "****"),
        ("55778", "***78"),
        ("+989121", "*****21"),
        ("0912*", "***2*"),
        ("Front door", "**********"),
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
        ("at 0912-777-0001 now", "at ***********01 now"),
        ("(021) 8877-6655", "(************55"),
        ("+98 (912) 777.0001", "****************01"),
        ("\u06f0\u06f9\u06f1\u06f2 \u06f7\u06f7\u06f7", "******\u06f7\u06f7"),
        ("9,127,770,001", "***********01"),
        ("to 192.168.1.20:8088", "to **********20:8088"),
        ("HTTP 404, 500", "HTTP 404, 500"),
        ("at 04:00:49, for 30 s", "at 04:00:49, for 30 s"),
        ("until 2026-11-23", "until 2026-11-23"),
        ("2026-11-23T04:00:49", "2026-11-23T04:00:49"),
        ("2026-11-23 4321", "*************21"),
        ("2026-99-23", "********23"),
        ("Asterisk 22.5.1", "Asterisk 22.5.1"),
        ("key is s3\n\ncret x", "key is *** x"),
        ("key is S3CRET", "key is ***"),
        ("s3cret-and-more", "***"),
        ("key is s3cret", "key is ***"),
        ("a p in it", "a p in it"),
        ("نمی\u200cشود", "نمی\u200cشود"),
        ("x" * 300, "x" * 199 + "…"),
        (None, "None"),
    ],
)
def test_clean_text(text: object, clean: str) -> None:
    """External text becomes one short line without numbers and secrets."""
    assert clean_text(text, ["", "p", "s3cret", "s3cret-and-more", "s3  cret"]) == clean


@given(st.text(), st.text(min_size=1))
def test_any_text(text: str, secret: str) -> None:
    """Any text becomes one printable line."""
    line = clean_text(text + secret, [secret])

    assert is_name(line)
    assert len(line) <= 200


@given(st.from_regex(r"[a-z ]{0,9}\+?[0-9]{5,20}[a-z ]{0,9}", fullmatch=True))
def test_no_number_comes_out(text: str) -> None:
    """The text contains no digits that could be a phone number."""
    digits = "".join(character for character in text if character.isdigit())
    assert digits not in clean_text(text)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.lists(st.sampled_from(SEPARATORS), min_size=6, max_size=6),
    st.sampled_from(DIGITS),
    st.randoms(use_true_random=False),
)
def test_no_number_in_groups_comes_out(
    sizes: list[int], separators: list[str], digits: str, random: Random
) -> None:
    """A number is masked however its digits are grouped."""
    assume(sum(sizes) > 4)
    groups = ["".join(random.choices(digits, k=size)) for size in sizes]
    rest = zip(separators, groups[1:], strict=False)
    written = groups[0] + "".join(map("".join, rest))
    assume(not re.match(r"(19|20)\d\d-\d\d-\d\d", written))

    line = clean_text(f"busy: {written}!")
    assert line.startswith("busy: ")
    assert sum(sign.isdigit() for sign in line) <= 2


@given(
    st.text(st.sampled_from("Kq7\"\\/&%+<'~\u00e9\u0669 \t"), min_size=4),
    st.sampled_from(["{}", "a{}b", '"{}"', "x {} y"]),
)
def test_no_secret_comes_out(secret: str, around: str) -> None:
    """A secret is masked completely, however it is encoded."""
    assume(len(one_line(secret)) > 3)
    in_json = json.dumps(secret)[1:-1]
    for form in (
        *(secret, quote(secret), quote(secret, safe=""), quote_plus(secret)),
        *(quote(secret).lower(), in_json, in_json.replace("/", r"\/")),
    ):
        line = clean_text(around.format(form), secret_forms(secret))
        assert line.replace(" ", "") == around.format("***").replace(" ", "")


@pytest.mark.parametrize("password", ["pass word", "a/b?c>~\u0669", "x"])
def test_login(password: str) -> None:
    """The basic authentication token of a login is masked in any form."""
    token = b64encode(f"admin:{password}".encode()).decode()
    secrets = login_forms("admin", password)
    for form in (token, token.rstrip("="), token.replace("+", "-").replace("/", "_")):
        for text in (f"Basic {form}", json.dumps({"a": f"Basic {form}"}), quote(form)):
            assert form.rstrip("=") not in (line := clean_text(text, secrets))
            assert "***" in line


def test_long_text() -> None:
    """A very long text is masked beyond the part that is shown."""
    text = "no 0912-777-0001 " * 100_000
    assert clean_text(text, ["s3cret"]) == ("no ***********01 " * 12)[:199] + "\u2026"


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
    """Line breaks become spaces, and runs of spaces become one."""
    assert one_line(text) == line

"""Tests of reading fields of any name and type."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.simotel.fields import (
    Fields,
    call_time,
    fold_name,
    snake_case,
    text,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" 101 ", "101"),
        ("a\r\nb\tc\x00\ud800", "a b c"),
        ("None", ""),
        ("null", ""),
        (101, "101"),
        (992.0, "992"),
        (1610778618.378, "1610778618.378"),
        (9.12e9, "9120000000"),
        (-1, "-1"),
        (float("nan"), ""),
        (float("inf"), ""),
        pytest.param(10**5000, "", id="huge"),
        (True, ""),
        (None, ""),
        (["101"], ""),
        ({"a": "101"}, ""),
        (b"101", ""),
        ("x" * 1000, "x" * 255),
        ("گذر", "گذر"),
    ],
)
def test_text(value: object, expected: str) -> None:
    """A text is one clean line; a missing value is empty."""
    assert text(value) == expected


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_text_is_printable(value: object) -> None:
    """Any value can be encoded as UTF-8."""
    line = text(value)

    assert line.isprintable()
    line.encode()
    assert text(line) in {line, ""} or len(line) == 255


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("InUse", "in_use"),
        ("NO ANSWER", "no_answer"),
        ("No Answered", "no_answered"),
        ("__a--b  c__", "a_b_c"),
        ("داخلی", "داخلی"),
        ("", ""),
    ],
)
def test_snake_case(words: str, expected: str) -> None:
    """Words of any spelling become snake_case."""
    assert snake_case(words) == expected


@given(st.text())
def test_folded(name: str) -> None:
    """Folding a folded name does not change it."""
    assert fold_name(fold_name(name).upper()) == fold_name(
        fold_name(name).upper().lower()
    )


def test_names() -> None:
    """A field is found by any spelling of its name; the first with text counts."""
    fields = Fields(
        {"Unique-ID": " ", "CUID": "1.2", "event name": "Cdr", 3: "x", None: "y"}  # type: ignore[dict-item]
    )

    assert fields.text("unique_id", "cuid") == "1.2"
    assert fields.text("event_name") == "Cdr"
    assert fields.text("3", "None", "missing") == ""


def test_seconds() -> None:
    """The first valid duration is returned."""
    fields = Fields({"wait": "soon", "agent_wait": "3", "billsec": -1, "duration": 4})

    assert fields.seconds("wait", "agent_wait") == 3
    assert fields.seconds("billsec", "missing") is None
    assert fields.seconds("duration") == 4


@pytest.mark.parametrize(
    ("call_id", "expected"),
    [
        ("orig.call.1703145054.787335", 1703145054.787335),
        ("orig.call.1703145054", 1703145054.0),
        ("orig.call.0.000000", 0.0),
        ("orig.call.-5.1", None),
        ("orig.call.nan", None),
        ("orig.call.inf", None),
        ("orig.call.1e3", None),
        ("orig.call." + "9" * 400, None),
        ("orig.call.1703145054.787335.1", None),
        ("orig.call.1703145054.787335\n", None),
        ("orig.call.۱۷۰۳۱۴۵۰۵۴", None),
        ("1703145054.787335", None),
        ("orig.call.", None),
        ("", None),
    ],
)
def test_call_time(call_id: str, expected: float | None) -> None:
    """A call's id contains its time, if it has the documented form."""
    assert call_time(call_id) == expected

"""Tests of what a PBX tells of its clock."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.simotel.times import call_time, clock_offset


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
    """A call's id tells its time, if it is one of the documented form."""
    assert call_time(call_id) == expected


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

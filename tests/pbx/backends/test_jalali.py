"""Tests of the Jalali calendar."""

from datetime import date

from hypothesis import given, strategies as st
import jdatetime  # type: ignore[import-untyped]  # it brings no types
import pytest

from custom_components.pbx.backends.jalali import jalali_date


@pytest.mark.parametrize(
    ("day", "jalali"),
    [
        (date(2026, 11, 27), (1405, 9, 6)),
        (date(2026, 3, 20), (1404, 12, 29)),
        (date(2026, 3, 21), (1405, 1, 1)),
        # A leap year.
        (date(2025, 3, 20), (1403, 12, 30)),
        (date(1900, 1, 1), (1278, 10, 11)),
        (date(2026, 9, 22), (1405, 6, 31)),
        (date(2026, 9, 23), (1405, 7, 1)),
    ],
)
def test_known(day: date, jalali: tuple[int, int, int]) -> None:
    """Days that calendars agree on."""
    assert jalali_date(day) == jalali


@given(st.dates(date(1800, 1, 1), date(2255, 12, 31)))
def test_each(day: date) -> None:
    """Each day is that of another implementation."""
    other = jdatetime.date.fromgregorian(date=day)
    assert jalali_date(day) == (other.year, other.month, other.day)

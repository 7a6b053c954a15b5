"""Tests of values in words."""

from datetime import date, timedelta

from hypothesis import given, strategies as st
import jdatetime  # type: ignore[import-untyped]  # it brings no types
import pytest

from custom_components.pbx.backends.announcement import SpokenValue, ValueKind
from custom_components.pbx.speech.wording import in_words


def words(kind: str, value: str, language: str) -> str:
    """Return one value in words."""
    return in_words([SpokenValue(ValueKind(kind), value)], language)


@pytest.mark.parametrize(
    ("kind", "value", "english", "persian", "german"),
    [
        ("number", "21", "21", "21", "21"),
        ("digits", "1239", "1, 2, 3, 9", "1، 2، 3، 9", "1 2 3 9"),
        ("time", "14:05", "14:05", "14 و 5 دقیقه", "14:05"),
        ("time", "14:00", "14:00", "14", "14:00"),
        ("time", "07:05:09", "07:05:09", "7 و 5 دقیقه و 9 ثانیه", "07:05:09"),
        ("date", "2026-11-27", "November 27, 2026", "6 آذر 1405", "2026-11-27"),
        ("duration", "300", "5 minutes", "5 دقیقه", "0:05:00"),
        ("duration", "0", "0 seconds", "0 ثانیه", "0:00:00"),
        ("duration", "61", "1 minute and 1 second", "1 دقیقه و 1 ثانیه", "0:01:01"),
        (
            *("duration", "97325"),
            "1 day, 3 hours, 2 minutes and 5 seconds",
            "1 روز و 3 ساعت و 2 دقیقه و 5 ثانیه",
            "27:02:05",
        ),
    ],
)
def test_words(kind: str, value: str, english: str, persian: str, german: str) -> None:
    """A value is spoken as the language does; others get their digits."""
    for language, expected in (
        ("en", english),
        ("en-US", english),
        ("EN_gb", english),
        ("fa", persian),
        ("fa-IR", persian),
        ("de", german),
        ("", german),
    ):
        assert words(kind, value, language) == expected


def test_one_text() -> None:
    """The parts become one text, whose marks stand at the word before them."""
    number = SpokenValue(ValueKind.NUMBER, "21")
    assert in_words((" It is", number, "degrees", "."), "en") == "It is 21 degrees."
    assert in_words(("دما", number, "درجه است", "، خوب"), "fa") == (
        "دما 21 درجه است، خوب"
    )
    assert in_words((number, number), "en") == "21 21"
    assert in_words(("Dinner",), "en") == "Dinner"


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_each_date(day: date) -> None:
    """Each date has its own month, in the calendar of its language."""
    english = words("date", day.isoformat(), "en")
    assert english == f"{day:%B} {day.day}, {day.year}"
    other = jdatetime.date.fromgregorian(date=day)
    month = jdatetime.date.j_months_fa[other.month - 1]
    assert words("date", day.isoformat(), "fa") == f"{other.day} {month} {other.year}"


@given(st.integers(0, 8_639_999))
def test_each_duration(seconds: int) -> None:
    """The counts of a duration add up to it, and none of them is 0."""
    spoken = words("duration", str(seconds), "en").replace(" and", ",").split(", ")
    counts = {
        name if name.endswith("s") else f"{name}s": int(count)
        for count, name in (each.split(" ") for each in spoken)
    }
    assert timedelta(**counts).total_seconds() == seconds
    assert all(counts.values()) or seconds == 0

"""Tests of messages that are lists: texts, and values that are spoken as they are."""

from datetime import UTC, date, datetime, time
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.template import Template
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import SpokenValue, ValueKind
from custom_components.pbx.calls.message_parts import MOST_PARTS, parse_message

from .messages import message, raises

PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FAULTS = {
    "given_nothing",
    "message_too_many_parts",
    "part_nothing",
    "part_no_state",
    "part_unknown",
    *(f"part_no_{kind}" for kind in ValueKind),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def parsed(**value: object) -> str:
    """Return a single value as it is spoken."""
    said = parse_message([value])
    assert isinstance(said, tuple)
    (spoken,) = said
    assert isinstance(spoken, SpokenValue)
    assert [spoken.kind] == list(value)
    return spoken.value


@pytest.mark.parametrize(
    ("name", "value", "spoken"),
    [
        *(
            ("number", each, "21")
            for each in (21, 21.0, "21", " 21.0 ", "۲۱", "٢١", "021")
        ),
        ("number", 0, "0"),
        ("number", 999_999_999, "999999999"),
        ("digits", "0042", "0042"),
        ("digits", 1239, "1239"),
        ("digits", 1239.0, "1239"),
        ("digits", "0912 123-4567", "09121234567"),
        ("digits", "۱۲۳۹", "1239"),
        ("digits", "1" * 40, "1" * 40),
        ("time", "14:05", "14:05"),
        ("time", "7:05", "07:05"),
        ("time", "۱۴:۰۵", "14:05"),
        ("time", "14:05:09", "14:05:09"),
        ("time", time(14, 5, 9), "14:05:09"),
        ("time", "2026-11-27T14:05:09+00:00", "06:05"),
        ("time", "2026-11-27 14:05:09.123", "14:05"),
        ("time", datetime(2026, 11, 27, 14, 5, tzinfo=UTC), "06:05"),
        ("date", "2026-11-27", "2026-11-27"),
        ("date", date(2026, 11, 27), "2026-11-27"),
        # In the time zone of the house, it is still the day before.
        ("date", "2026-11-27T02:00:00+00:00", "2026-11-26"),
        ("date", datetime(2026, 11, 27, 2, tzinfo=UTC), "2026-11-26"),
        ("date", "2026-11-27 02:00:00", "2026-11-27"),
        ("date", "1900-01-01", "1900-01-01"),
        ("date", "2199-12-31", "2199-12-31"),
        ("duration", 300, "300"),
        ("duration", 300.0, "300"),
        ("duration", "300", "300"),
        ("duration", "00:05:00", "300"),
        ("duration", {"minutes": 5}, "300"),
        ("duration", 0, "0"),
        ("duration", 8_639_999, "8639999"),
    ],
)
@pytest.mark.usefixtures("hass")
def test_values(name: str, value: object, spoken: str) -> None:
    """A value may be written as templates, YAML and people write it."""
    assert parsed(**{name: value}) == spoken


@pytest.mark.parametrize(
    ("value", "key"),
    [
        *(
            ({"number": each}, "part_no_number")
            for each in (-1, 21.5, "21.5", 1_000_000_000, "1e3", True, [21], 10**50)
        ),
        ({"number": float("inf")}, "part_no_number"),
        ({"number": "9" * 5000}, "part_no_number"),
        *(
            ({"digits": each}, "part_no_digits")
            for each in ("12a", "1" * 41, "- -", -1, 1.5, False, {"a": 1})
        ),
        *(
            ({"time": each}, "part_no_time")
            for each in ("24:00", "14:60", "14", 845, "2:05 PM", True, "2026-11-27")
        ),
        *(
            ({"date": each}, "part_no_date")
            for each in (
                *("2026-02-30", "27.11.2026", "1899-12-31", "2200-01-01", "20261127"),
                *(
                    "0001-01-01T00:00:00+00:00",
                    20261127,
                    True,
                    "14:05",
                    time(14),
                    "2026-13-01T00:00:00",
                ),
            )
        ),
        *(
            ({"duration": each}, "part_no_duration")
            for each in (-1, 1.5, 8_640_000, "soon", "05:00", {"weeks": 1}, {}, True)
        ),
        ({"duration": float("nan")}, "part_no_duration"),
        *(({name: None}, "part_nothing") for name in ValueKind),
        ({"number": " "}, "part_nothing"),
        (None, "part_nothing"),
        ({"number": "unavailable"}, "part_no_state"),
        ("unknown", "part_no_state"),
        *(
            (each, "part_unknown")
            for each in ({}, {"amount": 21}, {"number": 1, "digits": 1}, {21: 21}, [1])
        ),
        (date(2026, 11, 27), "part_unknown"),
    ],
)
@pytest.mark.usefixtures("hass")
def test_faults(value: object, key: str) -> None:
    """A fault says which part it is about and what is allowed, but not the value."""
    with raises(key) as caught:
        parse_message(["It is", value])
    given_texts = caught.value.translation_placeholders or {}
    assert given_texts.pop("part") == "2"
    text = message(key, part="2", **given_texts)
    assert "Part 2 " in text
    if key != "part_no_state":
        assert not re.search(r"\b(21\.5|1899|999999|12a)\b", str(caught.value))


def test_texts() -> None:
    """Texts stay as written; empty ones of a template are left out."""
    assert parse_message("Dinner, [1, 2]") == "Dinner, [1, 2]"
    assert parse_message([" It is ", "", " ", 5, 21.5, True]) == (
        "It is",
        "5",
        "21.5",
        "True",
    )


@pytest.mark.parametrize("text", ["4, 7, 1", "[1, 2]", "{'number': 1, 'x': 2}"])
def test_text_of_a_template(hass: HomeAssistant, text: str) -> None:
    """A text that a template has made into something else stays a text, if it can."""
    rendered = Template(text, hass).async_render()
    assert not isinstance(rendered, str)
    if text.startswith("{"):
        with raises("part_unknown"):
            parse_message([rendered])
    else:
        assert parse_message([rendered]) == (text,)


@pytest.mark.parametrize("parts", [[], [""], ["", " "]])
def test_nothing(parts: list[object]) -> None:
    """A list without a word is an error."""
    with raises("given_nothing"):
        parse_message(parts)


def test_many_parts() -> None:
    """A list may be long, but not without end."""
    assert len(parse_message([{"number": 1}] * MOST_PARTS)) == MOST_PARTS
    with raises("message_too_many_parts"):
        parse_message([{"number": 1}] * (MOST_PARTS + 1))


@given(st.integers(0, 999_999_999), st.sampled_from([PERSIAN, ARABIC]))
def test_each_number(number: int, script: dict[int, int]) -> None:
    """Each number is the same number in each of its forms."""
    forms = (number, float(number), str(number), f"{number}.0")
    assert {parsed(number=each) for each in forms} == {str(number)}
    assert parsed(number=str(number).translate(script)) == str(number)
    assert parsed(digits=str(number).translate(script)) == str(number)


@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.times(), st.integers(0, 10**6)
)
def test_each_moment(day: date, moment: time, seconds: int) -> None:
    """Each date, time and duration is what it says."""
    assert parsed(date=day) == parsed(date=day.isoformat()) == day.isoformat()
    clock = moment.replace(microsecond=0)
    assert parsed(time=clock.isoformat()) == clock.isoformat()
    assert parsed(duration=seconds) == parsed(duration={"seconds": seconds})


@given(st.lists(ANYTHING), st.sampled_from(ValueKind))
def test_anything(parts: list[Any], kind: ValueKind) -> None:
    """Whatever a template returns, the result is speakable, or an error in words."""
    for given_parts in (parts, [{kind: each} for each in parts]):
        try:
            said = parse_message(given_parts)
        except ServiceValidationError as err:
            assert err.translation_key in FAULTS  # noqa: PT017 - or it is a text
            continue
        for each in said:
            assert isinstance(each, str | SpokenValue)
            text = each.value if isinstance(each, SpokenValue) else "1"
            assert re.fullmatch(r"[0-9:-]+", text)

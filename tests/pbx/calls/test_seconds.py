"""Tests of durations in action data, in every form in which they are written."""

from homeassistant.exceptions import ServiceValidationError
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.calls.action_data import validate_action_data
from custom_components.pbx.const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_COOLDOWN,
    CONF_PAUSE,
    CONF_TIMEOUT,
    PAUSE_RANGE,
    TIMEOUT_RANGE,
)

from .messages import raises

RANGES = {
    CONF_TIMEOUT: TIMEOUT_RANGE,
    CONF_CALL_LIMIT: CALL_LIMIT_RANGE,
    CONF_COOLDOWN: (0, 86_400),
    CONF_PAUSE: PAUSE_RANGE,
}


def seconds_of(value: object, field: str = CONF_CALL_LIMIT) -> object:
    """Return the seconds that an action understands."""
    return validate_action_data({field: value})[field]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (30, 30),
        (30.0, 30),
        ("30", 30),
        (" 30 ", 30),
        ("30.0", 30),
        ("00:00:30", 30),
        ("00:05:00", 300),
        ("0:05:00", 300),
        (" 01:00:01 ", 3601),
        ("24:00:00", 86_400),
        ({"hours": 0, "minutes": 5, "seconds": 0}, 300),
        ({"minutes": "5"}, 300),
        ({"minutes": 1.5}, 90),
        ({"days": 1}, 86_400),
        ({"hours": 1, "minutes": 0, "seconds": 30.0}, 3630),
        ({"seconds": 30, "milliseconds": 0}, 30),
        ({"seconds": 29, "milliseconds": 1000}, 30),
    ],
)
@pytest.mark.parametrize("field", [CONF_CALL_LIMIT, CONF_COOLDOWN])
def test_duration(field: str, value: object, seconds: int) -> None:
    """Numbers, texts, and mappings of the editor are accepted in whole seconds."""
    result = seconds_of(value, field)
    assert result == seconds
    assert isinstance(result, int)


@pytest.mark.parametrize(
    ("value", "as_minutes", "as_hours"),
    [
        ("00:30", "00:00:30", "00:30:00"),
        (" 1:30 ", "00:01:30", "01:30:00"),
        ("90:30", "01:30:30", "90:30:00"),
    ],
)
def test_short_clock(value: str, as_minutes: str, as_hours: str) -> None:
    """Minutes or hours are refused with both ways to write them."""
    with raises("given_short_clock") as caught:
        seconds_of(value)

    assert caught.value.translation_placeholders == {
        "field": CONF_CALL_LIMIT,
        "value": value.strip(),
        "as_minutes": as_minutes,
        "as_hours": as_hours,
    }
    minutes, _, _ = value.partition(":")
    assert seconds_of(as_minutes) == 60 * int(minutes) + 30


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, "given_nothing"),
        ("", "given_nothing"),
        (" ", "given_nothing"),
        ({}, "given_nothing"),
        ([], "given_nothing"),
        ([30], "given_list"),
        (True, "given_boolean"),
        (False, "given_boolean"),
        ("unavailable", "given_no_state"),
        (30.5, "given_no_seconds"),
        ("30.5", "given_no_seconds"),
        ("30 s", "given_no_seconds"),
        ("1:75", "given_no_seconds"),
        ("00:00:75", "given_no_seconds"),
        ("00:75:00", "given_no_seconds"),
        ("-00:05:00", "given_no_seconds"),
        ("1:2:3", "given_no_seconds"),
        (float("nan"), "given_no_seconds"),
        ("inf", "given_no_seconds"),
        pytest.param(10**400, "given_no_seconds", id="huge"),
        ({"seconds": 0.5}, "given_no_seconds"),
        ({"minutes": True}, "given_no_seconds"),
        ({"minutes": None}, "given_no_seconds"),
        ({"minutes": "five"}, "given_no_seconds"),
        ({"minute": 5}, "given_no_duration"),
        ({101: 5}, "given_no_duration"),
        ({"minutes": 5, "milliseconds": 1}, "given_no_seconds"),
        (1e12, "given_out_of_range"),
        (10**12, "given_out_of_range"),
        (-1, "given_out_of_range"),
        ({"hours": 25}, "given_out_of_range"),
    ],
)
def test_no_duration(value: object, key: str) -> None:
    """Anything else is refused in words that name the field."""
    with raises(key) as caught:
        seconds_of(value)

    assert (caught.value.translation_placeholders or {})["field"] == CONF_CALL_LIMIT


def test_parts_are_shown() -> None:
    """The error for a mapping shows its parts."""
    with raises("given_no_seconds") as caught:
        seconds_of({"minutes": "five", "seconds": 2})

    shown = (caught.value.translation_placeholders or {})["value"]
    assert shown == "minutes: five, seconds: 2"


@pytest.mark.parametrize(("field", "limits"), RANGES.items())
@pytest.mark.parametrize("as_text", [False, True])
def test_range(field: str, limits: tuple[int, int], as_text: bool) -> None:
    """The ends of a range are in it, in whatever form they are written."""

    def written(seconds: int) -> object:
        minutes, rest = divmod(seconds, 60)
        clock = f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
        return clock if as_text and seconds >= 0 else {"seconds": seconds}

    low, high = limits
    assert [seconds_of(written(each), field) for each in limits] == [low, high]
    for outside in (low - 1, high + 1):
        with raises("given_out_of_range"):
            seconds_of(written(outside), field)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.text("0123456789:.-+eE_ ", max_size=9)
)


@given(
    _SCALARS
    | st.dictionaries(
        st.sampled_from(["days", "hours", "minutes", "seconds"]) | _SCALARS, _SCALARS
    )
    | st.lists(_SCALARS, max_size=2)
)
def test_anything(value: object) -> None:
    """Any value is whole seconds within the range, or is refused in words."""
    for field, (low, high) in RANGES.items():
        try:
            seconds = seconds_of(value, field)
        except ServiceValidationError as err:
            assert str(err.translation_key).startswith("given_")  # noqa: PT017
            continue
        assert isinstance(seconds, int)
        assert low <= seconds <= high
        assert not isinstance(value, bool)


@given(st.integers(min_value=0, max_value=86_400))
def test_every_form_is_the_same(seconds: int) -> None:
    """A duration is the same in all of its forms."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    forms = (
        seconds,
        float(seconds),
        str(seconds),
        f"{hours:02}:{minutes:02}:{rest:02}",
        {"hours": hours, "minutes": minutes, "seconds": rest},
    )
    assert {seconds_of(each, CONF_COOLDOWN) for each in forms} == {seconds}

"""Durations of action data: what people, templates and the editor write for seconds.

Home Assistant's own validator takes "00:30" for 30 minutes and True for a second, which
would let a phone ring for half an hour; this one refuses what can be misread.
"""

from collections.abc import Mapping
import math
import re
from typing import Final

from ..backends.redaction import clean_text
from ..errors import user_error

_UNITS: Final = {
    "days": 86_400,
    "hours": 3600,
    "minutes": 60,
    "seconds": 1,
    "milliseconds": 0.001,
}
_CLOCK: Final = re.compile(r"(?a:(\d{1,2}):([0-5]\d):([0-5]\d))")
_SHORT_CLOCK: Final = re.compile(r"(?a:(\d{1,2}):([0-5]\d))")


def parse_seconds(name: str, value: str | float | Mapping[str, object]) -> float:
    """Return the seconds of a duration; NaN for a text that is none.

    Args:
        name: of the field.
        value: seconds, a text of them or of the form ``HH:MM:SS``, or a mapping of
            the duration selector (days, hours, minutes, seconds, milliseconds).

    Raises:
        ServiceValidationError: the duration is ambiguous, or a part of it is unknown.
    """
    if isinstance(value, Mapping):
        return _of_mapping(name, value)
    if isinstance(value, str):
        text = value.strip()
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = map(int, clock.groups())
            return hours * 3600 + minutes * 60 + seconds
        if short := _SHORT_CLOCK.fullmatch(text):
            first, second = map(int, short.groups())
            raise user_error(
                "given_short_clock",
                field=name,
                value=text,
                as_minutes=f"{first // 60:02}:{first % 60:02}:{second:02}",
                as_hours=f"{first:02}:{second:02}:00",
            )
    return _number(value)


def _of_mapping(name: str, parts: Mapping[str, object]) -> float:
    if not parts.keys() <= _UNITS.keys():
        raise user_error(
            "given_no_duration",
            field=name,
            value=clean_text(", ".join(map(str, parts))),
        )
    return sum(_number(part) * _UNITS[unit] for unit, part in parts.items())


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return float(value)
    except ValueError, OverflowError:
        return math.nan

"""The parts of a message: texts, and values that are spoken as what they are.

Values often come from templates, which return numbers as text or as floats.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
import re
from typing import Final

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.template import ResultWrapper
from homeassistant.util import dt as dt_util

from ..backends.announcement import SpokenValue, ValueKind
from ..const import CONF_MESSAGE
from ..errors import user_error
from .number import ascii_digits
from .seconds import parse_seconds

# Text that a template renders for an entity without a state. Case-sensitive, as a name
# in the PBX may be any other text.
NO_STATES: Final = frozenset({"None", "none", "unavailable", "unknown"})

MOST_PARTS: Final = 50
# What the PBXs that speak values by themselves have words for.
LARGEST: Final = 999_999_999
MOST_DIGITS: Final = 40
LONGEST_DURATION: Final = 100 * 86_400 - 1
YEARS: Final = range(1900, 2200)

_WHOLE: Final = re.compile(r"(?a:(\d+)(?:\.0*)?)")
_DIGITS: Final = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}")
_CLOCK: Final = re.compile(r"(?a:(\d{1,2}):(\d{2})(?::(\d{2}))?)")
_DAY: Final = re.compile(r"(?a:\d{4}-\d{2}-\d{2})")
_MOMENT: Final = re.compile(r"(?a:\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*)")


def as_written(message: object) -> object:
    """Return a message without what Home Assistant has made of its template.

    A text such as "4, 7, 1" or "[1, 2]" is a list to a template, too; one with the
    parts of a message is meant as a list.
    """
    if not isinstance(message, ResultWrapper):
        return message
    rendered = message.render_result
    if not isinstance(message, list):
        return rendered
    is_meant = bool(message) and all(
        isinstance(each, str | Mapping) for each in message
    )
    return message if is_meant else rendered


def parse_message(
    message: str | Sequence[object],
) -> str | tuple[str | SpokenValue, ...]:
    """Return the message of an action, whose list has a text or a value in each part.

    Empty texts of a list are left out.

    Args:
        message: of the action: a text, or a list of texts and mappings with one value,
            such as ``{"number": 21}``.

    Raises:
        ServiceValidationError: a part is none of these, or its value is not allowed;
            the error says which part, but not its value, which may be private.
    """
    if isinstance(message, str):
        return message
    if len(message) > MOST_PARTS:
        raise user_error("message_too_many_parts", limit=str(MOST_PARTS))
    parsed = (_part(str(place), part) for place, part in enumerate(message, 1))
    parts = tuple(part for part in parsed if part != "")
    if not parts:
        raise user_error("given_nothing", field=CONF_MESSAGE)
    return parts


def _part(place: str, part: object) -> str | SpokenValue:
    if isinstance(part, Mapping):
        return _value(place, part)
    if isinstance(part, ResultWrapper):
        # A text that reads as a list.
        part = part.render_result
    if part is None:
        raise user_error("part_nothing", part=place)
    if not isinstance(part, str | int | float):
        raise _unknown(place)
    text = str(part).strip()
    _check_state(place, text)
    return text


def _value(place: str, part: Mapping[object, object]) -> SpokenValue:
    try:
        ((name, value),) = part.items()
        kind = ValueKind(name)  # type: ignore[arg-type]
    except ValueError:
        raise _unknown(place) from None
    if isinstance(value, str):
        value = ascii_digits(value).strip()
        _check_state(place, value)
    if value is None or value == "":
        raise user_error("part_nothing", part=place)
    parsed = None if isinstance(value, bool) else _PARSERS[kind](value)
    if parsed is None:
        raise _fault(kind, place)
    return SpokenValue(kind, parsed)


def _fault(kind: ValueKind, place: str) -> ServiceValidationError:
    """Return the error that says what is allowed."""
    match kind:
        case ValueKind.NUMBER:
            return user_error("part_no_number", part=place, high=f"{LARGEST:,}")
        case ValueKind.DIGITS:
            return user_error("part_no_digits", part=place, high=str(MOST_DIGITS))
        case ValueKind.TIME:
            return user_error("part_no_time", part=place)
        case ValueKind.DATE:
            first, last = str(YEARS[0]), str(YEARS[-1])
            return user_error("part_no_date", part=place, first=first, last=last)
        case _:
            days = str((LONGEST_DURATION + 1) // 86_400)
            return user_error("part_no_duration", part=place, days=days)


def _unknown(place: str) -> ServiceValidationError:
    return user_error("part_unknown", part=place, kinds=", ".join(ValueKind))


def _check_state(place: str, text: str) -> None:
    """Check that the entity of a template had a state.

    Raises:
        ServiceValidationError: it had none.
    """
    if text in NO_STATES:
        raise user_error("part_no_state", part=place, value=text)


def _number(value: object) -> str | None:
    whole = _whole(value)
    return None if whole is None or int(whole) > LARGEST else str(int(whole))


def _whole(value: object) -> str | None:
    """Return the digits of a whole number that is not negative; None for another."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int):
        return None
    match = _WHOLE.fullmatch(str(value))
    # No number has that many digits; Python does not convert thousands of them.
    return match[1] if match and len(match[1]) <= MOST_DIGITS else None


def _digits(value: object) -> str | None:
    if isinstance(value, str):
        digits = re.sub("[ -]", "", value)
    else:
        digits = _whole(value) or ""
    return digits if _DIGITS.fullmatch(digits) else None


def _time(value: object) -> str | None:
    if isinstance(value, time):
        return value.isoformat("seconds")
    if (moment := _moment(value)) is not None:
        # The seconds of a timestamp are not what is meant.
        return moment.strftime("%H:%M")
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    hour, minute, second = (int(each or 0) for each in match.groups())
    try:
        parsed = time(hour, minute, second)
    except ValueError:
        return None
    return parsed.isoformat("minutes" if match[3] is None else "seconds")


def _date(value: object) -> str | None:
    if (moment := _moment(value)) is not None:
        value = moment.date()
    elif isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, date) or value.year not in YEARS:
        return None
    return value.isoformat()


def _moment(value: object) -> datetime | None:
    """Return a timestamp in the time zone of the house; None for anything else."""
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            value = dt_util.parse_datetime(value)
        if not isinstance(value, datetime):
            return None
        # One without a time zone is of the house.
        return dt_util.as_local(value) if value.tzinfo else value
    except ValueError, OverflowError:
        # No such moment, or at the very beginning or end of the calendar.
        return None


def _duration(value: object) -> str | None:
    if not isinstance(value, str | int | float | Mapping) or value == {}:
        return None
    try:
        seconds = parse_seconds(CONF_MESSAGE, value)
    except ServiceValidationError:
        return None
    if not 0 <= seconds <= LONGEST_DURATION or not seconds.is_integer():
        return None
    return str(int(seconds))


_PARSERS: Final[Mapping[ValueKind, Callable[[object], str | None]]] = {
    ValueKind.NUMBER: _number,
    ValueKind.DIGITS: _digits,
    ValueKind.TIME: _time,
    ValueKind.DATE: _date,
    ValueKind.DURATION: _duration,
}

"""Commands of the Smart API: what a call hears, and where it goes.

Source: Simotel's documents of the Smart API component.

Nobody says how a quote is escaped in a command. So no text of a user gets into one:
only ids of 24 hexadecimal digits, whole numbers, dates that are formatted here, numbers
to dial, and the cases of a box.

What a call hears is a playlist, of items such as ``id:64b7f58b7a302f4de51ae494``,
``number:21``, ``digits:0123``, ``time:14:05``, ``jalali:1405-09-06``,
``gregorian:2026-11-27`` and ``duration:300``.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
import re
from typing import Final, NamedTuple

from ..announcement import SpokenValue, ValueKind
from ..jalali import jalali_date

_SOUND: Final = "id"
_JALALI, _GREGORIAN = "jalali", "gregorian"
# Before this year, the Jalali calendar is not that of the 33-year rule.
_FIRST_JALALI_YEAR: Final = 1800

_ID: Final = re.compile(r"[0-9a-f]{24}")
_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_DIGITS: Final = re.compile(r"[0-9]{1,40}")
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")
_DATE: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_CASE: Final = re.compile(r"[a-z0-9-]{1,40}")
_NUMBER_TO_DIAL: Final = re.compile(r"[0-9*#+]{1,40}")

# The most digits of one command. A whole number loses its leading zeros.
_MOST_DIGITS: Final = 9
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60

# Seconds that a digit of a value lasts at most, in words of any language.
_SECONDS_OF_DIGIT: Final = 0.8
_SECONDS_OF_VALUE: Final = 1


class Question(NamedTuple):
    """What a call is asked, with keys as the response.

    Attributes:
        timeout: seconds to wait for the next key, from the end of the last sound.
        most: the maximum number of keys.
    """

    timeout: int
    most: int


def is_sound_id(text: str) -> bool:
    """Return whether a text is the id of a stored sound, as a command takes it."""
    return _ID.fullmatch(text) is not None


def sound_item(sound_id: str) -> str:
    """Return the item that plays a stored sound."""
    return f"{_SOUND}:{sound_id}"


def value_item(value: SpokenValue, *, is_persian: bool) -> str:
    """Return the item that speaks a value.

    Args:
        value: the value.
        is_persian: whether a date is spoken in the Jalali calendar.

    Raises:
        ValueError: the value is not of its kind.
    """
    item = f"{value.kind}:{value.value}"
    if value.kind is ValueKind.DATE:
        day = date.fromisoformat(value.value)
        item = f"{_GREGORIAN}:{day.isoformat()}"
        if is_persian and day.year >= _FIRST_JALALI_YEAR:
            year, month, of_month = jalali_date(day)
            item = f"{_JALALI}:{year:04}-{month:02}-{of_month:02}"
    play(item)
    return item


def value_seconds(item: str) -> float:
    """Return the seconds that an item which speaks a value lasts at most."""
    digits = sum(sign.isdecimal() for sign in item)
    return _SECONDS_OF_VALUE + digits * _SECONDS_OF_DIGIT


def sound_ids(playlist: Sequence[str]) -> list[str]:
    """Return the ids of the sounds of a playlist."""
    return [item.partition(":")[2] for item in playlist if _is_sound(item)]


def play(item: str) -> str:
    """Return the commands that play an item.

    Raises:
        ValueError: there is no such item.
    """
    kind, _, value = item.partition(":")
    make = _PLAYS.get(kind)
    if make is None:
        raise ValueError("no such item")
    return make(value)


def perform(playlist: Sequence[str], repeat: int, question: Question | None) -> str:
    """Return the commands that play a playlist, and ask for keys.

    Keys are taken during the sounds at its end only: those before them, up to the last
    value that is spoken, do not listen.

    Raises:
        ValueError: an item is not valid, or the last one cannot listen.
    """
    items = [*playlist] * repeat
    if question is None:
        return "".join(map(play, items))
    first = len(items)
    while first and _is_sound(items[first - 1]):
        first -= 1
    return "".join(map(play, items[:first])) + _get_data(items[first:], question)


def connect(number: str, limit: int | None) -> str:
    """Return the commands that set which number is called next, and for how long.

    Raises:
        ValueError: the number has other characters than those of a telephone.
    """
    limited = "" if limit is None else f"SetLimitOnCall({limit:d});"
    return f"{limited}SetExten('{_valid(_NUMBER_TO_DIAL, number)}');"


def leave(case: str) -> str:
    """Return the command that leaves a box.

    Raises:
        ValueError: there is no such case.
    """
    return f"Exit('{_valid(_CASE, case)}');"


def _is_sound(item: str) -> bool:
    return item.startswith(f"{_SOUND}:")


def _get_data(items: Sequence[str], question: Question) -> str:
    if not items:
        raise ValueError("no sound that listens")
    files = "&".join(sound_item(_valid(_ID, each)) for each in sound_ids(items))
    return f"GetData('{files}', {question.timeout:d}, {question.most:d});"


def _valid(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        # Without the text, which may be private.
        raise ValueError("not valid in a command")
    return text


def _play_sound(value: str) -> str:
    return f"PlayAnnouncement('{sound_item(_valid(_ID, value))}');"


def _say_number(value: str) -> str:
    return f"SayNumber({int(_valid(_INTEGER, value))});"


def _say_digits(value: str) -> str:
    """Return the commands that speak digits one by one, each leading zero as well."""
    left, commands = _valid(_DIGITS, value), ""
    while left:
        length = 1 if left.startswith("0") else _MOST_DIGITS
        commands += f"SayDigit({left[:length]});"
        left = left[length:]
    return commands


def _say_clock(value: str) -> str:
    return f"SayClock('{_valid(_CLOCK, value)}');"


def _say_date(calendar: str) -> Callable[[str], str]:
    return lambda value: f"SayDate('{_valid(_DATE, value)}','{calendar}');"


def _say_duration(value: str) -> str:
    days, left = divmod(int(_valid(_INTEGER, value)), _DAY)
    hours, left = divmod(left, _HOUR)
    minutes, seconds = divmod(left, _MINUTE)
    return f"SayDuration('{days}.{hours:02}:{minutes:02}:{seconds:02}');"


_PLAYS: Final[Mapping[str, Callable[[str], str]]] = {
    _SOUND: _play_sound,
    ValueKind.NUMBER: _say_number,
    ValueKind.DIGITS: _say_digits,
    ValueKind.TIME: _say_clock,
    ValueKind.DURATION: _say_duration,
    _JALALI: _say_date(_JALALI),
    _GREGORIAN: _say_date(_GREGORIAN),
}

"""Values as words, for an engine that speaks them as a part of a text."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
import re
from typing import Final

from ..backends.announcement import SpokenValue, ValueKind
from ..backends.jalali import jalali_date

_ENGLISH_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_PERSIAN_MONTHS: Final = (
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
)
_ENGLISH_UNITS: Final = ("day", "hour", "minute", "second")
_PERSIAN_UNITS: Final = ("روز", "ساعت", "دقیقه", "ثانیه")
_UNIT_SECONDS: Final = (86_400, 3600, 60, 1)

# A part that begins with one of these belongs to the word before it.
_CLOSING: Final = tuple(".,;:!?%)،؛؟٪»…")

_PUNCTUATION: Final = frozenset(" .,;:!?،؛؟…")


def is_punctuation(text: str) -> bool:
    """Return whether a text has nothing that can be spoken by itself."""
    return _PUNCTUATION.issuperset(text)


def in_words(parts: Iterable[str | SpokenValue], language: str) -> str:
    """Return the parts of a message as one text.

    Args:
        parts: of the message.
        language: of the engine, such as ``fa`` or ``en-US``. Languages other than
            English and Persian get a form of digits, which most engines speak well.
    """
    speak = _SPEAKERS.get(re.split("[-_]", language.lower())[0], _neutral)
    text = ""
    for part in parts:
        words = speak(part) if isinstance(part, SpokenValue) else part.strip()
        space = "" if not text or words.startswith(_CLOSING) else " "
        text += space + words
    return text


def _english(spoken: SpokenValue) -> str:
    match spoken.kind:
        case ValueKind.DIGITS:
            return ", ".join(spoken.value)
        case ValueKind.DATE:
            day = date.fromisoformat(spoken.value)
            return f"{_ENGLISH_MONTHS[day.month - 1]} {day.day}, {day.year}"
        case ValueKind.DURATION:
            *before, last = (
                f"{count} {unit}{'' if count == 1 else 's'}"
                for count, unit in _units(int(spoken.value), _ENGLISH_UNITS)
            )
            return " and ".join(filter(None, (", ".join(before), last)))
        case _:
            return spoken.value


def _persian(spoken: SpokenValue) -> str:
    match spoken.kind:
        case ValueKind.DIGITS:
            return "، ".join(spoken.value)
        case ValueKind.TIME:
            hour, *rest = map(int, spoken.value.split(":"))
            named = zip(rest, _PERSIAN_UNITS[2:], strict=False)
            more = [f"{count} {unit}" for count, unit in named if count]
            return " و ".join((str(hour), *more))
        case ValueKind.DATE:
            year, month, day = jalali_date(date.fromisoformat(spoken.value))
            return f"{day} {_PERSIAN_MONTHS[month - 1]} {year}"
        case ValueKind.DURATION:
            units = _units(int(spoken.value), _PERSIAN_UNITS)
            return " و ".join(f"{count} {unit}" for count, unit in units)
        case _:
            return spoken.value


def _neutral(spoken: SpokenValue) -> str:
    match spoken.kind:
        case ValueKind.DIGITS:
            return " ".join(spoken.value)
        case ValueKind.DURATION:
            minutes, seconds = divmod(int(spoken.value), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return spoken.value


_SPEAKERS: Final[Mapping[str, Callable[[SpokenValue], str]]] = {
    "en": _english,
    "fa": _persian,
}


def _units(seconds: int, names: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return a duration as the counts of its units; without those that are 0."""
    counts = []
    left = seconds
    for name, length in zip(names, _UNIT_SECONDS, strict=True):
        count, left = divmod(left, length)
        counts.append((count, name))
    return [each for each in counts if each[0]] or counts[-1:]

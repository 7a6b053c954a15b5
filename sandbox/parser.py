"""Strict parser of the documented syntax of Smart API commands."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
import re
from typing import Final

import jdatetime  # type: ignore[import-untyped]  # it brings no types

from .commands import (
    CALENDARS,
    ClearUserData,
    Command,
    CommandError,
    Exit,
    GetData,
    MusicOnHold,
    PlayAnnouncement,
    Playback,
    SayClock,
    SayDate,
    SayDigit,
    SayDuration,
    SayNumber,
    SetExten,
    SetLimitOnCall,
)

# Quoted, without any way to escape a quote, or a whole number.
_ARGUMENT: Final = re.compile(r"'(?P<text>[^']*)'|(?P<number>[0-9]+)")
_NAME: Final = re.compile(r"[A-Za-z]+")
_FILE: Final = re.compile(r"id:[0-9a-f]{24}|[A-Za-z0-9_./-]{1,200}")
_SOUND: Final = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_CASE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_EXTEN: Final = re.compile(r"[0-9*#+]{1,40}")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DURATION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")

_MAX_NUMBER: Final = 999_999_999
# A whole number has 64 bits.
_MAX_DIGITS: Final = 18
_MAX_SECONDS: Final = 86_400
_MAX_TYPED: Final = 40
_HOURS, _SIXTY = 24, 60
_HIJRI_MONTHS, _HIJRI_DAYS = 12, 30


@dataclass(frozen=True, slots=True)
class _Argument:
    text: str
    is_quoted: bool


type _Arguments = list[_Argument]


def parse(text: str) -> Iterator[Command]:
    """Yield the commands in order.

    Raises:
        CommandError: at the first command that is wrong, or if there is no `Exit`.
    """
    if not text.isascii():
        raise CommandError("the commands are not ASCII")
    rest = text.strip(" ")
    while rest:
        command, rest = _first(rest)
        if not isinstance(command, Exit):
            yield command
        elif rest:
            raise CommandError("Exit is not the last command")
        else:
            yield command
            return
    raise CommandError("there is no Exit")


def _first(text: str) -> tuple[Command, str]:
    """Return the first command, and the text after its semicolon."""
    name = _NAME.match(text)
    if name is None or not text.startswith("(", name.end()):
        raise CommandError("not a command with parentheses")
    make = _COMMANDS.get(name[0])
    if make is None:
        raise CommandError(f"unknown command {name[0]}")
    arguments, rest = _arguments(text[name.end() + 1 :])
    if rest and not rest.startswith(";"):
        raise CommandError(f"no semicolon after {name[0]}")
    try:
        command = make(arguments)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{name[0]}: {error}") from error
    return command, rest[1:].lstrip(" ")


def _arguments(text: str) -> tuple[_Arguments, str]:
    """Return the arguments, and the text after the parenthesis."""
    values: _Arguments = []
    rest = text.lstrip(" ")
    while not rest.startswith(")"):
        if values:
            if not rest.startswith(","):
                raise CommandError("no comma between arguments")
            rest = rest[1:].lstrip(" ")
        match = _ARGUMENT.match(rest)
        if match is None:
            raise CommandError("an argument is neither quoted nor a whole number")
        is_quoted = match["text"] is not None
        values.append(_Argument(match["text" if is_quoted else "number"], is_quoted))
        rest = rest[match.end() :].lstrip(" ")
    return values, rest[1:].lstrip(" ")


def _take(arguments: _Arguments, pattern: str) -> list[str]:
    """Return the arguments as text: `q` is a quoted one, `n` a number."""
    found = "".join("q" if each.is_quoted else "n" for each in arguments)
    if found != pattern:
        words = {"q": "a text in quotes", "n": "a whole number without quotes"}
        wanted = ", ".join(words[each] for each in pattern)
        raise ValueError(f"takes {wanted or 'nothing'}")
    return [each.text for each in arguments]


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError(f"'{text}' is not valid")
    return text


def _within(text: str, least: int, most: int) -> int:
    if len(text) > _MAX_DIGITS or not least <= int(text) <= most:
        raise ValueError(f"takes a whole number from {least} to {most}")
    return int(text)


def _parts(pattern: re.Pattern[str], text: str) -> list[int]:
    """Return the numbers in a text; a missing one is 0."""
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not valid")
    return [int(part or 0) for part in match.groups()]


def _check_time(hours: int, minutes: int, seconds: int) -> None:
    if hours >= _HOURS or minutes >= _SIXTY or seconds >= _SIXTY:
        raise ValueError("there is no such time")


def _text(
    make: Callable[[str], Command], pattern: re.Pattern[str]
) -> Callable[[_Arguments], Command]:
    """Return a reader of a command with one text."""
    return lambda arguments: make(_matched(pattern, _take(arguments, "q")[0]))


def _number(
    make: Callable[[int], Command], least: int, most: int
) -> Callable[[_Arguments], Command]:
    """Return a reader of a command with one number."""
    return lambda arguments: make(_within(_take(arguments, "n")[0], least, most))


def _say_digit(arguments: _Arguments) -> SayDigit:
    (digits,) = _take(arguments, "n")
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"takes at most {_MAX_DIGITS} digits")
    return SayDigit(digits)


def _say_duration(arguments: _Arguments) -> SayDuration:
    days, hours, minutes, seconds = _parts(_DURATION, _take(arguments, "q")[0])
    _check_time(hours, minutes, seconds)
    return SayDuration(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _say_clock(arguments: _Arguments) -> SayClock:
    (text,) = _take(arguments, "q")
    _check_time(*_parts(_CLOCK, text))
    return SayClock(text)


def _say_date(arguments: _Arguments) -> SayDate:
    text, calendar = _take(arguments, "qq")
    year, month, day = _parts(_DATE, text)
    match calendar:
        case "jalali":
            jdatetime.date(year, month, day)
        case "gregorian":
            date(year, month, day)
        case "hijri":
            if not (1 <= month <= _HIJRI_MONTHS and 1 <= day <= _HIJRI_DAYS):
                raise ValueError("there is no such day")
        case _:
            raise ValueError(f"takes one of {', '.join(CALENDARS)}")
    return SayDate(text, calendar)


def _get_data(arguments: _Arguments) -> GetData:
    files, timeout, digits = _take(arguments, "qnn")
    return GetData(
        tuple(_matched(_FILE, each) for each in files.split("&")),
        _within(timeout, 1, _MAX_SECONDS),
        _within(digits, 1, _MAX_TYPED),
    )


def _music(arguments: _Arguments) -> MusicOnHold:
    name, seconds = _take(arguments, "qn")
    return MusicOnHold(_matched(_CASE, name), _within(seconds, 1, _MAX_SECONDS))


def _clear(arguments: _Arguments) -> ClearUserData:
    _take(arguments, "")
    return ClearUserData()


_COMMANDS: Final[Mapping[str, Callable[[_Arguments], Command]]] = {
    "PlayAnnouncement": _text(PlayAnnouncement, _FILE),
    "Playback": _text(Playback, _SOUND),
    "SayNumber": _number(SayNumber, 0, _MAX_NUMBER),
    "SayDigit": _say_digit,
    "SayDuration": _say_duration,
    "SayClock": _say_clock,
    "SayDate": _say_date,
    "GetData": _get_data,
    "MusicOnHold": _music,
    "SetExten": _text(SetExten, _EXTEN),
    "SetLimitOnCall": _number(SetLimitOnCall, 1, _MAX_SECONDS),
    "ClearUserData": _clear,
    "Exit": _text(Exit, _CASE),
}

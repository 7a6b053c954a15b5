"""Commands of the Smart API, as a box runs them."""

from dataclasses import dataclass
from typing import Literal

type Calendar = Literal["jalali", "gregorian", "hijri"]

CALENDARS = ("jalali", "gregorian", "hijri")


class CommandError(Exception):
    """A command is wrong: the rest is not run, and the box is left by `e`."""


@dataclass(frozen=True, slots=True)
class PlayAnnouncement:
    """Play an announcement: `id:…`, or its name."""

    file: str


@dataclass(frozen=True, slots=True)
class Playback:
    """Play a sound of the PBX itself."""

    sound: str


@dataclass(frozen=True, slots=True)
class SayNumber:
    """Speak a number."""

    number: int


@dataclass(frozen=True, slots=True)
class SayDigit:
    """Speak a number digit by digit."""

    digits: str


@dataclass(frozen=True, slots=True)
class SayDuration:
    """Speak a duration, in seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class SayClock:
    """Speak a time of day."""

    time: str


@dataclass(frozen=True, slots=True)
class SayDate:
    """Speak a date, which is given in its calendar."""

    date: str
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class GetData:
    """Play announcements while listening for keys."""

    files: tuple[str, ...]
    # Seconds of waiting for the next key, from the end of the last announcement.
    timeout: int
    max_digits: int


@dataclass(frozen=True, slots=True)
class MusicOnHold:
    """Play music for some seconds."""

    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class SetExten:
    """Set the number of the following call."""

    number: str


@dataclass(frozen=True, slots=True)
class SetLimitOnCall:
    """Limit the following call to some seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class ClearUserData:
    """Forget the keys that were pressed."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the box by a case."""

    case: str


type Command = (
    PlayAnnouncement
    | Playback
    | SayNumber
    | SayDigit
    | SayDuration
    | SayClock
    | SayDate
    | GetData
    | MusicOnHold
    | SetExten
    | SetLimitOnCall
    | ClearUserData
    | Exit
)

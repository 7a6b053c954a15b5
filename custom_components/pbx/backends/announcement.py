"""What a person who is called hears, which keys are taken, and what came of it.

An announcement is a script, not a stream: some PBXs execute one by themselves, while
others are driven step by step by their backend.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from .redaction import mask_number

SAMPLE_RATE: Final = 16_000
SAMPLE_WIDTH: Final = 2
# The wait for the key that confirms, in all: wrong keys restart it.
_WAITS_FOR_CONFIRMATION: Final = 4


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Audio:
    """Sound without a header: mono, 16-bit little-endian samples at `SAMPLE_RATE`.

    Attributes:
        pcm: the samples; empty where the PBX has what it plays.
        playlist: what the PBX itself plays, in its own form and without the text, such
            as ``id:64b7f58b7a302f4de51ae494`` or ``number:21``.
        length: seconds that the playlist lasts.
    """

    pcm: bytes = field(repr=False)
    playlist: tuple[str, ...] = field(default=(), repr=False)
    length: float = 0

    @property
    def seconds(self) -> float:
        """The length."""
        if self.playlist:
            return self.length
        return len(self.pcm) / (SAMPLE_RATE * SAMPLE_WIDTH)


NO_AUDIO: Final = Audio(b"")


class ValueKind(StrEnum):
    """What a value that is spoken in a message is, and how it is written.

    `NUMBER`: ``0`` to ``999999999``. `DIGITS`: up to 40 of ``0-9``, spoken one by one.
    `TIME`: of the day, ``HH:MM`` or ``HH:MM:SS``. `DATE`: ISO 8601, Gregorian.
    `DURATION`: whole seconds.
    """

    NUMBER = "number"
    DIGITS = "digits"
    TIME = "time"
    DATE = "date"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class SpokenValue:
    """A value in a message, which some PBXs speak by themselves.

    Attributes:
        kind: what it is.
        value: as its kind is written.
    """

    kind: ValueKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sound:
    """A text or media in a message, which is made into audio when it is needed.

    Attributes:
        key: the same for the same text, engine, language and options; empty if only
            the audio tells.
        make: returns the audio. Its errors are those of `speech.async_prepare`.
    """

    key: bytes = field(repr=False)
    make: Callable[[], Awaitable[Audio]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be heard, before any of it is audio.

    Attributes:
        parts: in order.
        is_persian: whether dates are spoken in the Jalali calendar.
        is_lasting: whether it is kept ready for long, as an escalation plays it.
    """

    parts: tuple[Sound | SpokenValue, ...]
    is_persian: bool = False
    is_lasting: bool = False


class SpeechTrace(NamedTuple):
    """What a PBX has asked for during an announcement, for a test of its dialplan.

    Attributes:
        say_at: Unix time at which it asked what to say; None if it did not.
        key_at: Unix time at which it asked what follows the keys; None if it did not.
        names: of the components that asked, in order.
        is_same_name: whether two components have one name.
        failed: whether the announcement failed, so that nothing was heard.
        digits: keys that were pressed.
        reported_result: what the PBX's own report says of the call, as `CallResult`
            does; None if it has not said anything.
    """

    say_at: float | None = None
    key_at: float | None = None
    names: tuple[str, ...] = ()
    is_same_name: bool = False
    failed: bool = False
    digits: str = ""
    reported_result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A message for the person who is called.

    Keys count from the first word. Where keys are asked for, a key stops the speech,
    and a wrong one starts the next repetition, or the wait for another key after the
    last one. Otherwise, keys change nothing, and the call ends after the last word.

    Attributes:
        audio: the message; `NO_AUDIO` until it is prepared, and after a restart.
        repeat: how often the message is played, from 1.
        repeat_pause: seconds of silence between two repetitions.
        confirm_key: key that confirms the message; None if none is asked for.
        decline_key: key that declines the message and ends the call; None for none.
        digits: the maximum number of keys that are collected; None if none are. `#`
            ends the collection earlier.
        key_timeout: seconds to wait for the first key from the last word, and for each
            further key.
        send_keys: keys that are sent after the answer, before the message.
        connect_to: number that is connected after the message, or after the
            confirmation if one is asked for; None for none.
    """

    audio: Audio = NO_AUDIO
    repeat: int = 2
    repeat_pause: float = 1
    confirm_key: str | None = None
    decline_key: str | None = None
    digits: int | None = None
    key_timeout: int = 10
    send_keys: str = field(default="", repr=False)
    connect_to: str | None = None

    @property
    def longest(self) -> float:
        """The maximum seconds until the call ends, or the second party is called.

        Wrong keys restart the wait for a key, but do not extend these seconds.
        """
        spoken = self.repeat * (self.audio.seconds + self.repeat_pause)
        keys = (self.digits or _WAITS_FOR_CONFIRMATION) if self.takes_keys else 0
        return spoken + keys * self.key_timeout + len(self.send_keys)

    @property
    def takes_keys(self) -> bool:
        """Whether the person is asked to press keys."""
        return self.confirm_key is not None or self.digits is not None

    def as_dict(self) -> dict[str, Any]:
        """Return it for a store, without what is said and which keys are sent.

        What the PBX itself plays is kept: after a restart, it may ask for that.
        """
        stored = asdict(replace(self, audio=NO_AUDIO))
        del stored["audio"], stored["send_keys"]
        if self.audio.playlist:
            stored["playlist"] = list(self.audio.playlist)
            stored["length"] = self.audio.length
        return stored

    def redacted(self) -> dict[str, Any]:
        """Return it without private data, for diagnostics."""
        connect_to = self.connect_to and mask_number(self.connect_to)
        stored = replace(self, audio=NO_AUDIO).as_dict()
        return {**stored, "connect_to": connect_to}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a stored announcement, without what is said.

        Raises:
            TypeError: the data is not a stored announcement.
        """
        fields = dict(stored)
        playlist, length = fields.pop("playlist", ()), fields.pop("length", 0)
        return cls(audio=Audio(b"", tuple(playlist), length), **fields)


class Played(StrEnum):
    """How much of a message was played while the person was on the phone.

    `FULL`: the whole message, at least once.
    """

    NONE = "none"
    PART = "part"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What came of an announcement so far.

    Attributes:
        played: how much of the message was played.
        confirmed: whether the person has confirmed it; None if that was not asked for.
        digits: keys that were collected, without `#`; None if none are collected.
        connected: whether the second party has answered; None if there is none.
    """

    played: Played = Played.NONE
    confirmed: bool | None = None
    digits: str | None = field(default=None, repr=False)
    connected: bool | None = None

    @classmethod
    def before(cls, announcement: Announcement) -> Self:
        """Return what is known of an announcement before the person has answered."""
        return cls(
            confirmed=None if announcement.confirm_key is None else False,
            digits=None if announcement.digits is None else "",
            connected=None if announcement.connect_to is None else False,
        )

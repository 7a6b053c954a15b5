"""What a phone hears: announcements, sounds of the PBX, and values in its own voice."""

from dataclasses import dataclass

from .announcements import Announcements
from .commands import (
    CommandError,
    MusicOnHold,
    Playback,
    SayClock,
    SayDate,
    SayDigit,
    SayDuration,
    SayNumber,
)
from .speech import Speech

type Spoken = SayNumber | SayDigit | SayDuration | SayClock | SayDate

# Seconds of one spoken digit. A real voice has words of different lengths.
DIGIT_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something that can be heard, and its length in seconds.

    The text is `id:…` for an announcement, else the kind and the value: `number:21`,
    `digits:1239`, `duration:300`, `time:14:05`, `date:1405-09-06 jalali`,
    `sound:hello-world`, `music:default`.
    """

    text: str
    seconds: float
    # Name of the announcement.
    title: str = ""


@dataclass(slots=True)
class Heard:
    """A prompt that a phone has heard, or is hearing; times in Unix time."""

    prompt: Prompt
    since: float
    # Seconds that were heard before a key or the end of the call.
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """What was heard: see `Prompt`."""
        return self.prompt.text

    @property
    def is_whole(self) -> bool:
        """Whether it was heard to its end."""
        # Sums of times in seconds are not exact.
        return self.seconds > self.prompt.seconds - 0.001


@dataclass(frozen=True, slots=True)
class PromptMaker:
    """Makes the prompts of commands."""

    announcements: Announcements
    speech: Speech

    def announcement(self, file: str) -> Prompt:
        """Return an announcement.

        Raises:
            CommandError: it does not exist, or cannot be played yet.
        """
        sound = self.announcements.playable(file)
        if sound is None:
            raise CommandError(f"there is no announcement {file}")
        return Prompt(f"id:{sound.id}", sound.seconds, sound.name)

    def sound(self, command: Playback) -> Prompt:
        """Return a sound of the PBX itself.

        Raises:
            CommandError: it does not exist.
        """
        seconds = self.announcements.config().announcements.sounds.get(command.sound)
        if seconds is None:
            raise CommandError(f"there is no sound {command.sound}")
        return Prompt(f"sound:{command.sound}", seconds)

    def music(self, command: MusicOnHold) -> Prompt:
        """Return music."""
        return Prompt(f"music:{command.name}", command.seconds)

    def spoken(self, command: Spoken) -> Prompt:
        """Return a value in the voice of the PBX."""
        text = self._text(command)
        digits = sum(sign.isdecimal() for sign in text)
        return Prompt(text, max(digits, 1) * DIGIT_SECONDS)

    def _text(self, command: Spoken) -> str:
        match command:
            case SayNumber(number):
                return f"number:{number}"
            case SayDigit(digits):
                is_kept = self.speech.leading_zeros == "kept"
                return f"digits:{digits if is_kept else int(digits)}"
            case SayDuration(seconds):
                return f"duration:{seconds}"
            case SayClock(time):
                return f"time:{time}"
            case SayDate(date, calendar):
                return f"date:{date} {calendar}"

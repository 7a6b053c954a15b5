"""The script of an announcement: what is heard when, and what each key means.

This module does no I/O: it takes keys, ends of the speech and times.
"""

from dataclasses import dataclass, field
import math
from typing import Final

from ..announcement import Announcement

# Seconds from the last word to the end of the call, as phones play what they have
# buffered.
LAST_WORD_DELAY: Final = 0.3
# The key that ends the collection of others.
_END_KEY: Final = "#"


@dataclass(slots=True)
class KeyScript:
    """One person who hears an announcement, and may press keys.

    Times are Unix times by the local clock.

    Attributes:
        announcement: what is heard, and which keys are asked for.
        heard_now: number of the repetition that is to be heard, from 1; 0 for none.
        due: when to call `advance`; infinity for never.
        is_over: whether the person is let go, or connected.
        confirmed: whether the message was confirmed; None if that is not asked for.
        digits: the keys that were collected; None if none are.
    """

    announcement: Announcement
    heard_now: int = field(default=0, init=False)
    due: float = field(default=math.inf, init=False)
    is_over: bool = field(default=False, init=False)
    confirmed: bool | None = field(default=None, init=False)
    digits: str | None = field(default=None, init=False, repr=False)
    _is_declined: bool = field(default=False, init=False)
    # The number of repetitions that have begun.
    _begun: int = field(default=0, init=False)
    # Until when wrong keys restart the wait.
    _latest: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Initialize the answers that are asked for."""
        if self.announcement.confirm_key is not None:
            self.confirmed = False
        elif self.announcement.digits is not None:
            self.digits = ""

    @property
    def connects(self) -> bool:
        """Whether the second party is to be connected, when it is over."""
        is_refused = self._is_declined or self.confirmed is False
        return self.announcement.connect_to is not None and not is_refused

    def begin(self, now: float) -> None:
        """Begin with the first word."""
        self._latest = now + self.announcement.longest
        self._repeat()

    def finish(self, number: int, now: float) -> None:
        """Process that a repetition was played to its end."""
        if number != self.heard_now or self.is_over:
            return
        self.heard_now = 0
        if self._begun < self.announcement.repeat:
            self.due = now + self.announcement.repeat_pause
        elif self.announcement.takes_keys:
            self._await_key(now)
        else:
            self.due = now + LAST_WORD_DELAY

    def advance(self, now: float) -> None:
        """Process that time has passed."""
        if self.is_over or now < self.due:
            return
        # Keys have stopped the repetitions for good, or a pause is over.
        if self._begun < self.announcement.repeat and not self.digits:
            self._repeat()
        else:
            self._end()

    def press(self, key: str, now: float) -> None:
        """Process a key; it changes nothing if none is asked for."""
        if self.is_over or not self._begun or not self.announcement.takes_keys:
            return
        if key == self.announcement.decline_key:
            self._is_declined = True
            self._end()
        elif self.digits is not None:
            self._collect(key, now)
        elif key == self.announcement.confirm_key:
            self.confirmed = True
            self._end()
        elif self._begun < self.announcement.repeat:
            self._repeat()
        elif self.heard_now:
            self._await_key(now)
        else:
            until = min(now + self.announcement.key_timeout, self._latest)
            self.due = max(self.due, until)

    def _collect(self, key: str, now: float) -> None:
        if key == _END_KEY:
            self._end()
            return
        self.digits = (self.digits or "") + key
        if len(self.digits) >= (self.announcement.digits or 0):
            self._end()
        else:
            self._await_key(now)

    def _repeat(self) -> None:
        self._begun += 1
        self.heard_now, self.due = self._begun, math.inf

    def _await_key(self, now: float) -> None:
        self.heard_now, self.due = 0, now + self.announcement.key_timeout

    def _end(self) -> None:
        self.heard_now, self.due, self.is_over = 0, math.inf, True

"""The script of one announcement: what each request of a box is answered with.

The first box says the message, the second one asks what follows. In most calls, each of
them asks once; but requests may come twice, late, after a restart, or from two boxes
that have one name.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from ..announcement import Announced, Announcement, Played, SpeechTrace
from ..base import CallRequest, OpenCall
from ..updates import CallState
from .boxes import KEY, BoxRequest, SpeechSetup
from .commands import Question, connect, leave, perform

# Seconds in which the same request again is a retry.
RETRY_TIME: Final = 1
# Seconds in which no sound can have been played: each lasts longer. A box that has no
# answer gives up after a second.
EARLY_TIME: Final = 1.15
# Seconds by which a call may end after its last box, and after what it plays at most.
DONE_GRACE: Final = 5
SAID_GRACE: Final = 10

_DONE, _NEXT, _CONNECT = "done", "next", "connect"
NOTHING: Final = leave(_DONE)
"""The answer to a request about no call of ours."""


@dataclass(slots=True, kw_only=True)
class Script:
    """An announcement, as far as it has come.

    Attributes:
        call_id: the PBX's id of the call request.
        request: of the call.
        placed_at: Unix time at which the call was requested.
        setup: what is drawn in the dialplan.
        announced: what came of it so far.
        said_at: Unix time at which the first box asked, or the second one in its place.
        key_at: Unix time at which the second box asked.
        is_finished: whether nothing is asked or played any more.
        is_connecting: whether the second party is called.
        has_failed: whether the message could not be played.
        ended_at: Unix time at which the call ended.
        reported_result: what the PBX's own report says.
        unique_id: of the conversation; empty if unknown.
        names: of the boxes that asked, in order.
        is_same_name: whether both boxes have one name.
        keys: that were pressed.
    """

    call_id: str
    request: CallRequest
    placed_at: float
    setup: SpeechSetup
    announced: Announced = field(init=False)
    said_at: float | None = None
    key_at: float | None = None
    is_finished: bool = False
    is_connecting: bool = False
    has_failed: bool = False
    ended_at: float | None = None
    reported_result: str | None = None
    unique_id: str = ""
    names: list[str] = field(default_factory=list)
    is_same_name: bool = False
    keys: str = field(default="", repr=False)
    # Whether the second box asked first.
    _is_late: bool = False
    # The last request, when it was answered, and the answer.
    _last: tuple[BoxRequest, float, str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Initialize what came of it: nothing yet."""
        self.announced = Announced.before(self.announcement)

    @classmethod
    def restored(
        cls, call: OpenCall, request: CallRequest, setup: SpeechSetup
    ) -> Script:
        """Return the script of a call that was begun before a restart or a reload."""
        script = cls(
            call_id=call.call_id,
            request=request,
            placed_at=call.began_at,
            setup=setup,
        )
        script.announced = call.announced or script.announced
        if call.state is not CallState.CONNECTED:
            return script
        script.said_at = call.since
        script.resume()
        return script

    def resume(self) -> None:
        """Find out how far a call has come in which the message was begun."""
        announced = self.announced
        if announced.played is Played.NONE:
            self.announced = replace(announced, played=Played.PART)
        is_full = announced.played is Played.FULL
        self.is_finished = is_full or bool(announced.confirmed or announced.digits)
        self.is_connecting = self.is_finished and self._connects

    @property
    def announcement(self) -> Announcement:
        """What is played."""
        return self.request.announcement or Announcement()

    @property
    def person(self) -> str:
        """The number of the person who is called."""
        return self.request.caller

    @property
    def due(self) -> float | None:
        """Unix time by which the call has ended; None if that is not known."""
        if self.ended_at is not None or self.said_at is None:
            return None
        if self.is_connecting:
            return self._due_of_second_party
        if self.key_at is not None:
            return self.key_at + DONE_GRACE
        return self.said_at + self.request.message_time + SAID_GRACE

    @property
    def is_talk_time_known(self) -> bool:
        """Whether the last box shows when the call has ended, without a report."""
        return self.key_at is not None and not self.is_connecting

    @property
    def _due_of_second_party(self) -> float | None:
        """Unix time by which a conversation with a limit is over."""
        limit = self.request.call_limit
        if limit is None or self.key_at is None:
            return None
        return self.key_at + self.request.timeout + limit + DONE_GRACE

    @property
    def awaits_key_box(self) -> bool:
        """Whether the second box has yet to ask, after the keys."""
        takes_keys = self.setup.has_key_box and self.announcement.takes_keys
        return takes_keys and not self.is_finished

    def trace(self) -> SpeechTrace:
        """Return what the boxes have asked for."""
        return SpeechTrace(
            say_at=None if self._is_late else self.said_at,
            key_at=self.key_at,
            names=tuple(self.names),
            is_same_name=self.is_same_name,
            failed=self.has_failed,
            digits=self.keys,
            reported_result=self.reported_result,
        )

    def answer(self, box: BoxRequest, now: float) -> str:
        """Return the commands for a box.

        Args:
            box: its request.
            now: Unix time.
        """
        if self._last is not None:
            last, at, commands = self._last
            is_same = (box.name, box.keys) == (last.name, last.keys)
            if is_same and now - at <= RETRY_TIME:
                return commands
        self.names.append(box.name)
        self.unique_id = self.unique_id or box.unique_id
        commands = self._commands(box, now)
        self._last = box, now, commands
        return commands

    def note_end(self, at: float) -> None:
        """Note that the call has ended.

        Without a request of the second box, the time tells what was heard: a person
        who hangs up at the end has heard the message.
        """
        self.ended_at = at
        was_said = self.said_at is not None and not self.has_failed
        if was_said and self.setup.has_key_box and not self.is_finished:
            self._note_played(at, at_least=self.announcement.audio.seconds)

    def note_second_party(self) -> None:
        """Note that the second party has answered."""
        self.announced = replace(self.announced, connected=True)

    def _commands(self, box: BoxRequest, now: float) -> str:
        if self.said_at is None:
            self.said_at = now
            is_key_box = box.name.casefold() == KEY and self.setup.has_key_box
            self._is_late = is_key_box
            return self._begin_late(box, now) if is_key_box else self._say(now)
        if self.is_finished or not self.setup.has_key_box:
            return NOTHING
        self.is_same_name = box.name in self.names[:-1]
        if box.is_silent and now - self.said_at < EARLY_TIME:
            return self._fail(now)
        return self._follow(box, now)

    def _say(self, now: float) -> str:
        """Return the commands that play the message, and ask for keys."""
        announcement = self.announcement
        has_key_box, question = self.setup.has_key_box, None
        if has_key_box and announcement.takes_keys:
            most = announcement.digits or 1
            question = Question(announcement.key_timeout, most)
        try:
            playlist, repeat = announcement.audio.playlist, announcement.repeat
            played = perform(playlist, repeat, question)
        except ValueError:
            # What was stored before a restart was changed.
            return self._fail(now)
        self.announced = replace(self.announced, played=Played.PART)
        return played + leave(_NEXT if has_key_box else _DONE)

    def _begin_late(self, box: BoxRequest, now: float) -> str:
        """Process the second box first: the answer to the first one was lost.

        Home Assistant may have been restarted; only who has heard a message presses
        keys.
        """
        if box.is_silent:
            return self._fail(now)
        self.announced = replace(self.announced, played=Played.PART)
        return self._follow(box, now)

    def _fail(self, now: float) -> str:
        """Process that the first box was left at once, or its answer was lost."""
        self.has_failed = self.is_finished = True
        self.key_at = now
        self.announced = replace(self.announced, played=Played.NONE)
        return NOTHING

    def _follow(self, box: BoxRequest, now: float) -> str:
        """Process the keys, and return the commands that follow."""
        self.is_finished, self.key_at, self.keys = True, now, box.keys
        self._note_played(now, at_least=EARLY_TIME)
        announcement = self.announcement
        if announcement.confirm_key is not None:
            is_confirmed = box.keys == announcement.confirm_key
            self.announced = replace(self.announced, confirmed=is_confirmed)
        elif announcement.digits is not None:
            digits = box.keys[: announcement.digits]
            self.announced = replace(self.announced, digits=digits)
        if not self._connects or announcement.connect_to is None:
            return NOTHING
        try:
            call = connect(announcement.connect_to, self.request.call_limit)
        except ValueError:
            return NOTHING
        self.is_connecting = True
        return call + leave(_CONNECT)

    @property
    def _connects(self) -> bool:
        """Whether the second party is called after the keys."""
        if self.announcement.connect_to is None or not self.setup.can_connect:
            return False
        return self.announced.confirmed is not False

    def _note_played(self, now: float, *, at_least: float) -> None:
        """Note that the message was played, if it has had the time.

        Args:
            now: Unix time.
            at_least: seconds that it takes; 0 if that is not known. When the second
                box asks, it is over, unless a key has come before any of it.
        """
        if at_least and self.said_at is not None and now - self.said_at >= at_least:
            self.announced = replace(self.announced, played=Played.FULL)

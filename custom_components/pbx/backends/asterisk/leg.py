"""A call on an Asterisk: its first leg, and the callees that the dialplan dials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..base import CallRequest
from ..updates import CallResult, CallState, CallUpdate, Direction
from .causes import NOT_ANSWERED, STILL_RINGING
from .fields import STASIS, running_app, text_in
from .models import unix_time

# The id of a callee's leg that is known to ring, if its channel is unknown.
UNKNOWN_CHANNEL: Final = ""
# The suffix, after the id of the call, of the channel that runs the dialplan for a
# caller in our application.
DIALING_SUFFIX: Final = "-d"
# Seconds without a callee after which the dialplan itself has answered the call.
DIALPLAN_ANSWER_DELAY: Final = 2
# Applications of the dialplan that dial callees.
_DIALING: Final = frozenset({"Dial", "Queue", "FollowMe", "RetryDial"})


class Conversation(NamedTuple):
    """An active conversation.

    Attributes:
        since: Unix time of its beginning by the local clock; now if unknown.
        at: Unix time of its beginning by the PBX's clock; None if unknown.
    """

    since: float
    at: float | None


@dataclass(slots=True, kw_only=True)
class Leg:
    """The first leg of a call, with the state of the callees' legs.

    Times are Unix times: those that end in `_since` and `no_callee_until` by the local
    clock, the others by the PBX's clock.

    Attributes:
        id: of the channel.
        request: by which this integration placed the call; None for any other call.
        caller: number of the party that calls, or that rings first.
        callee: number that the dialplan was given; empty if unknown.
        trunk: that the call uses; empty if none or unknown.
        is_incoming: whether the call comes in through the trunk.
        began_at: when the channel was created.
        up_at: when this leg itself was answered.
        rung_at: when the first callee began to ring.
        rung_until: when the last callee stopped ringing; None while one rings.
        answered_at: when a callee answered; None if none did, or if it is unknown.
        is_answered: whether a callee has answered.
        has_rung: whether this leg itself has been ringing.
        is_hung_up: whether a connected phone has hung up.
        dialed: dial status of each callee's leg, by the id of its channel.
        causes: hangup cause of each callee's leg, by the id of its channel.
        answered_by: number of the extension that answered; empty if unknown.
        ringing_since: when each callee began to ring, by the id of its channel.
        up_since: when this leg was answered.
        not_ringing_since: when the last callee stopped ringing.
        answered_since: when a callee answered.
        no_callee_since: since when this leg is known to be up without a callee; None if
            unknown, as events may have been missed.
        no_callee_until: when a list of channels last confirmed that.
        is_partial: whether events of this leg may have been missed.
        is_waiting: whether this leg rings or waits in our application, and is not
            connected to the callee yet.
        is_answered_by_dialplan: whether the dialplan itself was reported to have
            answered, without a callee.
        is_late: whether another phone of its group was answered first.
        dialing_id: id of the channel from which the dialplan dials the callees; that of
            this leg unless a channel of our own is connected to it.
    """

    id: str
    request: CallRequest | None = None
    caller: str = ""
    callee: str = ""
    trunk: str = ""
    is_incoming: bool = False
    began_at: float | None = None
    up_at: float | None = None
    rung_at: float | None = None
    rung_until: float | None = None
    answered_at: float | None = None
    is_answered: bool = False
    has_rung: bool = False
    is_hung_up: bool = False
    dialed: dict[str, str] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    answered_by: str = ""
    ringing_since: dict[str, float] = field(default_factory=dict)
    up_since: float | None = None
    not_ringing_since: float | None = None
    answered_since: float | None = None
    no_callee_since: float | None = None
    no_callee_until: float | None = None
    is_partial: bool = False
    is_waiting: bool = False
    is_answered_by_dialplan: bool = False
    is_late: bool = False
    dialing_id: str = ""

    def __post_init__(self) -> None:
        """Let the dialplan dial from this leg, unless another channel is given."""
        self.dialing_id = self.dialing_id or self.id

    @property
    def is_announcement(self) -> bool:
        """Whether the phone of this leg plays a message to the person who answers."""
        return self.request is not None and self.request.announcement is not None

    @property
    def is_spoken_to(self) -> bool:
        """Whether the phone of this leg may hear a message now."""
        return self.is_announcement and self.is_waiting

    @property
    def has_second_party(self) -> bool:
        """Whether a callee, or the dialplan itself, has answered."""
        return self.is_answered or self.is_answered_by_dialplan

    @property
    def direction(self) -> Direction | None:
        """The direction of the call; None if unknown."""
        if not self.trunk:
            return None if self.is_partial else Direction.INTERNAL
        return Direction.INCOMING if self.is_incoming else Direction.OUTGOING

    def set_callee_cause(self, callee_id: str, cause: int) -> None:
        """Set the hangup cause of a callee's leg, unless it is known already."""
        if not self.causes.get(callee_id):
            self.causes[callee_id] = cause

    def ring_time(self, ended_at: float | None) -> float | None:
        """Return the seconds for which a callee rang.

        A message that the dialplan plays after a refusal does not count.
        """
        if self.is_announcement:
            return _duration(self.rung_at, self.up_at or ended_at)
        return _duration(self.rung_at, self.answered_at or self.rung_until or ended_at)

    def talk_time(self, result: CallResult, ended_at: float | None) -> float | None:
        """Return the seconds of the conversation, or of the announcement."""
        if result is not CallResult.ANSWERED:
            return None
        is_from_callee = self.is_answered and not self.is_announcement
        return _duration(self.answered_at if is_from_callee else self.up_at, ended_at)

    def connect(self, now: float) -> None:
        """Record that this leg has left our application, and the dialplan has it."""
        if self.is_waiting:
            self.is_waiting = False
            self.no_callee_since = now

    def end_unanswered(self, callee_id: str, status: str, cause: int) -> None:
        """Record that the dialplan has neither answered nor dialed anyone.

        Args:
            callee_id: the id of the channel into the dialplan, which has ended.
            status: its dial status; empty if none was reported.
            cause: its hangup cause.
        """
        if self.dialed or not self.is_waiting:
            return
        if status in STILL_RINGING:
            status = NOT_ANSWERED if cause else ""
        if status:
            self.dialed[callee_id], self.causes[callee_id] = status, cause

    def update_callee(
        self, callee_id: str, status: str, now: float, at: float | None
    ) -> bool:
        """Update the dial status of a callee's leg.

        Args:
            callee_id: the id of its channel.
            status: Asterisk's dial status; empty if the leg was just created.
            now: Unix time by the local clock.
            at: Unix time by the PBX's clock.

        Returns:
            Whether it is the first callee.
        """
        self.is_waiting = False
        is_first = not self.dialed.keys() - {UNKNOWN_CHANNEL}
        was_seen = UNKNOWN_CHANNEL not in self.dialed
        self.dialed.pop(UNKNOWN_CHANNEL, None)
        # A ringing leg whose channel is unknown is this leg, unless this leg was just
        # created: then it is another phone.
        since = self.ringing_since.pop(UNKNOWN_CHANNEL, None) if status else None
        self.ringing_since.pop(UNKNOWN_CHANNEL, None)
        if is_first and was_seen and not status and not self.is_announcement:
            self.rung_at = at
        self.dialed[callee_id] = status
        if status in STILL_RINGING:
            self.ringing_since.setdefault(callee_id, now if since is None else since)
            self.rung_until = None
        else:
            self.stop_ringing(callee_id, now, at)
        return is_first

    def stop_ringing(self, callee_id: str, now: float, at: float | None) -> None:
        """Record that a callee's leg does not ring, or has stopped ringing."""
        was_ringing = self.ringing_since.pop(callee_id, None) is not None
        if not self.ringing_since and (was_ringing or self.rung_until is None):
            self.not_ringing_since, self.rung_until = now, at

    def answer(self, now: float, at: float | None) -> None:
        """Record that a callee has answered, unless one already has."""
        if not self.is_answered:
            self.is_answered = True
            self.answered_since, self.answered_at = now, at

    def catch_up(
        self,
        channel: Mapping[str, Any],
        dialing: Mapping[str, Any],
        conversation: Conversation | None,
        now: float,
    ) -> None:
        """Update a call of this integration whose events may have been missed.

        Args:
            channel: from a list of channels.
            dialing: the channel from which the dialplan dials; empty if unknown.
            conversation: that the latter is part of; None if none.
            now: Unix time by the local clock.
        """
        state = text_in(channel, "state")
        self.has_rung = self.has_rung or state == "Ringing"
        if state != "Up":
            return
        if self.up_since is None:
            self.up_at, self.up_since = unix_time(channel.get("creationtime")), now
            self.is_partial = True
        if self.is_waiting and running_app(channel) == STASIS:
            return
        self.is_waiting = False
        if conversation is not None:
            self.answer(conversation.since, conversation.at)
        elif self.dialed or self.is_answered:
            return
        elif running_app(dialing) in _DIALING:
            # The start of the ringing is unknown, so it gets the full ring time.
            self.dialed[UNKNOWN_CHANNEL] = "RINGING"
            self.ringing_since[UNKNOWN_CHANNEL] = now
        else:
            self.no_callee_until = now
            if self.no_callee_since is None:
                self.no_callee_since = now

    def no_callee_from(self, *, is_connected: bool) -> float | None:
        """Return since when this leg has been up without a callee; None if unknown.

        Args:
            is_connected: whether events are received, which would report a callee.
                Otherwise, lists of channels must have confirmed it for a while.
        """
        if self.request is None or self.dialed or self.is_answered:
            return None
        if self.no_callee_since is None or is_connected:
            return self.no_callee_since
        until = self.no_callee_until
        is_seen = (
            until is not None and until - self.no_callee_since >= DIALPLAN_ANSWER_DELAY
        )
        return self.no_callee_since if is_seen else None

    def update_ringing(
        self,
        channels: Mapping[str, Mapping[str, Any]],
        now: float,
        at: float,
    ) -> None:
        """Stop the ringing of callees that no longer ring in a list of channels.

        Args:
            channels: by their ids.
            now: Unix time by the local clock.
            at: Unix time by the PBX's clock.
        """
        for callee_id in tuple(self.ringing_since):
            if callee_id == UNKNOWN_CHANNEL:
                app = running_app(channels.get(self.dialing_id, {}))
                is_ringing = not app or app in _DIALING
            else:
                callee = channels.get(callee_id)
                is_ringing = callee is not None and text_in(callee, "state") != "Up"
            if not is_ringing:
                self.stop_ringing(callee_id, now, at)

    def update(self, state: CallState, at: float | None) -> CallUpdate:
        """Return an update of the call; `at` is a time of the PBX's clock."""
        return CallUpdate(
            state=state,
            call_id=self.id,
            originated_call_id=self.id if self.request is not None else "",
            direction=self.direction,
            caller="" if self.is_announcement else self.caller,
            callee=self.callee,
            trunk=self.trunk,
            answered_by=self.answered_by,
            at=at,
        )


def _duration(start: float | None, end: float | None) -> float | None:
    """Return the seconds between two times, rounded to milliseconds."""
    if start is None or end is None:
        return None
    return round(max(end - start, 0), 3)

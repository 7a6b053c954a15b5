"""One call on an Asterisk, as its first leg and what the dialplan made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..base import CallRequest
from ..updates import CallResult, CallState, CallUpdate, Direction
from .causes import (
    NO_ANSWER,
    NORMAL_CLEARING,
    UNKNOWN_CAUSE,
    result_of_callee,
    result_of_dialplan,
)
from .models import unix_time

ANSWER: Final = "ANSWER"
# What a callee's leg came to, the better before the worse: where several phones
# were rung, the best of them counts. What is not here is a leg that failed.
_RESULTS: Final = {
    ANSWER: CallResult.ANSWERED,
    "CANCEL": CallResult.NO_ANSWER,
    # Still ringing when the caller left, or was hung up by somebody.
    "RINGING": CallResult.NO_ANSWER,
    "PROGRESS": CallResult.NO_ANSWER,
    "PROCEEDING": CallResult.NO_ANSWER,
    "": CallResult.NO_ANSWER,
    "BUSY": CallResult.BUSY,
}
STILL_RINGING: Final = frozenset({"", "RINGING", "PROGRESS", "PROCEEDING"})
# Asterisk's word for whatever is no other, too: the cause tells which.
_NOT_ANSWERED: Final = "NOANSWER"
# Of a leg that is known to ring, but not by which channel.
UNKNOWN: Final = ""
_BEST_FIRST: Final = (
    CallResult.ANSWERED,
    CallResult.NO_ANSWER,
    CallResult.BUSY,
    CallResult.DECLINED,
)

# Seconds without anybody dialed, after which the dialplan itself has answered.
ANSWERS_ITSELF: Final = 2
# What rings the callees of a channel on which it runs.
_DIALING: Final = frozenset({"Dial", "Queue", "FollowMe", "RetryDial"})


class Talk(NamedTuple):
    """A conversation that is under way.

    Attributes:
        since: Unix time by our clock; that of now where it was missed.
        at: likewise, by the PBX's clock; None where it was missed.
    """

    since: float
    at: float | None


@dataclass(slots=True, kw_only=True)
class Leg:
    """The first leg of a call, with what is known of those that it led to.

    Attributes:
        id: of the channel.
        request: that the call was placed by from here; None for a call of others.
        caller: number of the party that calls, or is rung first.
        callee: number that the dialplan was given; or empty.
        trunk: that the call comes in or goes out by; or empty.
        is_incoming: whether it comes in by that trunk.
        began_at: Unix time by the PBX's clock, as all times here but those `since`.
        up_at: when this leg itself was answered.
        rung_at: when the first callee began to ring.
        rung_until: when the last of them stopped; None while one rings.
        answered_at: when a callee answered; None, too, where that was missed.
        is_answered: whether a callee has answered.
        has_rung: whether this leg itself has been told to ring.
        is_hung_up: whether a phone has hung up, of those that talked or listened.
        dialed: what each callee's leg has come to, by its channel's id.
        causes: why each callee's leg has ended, likewise.
        answered_by: number of the extension that answered; or empty.
        ringing_since: Unix time by our clock, by the id of each leg that rings.
        up_since: likewise, since when this leg has been up.
        quiet_since: likewise, since when no callee has been ringing anymore.
        answered_since: likewise, since when a callee has been talking.
        alone_since: likewise, from when on it is known that nobody is dialed for this
            leg, which is up; None where events may have been missed since.
        alone_until: likewise, when a list of channels last said so.
        is_partial: whether events of it may have been missed.
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
    quiet_since: float | None = None
    answered_since: float | None = None
    alone_since: float | None = None
    alone_until: float | None = None
    is_partial: bool = False

    @property
    def direction(self) -> Direction | None:
        """Whether it uses a trunk, and which way; None where that was missed."""
        if not self.trunk:
            return None if self.is_partial else Direction.INTERNAL
        return Direction.INCOMING if self.is_incoming else Direction.OUTGOING

    def result(self, cause: int) -> CallResult:
        """Return what has come of the call, by the cause of its end."""
        if self.is_answered:
            return CallResult.ANSWERED
        if self.dialed:
            results = {self._result_of(callee, cause) for callee in self.dialed}
            return next((r for r in _BEST_FIRST if r in results), CallResult.FAILED)
        if self.up_since is None:
            # Whoever calls by themselves was reached: the dialplan refused the call.
            is_ours = self.request is not None
            return CallResult.CALLER_UNREACHABLE if is_ours else result_of_callee(cause)
        # The dialplan itself has answered, and whoever heard enough has left; or it
        # knew no such number.
        return CallResult.ANSWERED if self.is_hung_up else result_of_dialplan(cause)

    def _result_of(self, callee_id: str, cause: int) -> CallResult:
        status = self.dialed[callee_id]
        if status != _NOT_ANSWERED:
            return _RESULTS.get(status, CallResult.FAILED)
        # The whole call ends for the reason of its callee, where there is one only.
        usual = cause if len(self.dialed) == 1 else UNKNOWN_CAUSE
        return result_of_callee(self.causes.get(callee_id, usual))

    def cause(self, cause: int) -> int:
        """Return why the call ended, where Asterisk says that it does not know.

        Older ones say so of most calls.
        """
        if cause == UNKNOWN_CAUSE and self.is_hung_up:
            return NORMAL_CLEARING
        if cause == UNKNOWN_CAUSE and self.has_rung and self.up_since is None:
            return NO_ANSWER
        return cause

    def end_of_callee(self, callee_id: str, cause: int) -> None:
        """Take note of why a callee's leg has ended; the first reason counts."""
        if not self.causes.get(callee_id):
            self.causes[callee_id] = cause

    def ring_time(self, ended_at: float | None) -> float | None:
        """Return for how many seconds the callee rang.

        What the dialplan plays after a refusal is no ringing.
        """
        return _span(self.rung_at, self.answered_at or self.rung_until or ended_at)

    def talk_time(self, result: CallResult, ended_at: float | None) -> float | None:
        """Return for how many seconds there was something to listen to."""
        if result is not CallResult.ANSWERED:
            return None
        return _span(self.answered_at if self.is_answered else self.up_at, ended_at)

    def ring(self, callee_id: str, status: str, now: float, at: float | None) -> bool:
        """Take note of what has become of a callee's leg.

        Args:
            callee_id: of its channel.
            status: a word of Asterisk; empty where it was made just now.
            now: Unix time by our clock.
            at: likewise, by the PBX's.

        Returns:
            Whether it is the first callee that is told of.
        """
        is_first = not self.dialed.keys() - {UNKNOWN}
        is_heard = UNKNOWN not in self.dialed
        self.dialed.pop(UNKNOWN, None)
        # Known to ring already, by which channel was not. A leg that is made now is
        # another phone.
        since = self.ringing_since.pop(UNKNOWN, None) if status else None
        self.ringing_since.pop(UNKNOWN, None)
        if is_first and is_heard and not status:
            self.rung_at = at
        self.dialed[callee_id] = status
        if status in STILL_RINGING:
            self.ringing_since.setdefault(callee_id, now if since is None else since)
            self.rung_until = None
        else:
            self.ring_no_more(callee_id, now, at)
        return is_first

    def ring_no_more(self, callee_id: str, now: float, at: float | None) -> None:
        """Take note that a callee's leg does not ring, or not anymore."""
        was_ringing = self.ringing_since.pop(callee_id, None) is not None
        if not self.ringing_since and (was_ringing or self.rung_until is None):
            self.quiet_since, self.rung_until = now, at

    def answer(self, now: float, at: float | None) -> None:
        """Take note that a callee has answered; the first time counts."""
        if not self.is_answered:
            self.is_answered = True
            self.answered_since, self.answered_at = now, at

    def catch_up(
        self, channel: Mapping[str, Any], talk: Talk | None, now: float
    ) -> None:
        """Make up for what was missed of a call that was placed from here.

        Args:
            channel: as a list of channels has it.
            talk: where its parties talk.
            now: Unix time by our clock.
        """
        state = text_in(channel, "state")
        self.has_rung = self.has_rung or state == "Ringing"
        if state != "Up":
            return
        if self.up_since is None:
            self.up_at, self.up_since = unix_time(channel.get("creationtime")), now
            self.is_partial = True
        if talk is not None:
            self.answer(talk.since, talk.at)
        elif self.dialed or self.is_answered:
            return
        elif running(channel) in _DIALING:
            # Since when a phone rings was missed, so it has its whole ring time.
            self.dialed[UNKNOWN] = "RINGING"
            self.ringing_since[UNKNOWN] = now
        else:
            self.alone_until = now
            if self.alone_since is None:
                self.alone_since = now

    def alone_from(self, *, is_heard: bool) -> float | None:
        """Return from when on nobody is known to have been dialed for this leg.

        Args:
            is_heard: whether events come, which would tell of it. Else what lists
                of channels have said has to do: that it was so for a while.
        """
        if self.request is None or self.dialed or self.is_answered:
            return None
        if self.alone_since is None or is_heard:
            return self.alone_since
        until = self.alone_until
        is_seen = until is not None and until - self.alone_since >= ANSWERS_ITSELF
        return self.alone_since if is_seen else None

    def look_for_ringing(
        self,
        channels: Mapping[str, Mapping[str, Any]],
        now: float,
        at: float,
    ) -> None:
        """Take note of the callees that ring no more, as a list of channels has it.

        Args:
            channels: by their ids.
            now: Unix time by our clock.
            at: likewise, by the PBX's.
        """
        for callee_id in tuple(self.ringing_since):
            if callee_id == UNKNOWN:
                app = running(channels.get(self.id, {}))
                is_ringing = not app or app in _DIALING
            else:
                callee = channels.get(callee_id)
                is_ringing = callee is not None and text_in(callee, "state") != "Up"
            if not is_ringing:
                self.ring_no_more(callee_id, now, at)

    def update(self, state: CallState, at: float | None) -> CallUpdate:
        """Return that it has come to a state, by the PBX's clock."""
        return CallUpdate(
            state=state,
            call_id=self.id,
            originated_call_id=self.id if self.request is not None else "",
            direction=self.direction,
            caller=self.caller,
            callee=self.callee,
            trunk=self.trunk,
            answered_by=self.answered_by,
            at=at,
        )


def _span(start: float | None, end: float | None) -> float | None:
    """Return the seconds from one time to another, to the millisecond."""
    if start is None or end is None:
        return None
    return round(max(end - start, 0), 3)


def mapping_in(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object in a field; an empty one for anything else."""
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def text_in(fields: Mapping[str, Any], name: str) -> str:
    """Return the text in a field; empty for anything else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def running(channel: Mapping[str, Any]) -> str:
    """Return the application of the dialplan that runs on a channel, or nothing."""
    return text_in(mapping_in(channel, "dialplan"), "app_name")

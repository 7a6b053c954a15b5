"""Data model of a call in the sandbox."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .clock import Clock, Timer
from .prompts import Heard

type CallState = Literal["placed", "ringing_callee", "connected", "ended"]
type CallResult = Literal[
    "answered", "no_answer", "busy", "failed", "caller_unreachable"
]
type CallType = Literal["local", "outgoing", "incoming"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origination:
    """A valid originate request."""

    caller: str
    callee: str
    context: str
    caller_id: str
    trunk_name: str = ""
    timeout: int = 30
    call_limit: int | None = None


@dataclass(kw_only=True, slots=True)
class SandboxCall:
    """A call and its current state; times are Unix times."""

    id: str
    unique_id: str
    caller: str
    callee: str
    started: float
    type: CallType = "local"
    context: str = ""
    caller_id: str = ""
    trunk_name: str = ""
    timeout: int = 30
    call_limit: int | None = None
    # Channel of the first leg: the caller's extension, or a trunk.
    channel: str = ""
    state: CallState = "placed"
    result: CallResult | None = None
    # Trunk of an incoming or outgoing call; empty between extensions.
    point: str = ""
    second_leg: float | None = None
    answered: float | None = None
    ended: float | None = None
    # Parties in the report, if it shows others.
    shown: tuple[str, str] | None = None
    # Number that the boxes of the dialplan have called.
    connected_to: str = ""
    # What the caller has heard in the boxes, in order.
    heard: list[Heard] = field(default_factory=list)
    _timers: list[Timer] = field(default_factory=list, repr=False)

    @property
    def incoming(self) -> bool:
        """Whether it is an incoming external call."""
        return self.type == "incoming"

    @property
    def originated_call_id(self) -> str:
        """The ID of an originated call; empty for any other call."""
        return "" if self.incoming else self.id

    @property
    def src(self) -> str:
        """The first party in the report."""
        return self.caller if self.shown is None else self.shown[0]

    @property
    def dst(self) -> str:
        """The second party in the report."""
        return self.callee if self.shown is None else self.shown[1]

    @property
    def second_party(self) -> str:
        """The number of the second leg."""
        return self.connected_to or self.callee

    @property
    def ring_time(self) -> int:
        """Whole seconds of ringing: of the callee, else of the caller."""
        since = self.started if self.second_leg is None else self.second_leg
        until = self.answered if self.answered is not None else self.ended
        return 0 if until is None else round(until - since)

    @property
    def talk_time(self) -> int:
        """Whole seconds of conversation."""
        if self.answered is None or self.ended is None:
            return 0
        return round(self.ended - self.answered)

    def later(self, clock: Clock, delay: float, callback: Callable[[], None]) -> None:
        """Schedule a callback that is canceled when the call leaves this state."""
        self._timers.append(clock.call_later(delay, callback))

    def cancel_timers(self) -> None:
        """Cancel the callbacks of the current state."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

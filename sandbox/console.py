"""What the console says: one line when a call starts and one when it ends."""

from collections.abc import Callable

from .calls import SandboxCall
from .clock import Clock
from .dates import time_of_day


class Console:
    """Writes lines for people, each with the time of day before it."""

    def __init__(
        self,
        clock: Clock,
        echo: Callable[[str], None] | None,
    ) -> None:
        """Write to `echo`, or nowhere."""
        self._clock = clock
        self._echo = echo

    def say(self, text: str) -> None:
        """Write one line."""
        if self._echo is not None:
            self._echo(f"{time_of_day(self._clock.time())}  {text}")

    def started(self, call: SandboxCall) -> None:
        """Write that a call was begun."""
        how = "calls in" if call.incoming else "originated"
        self.say(f"{call.caller} → {call.callee}  {how}")

    def ended(self, call: SandboxCall) -> None:
        """Write how a call ended."""
        self.say(f"{call.caller} → {call.callee}  {outcome(call)}")


def outcome(call: SandboxCall) -> str:
    """Say in words how a call ended."""
    rang = f"{call.ring_time} s"
    match call.result:
        case "answered":
            return f"answered after {rang}, talked {call.talk_time} s"
        case "no_answer":
            return f"not answered, rang {rang}"
        case "busy":
            return "busy"
        case "caller_unreachable":
            return f"caller never reached, tried {rang}"
        case _:
            return "failed, the second leg could not be built"

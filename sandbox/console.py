"""Console output of the sandbox: one line when a call starts and when it ends."""

from collections.abc import Callable

from .calls import SandboxCall
from .clock import Clock
from .dates import time_of_day


class Console:
    """Writes lines with the time of day."""

    def __init__(
        self,
        clock: Clock,
        echo: Callable[[str], None] | None,
    ) -> None:
        """Initialize the console; without `echo`, it writes nothing."""
        self._clock = clock
        self._echo = echo

    def say(self, text: str) -> None:
        """Write one line."""
        if self._echo is not None:
            self._echo(f"{time_of_day(self._clock.time())}  {text}")

    def started(self, call: SandboxCall) -> None:
        """Write that a call has started."""
        how = "incoming" if call.incoming else "originated"
        self.say(f"{call.caller} → {call.callee}  {how}")

    def ended(self, call: SandboxCall) -> None:
        """Write how a call ended."""
        self.say(f"{call.caller} → {call.callee}  {outcome(call)}")


def outcome(call: SandboxCall) -> str:
    """Return a description of the result of a call."""
    rang = f"{call.ring_time} s"
    match call.result:
        case "answered":
            return f"answered after {rang}, talked {call.talk_time} s"
        case "no_answer":
            return f"no answer, rang {rang}"
        case "busy":
            return "busy"
        case "caller_unreachable":
            return f"caller unreachable after {rang}"
        case _:
            return "failed, no second leg"

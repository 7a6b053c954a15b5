"""Run an Asterisk with phones until Ctrl-C."""

from dataclasses import dataclass
import sys

from ..machine import free_port
from ..terminal.printing import Terminal
from ..terminal.program import run
from .configuration import CONTEXT, PHONES, TRUNK
from .process import ProgramError
from .programs import NotInstalledError
from .scenarios import Behavior
from .server import Asterisk

# Asterisk's usual port.
_PORT = 8088
_RING = 2


@dataclass(frozen=True, slots=True)
class _Role:
    """Behavior of a phone, and its description."""

    behavior: Behavior
    description: str
    hang_up_after: float | None = None


_ANSWERS = _Role(Behavior.ANSWER, f"answers after {_RING} s")
_ROLES = {
    "551": _ANSWERS,
    "552": _ANSWERS,
    "553": _Role(Behavior.ANSWER, "answers, and hangs up after 10 s", 10),
    "554": _Role(Behavior.NEVER_ANSWER, "rings, but does not answer"),
    "555": _Role(Behavior.BUSY, "is busy"),
    "556": _Role(Behavior.RING_THEN_DECLINE, "rings, then declines"),
    "557": _Role(Behavior.UNAVAILABLE, "is unavailable"),
    TRUNK: _Role(Behavior.ANSWER, "the trunk: answers every external number"),
}
_DEAD = [number for number in PHONES if number not in _ROLES]


async def serve(terminal: Terminal) -> int:
    """Start Asterisk and the phones, print how to connect, and wait."""
    async with Asterisk(port=free_port(_PORT)) as asterisk:
        terminal.fact("Asterisk", asterisk.url)
        terminal.fact("login", f"{asterisk.username}, password {asterisk.password}")
        read_only = asterisk.read_only_username, asterisk.read_only_password
        terminal.fact("read-only login", "{}, password {}".format(*read_only))
        terminal.fact("context", CONTEXT)
        for number, role in _ROLES.items():
            await asterisk.phone(
                number, role.behavior, ring=_RING, hang_up_after=role.hang_up_after
            )
            terminal.fact(number, role.description)
        terminal.fact(f"{_DEAD[0]} to {_DEAD[-1]}", "not registered")
        terminal.fact("700, *43", "an announcement, an echo test")
        terminal.fact("log", str(asterisk.folder / "log/full"))
        terminal.say()
        terminal.say("Press Ctrl-C to stop.")
        await asterisk.wait()
    return 0


async def main() -> int:
    """Run the command, and return its exit status."""
    try:
        return await serve(Terminal())
    except (NotInstalledError, ProgramError, OSError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

"""Keeps an Asterisk and its phones open for a person, until Ctrl-C."""

from dataclasses import dataclass
import sys

from ..machine import free_port
from ..terminal.printing import Terminal
from ..terminal.program import run
from .configuration import CONTEXT, PHONES, TRUNK
from .process import ProgramError
from .programs import NotInstalledError
from .scenarios import Behaviour
from .server import Asterisk

# Asterisk's usual port.
_PORT = 8088
_RING = 2


@dataclass(frozen=True, slots=True)
class _Role:
    """What one phone does, and how a person is told."""

    behaviour: Behaviour
    told: str
    hang_up_after: float | None = None


_ANSWERS = _Role(Behaviour.ANSWER, f"answers after {_RING} s")
_ROLES = {
    "551": _ANSWERS,
    "552": _ANSWERS,
    "553": _Role(Behaviour.ANSWER, "answers, and hangs up after 10 s", 10),
    "554": _Role(Behaviour.NEVER_ANSWER, "rings, and is not answered"),
    "555": _Role(Behaviour.BUSY, "is busy"),
    "556": _Role(Behaviour.RING_THEN_DECLINE, "rings, then declines"),
    "557": _Role(Behaviour.UNAVAILABLE, "is unavailable"),
    TRUNK: _Role(Behaviour.ANSWER, "outside, by the trunk: answers every number"),
}
_DEAD = [number for number in PHONES if number not in _ROLES]


async def serve(terminal: Terminal) -> int:
    """Start it, say where everything is, and wait."""
    async with Asterisk(port=free_port(_PORT)) as asterisk:
        terminal.fact("Asterisk", asterisk.url)
        terminal.fact("login", f"{asterisk.username}, password {asterisk.password}")
        read_only = asterisk.read_only_username, asterisk.read_only_password
        terminal.fact("may only read", "{}, password {}".format(*read_only))
        terminal.fact("context", CONTEXT)
        for number, role in _ROLES.items():
            await asterisk.phone(
                number, role.behaviour, ring=_RING, hang_up_after=role.hang_up_after
            )
            terminal.fact(number, role.told)
        terminal.fact(f"{_DEAD[0]} to {_DEAD[-1]}", "not there")
        terminal.fact("700, *43", "an announcement, an echo")
        terminal.fact("log", str(asterisk.folder / "log/full"))
        terminal.say()
        terminal.say("Ctrl-C ends it.")
        await asterisk.wait()
    return 0


async def main() -> int:
    """Serve; where something does not start, say why."""
    try:
        return await serve(Terminal())
    except (NotInstalledError, ProgramError, OSError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run(main()))

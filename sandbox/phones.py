"""Virtual phones: lookup by number, behavior, and lines in use."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from .config import SandboxConfig
from .model import BehaviorName, Phone, Role

type LineState = Literal["Ringing", "InUse"]
type PhoneState = Literal["Idle", "Ringing", "InUse", "Unavailable"]

# Seconds until the network reports that a line is busy.
ENGAGED_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Ring:
    """The result of ringing a phone, and the seconds until then."""

    result: BehaviorName
    seconds: float

    @property
    def is_heard(self) -> bool:
        """Whether the phone rings at all."""
        return self.result not in {"busy", "unreachable"}


class Phones:
    """All extensions and external numbers, and their lines in use."""

    def __init__(self, config: Callable[[], SandboxConfig]) -> None:
        """Initialize with a function that returns the current configuration."""
        self._config = config
        self._lines: dict[str, dict[str, LineState]] = {}

    def extension(self, number: str) -> Phone | None:
        """Return the extension with this number."""
        phones = self._config().phones
        return next((phone for phone in phones if phone.number == number), None)

    def is_internal(self, number: str) -> bool:
        """Return whether a number is an extension; all others are external."""
        return self.extension(number) is not None

    def find(self, number: str) -> Phone:
        """Return the phone of a number; external numbers can match a pattern."""
        if (phone := self.extension(number)) is not None:
            return phone
        external = self._config().external
        matches = (phone for phone in external if fnmatchcase(number, phone.number))
        return next(matches, Phone(number))

    def ring(self, number: str, role: Role, timeout: float) -> Ring:
        """Return the result of ringing this number now."""
        phone = self.find(number)
        manner = phone.manner(role)
        if len(self._lines.get(number, ())) >= phone.lines:
            return Ring("busy", min(ENGAGED_AFTER, timeout))
        if not phone.active:
            return Ring("unreachable", min(manner.after, timeout))
        if manner.behavior == "no_answer" or manner.after >= timeout:
            return Ring("no_answer", timeout)
        return Ring(manner.behavior, manner.after)

    def state(self, number: str) -> PhoneState:
        """Return the state of the phone of a number."""
        states = set(self._lines.get(number, {}).values())
        if "InUse" in states:
            return "InUse"
        if "Ringing" in states:
            return "Ringing"
        phone = self.find(number)
        if not phone.active or phone.behavior == "unreachable":
            return "Unavailable"
        return "Idle"

    def put(self, number: str, call_id: str, state: LineState) -> None:
        """Set the state of a line that a call uses."""
        self._lines.setdefault(number, {})[call_id] = state

    def release(self, number: str, call_id: str) -> bool:
        """Release the line of a call; return whether it used one."""
        lines = self._lines.get(number, {})
        had = lines.pop(call_id, None) is not None
        if not lines:
            self._lines.pop(number, None)
        return had

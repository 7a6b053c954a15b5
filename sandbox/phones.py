"""The virtual phones: who has which number, and what each is doing."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from .config import SandboxConfig
from .model import BehaviourName, Phone, Role

type LineState = Literal["Ringing", "InUse"]
type PhoneState = Literal["Idle", "Ringing", "InUse", "Unavailable"]

# How long the network takes to say that a line is taken.
ENGAGED_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Ring:
    """How ringing a phone will go."""

    result: BehaviourName
    seconds: float

    @property
    def is_heard(self) -> bool:
        """Whether the phone rings at all."""
        return self.result not in {"busy", "unreachable"}


class Phones:
    """Every phone, inside and outside, and the lines in use."""

    def __init__(self, config: Callable[[], SandboxConfig]) -> None:
        """Take the phones from the configuration of the moment."""
        self._config = config
        self._lines: dict[str, dict[str, LineState]] = {}

    def extension(self, number: str) -> Phone | None:
        """Return the internal phone that has this very number."""
        phones = self._config().phones
        return next((phone for phone in phones if phone.number == number), None)

    def is_internal(self, number: str) -> bool:
        """Whether a number is an extension: all others are external numbers."""
        return self.extension(number) is not None

    def find(self, number: str) -> Phone:
        """Return the phone behind a number, which for outside ones may be a pattern."""
        if (phone := self.extension(number)) is not None:
            return phone
        outside = self._config().outside
        matches = (phone for phone in outside if fnmatchcase(number, phone.number))
        return next(matches, Phone(number))

    def ring(self, number: str, role: Role, timeout: float) -> Ring:
        """Tell how ringing this number now would go."""
        phone = self.find(number)
        manner = phone.manner(role)
        if len(self._lines.get(number, ())) >= phone.lines:
            return Ring("busy", min(ENGAGED_AFTER, timeout))
        if not phone.active:
            return Ring("unreachable", min(manner.after, timeout))
        if manner.behaviour == "no_answer" or manner.after >= timeout:
            return Ring("no_answer", timeout)
        return Ring(manner.behaviour, manner.after)

    def state(self, number: str) -> PhoneState:
        """Return what the phone of a number is doing."""
        states = set(self._lines.get(number, {}).values())
        if "InUse" in states:
            return "InUse"
        if "Ringing" in states:
            return "Ringing"
        phone = self.find(number)
        if not phone.active or phone.behaviour == "unreachable":
            return "Unavailable"
        return "Idle"

    def put(self, number: str, call_id: str, state: LineState) -> None:
        """Note that a call has one of this number's lines."""
        self._lines.setdefault(number, {})[call_id] = state

    def release(self, number: str, call_id: str) -> bool:
        """Note that a call is done with this number; tell whether it had it."""
        lines = self._lines.get(number, {})
        had = lines.pop(call_id, None) is not None
        if not lines:
            self._lines.pop(number, None)
        return had

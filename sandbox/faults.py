"""Misbehaviour that can be switched on, request by request."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

type FaultKind = Literal[
    "refuse",
    "hang",
    "reset",
    "status_500",
    "html",
    "truncated",
    "slow",
    "flood",
    "redirect",
    "no_id",
    "success_as_string",
    "wrong_shape",
]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind.__value__)

# These change the answer to a request, or its moment, but never withhold it.
HARMLESS: frozenset[str] = frozenset({"slow", "success_as_string"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of going wrong.

    `placed` says whether an originate request that meets the fault has rung
    somebody's phone nevertheless. With `slow`, it says whether it does so at
    once, long before the answer.
    """

    kind: FaultKind
    times: int | None = None
    placed: bool = False
    seconds: float = 10.0
    message: str = "Requested operation failed"
    megabytes: int = 64
    location: str = "/elsewhere"

    @property
    def withholds(self) -> bool:
        """Whether an originate request is swallowed: no phone rings."""
        if self.kind == "refuse":
            return True
        return self.kind not in HARMLESS and not self.placed


class Faults:
    """The faults in force, by request path; `*` stands for every path."""

    def __init__(self) -> None:
        """Start without any."""
        self._faults: dict[str, Fault] = {}

    def set(self, path: str, fault: Fault) -> None:
        """Put one in force, in place of whatever was there for that path."""
        self._faults[path] = fault

    def clear(self, path: str | None = None) -> None:
        """End the fault of one path, or all of them."""
        if path is None:
            self._faults.clear()
        else:
            self._faults.pop(path, None)

    def active(self) -> dict[str, Fault]:
        """Return the faults in force."""
        return dict(self._faults)

    def take(self, path: str) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for key in (path, "*"):
            if (fault := self._faults.get(key)) is None:
                continue
            if fault.times is not None:
                self._count_down(key, fault)
            return fault
        return None

    def _count_down(self, key: str, fault: Fault) -> None:
        left = (fault.times or 0) - 1
        if left <= 0:
            del self._faults[key]
        else:
            self._faults[key] = replace(fault, times=left)

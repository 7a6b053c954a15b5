"""Faults that can be activated per request path."""

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

# These delay or alter the response, but always perform the request.
HARMLESS: frozenset[str] = frozenset({"slow", "success_as_string"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a request.

    `placed` is whether an affected originate request places the call anyway. With
    `slow`, it is whether the call is placed before the delay instead of after it.
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
        """Whether a request that changes something is dropped without effect.

        An originate request then places no call.
        """
        if self.kind == "refuse":
            return True
        return self.kind not in HARMLESS and not self.placed


class Faults:
    """The active faults by request path; `*` matches every path."""

    def __init__(self) -> None:
        """Initialize without faults."""
        self._faults: dict[str, Fault] = {}

    def set(self, path: str, fault: Fault) -> None:
        """Activate a fault, replacing that of the same path."""
        self._faults[path] = fault

    def clear(self, path: str | None = None) -> None:
        """Clear the fault of one path, or all faults."""
        if path is None:
            self._faults.clear()
        else:
            self._faults.pop(path, None)

    def active(self) -> dict[str, Fault]:
        """Return the active faults."""
        return dict(self._faults)

    def take(self, path: str, *, by_star: bool = True) -> Fault | None:
        """Return the fault of a request, and decrement its counter.

        Args:
            path: of the request.
            by_star: whether the fault of every path counts, too.
        """
        for key in (path, "*") if by_star else (path,):
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

"""Switching faults on and off."""

import pytest

from sandbox import Fault, Faults
from sandbox.faults import FAULT_KINDS


def test_a_fault_lasts_until_it_is_cleared() -> None:
    """Without a number of times it stays."""
    faults = Faults()
    fault = Fault("hang")
    faults.set("/a", fault)
    assert faults.take("/a") is fault
    assert faults.take("/a") is fault
    assert faults.take("/b") is None
    faults.clear("/a")
    assert faults.take("/a") is None
    faults.clear("/a")


def test_a_fault_can_be_for_the_next_requests_only() -> None:
    """It is gone when it has been met often enough."""
    faults = Faults()
    faults.set("/a", Fault("reset", times=2))
    assert faults.take("/a")
    assert faults.active()["/a"].times == 1
    assert faults.take("/a")
    assert faults.active() == {}


def test_a_path_s_own_fault_comes_before_that_of_all() -> None:
    """The star stands for every path that has none."""
    faults = Faults()
    faults.set("*", Fault("html"))
    faults.set("/a", Fault("slow"))
    assert faults.take("/a") == Fault("slow")
    assert faults.take("/b") == Fault("html")
    faults.clear()
    assert faults.active() == {}


def test_a_path_that_the_star_does_not_stand_for() -> None:
    """Only its own fault counts, and that of all is not used up."""
    faults = Faults()
    faults.set("*", Fault("html", times=1))
    assert faults.take("/box/say", by_star=False) is None
    faults.set("/box/say", Fault("hang"))
    assert faults.take("/box/say", by_star=False) == Fault("hang")
    assert faults.take("/a") == Fault("html", times=1)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_which_faults_swallow_a_request(kind: str) -> None:
    """A refusal always does; others unless the call is placed all the same."""
    swallows = Fault(kind)  # type: ignore[arg-type]
    assert swallows.withholds is (kind not in {"slow", "success_as_string"})
    placed = Fault(kind, placed=True)  # type: ignore[arg-type]
    assert placed.withholds is (kind == "refuse")

"""What the soak counts: a check that cannot fail would be none."""

import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox import Sandbox
from scripts.support.soak import Soak, Usage, parties


def good_state() -> Soak:
    """Return the state of four calls without violations."""
    soak = Soak(placed={"1", "2"}, uncertain={"3"}, refused={"4"})
    for callee, result in (("1", "answered"), ("2", "busy"), ("3", "undetermined")):
        soak.ended({"data": {"callee": callee, "result": result}})
    return soak


def sandbox(**results: str) -> Sandbox:
    """Return a PBX that has placed some calls."""
    calls = [
        SimpleNamespace(callee=callee.lstrip("_").partition("_")[0], result=result)
        for callee, result in results.items()
    ]
    return cast("Sandbox", SimpleNamespace(calls=calls))


PLACED = {"_1": "answered", "_2": "busy"}


def violations(soak: Soak, **results: str) -> set[str]:
    """Return the violated guarantees."""
    return {what for what, n in soak.violations(sandbox(**results)).items() if n}


def test_all_is_well() -> None:
    """No violations; a callee that was never called has an undetermined result."""
    assert violations(good_state(), **PLACED) == set()


@pytest.mark.parametrize(
    ("change", "results", "what"),
    [
        ({}, {**PLACED, "_1_again": "busy"}, "calls placed twice"),
        ({}, {**PLACED, "_4": "busy"}, "calls refused but placed"),
        ({"1": []}, PLACED, "calls without an end"),
        ({"1": ["answered"] * 2}, PLACED, "calls with more than one end"),
        ({"4": ["failed"]}, PLACED, "ends of refused calls"),
        ({"1": ["busy"]}, PLACED, "results different from the PBX's"),
        ({"1": ["undetermined"]}, PLACED, "lost results"),
    ],
)
def test_violations(change: dict[str, list[str]], results: Any, what: str) -> None:  # noqa: ANN401 - names of fields
    """Each violation is counted."""
    soak = good_state()
    soak.ends.update(change)

    assert what in violations(soak, **results)


def test_parties() -> None:
    """No callee is called twice, and every kind of call is among them."""
    pairs = list(parties(1000))

    assert len({callee for _, callee in pairs}) == 1000
    assert {caller for caller, _ in pairs} == {"101", "104", "105"}
    assert {callee[0] for caller, callee in pairs if caller == "101"} == set("1234")


def test_usage() -> None:
    """Memory and files are those of the process."""
    before = Usage.of(os.getpid())
    with open(os.devnull, encoding="ascii"):  # noqa: PTH123 - a descriptor is all it is
        held = bytes(64 * 1024 * 1024)
        used = Usage.of(os.getpid())

    assert used.files == before.files + 1
    assert used.memory >= before.memory
    assert used.memory > 1024 * 1024
    assert len(held) > 0

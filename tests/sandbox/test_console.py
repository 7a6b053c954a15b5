"""What the console says."""

import pytest

from sandbox import ManualClock, SandboxCall
from sandbox.calls import CallResult
from sandbox.console import Console, outcome

from .helpers import Pbx


def _ended(result: CallResult) -> SandboxCall:
    call = SandboxCall(id="a", unique_id="1.1", caller="1", callee="2", started=0)
    call.second_leg = None if result == "caller_unreachable" else 2.0
    call.answered = 5.0 if result == "answered" else None
    call.ended, call.result = 17.0, result
    return call


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("answered", "answered after 3 s, talked 12 s"),
        ("no_answer", "no answer, rang 15 s"),
        ("busy", "busy"),
        ("failed", "failed, no second leg"),
        ("caller_unreachable", "caller unreachable after 17 s"),
    ],
)
def test_outcome(result: CallResult, text: str) -> None:
    """One sentence for each."""
    assert outcome(_ended(result)) == text


async def test_a_line_when_a_call_starts_and_one_when_it_ends(
    pbx: Pbx, lines: list[str]
) -> None:
    """With the time of day before it."""
    await pbx.originate("106", "102")
    pbx.sandbox.incoming("0915", "107")
    await pbx.clock.advance(60)
    assert [line[10:] for line in lines] == [
        "106 → 102  originated",
        "0915 → 107  incoming",
        "0915 → 107  busy",
        "106 → 102  answered after 4 s, talked 15 s",
    ]
    assert lines[0][2] == lines[0][5] == ":"


def test_without_anybody_to_tell(clock: ManualClock) -> None:
    """Nothing is said."""
    Console(clock, None).say("not shown")

"""What is made of the measured times: ratios, a table and a line of JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import json
from statistics import median, quantiles

type Rounds = Mapping[str, Sequence[float]]
"""By the name of what was measured: its seconds in each round, in order."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing measured against another.

    Attributes:
        ours: the name of what is measured, among the rounds.
        other: the name of what it is measured against.
        goal: the ratio that it should not be above; None where there is none.
    """

    ours: str
    other: str
    goal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What a comparison has come to.

    Attributes:
        what: what was done.
        ours, other: by what means, or in which circumstances.
        ours_us, other_us: the medians of both, in microseconds.
        ratio: the median of the ratios of the rounds.
        low, high: between which the middle half of those ratios lies.
        goal: as in the comparison.
    """

    what: str
    ours: str
    other: str
    ours_us: float
    other_us: float
    ratio: float
    low: float
    high: float
    goal: float | None


def compare(what: str, comparison: Comparison, rounds: Rounds) -> Ratio:
    """Return the ratio of two things; each round is compared with itself.

    What slows the machine down for a while slows both of a round down.
    """
    ours, other = rounds[comparison.ours], rounds[comparison.other]
    ratios = [mine / its for mine, its in zip(ours, other, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Ratio(
        what=what,
        ours=comparison.ours,
        other=comparison.other,
        ours_us=round(median(ours) * 1e6, 2),
        other_us=round(median(other) * 1e6, 2),
        ratio=round(median(ratios), 3),
        low=round(low, 3),
        high=round(high, 3),
        goal=comparison.goal,
    )


def turns(names: Sequence[str], round_number: int) -> Sequence[str]:
    """Return the order of a round: each of them is the first in its turn."""
    first = round_number % len(names)
    return (*names[first:], *names[:first])


def as_table(ratios: Sequence[Ratio]) -> str:
    """Return the ratios as a table, in Markdown."""
    header = ("What", "This", "Against", "Ratio", "Middle half", "Goal")
    rows = [header, *(_cells(ratio) for ratio in ratios)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join((lines[0], f"|{rule}|", *lines[1:]))


def as_json(ratios: Sequence[Ratio], **facts: object) -> str:
    """Return the ratios and what else was found out, on one line."""
    return json.dumps({**facts, "ratios": [asdict(ratio) for ratio in ratios]})


def _cells(ratio: Ratio) -> tuple[str, ...]:
    return (
        ratio.what,
        f"{ratio.ours}: {_time(ratio.ours_us)}",
        f"{ratio.other}: {_time(ratio.other_us)}",
        f"{ratio.ratio:.2f}",
        f"{ratio.low:.2f} to {ratio.high:.2f}",
        "none" if ratio.goal is None else f"≤ {ratio.goal:.1f}",
    )


def _time(microseconds: float) -> str:
    if microseconds >= 1000:  # noqa: PLR2004 - of which a millisecond has so many
        return f"{microseconds / 1000:.2f} ms"
    return f"{microseconds:.1f} µs"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"

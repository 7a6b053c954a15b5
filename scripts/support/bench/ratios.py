"""Evaluation of the measurements: ratios, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import json
from statistics import median, quantiles

type Rounds = Mapping[str, Sequence[float]]
"""Seconds of each round by the name of the measurement."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two measurements.

    Attributes:
        ours: name of the measurement.
        other: name of the measurement that it is compared with.
        goal: maximum ratio; None: no goal.
    """

    ours: str
    other: str
    goal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The result of a comparison.

    Attributes:
        what: was measured.
        ours, other: names of the measurements.
        ours_us, other_us: their medians in microseconds.
        ratio: median of the ratios of the rounds.
        low, high: first and third quartile of these ratios.
        goal: of the comparison.
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
    """Return the ratio of two measurements, calculated for each round.

    A temporary slowdown of the machine affects both measurements of a round.
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
    """Return the order of a round; the first name rotates."""
    first = round_number % len(names)
    return (*names[first:], *names[:first])


def as_table(ratios: Sequence[Ratio]) -> str:
    """Return the ratios as a Markdown table."""
    header = ("What", "This", "Against", "Ratio", "Middle half", "Goal")
    rows = [header, *(_cells(ratio) for ratio in ratios)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join((lines[0], f"|{rule}|", *lines[1:]))


def as_json(ratios: Sequence[Ratio], **facts: object) -> str:
    """Return the ratios and other facts as one line of JSON."""
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
    if microseconds >= 1000:  # noqa: PLR2004 - microseconds of a millisecond
        return f"{microseconds / 1000:.2f} ms"
    return f"{microseconds:.1f} µs"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"

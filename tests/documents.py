"""The README, taken apart for the tests that hold it to its word."""

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
import re

ROOT = Path(__file__).parents[1]

_HEADING = re.compile(r"(?P<level>#+) (?P<title>.+)")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class YamlBlock:
    """A block of YAML, and the heading that it stands under."""

    heading: str
    text: str


def readme() -> str:
    """Return the README."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def yaml_blocks() -> list[YamlBlock]:
    """Return the README's blocks of YAML, in order."""
    blocks: list[YamlBlock] = []
    heading = language = ""
    lines: list[str] = []
    for line in readme().splitlines():
        if line.startswith("```"):
            if language == "yaml":
                blocks.append(YamlBlock(heading, "\n".join(lines)))
            language = "" if language else line.removeprefix("```") or "text"
            lines = []
        elif language:
            lines.append(line)
        elif match := _HEADING.fullmatch(line):
            heading = match["title"]
    return blocks


def headings(text: str) -> list[str]:
    """Return the titles of a document, in order."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [
        match["title"]
        for line in outside.splitlines()
        if (match := _HEADING.fullmatch(line))
    ]


def table(heading: str, first_column: str) -> list[dict[str, str]]:
    """Return the rows of the table below a heading that begins with a column.

    The cells are by the titles of their columns, without their backquotes.
    """
    text = readme().partition(f"# {heading}\n")[2]
    lines = iter(text.splitlines())
    titles: list[str] = []
    while titles[:1] != [first_column]:
        titles = _cells(next(lines))
    rows = [_cells(line) for line in takewhile(_is_row, lines)]
    return [dict(zip(titles, row, strict=True)) for row in rows[1:]]


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _cells(line: str) -> list[str]:
    cells = _CELL.split(line.strip())[1:-1]
    return [cell.strip().replace("`", "") for cell in cells]

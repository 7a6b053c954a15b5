"""The documentation, taken apart for the tests that compare it with the code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
import re
from typing import Any

ROOT = Path(__file__).parents[1]

# The pages of the documentation, by their paths below the root of the repository.
PAGES = [
    str(path.relative_to(ROOT))
    for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))
]

_HEADING = re.compile(r"(?P<level>#+) (?P<title>.+)")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block, and the page and the heading that it belongs to."""

    page: str
    heading: str
    language: str
    text: str


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[Block]:
    """Return the code blocks of a page in a language, in order."""
    found: list[Block] = []
    heading = fence = current = ""
    lines: list[str] = []
    for line in read(page).splitlines():
        text = line.strip()
        if text.startswith("```"):
            if fence:
                indent = len(fence) - len(fence.lstrip())
                content = "\n".join(each[indent:] for each in lines)
                found.append(Block(page, heading, current, content))
            current = text.removeprefix("```") or "text"
            fence = "" if fence else line
            lines = []
        elif fence:
            lines.append(line)
        elif match := _HEADING.fullmatch(line):
            heading = match["title"]
    return [block for block in found if block.language == language]


def headings(text: str) -> list[str]:
    """Return the titles of a page, in order."""
    outside = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [
        match["title"]
        for line in outside.splitlines()
        if (match := _HEADING.fullmatch(line))
    ]


def table(page: str, first_column: str) -> list[dict[str, str]]:
    """Return the rows of the first table of a page that begins with a column.

    The cells are by the titles of their columns, without their backquotes.
    """
    lines = iter(read(page).splitlines())
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


def mappings(node: object) -> Iterator[Mapping[str, Any]]:
    """Return every mapping in a configuration."""
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from mappings(value)
    elif isinstance(node, list):
        for value in node:
            yield from mappings(value)

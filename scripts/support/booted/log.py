"""Home Assistant's log, and what in it should not be there."""

from collections.abc import Collection, Iterator
import re

_RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^]]*)\] "
)
_WORRYING = frozenset({"ERROR", "CRITICAL"})
# Refusing an action is one of the things that Home Assistant logs as an error.
_REFUSER = "homeassistant.components.websocket_api"


def records(text: str) -> Iterator[str]:
    """Split a log into its records, each with the lines that belong to it."""
    record: list[str] = []
    for line in text.splitlines():
        if _RECORD.match(line) and record:
            yield "\n".join(record)
            record = []
        record.append(line)
    if record:
        yield "\n".join(record)


def problems(text: str, *, expected: Collection[str] = ()) -> list[str]:
    """Return the records of errors and tracebacks, but for expected refusals."""
    return [record for record in records(text) if _is_problem(record, tuple(expected))]


def _is_problem(record: str, expected: tuple[str, ...]) -> bool:
    if "Traceback (most recent call last)" in record:
        return True
    if (match := _RECORD.match(record)) is None or match["level"] not in _WORRYING:
        return False
    refused = match["logger"].startswith(_REFUSER)
    return not (refused and any(sentence in record for sentence in expected))

"""Search for problems in the log of Home Assistant."""

from collections.abc import Collection, Iterator
import re

_RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^]]*)\] "
)
_WORRYING = frozenset({"ERROR", "CRITICAL"})
# Home Assistant logs refused actions as errors.
_REFUSER = "homeassistant.components.websocket_api"


def records(text: str) -> Iterator[str]:
    """Split a log into records, each with its continuation lines."""
    record: list[str] = []
    for line in text.splitlines():
        if _RECORD.match(line) and record:
            yield "\n".join(record)
            record = []
        record.append(line)
    if record:
        yield "\n".join(record)


def problems(text: str, *, expected: Collection[str] = ()) -> list[str]:
    """Return the records with errors and tracebacks, except for expected refusals."""
    return [record for record in records(text) if _is_problem(record, tuple(expected))]


def _is_problem(record: str, expected: tuple[str, ...]) -> bool:
    if "Traceback (most recent call last)" in record:
        return True
    if (match := _RECORD.match(record)) is None or match["level"] not in _WORRYING:
        return False
    refused = match["logger"].startswith(_REFUSER)
    return not (refused and any(sentence in record for sentence in expected))

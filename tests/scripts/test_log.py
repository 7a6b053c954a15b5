"""The demo's judgement of Home Assistant's log."""

import pytest

from scripts.support.booted.log import problems, records

WEBSOCKET = "homeassistant.components.websocket_api.http.connection"


def _record(level: str, message: str, logger: str = "homeassistant.core") -> str:
    return f"2026-11-23 12:31:20.924+00:00 {level} (MainThread) [{logger}] {message}"


def test_records_keep_their_lines() -> None:
    """A traceback belongs to the record before it."""
    first = _record("ERROR", "Oh\nTraceback (most recent call last):\n  File x")
    second = _record("INFO", "Well")
    assert list(records(f"{first}\n{second}\n")) == [first, second]


def test_nothing_printed_is_no_problem() -> None:
    """An empty log has no records."""
    assert problems("") == []


@pytest.mark.parametrize("level", ["ERROR", "CRITICAL"])
def test_errors_are_problems(level: str) -> None:
    """What is worse than a warning should not be there."""
    assert problems(_record(level, "Oh")) == [_record(level, "Oh")]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_less_is_none(level: str) -> None:
    """A warning may be there."""
    assert problems(_record(level, "Well")) == []


def test_a_traceback_is_a_problem_wherever_it_is() -> None:
    """Even under a warning, or printed by no logger at all."""
    traceback = "Traceback (most recent call last):\n  File x"
    assert problems(_record("WARNING", f"Oh\n{traceback}"))
    assert problems(traceback)


def test_an_expected_refusal_is_no_problem() -> None:
    """Home Assistant logs an action that it refuses as an error."""
    refusal = _record("ERROR", "a trunk is missing", WEBSOCKET)
    assert problems(refusal, expected=["trunk"]) == []
    assert problems(refusal) == [refusal]


def test_only_a_refusal_can_be_expected() -> None:
    """The same words from elsewhere are an error like any other."""
    error = _record("ERROR", "a trunk is missing", "custom_components.pbx")
    assert problems(error, expected=["trunk"]) == [error]

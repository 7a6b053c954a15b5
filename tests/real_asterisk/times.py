"""Tolerances for durations in tests."""

_EARLY, _LATE = 0.3, 5


def is_about(measured: float, seconds: float, early: float = _EARLY) -> bool:
    """Return whether a duration matches, with tolerance for a busy machine."""
    return seconds - early <= measured < seconds + _LATE

"""How long something took, on any machine."""

_EARLY, _LATE = 0.3, 5


def is_about(measured: float, seconds: float, early: float = _EARLY) -> bool:
    """Whether something took so many seconds, or the few more of a busy machine."""
    return seconds - early <= measured < seconds + _LATE

"""What a Simotel tells of its own clock.

Source: Simotel's v4 document of the originate request, whose sample answers
with ``orig.call.1703145054.787335``; that this is a time is not documented.
"""

from datetime import UTC
from email.utils import parsedate_to_datetime
import math
import re

# Numbers that are longer than any time are turned away by the pattern.
_CALL_ID = re.compile(r"orig\.call\.(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)


def call_time(originated_call_id: str) -> float | None:
    """Return the Unix time in a call's id, if it has one."""
    found = _CALL_ID.fullmatch(originated_call_id)
    return float(found[1]) if found else None


def clock_offset(date: str, now: float) -> float | None:
    """Return how many whole seconds a PBX's clock is ahead of ours.

    Args:
        date: the `Date` header of an answer, which has no fractions of seconds.
        now: Unix time by our clock.

    Returns:
        None for what is no date.
    """
    try:
        told = parsedate_to_datetime(date)
    except ValueError, TypeError, IndexError, OverflowError:
        return None
    # HTTP's dates are in UTC, whether they say so or not.
    told = told.replace(tzinfo=told.tzinfo or UTC)
    return told.timestamp() - math.floor(now)

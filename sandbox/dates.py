"""Date formats of the PBX."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import jdatetime  # type: ignore[import-untyped]  # it brings no types

from .model import Dates


def gregorian(when: float, zone: str) -> str:
    """Format a Unix time in the Gregorian calendar."""
    return f"{_local(when, zone):%Y-%m-%d %H:%M:%S}"


def jalali(when: float, zone: str) -> str:
    """Format a Unix time in the Jalali calendar of Iran."""
    local = _local(when, zone)
    day = jdatetime.date.fromgregorian(date=local.date())
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d} {local:%H:%M:%S}"


def mongo(when: float) -> dict[str, object]:
    """Format a Unix time like an export of MongoDB."""
    return {"$date": {"$numberLong": str(round(when * 1000))}}


def written(when: float, zone: str, dates: Dates) -> object:
    """Format a Unix time in the configured format."""
    if dates == "mongo":
        return mongo(when)
    return jalali(when, zone) if dates == "jalali" else gregorian(when, zone)


def time_of_day(when: float) -> str:
    """Format the time of day in the local time zone."""
    return f"{datetime.fromtimestamp(when, UTC).astimezone():%H:%M:%S}"


def _local(when: float, zone: str) -> datetime:
    return datetime.fromtimestamp(when, UTC).astimezone(ZoneInfo(zone))

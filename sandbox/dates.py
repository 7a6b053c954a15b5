"""Dates as the PBX writes them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import jdatetime  # type: ignore[import-untyped]  # it brings no types

from .model import Dates


def gregorian(when: float, zone: str) -> str:
    """Write a Unix time in the Gregorian calendar."""
    return f"{_local(when, zone):%Y-%m-%d %H:%M:%S}"


def jalali(when: float, zone: str) -> str:
    """Write a Unix time in the Jalali calendar, as Iran does."""
    local = _local(when, zone)
    day = jdatetime.date.fromgregorian(date=local.date())
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d} {local:%H:%M:%S}"


def mongo(when: float) -> dict[str, object]:
    """Write a Unix time as the database's own export does."""
    return {"$date": {"$numberLong": str(round(when * 1000))}}


def written(when: float, zone: str, dates: Dates) -> object:
    """Write a Unix time in the configured way."""
    if dates == "mongo":
        return mongo(when)
    return jalali(when, zone) if dates == "jalali" else gregorian(when, zone)


def time_of_day(when: float) -> str:
    """Write the time of day, in this machine's own zone."""
    return f"{datetime.fromtimestamp(when, UTC).astimezone():%H:%M:%S}"


def _local(when: float, zone: str) -> datetime:
    return datetime.fromtimestamp(when, UTC).astimezone(ZoneInfo(zone))

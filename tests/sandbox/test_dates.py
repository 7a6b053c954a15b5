"""Dates as the PBX writes them."""

import re

from sandbox.dates import gregorian, jalali, time_of_day, written

from .helpers import START

ZONE = "Asia/Tehran"


def test_calendars() -> None:
    """The same moment in each calendar, in the server's zone."""
    assert gregorian(START, ZONE) == "2023-06-13 12:56:40"
    assert jalali(START, ZONE) == "1402-03-23 12:56:40"
    assert jalali(1_662_920_001, ZONE) == "1401-06-20 22:43:21"
    assert gregorian(START, "UTC") == "2023-06-13 09:26:40"


def test_written_as_configured() -> None:
    """The report's three ways."""
    assert written(START, ZONE, "jalali") == jalali(START, ZONE)
    assert written(START, ZONE, "gregorian") == gregorian(START, ZONE)
    assert written(START, ZONE, "mongo") == {"$date": {"$numberLong": "1686648400000"}}


def test_time_of_day() -> None:
    """The console shows this machine's time."""
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time_of_day(START))

"""Dates in the Jalali calendar, the civil one of Iran."""

from datetime import date
from typing import Final

# 1 Farvardin 979, and the lengths of the cycles that follow, in days: 33 years, and
# four years of which the first is a leap year.
_EPOCH: Final = date(1600, 3, 20).toordinal()
_EPOCH_YEAR: Final = 979
_CYCLE_YEARS, _CYCLE_DAYS = 33, 12_053
_FOUR_YEARS: Final = 1461
_YEAR: Final = 365
# The first six months have 31 days, the others 30.
_LONG, _SHORT = 31, 30
_LONG_MONTHS: Final = 6


def jalali_date(day: date) -> tuple[int, int, int]:
    """Return year, month and day of a date.

    It follows the 33-year rule, which agrees with the astronomical one from 1799 to
    2256.
    """
    cycles, left = divmod(day.toordinal() - _EPOCH, _CYCLE_DAYS)
    fours, left = divmod(left, _FOUR_YEARS)
    year = _EPOCH_YEAR + _CYCLE_YEARS * cycles + 4 * fours
    if left > _YEAR:
        # Past the leap year, which comes first.
        years, left = divmod(left - 1, _YEAR)
        year += years
    if left < _LONG_MONTHS * _LONG:
        month, day_of_month = divmod(left, _LONG)
    else:
        month, day_of_month = divmod(left - _LONG_MONTHS * _LONG, _SHORT)
        month += _LONG_MONTHS
    return year, month + 1, day_of_month + 1

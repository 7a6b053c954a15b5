"""Tests of what a PBX tells of its clock."""

import pytest

from custom_components.pbx.backends.simotel.times import call_time


@pytest.mark.parametrize(
    ("call_id", "expected"),
    [
        ("orig.call.1703145054.787335", 1703145054.787335),
        ("orig.call.1703145054", 1703145054.0),
        ("orig.call.0.000000", 0.0),
        ("orig.call.-5.1", None),
        ("orig.call.nan", None),
        ("orig.call.inf", None),
        ("orig.call.1e3", None),
        ("orig.call." + "9" * 400, None),
        ("orig.call.1703145054.787335.1", None),
        ("orig.call.1703145054.787335\n", None),
        ("orig.call.۱۷۰۳۱۴۵۰۵۴", None),
        ("1703145054.787335", None),
        ("orig.call.", None),
        ("", None),
    ],
)
def test_call_time(call_id: str, expected: float | None) -> None:
    """A call's id tells its time, if it is one of the documented form."""
    assert call_time(call_id) == expected

"""Tests of emergency numbers, and of prefixes and codes before them."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.calls import emergency
from custom_components.pbx.calls.emergency import is_emergency_number, strip_codes
from custom_components.pbx.flows.dialing_rules import parse_emergency_number


@pytest.mark.parametrize(
    ("region", "numbers"),
    [
        ("IR", "110 112 113 114 115 123 125"),
        ("DE", "110 112"),
        ("FR", "15 17 18 112 114 119 196 197"),
        ("ES", "112 061 062 080 091 092"),
        ("IT", "112 113 117 118 1530"),
        ("GB", "112 999"),
        ("US", "911 988"),
        ("CA", "911"),
        ("AE", "997 998 999"),
        ("SA", "911 993 996 997 998 999"),
        ("EG", "122 123 180"),
        ("TR", "112 155 156 158 177"),
        ("UZ", "101 102 103"),
        ("JP", "110 118 119"),
        ("CH", "117 118 144 1414"),
        ("AU", "000 112"),
        # In the library only.
        ("CL", "131 132 133"),
        ("FI", "112"),
        (None, "000 110 112 113 115 117 118 119 911 999"),
        ("XX", "000 110 112 113 115 117 118 119 911 999"),
    ],
)
def test_country(region: str | None, numbers: str) -> None:
    """Numbers of the library and the table count, and three in every country."""
    for number in {*numbers.split(), "112", "911", "999"}:
        assert is_emergency_number(number, region), number


@pytest.mark.parametrize(
    ("region", "number"),
    [("DE", "125"), ("DE", "1101"), ("IR", "101"), ("US", "110"), (None, "125")],
)
def test_other_country(region: str | None, number: str) -> None:
    """Emergency numbers of other countries, and longer numbers, do not count."""
    assert not is_emergency_number(number, region)


def test_additions() -> None:
    """Additional numbers are detected in the same way."""
    assert not is_emergency_number("9*31#555000", "DE")
    assert is_emergency_number("9555000", "DE", frozenset({"555000"}))


@pytest.mark.parametrize("region", emergency._BY_REGION)  # noqa: SLF001 - what is in it
def test_table(region: str) -> None:
    """Countries have Home Assistant's codes, and numbers are short."""
    # Imported here, as it reads a large table.
    from homeassistant.generated.countries import COUNTRIES as KNOWN  # noqa: PLC0415

    assert region in KNOWN
    for number in emergency._BY_REGION[region].split():  # noqa: SLF001
        assert parse_emergency_number(number) == number
        assert is_emergency_number(number, region)


@pytest.mark.parametrize(
    "number",
    [
        "110",
        "0110",
        "9110",
        "00110",
        "90110",
        "+110",
        "+00110",
        "+0098110",
        "+98110",
        "0098110",
        "00980110",
        "98110",
        "90098110",
        "9+98110",
        "004900112",
        "0049112",
        "+49112",
        "+1911",
        "*31#112",
        "#31#0112",
        "112#",
        "*112",
        "**110##",
        "911",
        "999",
        "0999",
        "*67911",
        "*67110",
        "*31#9110",
        "*67*82110",
        "*31#*67+98110",
        "*679110",
        "*272911",
        "*390112",
    ],
)
def test_prefixes(number: str) -> None:
    """Prefixes and codes before an emergency number do not hide it."""
    assert is_emergency_number(number, "IR")


@pytest.mark.parametrize(
    "number",
    [
        "101",
        "200",
        "1100",
        "1110",
        "8110",
        "11",
        "09121234110",
        "02188880110",
        "+982188880110",
        # No country has such a code, or it is another number of that country.
        "00982112",
        "+999112",
        # Numbers that begin like prefixes.
        "900123112",
        "0113450112",
        # A mobile number that begins like several prefixes.
        "09900999110",
        "*98",
        "*8112",
        "*411112",
        "*31#09121234567",
        "1*10",
        "*",
        "+",
    ],
)
def test_not_an_emergency_number(number: str) -> None:
    """Other numbers do not count, even if they end in an emergency number."""
    assert not is_emergency_number(number, "IR")


@pytest.mark.parametrize(
    ("region", "number", "expected"),
    [
        # With other international prefixes, depending on the country.
        ("US", "0111911", True),
        ("US", "01144999", True),
        ("US", "1911", True),
        ("US", "9011911", True),
        ("US", "*67911", True),
        ("CA", "*67911", True),
        ("US", "901144999", False),
        ("US", "0113450112", False),
        ("JP", "01081119", True),
        ("RU", "8107112", True),
        ("AU", "0011000", True),
        # An ordinary number in Spain.
        ("ES", "900123112", False),
        ("ES", "900355112", False),
        ("ES", "0034091", True),
        ("FR", "*8115", True),
        (None, "0049112", True),
    ],
)
def test_prefixes_by_country(region: str | None, number: str, expected: bool) -> None:
    """Prefixes depend on the country."""
    assert is_emergency_number(number, region) is expected


@given(
    st.sampled_from("110 112 113 114 115 123 125 911 999".split()),  # noqa: SIM905
    st.sampled_from(["", "0", "9", "00"]),
    st.sampled_from(["", "+", "00", "+98", "0098", "98"]),
    st.sampled_from(["", "0"]),
    st.sampled_from(["", "*31#", "#31#", "*", "*67", "*82", "*272", "*31#*67"]),
    st.sampled_from(["", "#"]),
)
def test_emergency_behind_anything(
    number: str, outside: str, abroad: str, trunk: str, code: str, end: str
) -> None:
    """No combination of prefixes hides an emergency number."""
    assert is_emergency_number(f"{code}{outside}{abroad}{trunk}{number}{end}", "IR")


@given(
    st.sampled_from(["02", "03", "091", "099", "+989", "+4930"]),
    st.text("0123456789", min_size=1, max_size=8),
)
def test_national_numbers_are_no_emergency(area: str, number: str) -> None:
    """An ordinary phone number never counts."""
    assert not is_emergency_number(f"{area}{number:0>8}", "IR")


@pytest.mark.parametrize(
    ("number", "left"),
    [
        ("0912", ["0912"]),
        ("*31#0912", ["*31#0912", "0912", "#0912"]),
        ("*67911", ["*67911", "911"]),
        ("*2729", ["*2729", "29", "9"]),
        ("*98", ["*98"]),
        ("#31#", ["#31#"]),
    ],
)
def test_strip_codes(number: str, left: list[str]) -> None:
    """A number is returned, and the rest of it after each code."""
    assert list(strip_codes(number)) == left

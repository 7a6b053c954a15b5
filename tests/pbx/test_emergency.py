"""Tests of what is known of countries' numbers."""

import pytest

from custom_components.pbx.countries import COUNTRIES, ELSEWHERE, Country, country_of
from custom_components.pbx.policy import parse_emergency_number


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("IR", {"110", "112", "113", "115", "125"}),
        ("DE", {"110", "112"}),
        ("FR", {"15", "17", "18", "112", "114"}),
        ("ES", {"112", "061", "080", "091"}),
        ("GB", {"112", "999"}),
        ("US", {"911", "988"}),
        ("CA", {"911"}),
        ("AE", {"997", "998", "999"}),
        ("SA", {"911", "997", "998", "999"}),
        ("EG", {"122", "123", "180"}),
        ("TR", {"112", "155"}),
        ("AU", {"000", "112"}),
        (None, {"110", "112", "115", "911", "999"}),
        ("XX", {"110", "112", "115", "911", "999"}),
    ],
)
def test_emergency(name: str | None, numbers: set[str]) -> None:
    """The numbers that everybody in a country knows are in its list."""
    assert numbers <= set(country_of(name).emergency)


@pytest.mark.parametrize("country", [*COUNTRIES.values(), ELSEWHERE])
def test_table(country: Country) -> None:
    """Every list can be stored as it is, and has what mobile phones take."""
    code, trunk_prefix, exit_prefix, emergency = country

    assert {"112", "911", "999"} <= set(emergency)
    assert [parse_emergency_number(number) for number in emergency] == [*emergency]
    assert len(set(emergency)) == len(emergency)
    assert len(code) <= 3
    assert len(trunk_prefix) <= 2
    assert 2 <= len(exit_prefix) <= 4


@pytest.mark.parametrize("name", COUNTRIES)
def test_names(name: str) -> None:
    """The countries are named as Home Assistant names its own."""
    # Imported here, as it reads a large table.
    from homeassistant.generated.countries import COUNTRIES as KNOWN  # noqa: PLC0415

    assert name in KNOWN

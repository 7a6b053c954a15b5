"""Detection of emergency numbers, even after prefixes and codes.

Combines the numbers of `phonenumbers` with a table, as each lacks some of the other's.
To be safe, a number counts even if it reaches help from only some phones of a country.
"""

from collections.abc import Iterator
from functools import lru_cache
import re
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.shortnumberinfo import SUPPORTED_SHORT_REGIONS

# Mobile phones reach help with these in most countries.
_WORLDWIDE: Final = frozenset({"112", "911", "999"})

# Emergency numbers of many countries, used if the country is unknown.
_UNKNOWN_REGION: Final = frozenset(
    ["000", "110", "112", "113", "115", "117", "118", "119", "911", "999"],
)

_BY_REGION: Final = {
    "AE": "996 997 998",
    "AF": "100 102 119",
    "AM": "101 102 103",
    "AR": "100 101 107",
    "AT": "122 133 140 144",
    "AU": "000 106",
    "AZ": "101 102 103",
    "BE": "100 101",
    "BG": "150 160 166",
    "BH": "199",
    "BR": "190 191 192 193",
    "CA": "988",
    "CH": "117 118 144 1414",
    "CN": "110 119 120 122",
    "CY": "199",
    "CZ": "150 155 156 158",
    "DE": "110",
    "DK": "114",
    "EE": "110",
    "EG": "122 123 126 128 129 180",
    "ES": "061 062 080 085 088 091 092",
    "FR": "15 17 18 114 115 119 191 196 197",
    "GE": "111",
    "GR": "100 108 166 199",
    "HR": "192 193 194 195",
    "HU": "104 105 107",
    "ID": "110 113 115 118 119",
    "IL": "100 101 102",
    "IN": "100 101 102 108",
    "IQ": "104 115 122",
    "IR": "110 113 114 115 123 125",
    "IT": "113 114 115 117 118 1530",
    "JP": "110 118 119",
    "KR": "119",
    "KZ": "101 102 103 104",
    "LB": "125 140 175",
    "LU": "113",
    "LV": "110 113",
    "MA": "15 19 177 190",
    "NO": "110 113",
    "NZ": "111",
    "OM": "9999",
    "PK": "15 16 115 1122",
    "PL": "986 997 998",
    "PT": "115",
    "RU": "101 102 103 104",
    "SA": "937 993 996 997 998",
    "SG": "995",
    "SI": "113",
    "SK": "150 155 158",
    "SY": "110 113",
    "TJ": "101 102 103",
    "TN": "190 197 198",
    "TR": "110 155 156 158 177",
    "UA": "101 102 103 104",
    "US": "988",
    "UZ": "101 102 103",
    "ZA": "10111 10177",
}

_LONGEST: Final = 6
_REGION_NUMBERS: Final = {
    name: frozenset(row.split()) for name, row in _BY_REGION.items()
}
_KNOWN_REGIONS: Final = frozenset({*_BY_REGION, *SUPPORTED_SHORT_REGIONS})
# Prefixes that are dialed in a PBX to get an outside line.
_OUTSIDE_LINE: Final = "0|9|00"
# The international prefix of most countries, dialed in place of a plus sign.
_PLUS: Final = "00"

# "*31#" withholds the caller ID, as does "*67" in North America, where a code that
# begins with 2 or 3 may have three digits.
_CODES: Final = (
    re.compile(r"[*#]+[0-9]+#+"),
    re.compile(r"\*+[0-9]{2}"),
    re.compile(r"\*+[23][0-9]{2}"),
)


def is_emergency_number(
    number: str, region: str | None, additions: frozenset[str] = frozenset()
) -> bool:
    """Return whether a number may reach emergency services, even after prefixes.

    Args:
        number: number as dialed.
        region: ISO 3166 code of the country; None if unknown.
        additions: additional emergency numbers of up to six digits.
    """
    return any(
        _is_emergency(part, region, additions)
        for dialed in strip_codes(number)
        for part in re.split(r"[*#]+", dialed)
    )


def strip_codes(number: str) -> Iterator[str]:
    """Yield a number, and the rest of it after each code such as ``*31#``."""
    yield number
    for code in _CODES:
        if (found := code.match(number)) and (rest := number[found.end() :]):
            yield from strip_codes(rest)


def _is_emergency(number: str, region: str | None, additions: frozenset[str]) -> bool:
    prefix = _dialing_prefix(region)
    return any(
        prefix.fullmatch(number[:-length])
        and _is_emergency_exact(number[-length:], region, additions)
        for length in range(2, _LONGEST + 1)
    )


def _is_emergency_exact(
    number: str, region: str | None, additions: frozenset[str]
) -> bool:
    """Return whether a number without any prefix is an emergency number."""
    if number in additions or number in _WORLDWIDE:
        return True
    if region is None or region not in _KNOWN_REGIONS:
        return number in _UNKNOWN_REGION
    return number in _REGION_NUMBERS.get(
        region, ()
    ) or phonenumbers.is_emergency_number(number, region)


@lru_cache
def _dialing_prefix(region: str | None) -> re.Pattern[str]:
    """Return a regular expression of what may be dialed before an emergency number."""
    metadata = PhoneMetadata.metadata_for_region(region) if region else None
    home = metadata.country_code if metadata else ""
    exit_prefix = metadata.international_prefix if metadata else None
    # A PBX may drop a plus sign that it does not support.
    plus = rf"(?:\+|\+?{_PLUS}|{exit_prefix or _PLUS})"
    codes = "|".join(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
    # Country codes are not combined with the prefix of an outside line, as 900 355 112
    # is an ordinary number in Spain.
    return re.compile(
        rf"(?:{_OUTSIDE_LINE})?{plus}?(?:{home})?0?|{plus}(?:{codes})0{{0,2}}"
    )
